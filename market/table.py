"""The simulator's state in a DynamoDB table: what it was ordered, what it counted, the bars that it replays.

One item, `state`, holds the orders (JSON) and the counts, an attribute each: `v#`vendor, `s#`symbol, `c#`status, and
`m#`number, the requests that a fault could have struck. `generation` is new with each order, so that a function that
remembers older ones counts nothing by them and reads again. All of it may be lost: the market is then as it was made.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from market.faults import Fault
from market.sources import DAY, Bars, Row, Source
from market.state import State

STATE = {"pk": {"S": "state"}}
ONE = {":one": {"N": "1"}}
NEW: dict[str, Any] = {"faults": [], "market": {}}
KINDS = {"v#": "vendors", "s#": "symbols", "c#": "statuses"}


class TableState(State):
    """`client` is a DynamoDB client. Safe for any number of functions at the same time."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table
        self._generation = ""
        self._orders: dict[str, Any] = NEW
        self._faults: tuple[Fault, ...] = ()

    @property
    def market(self) -> dict[str, Any]:
        """What the market was last ordered to be, as of the request that was met last: see handler.py."""
        return dict(self._orders["market"])

    def set(self, faults: Sequence[Fault]) -> None:
        self._order("faults", [asdict(fault) for fault in faults])

    def set_market(self, market: dict[str, Any]) -> None:
        self._order("market", market)

    def reset(self) -> None:
        self._update([], gone=[name for name in self._read() if name[:2] in KINDS])

    def meet(self, vendor: str, symbols: list[str], now: datetime) -> list[Fault]:
        while True:
            could = [number for number, fault in enumerate(self._faults) if fault.could_strike(vendor, symbols, now)]
            counted = [f"m#{number}" for number in could if self._faults[number].counted]
            names = [f"v#{vendor}", *(f"s#{symbol}" for symbol in sorted(set(symbols)) if symbol), *counted]
            try:
                met = self._add(names)
            except self._client.exceptions.ConditionalCheckFailedException:
                self._read()  # other orders came, or this process has seen none yet
                continue
            return [self._faults[n] for n in could if self._faults[n].chosen(int(met.get(f"m#{n}", "1")) - 1)]

    def over_limit(self, vendor: str, *, per_minute: int, clock_minute: int) -> bool:
        said = self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": f"window#{vendor}#{clock_minute}"}},
            UpdateExpression="ADD asked :one SET expires = :expires",
            ExpressionAttributeValues={**ONE, ":expires": {"N": str(clock_minute * 60 + 3600)}},
            ReturnValues="UPDATED_NEW",
        )
        return int(said["Attributes"]["asked"]["N"]) > per_minute

    def answered(self, status: str) -> None:
        self._update([f"c#{status}"])

    def counts(self) -> dict[str, object]:
        item = self._read()
        told: dict[str, dict[str, int]] = {word: {} for word in KINDS.values()}
        for name, value in item.items():
            if name[:2] in KINDS:
                told[KINDS[name[:2]]][name[2:]] = int(value["N"])
        orders = {"faults": [asdict(fault) for fault in self._faults], "market": self.market}
        return {"requests": sum(told["vendors"].values()), **told, **orders}

    def _order(self, what: str, value: object) -> None:
        met = [name for name in self._read() if name.startswith("m#")] if what == "faults" else []
        self._update([], gone=met, orders={**self._orders, what: value})
        self._read()

    def _read(self) -> dict[str, Any]:
        """The item; what is remembered of the orders is then what it holds."""
        item: dict[str, Any] = self._client.get_item(TableName=self._table, Key=STATE, ConsistentRead=True).get(
            "Item", {}
        )
        if not item:
            self._update([], orders=NEW, condition="attribute_not_exists(generation)")
            return self._read()
        self._generation = item["generation"]["S"]
        self._orders = json.loads(item["orders"]["S"])
        self._faults = tuple(Fault.from_json(fault) for fault in self._orders["faults"])
        return item

    def _add(self, names: list[str]) -> dict[str, str]:
        """Add one to each, unless other orders came: what they are then."""
        said = self._update(names, condition="generation = :known")
        return {name: value["N"] for name, value in said.get("Attributes", {}).items() if "N" in value}

    def _update(
        self,
        added: Iterable[str],
        *,
        gone: Sequence[str] = (),
        orders: dict[str, Any] | None = None,
        condition: str | None = None,
    ) -> dict[str, Any]:
        keys: dict[str, str] = {}
        values: dict[str, Any] = {}
        parts = []

        def key(name: str) -> str:
            keys[f"#n{len(keys)}"] = name
            return f"#n{len(keys) - 1}"

        if adds := [f"{key(name)} :one" for name in added]:
            parts.append(f"ADD {', '.join(adds)}")
            values |= ONE
        if gone:
            parts.append(f"REMOVE {', '.join(map(key, gone))}")
        if orders is not None:
            parts.append("SET orders = :orders, generation = :generation")
            values |= {":orders": {"S": json.dumps(orders)}, ":generation": {"S": secrets.token_hex(8)}}
        if condition and ":known" in condition:
            values[":known"] = {"S": self._generation}
        given = {
            "UpdateExpression": " ".join(parts),
            "ExpressionAttributeNames": keys,
            "ExpressionAttributeValues": values,
            "ConditionExpression": condition,
        }
        if not parts:
            return {}
        return dict(
            self._client.update_item(
                TableName=self._table,
                Key=STATE,
                ReturnValues="UPDATED_NEW",
                **{name: value for name, value in given.items() if value},
            )
        )


