"""What a fresh local stage needs besides its deployment: the vendor's token, and the bars that are to be replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from minutemend.contract import VENDORS

from local.principals import make_principals

if TYPE_CHECKING:
    from minutemend.wiring.clients import Clients

    from local.stack import LocalStack


def clients_of(stack: LocalStack, user: str | None = None) -> Clients:
    """Clients of a user of a local stage (None: its operator) that lead to it, whatever the environment says."""
    from minutemend.wiring.clients import Clients

    from local.ministack import REGION

    keys = make_principals(stack.home)[user] if user else stack.keys
    return Clients(region=REGION, endpoint=stack.endpoint, keys=(keys.key, keys.secret), trusted=str(stack.certificate))


def store_token(stack: LocalStack) -> None:
    """Put the token of a local stage into its vendor secret, for each vendor, and its replay into the simulator."""
    tokens = {vendor.name: vendor.entry(stack.token) for vendor in VENDORS.values() if vendor.secret is not None}
    clients_of(stack).secrets.put_secret_value(SecretId=stack.outputs["VendorSecret"], SecretString=json.dumps(tokens))
    if stack.market and stack.replay:
        from market.client import MarketClient

        MarketClient(clients_of(stack), stack.market).replay(map(Path, stack.replay))


def resume(stack: LocalStack) -> LocalStack:
    """Start a stopped local stage again, with everything that it had.

    MiniStack 1.5.33 keeps what it was given, save Athena's workgroups: the stage's is made anew.
    """
    from minutemend.contract import ATHENA_PREFIX

    import local.stack

    again = local.stack.resume(stack)
    athena, name = clients_of(again).athena, again.outputs["Workgroup"]
    if name not in [group["Name"] for group in athena.list_work_groups()["WorkGroups"]]:
        place = {"OutputLocation": f"s3://{again.outputs['ResultsBucket']}/{ATHENA_PREFIX}"}
        athena.create_work_group(Name=name, Configuration={"ResultConfiguration": place})
    return again
