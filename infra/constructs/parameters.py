"""What is changed by hand without a deploy: the interested symbols, and the vendors' tokens."""

from __future__ import annotations

import json

from aws_cdk import RemovalPolicy
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from minutemend.contract import VENDORS

from infra.concerns import Concern, tag
from infra.constructs.grants import acknowledge
from infra.settings import StageSettings


class Parameters(Construct):
    """`symbols` (an SSM parameter) and `vendor_tokens` (a secret whose value never stands in a template)."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        # The first list: a stage takes it over once (services/interest.py). Not one property of it may change with a
        # release, for CloudFormation would then write its value anew, over the list that a person put there.
        self.symbols = ssm.StringParameter(
            self,
            "Symbols",
            parameter_name=f"/{settings.stack_name}/symbols",
            description="The interested symbols by calendar; change it at any time, no deploy is needed",
            string_value=settings.first_list,
            tier=ssm.ParameterTier.INTELLIGENT_TIERING,  # up to 4 KB costs nothing; 5,000 symbols need more
        )
        tag(self.symbols, Concern.CAPTURE)
        self.vendor_tokens = secretsmanager.Secret(
            self,
            "VendorTokens",
            secret_name=f"{settings.stack_name}/vendor-tokens",
            description=f"The tokens, put there by hand: {_entries()}",
            # Until somebody puts tokens there it holds an object without any: a worker can say which is missing.
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",  # noqa: S106 (the empty object, not a secret)
                generate_string_key="placeholder",
            ),
            # CloudFormation deletes a secret without a recovery window, so its name is free for the next deploy; the
            # tokens can be had from the vendors again.
            removal_policy=RemovalPolicy.DESTROY,
        )
        by_hand = "a vendor's token is made on the vendor's site by a person; no function could rotate it"
        acknowledge(self.vendor_tokens, "SMG4", reason=by_hand)
        tag(self.vendor_tokens, Concern.REPAIR)


def _entries() -> str:
    """What the vendor secret looks like, with an entry for each vendor that wants one."""
    entries = {
        name: vendor.entry() for name, vendor in sorted(VENDORS.items(), reverse=True) if vendor.secret is not None
    }
    return json.dumps(entries, ensure_ascii=False)
