"""The items of the board's table: partition key `pk`, all but the vendors' expire by `expires` (epoch seconds).

audit#<audit id>               latest (the highest attempt that was opened)
attempt#<audit id>#<attempt>   jobs, settled, token
job#<job id>                   lease (epoch milliseconds at which it ends), tries, outcome, redone (the newest redrive)
vendor#<name>                  window (epoch minute), taken, paused (epoch milliseconds)
vendor#<name>#second           window (epoch second), taken; of vendors that limit the second
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from minutemend.core.minutes import EPOCH
from minutemend.ports.board import Progress

MILLISECOND = timedelta(milliseconds=1)

Item = dict[str, dict[str, Any]]


def attempt(audit_id: str, number: int) -> Item:
    return {"pk": {"S": f"attempt#{audit_id}#{number}"}}


def audit(audit_id: str) -> Item:
    return {"pk": {"S": f"audit#{audit_id}"}}


def job(job_id: str) -> Item:
    return {"pk": {"S": f"job#{job_id}"}}


def vendor(name: str) -> Item:
    return {"pk": {"S": f"vendor#{name}"}}


def typed(values: dict[str, Any]) -> Item:
    return {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in values.items()}


def progress(item: Item) -> Progress:
    # An attempt that nobody opened has no number of jobs: it is not done, whatever was settled.
    jobs = int(item["jobs"]["N"]) if "jobs" in item else 2**31
    return Progress(jobs=jobs, settled=int(item.get("settled", {"N": "0"})["N"]), token=item.get("token", {}).get("S"))


def milliseconds(instant: datetime) -> int:
    return (instant - EPOCH) // MILLISECOND


def instant(value: dict[str, Any]) -> datetime:
    return EPOCH + int(value["N"]) * MILLISECOND
