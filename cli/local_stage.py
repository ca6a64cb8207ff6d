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
