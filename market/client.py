"""Orders to a deployed market simulator, by `lambda:InvokeFunction`, and the bars that it is to replay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from minutemend.core.errors import BadInput

from market.table import put_bars


class MarketClient:
    """The market stack of a stage. `clients` makes AWS clients; `outputs` are the market stack's."""

    def __init__(self, clients: Any, outputs: Mapping[str, str]) -> None:
        self._clients, self._outputs = clients, outputs

    @property
    def url(self) -> str:
        return self._outputs["MarketUrl"]

    def order(self, **given: object) -> dict[str, Any]:
        """`faults=[{"kind": "status", "status": 503}]`, `market={"seed": 7, "no_trade": 0.01}`, `reset=True`; counts
        after it. Raises BadInput with the simulator's words."""
        said = self._clients.functions.invoke(
            FunctionName=self._outputs["MarketFunction"], Payload=json.dumps({"control": given}).encode()
        )
        told: dict[str, Any] = json.loads(said["Payload"].read())
        if "FunctionError" in said:
            raise RuntimeError(f"{self._outputs['MarketFunction']} failed: {told}")
        if "error" in told:
            raise BadInput(str(told["error"]))
        return told

    def replay(self, files: Iterable[Path]) -> None:
        """From now on the market is what these Parquet files hold, and nothing else. Raises BadInput."""
        from market.parquet import read_bars

        name = put_bars(self._clients.dynamodb, self._outputs["MarketTable"], read_bars(files).bars)
        self.order(market={"replay": name})
