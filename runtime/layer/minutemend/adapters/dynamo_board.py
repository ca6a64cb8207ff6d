"""The board in one DynamoDB table, whose items are in board_items.py.

Every read is strongly consistent. Reading and writing races are decided by conditions, never by order.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from minutemend.adapters import board_items as items
from minutemend.adapters.board_items import Item
from minutemend.ports.board import FAILED, SECOND, Board, Claim, ClaimStatus, Grant, Limit, Progress, Sliding

_KEEP = timedelta(days=14)  # as long as SQS may keep a message
_CONFLICT_TRIES = 8  # waits up to 0.05, 0.1, 0.2 … s: 6 s in all at the most
_SLOT_TRIES = 6  # the loser of the race to begin a slot finds it begun


class _Refused(Exception):
    """An update's condition did not hold of `item`, which is there."""

    def __init__(self, item: Item) -> None:
        self.item = item


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
        opened = {":jobs": jobs, **self._expires()}
        self._update(items.key("attempt", audit_id, attempt), "SET jobs = :jobs, expires = :expires", opened)
        with suppress(_Refused):  # opened again, or late
            self._update(
                items.key("audit", audit_id),
                "SET latest = :attempt, expires = :expires",
                {":attempt": attempt, **self._expires()},
                condition="attribute_not_exists(latest) OR latest < :attempt",
            )

    def latest_attempt(self, audit_id: str) -> int:
        return int(self._get(items.key("audit", audit_id)).get("latest", {"N": "0"})["N"])

    def wait(self, audit_id: str, attempt: int, *, token: str) -> Progress:
        item = self._update(
            items.key("attempt", audit_id, attempt),
            "SET #token = :token, expires = :expires",
            {":token": token, **self._expires()},
            names={"#token": "token"},
        )
        return items.progress(item)

    def progress(self, audit_id: str, attempt: int) -> Progress:
        """How far an attempt is, for a person who watches it; it leaves no token."""
        return items.progress(self._get(items.key("attempt", audit_id, attempt)))

    def claim(self, job_id: str, *, now: datetime, lease: timedelta, redo: datetime | None = None) -> Claim:
        free = "(attribute_not_exists(lease) OR lease <= :now)"
        values: dict[str, Any] = {":lease": items.milliseconds(now + lease), ":now": items.milliseconds(now)}
        values |= {":one": 1, **self._expires()}
        counted = "SET lease = :lease, expires = :expires ADD tries :one"
        ways = [(counted, "attribute_not_exists(outcome)", values)]
        if redo is not None:
            # Redriven by a person: its tries begin anew when it is first taken up again, and are counted from there.
            anew = "SET lease = :lease, expires = :expires, tries = :one, redone = :redone"
            new = "(attribute_not_exists(redone) OR redone < :redone)"
            again = {**values, ":failed": FAILED, ":redone": items.milliseconds(redo)}
            ways += [(anew, f"outcome = :failed AND {new}", again)]
            ways += [(counted, "outcome = :failed AND redone >= :redone", again)]
        there: Item = {}
        for update, whose, given in ways:
            try:
                item = self._update(items.key("job", job_id), update, given, f"{whose} AND {free}")
                return Claim(ClaimStatus.GRANTED, items.instant(item["lease"]), tries=int(item["tries"]["N"]))
            except _Refused as refused:
                there = refused.item
        if "outcome" in there and (redo is None or there["outcome"]["S"] != FAILED):
            return Claim(ClaimStatus.SETTLED)
        return Claim(ClaimStatus.BUSY, items.instant(there["lease"]) if "lease" in there else None)

    def release(self, job_id: str, claim: Claim, *, tried: bool = False) -> None:
        if claim.until is None:
            return
        update, values = "REMOVE lease", {":lease": items.milliseconds(claim.until)}
        if not tried:
            update, values = f"{update} ADD tries :back", {**values, ":back": -1}
        with suppress(_Refused):  # somebody else's by now
            self._update(items.key("job", job_id), update, values, condition="lease = :lease")

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
        return items.progress(self._get(items.key("attempt", audit_id, attempt)))

    def stop(self, run: str) -> None:
        self._update(
            items.key("backfill", run), "SET stopped = :one, expires = :expires", {":one": 1, **self._expires()}
        )

    def stopped(self, run: str) -> bool:
        return "stopped" in self._get(items.key("backfill", run))

    def _take(self, name: str, requests: int, limit: Limit, sliding: Sliding, now: datetime) -> Grant:
        """Each adds what it wants to `taken`, which may so pass the limit, and has what of its own share lies below
        it: one write, and the shares of all that were at it together are the limit at most. Who finds the slot
        over begins the next, with what still counts of those before it."""
        running = sliding.number(now)
        free = "(attribute_not_exists(paused) OR paused <= :now)"
        values = {":now": items.milliseconds(now), ":requests": requests}
        for _ in range(_SLOT_TRIES):
            try:
                update = f"ADD taken :requests, {items.count(running, sliding)} :requests"
                condition = f"slot = :slot AND taken < :limit AND {free}"
                item = self._update(
                    items.key("vendor", name), update, {**values, ":slot": running, ":limit": limit.mine}, condition
                )
                left = limit.mine - int(item["taken"]["N"]) + requests
                return _grant(requests, left, sliding.wait(items.counts(item, sliding), now))
            except _Refused as refused:
                item = refused.item
            if "paused" in item and items.instant(item["paused"]) > now:
                return Grant(0, items.instant(item["paused"]) - now)
            newest, counts = items.newest(item), items.counts(item, sliding, limit=limit.whole)
            if newest > running:  # our clock is behind: what others began holds for us
                running = newest
                continue
            kept = {slot: counts.get(slot, 0) for slot in range(running - sliding.earlier, running + 1)}
            left = limit.mine - sum(kept.values())
            if newest == running or left < 1:
                return Grant(0, sliding.wait(kept, now))
            kept[running] = min(requests, left)
            with suppress(_Refused):  # another worker began this slot, or paused, just now
                update, begun, unchanged = items.begin(item, kept, sliding)
                now_free = {**begun, ":now": values[":now"]}
                self._update(items.key("vendor", name), update, now_free, f"{unchanged} AND {free}")
                return _grant(requests, left, sliding.wait(kept, now))
        return Grant(0, SECOND)

    def pause(self, vendor: str, *, until: datetime) -> None:
        values, sooner = {":until": items.milliseconds(until)}, "attribute_not_exists(paused) OR paused < :until"
        with suppress(_Refused):  # a longer pause is on already
            self._update(items.key("vendor", vendor), "SET paused = :until", values, sooner)

    def paused(self, vendor: str) -> datetime | None:
        item = self._get(items.key("vendor", vendor))
        return items.instant(item["paused"]) if "paused" in item else None

    def _settle_once(self, job_id: str, audit_id: str, attempt: int, outcome: str) -> None:
        settled = self._change(
            items.key("job", job_id),
            "SET outcome = :outcome, expires = :expires REMOVE lease",
            {":outcome": outcome, **self._expires()},
            condition="attribute_not_exists(outcome)",
        )
        one_more = {":one": 1, **self._expires()}
        attempt_item, count = items.key("attempt", audit_id, attempt), "SET expires = :expires ADD settled :one"
        counted = self._change(attempt_item, count, one_more)
        self._db.transact_write_items(TransactItems=[{"Update": settled}, {"Update": counted}])

    def _better(self, job_id: str, outcome: str) -> None:
        if outcome == FAILED:
            return
        values = {":outcome": outcome, ":failed": FAILED}
        with suppress(_Refused):
            self._update(items.key("job", job_id), "SET outcome = :outcome REMOVE lease", values, "outcome = :failed")

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
        """The item as it is from then on. Raises _Refused."""
        change = self._change(key, update, values, condition)
        if names is not None:
            change["ExpressionAttributeNames"] = names
        try:
            answer = self._db.update_item(
                **change, ReturnValues="ALL_NEW", ReturnValuesOnConditionCheckFailure="ALL_OLD"
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                raise
            raise _Refused(error.response.get("Item", {})) from None
        found: Item = answer.get("Attributes", {})
        return found

    def _change(self, key: Item, update: str, values: dict[str, Any], condition: str | None = None) -> dict[str, Any]:
        """An update as DynamoDB takes it, alone or in a transaction."""
        change: dict[str, Any] = {"TableName": self._table, "Key": key, "UpdateExpression": update}
        change["ExpressionAttributeValues"] = items.typed(values)
        if condition is not None:
            change["ConditionExpression"] = condition
        return change

    def _expires(self) -> dict[str, int]:
        return {":expires": int((self._clock() + _KEEP).timestamp())}


def _grant(requests: int, left: int, later: timedelta) -> Grant:
    return Grant(requests) if requests <= left else Grant(left, later)


def _conflict(error: ClientError, reasons: list[Any]) -> bool:
    code = error.response.get("Error", {}).get("Code")
    return "TransactionConflict" in reasons or code in {
        "TransactionConflictException",
        "TransactionInProgressException",
    }
