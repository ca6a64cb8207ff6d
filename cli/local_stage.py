"""What a fresh local stage needs besides its deployment: the simulator's token in the vendor secret."""

from __future__ import annotations

import json
import os
from typing import Any


def store_token(stack: Any) -> None:
    """Put the token of a local stage (`local.stack.LocalStack`) into its vendor secret, for each vendor."""
    from minutemend.wiring.clients import Clients

    os.environ.update(stack.environment)
    tokens = {
        "finnhub": stack.token,
        "alpaca": {"key": stack.token, "secret": stack.token},
        "binance": stack.token,
    }
    Clients().secrets.put_secret_value(SecretId=stack.outputs["VendorSecret"], SecretString=json.dumps(tokens))


def resume(stack: Any) -> Any:
    """Start a stopped local stage again, with everything that it had.

    MiniStack 1.5.33 keeps what it was given, save Athena's workgroups: the stage's is made anew.
    """
    from minutemend.contract import ATHENA_PREFIX
    from minutemend.wiring.clients import Clients

    import local.stack

    again = local.stack.resume(stack)
    os.environ.update(again.environment)
    athena, name = Clients().athena, again.outputs["Workgroup"]
    if name not in [group["Name"] for group in athena.list_work_groups()["WorkGroups"]]:
        place = {"OutputLocation": f"s3://{again.outputs['ResultsBucket']}/{ATHENA_PREFIX}"}
        athena.create_work_group(Name=name, Configuration={"ResultConfiguration": place})
    return again
