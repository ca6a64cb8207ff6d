"""The board in one DynamoDB table: partition key `pk`, items expire by `expires` (epoch seconds).

    audit#<audit id>               latest (the highest attempt that was opened)
    attempt#<audit id>#<attempt>   jobs, settled, token
    job#<job id>                   lease (epoch milliseconds at which it ends), tries, outcome
    vendor#<name>                  minute (epoch minute), taken, paused (epoch milliseconds)

Every read is strongly consistent. Reading and writing races are decided by conditions, never by order.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from minutemend.core.minutes import EPOCH, MINUTE, epoch_minute
from minutemend.ports.board import FAILED, Board, Claim, ClaimStatus, Progress

_KEEP = timedelta(days=14)  # as long as SQS may keep a message
_CONFLICT_TRIES = 8  # waits up to 0.05, 0.1, 0.2 … s: 6 s in all at the most
_MILLISECOND = timedelta(milliseconds=1)

Item = dict[str, dict[str, Any]]


class DynamoBoard(Board):
    """`clock` only dates the items' expiry."""

    def __init__(
        self,
        dynamodb: Any,
        table: str,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._db = dynamodb
        self._table = table
        self._clock = clock
        self._sleep = sleep

    def open_attempt(self, audit_id: str, attempt: int, *, jobs: int) -> None:
        self._update(
            _attempt(audit_id, attempt), "SET jobs = :jobs, expires = :expires", {":jobs": jobs, **self._expires()}
        )

        try:
            self._update(
                _audit(audit_id),
                "SET latest = :attempt, expires = :expires",
                {":attempt": attempt, **self._expires()},
                condition="attribute_not_exists(latest) OR latest < :attempt",
            )
        except ClientError as error:
            _refused(error)  # opened again, or late

    def latest_attempt(self, audit_id: str) -> int:
        return int(self._get(_audit(audit_id)).get("latest", {"N": "0"})["N"])

    def wait(self, audit_id: str, attempt: int, *, token: str) -> Progress:
        item = self._update(
            _attempt(audit_id, attempt),
            "SET #token = :token, expires = :expires",
            {":token": token, **self._expires()},
            names={"#token": "token"},
        )
        return _progress(item)

    def progress(self, audit_id: str, attempt: int) -> Progress:
        """How far an attempt is, for a person who watches it; nobody waits by it."""
        return _progress(self._get(_attempt(audit_id, attempt)))

    def claim(self, job_id: str, *, now: datetime, lease: timedelta, redo: bool = False) -> Claim:
        until = _milliseconds(now + lease)
        free = "(attribute_not_exists(lease) OR lease <= :now)"
        values = {":lease": until, ":now": _milliseconds(now), ":one": 1, **self._expires()}
        try:
            item = self._update(
                _job(job_id),
                "SET lease = :lease, expires = :expires ADD tries :one",
                values,
                condition=f"attribute_not_exists(outcome) AND {free}",
            )
            return Claim(ClaimStatus.GRANTED, _instant(item["lease"]), tries=int(item["tries"]["N"]))
        except ClientError as error:
            refused = _refused(error)
        outcome = refused.get("outcome", {}).get("S")
        if outcome is None:
            return Claim(ClaimStatus.BUSY, _instant(refused["lease"]) if "lease" in refused else None)
        if not redo or outcome != FAILED:
            return Claim(ClaimStatus.SETTLED)
        try:
            # Redriven by a person: its tries begin anew when it is first taken up again.
            self._update(
                _job(job_id),
                "SET lease = :lease, expires = :expires, tries = :one",
                {**values, ":failed": FAILED},
                condition=f"outcome = :failed AND {free}",
            )
            return Claim(ClaimStatus.GRANTED, _instant({"N": str(until)}), tries=1)
        except ClientError as error:
            refused = _refused(error)
        if refused.get("outcome", {}).get("S") != FAILED:
            return Claim(ClaimStatus.SETTLED)
        return Claim(ClaimStatus.BUSY, _instant(refused["lease"]) if "lease" in refused else None)

    def release(self, job_id: str, claim: Claim, *, tried: bool = False) -> None:
        if claim.until is None:
            return
        update, values = "REMOVE lease", {":lease": _milliseconds(claim.until)}
        if not tried:
            update, values = f"{update} ADD tries :back", {**values, ":back": -1}
        try:
            self._update(_job(job_id), update, values, condition="lease = :lease")
        except ClientError as error:
            _refused(error)  # somebody else's by now

    def settle(self, job_id: str, *, audit_id: str, attempt: int, outcome: str) -> Progress:
        for one_try in range(_CONFLICT_TRIES):
            try:
                self._settle_once(job_id, audit_id, attempt, outcome)
                break
            except ClientError as error:
                reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", ())]
                if "ConditionalCheckFailed" in reasons:  # settled before, and counted then
                    self._better(job_id, outcome)
                    break
                if not _conflict(error, reasons) or one_try == _CONFLICT_TRIES - 1:
                    raise
                self._sleep(random.uniform(0, 0.05 * 2**one_try))  # noqa: S311 (jitter)
        return _progress(self._get(_attempt(audit_id, attempt)))

    def take(self, vendor: str, *, per_minute: int, now: datetime) -> timedelta:
        minute, names = epoch_minute(now), {"#minute": "minute"}
        free = "(attribute_not_exists(paused) OR paused <= :now)"
        values = {":minute": minute, ":now": _milliseconds(now), ":one": 1}
        try:
            condition = f"#minute = :minute AND taken < :limit AND {free}"
            self._update(_vendor(vendor), "ADD taken :one", {**values, ":limit": per_minute}, condition, names)
            return timedelta(0)
        except ClientError as error:
            item = _refused(error)
        paused = _instant(item["paused"]) if "paused" in item else now
        if paused > now:
            return paused - now
        if int(item.get("minute", {"N": "-1"})["N"]) < minute and per_minute > 0:
            try:
                condition = f"(attribute_not_exists(#minute) OR #minute < :minute) AND {free}"
                self._update(_vendor(vendor), "SET #minute = :minute, taken = :one", values, condition, names)
                return timedelta(0)
            except ClientError as error:
                _refused(error)
                return timedelta(seconds=1)  # another worker began this minute, or paused, just now
        return EPOCH + (minute + 1) * MINUTE - now

    def pause(self, vendor: str, *, until: datetime) -> None:
        values = {":until": _milliseconds(until)}
        try:
            self._update(
                _vendor(vendor),
                "SET paused = :until",
                values,
                condition="attribute_not_exists(paused) OR paused < :until",
            )
        except ClientError as error:
            _refused(error)  # a longer pause is on already

    def _settle_once(self, job_id: str, audit_id: str, attempt: int, outcome: str) -> None:
        expires = _typed(self._expires())
        self._db.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        "TableName": self._table,
                        "Key": _job(job_id),
                        "UpdateExpression": "SET outcome = :outcome, expires = :expires REMOVE lease",
                        "ConditionExpression": "attribute_not_exists(outcome)",
                        "ExpressionAttributeValues": {":outcome": {"S": outcome}, **expires},
                    }
                },
                {
                    "Update": {
                        "TableName": self._table,
                        "Key": _attempt(audit_id, attempt),
                        "UpdateExpression": "SET expires = :expires ADD settled :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}, **expires},
                    }
                },
            ]
        )

    def _better(self, job_id: str, outcome: str) -> None:
        if outcome == FAILED:
            return
        try:
            self._update(
                _job(job_id),
                "SET outcome = :outcome REMOVE lease",
                {":outcome": outcome, ":failed": FAILED},
                condition="outcome = :failed",
            )
        except ClientError as error:
            _refused(error)

    def _get(self, key: Item) -> Item:
        found: Item = self._db.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
        return found

    def _update(
        self,
        key: Item,
        update: str,
        values: dict[str, Any],
        condition: str | None = None,
        names: dict[str, str] | None = None,
    ) -> Item:
        extra: dict[str, Any] = {}
        if condition is not None:
            extra = {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if names is not None:
            extra["ExpressionAttributeNames"] = names
        answer = self._db.update_item(
            TableName=self._table,
            Key=key,
            UpdateExpression=update,
            ExpressionAttributeValues=_typed(values),
            ReturnValues="ALL_NEW",
            **extra,
        )
        found: Item = answer.get("Attributes", {})
        return found

    def _expires(self) -> dict[str, int]:
        return {":expires": int((self._clock() + _KEEP).timestamp())}


def _attempt(audit_id: str, attempt: int) -> Item:
    return {"pk": {"S": f"attempt#{audit_id}#{attempt}"}}


def _audit(audit_id: str) -> Item:
    return {"pk": {"S": f"audit#{audit_id}"}}


def _job(job_id: str) -> Item:
    return {"pk": {"S": f"job#{job_id}"}}


def _vendor(name: str) -> Item:
    return {"pk": {"S": f"vendor#{name}"}}


def _typed(values: dict[str, Any]) -> Item:
    return {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in values.items()}


def _progress(item: Item) -> Progress:
    # An attempt that nobody opened has no number of jobs: it is not done, whatever was settled.
    jobs = int(item["jobs"]["N"]) if "jobs" in item else 2**31
    return Progress(jobs=jobs, settled=int(item.get("settled", {"N": "0"})["N"]), token=item.get("token", {}).get("S"))


def _milliseconds(instant: datetime) -> int:
    return (instant - EPOCH) // _MILLISECOND


def _instant(value: dict[str, Any]) -> datetime:
    return EPOCH + int(value["N"]) * _MILLISECOND


def _refused(error: ClientError) -> Item:
    """The item that failed a condition. Raises any other error."""
    if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
        raise error
    item: Item = error.response.get("Item", {})
    return item


def _conflict(error: ClientError, reasons: list[Any]) -> bool:
    code = error.response.get("Error", {}).get("Code")
    return "TransactionConflict" in reasons or code in {
        "TransactionConflictException",
        "TransactionInProgressException",
    }