class TableBars(Source):
    """Bars to replay, one item a symbol and UTC day, below a name of their own (a digest)."""

    def __init__(self, client: Any, table: str, name: str) -> None:
        self._client, self._table, self._name = client, table, name
        self._day = lru_cache(maxsize=2000)(self._read_day)
        self._known = lru_cache(maxsize=10_000)(self._look_up)

    def knows(self, symbol: str) -> bool:
        return self._known(symbol)

    def rows(self, symbol: str, first: int, end: int) -> list[Row]:
        found: list[Row] = []
        if self.knows(symbol):
            for day in range(first // DAY, (end - 1) // DAY + 1):
                found += self._day(symbol, day).between(first, end)
        return found

    def _look_up(self, symbol: str) -> bool:
        return bool(self._get(symbol_key(self._name, symbol)))

    def _read_day(self, symbol: str, day: int) -> Bars:
        item = self._get(day_key(self._name, symbol, day))
        return Bars.from_bytes(zlib.decompress(item["bars"]["B"]) if item else b"")

    def _get(self, key: str) -> dict[str, Any]:
        return dict(self._client.get_item(TableName=self._table, Key={"pk": {"S": key}}).get("Item", {}))


def put_bars(client: Any, table: str, bars: Mapping[str, Bars]) -> str:
    """Put bars to replay into the table, and return their name: the same for the same bars."""
    digest = hashlib.sha256()
    for symbol in sorted(bars):
        digest.update(symbol.encode() + b"\0" + bars[symbol].to_bytes())
    name = digest.hexdigest()[:20]
    items: list[dict[str, Any]] = []
    for symbol, held in bars.items():
        items.append({"pk": {"S": symbol_key(name, symbol)}})
        for day in sorted({minute // DAY for minute in held.minutes}):
            part = Bars.of(held.between(day * DAY, (day + 1) * DAY)).to_bytes()
            items.append({"pk": {"S": day_key(name, symbol, day)}, "bars": {"B": zlib.compress(part)}})
    for first in range(0, len(items), 25):  # as many as one call takes
        asked = {table: [{"PutRequest": {"Item": item}} for item in items[first : first + 25]]}
        for wait in (0.1, 0.5, 2, 5, 10, None):
            asked = client.batch_write_item(RequestItems=asked).get("UnprocessedItems", {})
            if not asked:
                break
            if wait is None:
                raise RuntimeError(f"DynamoDB would not take the bars into {table}")
            time.sleep(wait)
    return name


def symbol_key(name: str, symbol: str) -> str:
    return f"replay#{name}#{symbol}"


def day_key(name: str, symbol: str, day: int) -> str:
    return f"replay#{name}#{symbol}#{day}"
