"""The CDK app: `cdk synth` gives every stage, `cdk deploy minutemend-dev` one. infra/context.py lists the context."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from aws_cdk import App

from infra.context import stages_from_context
from infra.layer.interpreters import interpreter_for
from infra.settings import UnknownStage, UnsafeSettings
from infra.stacks.stage import StageStack


def new_app() -> App:
    """The app as the CDK command line gives it: context comes from there and from cdk.json."""
    return App(
        analytics_reporting=False,
        tree_metadata=False,
        # cfn-lint and cdk-nag do it in the tests; here it would take longer than everything else together.
        builtin_cloud_formation_validation=False,
    )


def main(app: App) -> None:
    """Synthesize; settings that cannot be are one message and exit code 2."""
    try:
        stages = stages_from_context(app.node.try_get_context)
    except (UnknownStage, UnsafeSettings) as error:
        sys.exit(_refuse(error))
    for settings in stages:
        interpreter_for(settings.python, install=True)  # to compile the layers with; without one, synth warns
        StageStack(app, settings.stack_name, settings=settings, year=datetime.now(UTC).year)
    app.synth()


def _refuse(error: ValueError) -> int:
    print(f"minutemend: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main(new_app())
