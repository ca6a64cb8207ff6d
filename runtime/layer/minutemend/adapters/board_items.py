"""The items of the board's table: partition key `pk`, all but the vendors' expire by `expires` (epoch seconds).

audit#<audit id>               latest (the highest attempt that was opened)
attempt#<audit id>#<attempt>   jobs, settled, token
job#<job id>                   lease (epoch milliseconds at which it ends), tries, outcome, redone (the newest redrive)
backfill#<run>                 stopped (a run of a backfill that somebody stopped)
vendor#<name>                  slot (the newest, counted from 1970), c0 … (requests of each slot that still counts, by
                               slot modulo their number), taken (their sum), paused (epoch milliseconds)
vendor#<name>#second           likewise, of vendors that limit the second
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from minutemend.core.minutes import EPOCH
from minutemend.ports.board import Progress, Sliding

MILLISECOND = timedelta(milliseconds=1)

Item = dict[str, dict[str, Any]]


def key(kind: str, *names: object) -> Item:
    """The key of an item, as they stand above."""
    return {"pk": {"S": "#".join([kind, *map(str, names)])}}


def count(slot: int, sliding: Sliding) -> str:
    """The attribute that counts the requests of a slot."""
    return f"c{slot % (sliding.earlier + 1)}"


def newest(item: Item) -> int:
    return int(item.get("slot", {"N": "-1"})["N"])


def counts(item: Item, sliding: Sliding, *, limit: int | None = None) -> dict[int, int]:
    """Requests by slot. What was wanted and not given (the sum above `limit`) was added to the newest slot."""
    last = newest(item)
    found = {
        slot: int(item.get(count(slot, sliding), {"N": "0"})["N"]) for slot in range(last - sliding.earlier, last + 1)
    }
    if limit is not None:
        found[last] -= max(0, min(found[last], sum(found.values()) - limit))
    return found


def begin(item: Item, kept: dict[int, int], sliding: Sliding) -> tuple[str, dict[str, int], str]:
    """Update, values and condition that begin the newest slot of `kept`, unless another did since `item` was read."""
    fields = {count(slot, sliding): requests for slot, requests in kept.items()}
    update = ", ".join(["SET slot = :slot, taken = :taken", *(f"{field} = :{field}" for field in fields)])
    values = {f":{field}": requests for field, requests in fields.items()}
    values |= {":slot": max(kept), ":taken": sum(kept.values())}
    if "slot" not in item:
        return update, values, "attribute_not_exists(slot)"
    seen = {":old": newest(item), ":seen": int(item["taken"]["N"])}
    return update, {**values, **seen}, "slot = :old AND taken = :seen"


def typed(values: dict[str, Any]) -> Item:
    return {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in values.items()}


def progress(item: Item) -> Progress:
    # An attempt that was not opened has no number of jobs: it is not done, whatever was settled.
    jobs = int(item["jobs"]["N"]) if "jobs" in item else 2**31
    return Progress(jobs=jobs, settled=int(item.get("settled", {"N": "0"})["N"]), token=item.get("token", {}).get("S"))


def milliseconds(instant: datetime) -> int:
    return (instant - EPOCH) // MILLISECOND


def instant(value: dict[str, Any]) -> datetime:
    return EPOCH + int(value["N"]) * MILLISECOND
