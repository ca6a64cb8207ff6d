"""The CDK app: the stacks minutemend-dev and minutemend-prod, one for each stage of infra/settings.py.

`cdk synth` gives both, `cdk deploy minutemend-dev` deploys one. infra/context.py lists what `-c key=value` may say.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import infra  # noqa: F401 (before aws_cdk: jsii reads the environment once)

# isort: split
from aws_cdk import Annotations, App

from infra.rules import UnknownStage, UnsafeSettings

ROOT = Path(__file__).parent


def new_app(outdir: str | None = None) -> App:
    """The app with cdk.json's context, under the CDK's command line (whose `-c` wins) and without it."""
    return App(
        context=json.loads((ROOT / "cdk.json").read_text())["context"],
        outdir=outdir or os.environ.get("CDK_OUTDIR") or str(ROOT / "cdk.out"),
        analytics_reporting=False,
        tree_metadata=False,
        # cfn-lint and cdk-nag do it in the tests; here it would take longer than everything else together.
        builtin_cloud_formation_validation=False,
    )


def main(app: App, *, account: str | None = None) -> None:
    """Synthesize; settings that cannot be are one message and exit code 2. `account` is that of the credentials."""
    try:
        from infra.context import stages_from_context
        from infra.settings import guarded_accounts
        from infra.stacks.market import MarketStack
        from infra.stacks.stage import StageStack

        stages = stages_from_context(app.node.try_get_context)
    except (UnknownStage, UnsafeSettings) as error:
        print(f"minutemend: {error}", file=sys.stderr)
        sys.exit(2)
    for settings in stages:
        market = MarketStack(app, f"{settings.stack_name}-market", settings=settings) if settings.market else None
        stack = StageStack(app, settings.stack_name, settings=settings, market=market)
        if settings.account is None and account in (guarded := guarded_accounts()):
            Annotations.of(stack).add_error(
                f"{settings.name} names no account, and these credentials belong to {account}, that of "
                f"{guarded[account]}: other credentials, or shares_account=True there, would be right."
            )
    app.synth()


if __name__ == "__main__":
    main(new_app(), account=os.environ.get("CDK_DEFAULT_ACCOUNT"))
