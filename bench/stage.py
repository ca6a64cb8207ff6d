"""A local stage of its own for a benchmark, and the market simulator that its workers ask."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minutemend.contract import VENDORS


@contextmanager
def stage(vendor: str = "finnhub") -> Iterator[tuple[Any, Any, Any]]:
    """The stage, opened, the simulator, and the stage as a local one. Requests have no budget: that is not measured."""
    import local.stack
    from market.server import MarketServer
    from mend.local_stage import store_token
    from mend.stage import open_stage

    name, token = f"bench-{uuid.uuid4().hex[:6]}", uuid.uuid4().hex
    with MarketServer(credentials={vendor: VENDORS[vendor].entry(token)}) as market:
        held = local.stack.up(
            name, say=print, vendor=vendor, vendor_url=market.url, store_token=store_token, token=token
        )
        try:
            opened = open_stage(f"local:{name}")
            _raise_budget(held, opened.output("ProcessRepairsFunction"))
            yield opened, market, held
        finally:
            local.stack.down(name)


def _raise_budget(stack: Any, name: str) -> None:
    """By the administrator: the operator may not."""
    from local.principals import ADMINISTRATOR
    from mend.local_stage import clients_of

    functions = clients_of(stack, ADMINISTRATOR).functions
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    vendors = json.dumps([{**vendor, "per_minute": 10_000_000} for vendor in json.loads(variables["VENDORS"])])
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "VENDORS": vendors}}
    )
