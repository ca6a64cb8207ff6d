"""What a fresh local stage needs besides its deployment: the simulator's token in the vendor secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minutemend.wiring.clients import Clients

    from local.stack import LocalStack


def clients_of(stack: LocalStack) -> Clients:
    """Clients that lead to a local stage, whatever the environment says."""
    from minutemend.wiring.clients import Clients

    from local.ministack import KEYS, REGION

    return Clients(region=REGION, endpoint=stack.endpoint, keys=KEYS)


def store_token(stack: LocalStack) -> None:
    """Put the token of a local stage into its vendor secret, for each vendor."""
    tokens = {
        "finnhub": stack.token,
        "alpaca": {"key": stack.token, "secret": stack.token},
        "binance": stack.token,
    }
    clients_of(stack).secrets.put_secret_value(SecretId=stack.outputs["VendorSecret"], SecretString=json.dumps(tokens))


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
