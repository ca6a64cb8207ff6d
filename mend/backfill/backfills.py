"""A stage's backfill: begun, stopped, resumed, and how far it is.

In the results bucket: `backfills/current.json` names the newest backfill and its run; below `backfills/<id>/` lie its
windows and what each run was given of them. What became of a window is asked of Step Functions, by its audit's name.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from minutemend.contract import BACKFILL_SHARE, BACKFILLS_PREFIX, Key
from minutemend.core.errors import BadInput
from minutemend.core.minutes import format_instant
from minutemend.ports.store import Store, StoreConflict

from mend.aws import executions
from mend.backfill.model import Asked, Backfill, Course, Part, State
from mend.backfill.windows import Window
from mend.problems import Problem

if TYPE_CHECKING:
    from minutemend.ports import Board

    from mend.aws.executions import Execution
    from mend.stage import Stage

CURRENT = f"{BACKFILLS_PREFIX}current.json"
STOPPED = "Stopped"  # the audit machine's error for a window of a stopped run


@dataclass(slots=True)
class Backfills:
    """The backfills of one stage. What has ended is read once and remembered."""

    opened: Stage
    store: Store
    board: Board
    vendors: Sequence[tuple[str, int, int]]  # name, rows of an answer, requests a minute
    _ended: dict[str, Execution] = field(default_factory=dict)
    _last: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def current(self) -> tuple[Backfill | None, str | None]:
        """The newest backfill, if there is one, and the etag of what names it."""
        there = self.store.head(CURRENT)
        body = self.store.get(CURRENT) if there else None
        if there is None or body is None:
            return None, None
        return Backfill.from_json(json.loads(body)), there.etag

    def newest(self) -> tuple[Backfill, str | None]:
        """The same. Raises Problem where there is none."""
        backfill, etag = self.current()
        if backfill is None:
            raise Problem(f"there is no backfill in {self.opened.name}: it expired, or there never was one")
        return backfill, etag

    def begin(self, asked: Asked, windows: Sequence[Window], *, now: datetime) -> tuple[Backfill, bool]:
        """Start a backfill, and True; or the running one that was asked the same, and False. Raises BadInput for
        another that runs."""
        old, etag = self.current()
        if old is not None and self._status(old) == "RUNNING":
            if old.asked == asked:
                return old, False
            raise BadInput(
                f"the backfill of {old.asked.range} is running: to wait for it, or to stop it by `mend backfill stop "
                f"--stage {self.opened.option}`, would be right"
            )
        backfill = Backfill(f"backfill-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}", 1, now, asked)
        listed = [one.as_json() for one in windows]
        self.store.put(_windows_key(backfill), json.dumps(listed).encode())
        self._start(backfill, list(enumerate(windows)), etag)
        return backfill, True

    def resume(self) -> tuple[Backfill, int]:
        """Start the windows that are not whole, and how many these are: none when it runs, or all are whole."""
        old, etag = self.newest()
        course = self.look(old)
        todo = [(part.number, part.window) for part in course.parts if part.state is not State.WHOLE]
        if course.running or not todo:
            return old, 0
        backfill = replace(old, run=old.run + 1)
        self._start(backfill, todo, etag)
        return backfill, len(todo)

    def stop(self) -> Backfill | None:
        """Stop the running backfill, and return it; None when none runs. First the word that workers and audits see,
        then the execution: what starts in between sees the word."""
        backfill, _ = self.current()
        if backfill is None or self._status(backfill) != "RUNNING":
            return None
        self.board.stop(backfill.run_name)
        machine = self.opened.clients.stepfunctions
        machine.stop_execution(executionArn=self._arn(backfill), error=STOPPED, cause="by `mend backfill stop`")
        return backfill

    def look(self, backfill: Backfill) -> Course:
        """How far the backfill is, in all of its runs."""
        status = self._status(backfill)
        since = backfill.begun - timedelta(minutes=5)
        found = executions.named(self._sfn, self._audits, prefix=f"{backfill.id}-", since=since)
        by_number: dict[int, dict[int, str]] = {}
        for name in found:
            run, number = name.removeprefix(f"{backfill.id}-").split("-")
            by_number.setdefault(int(number), {})[int(run)] = name
        parts = [
            self._part(number, window, by_number.get(number, {}), found)
            for number, window in enumerate(self._windows(backfill))
        ]
        left = sum(part.left for part in parts) + self._to_come(parts)
        _, _, per_minute = self.vendors[0]
        time = timedelta(minutes=left / max(1, int(per_minute * BACKFILL_SHARE)))
        return Course(backfill, status, tuple(parts), left, time)

    def requests_for(self, windows: Sequence[Window]) -> int:
        """About how many requests they take if all of their minutes are missing."""
        return sum(-(-one.expected // self.vendors[0][1]) for one in windows)

    @property
    def _sfn(self) -> Any:
        return self.opened.clients.stepfunctions

    @property
    def _audits(self) -> str:
        return self.opened.output("StateMachineArn")

    def _arn(self, backfill: Backfill) -> str:
        return executions.execution_arn(self.opened.output("BackfillMachineArn"), backfill.run_name)

    def _status(self, backfill: Backfill) -> str | None:
        return executions.status_of(self._sfn, self._arn(backfill))

    def _windows(self, backfill: Backfill) -> list[Window]:
        body = self.store.get(_windows_key(backfill))
        if body is None:
            raise Problem(
                f"the windows of {backfill.id} have expired",
                hint="begin the backfill again: it asks for what is missing",
            )
        return [Window.from_json(one) for one in json.loads(body)]

    def _start(self, backfill: Backfill, windows: Sequence[tuple[int, Window]], etag: str | None) -> None:
        """Write the run's windows, say that it is the newest, and start it. Who comes second is told so."""
        key = f"{BACKFILLS_PREFIX}{backfill.id}/run-{backfill.run}.json"
        self.store.put(key, json.dumps([self._item(backfill, *one) for one in windows]).encode())
        try:
            self.store.put(CURRENT, json.dumps(backfill.as_json()).encode(), if_absent=etag is None, if_match=etag)
        except StoreConflict:
            raise Problem(
                "somebody else begins a backfill just now", hint=f"mend backfill status --stage {self.opened.option}"
            ) from None
        executions.start(self._sfn, self.opened.output("BackfillMachineArn"), {"key": key}, name=backfill.run_name)

    def _item(self, backfill: Backfill, number: int, window: Window) -> dict[str, Any]:
        given: dict[str, Any] = {
            "start": format_instant(window.range.start),
            "end": format_instant(window.range.end),
            "attempts": backfill.asked.attempts,
            "backfill": backfill.run_name,
        }
        if window.symbols is not None:
            given["symbols"] = list(window.symbols)
        return {"name": f"{backfill.run_name}-{number:05d}", "input": given}

    def _part(self, number: int, window: Window, runs: Mapping[int, str], status: Mapping[str, str]) -> Part:
        whole = [name for name in runs.values() if status[name] == "SUCCEEDED"]
        name = whole[0] if whole else runs.get(max(runs, default=0))
        if name is None:
            return Part(number, window, State.WAITING)
        if status[name] == "RUNNING":
            attempt = self.board.latest_attempt(name)
            progress = self.board.progress(name, attempt) if attempt else None
            open_ = max(0, progress.jobs - progress.settled) if progress else 0
            return Part(number, window, State.RUNNING, left=open_, requests=progress.settled if progress else 0)
        ended = self._ended_(name)
        last = self._last_look(ended)
        found, missing, queued = (int(last.get(key, 0)) for key in (Key.FOUND, Key.MISSING, Key.QUEUED))
        if ended.status == "SUCCEEDED":
            return Part(number, window, State.WHOLE, found, missing, queued)
        stopped = ended.status == "ABORTED" or ended.error == STOPPED
        reason = None if stopped else f"{ended.error or ended.status}: {ended.cause or ''}".rstrip(": ")
        state = State.WAITING if stopped else State.NOT_WHOLE
        return Part(number, window, state, found, missing, queued, reason=reason)

    def _ended_(self, name: str) -> Execution:
        if name not in self._ended:
            self._ended[name] = executions.describe(self._sfn, executions.execution_arn(self._audits, name))
        return self._ended[name]

    def _last_look(self, ended: Execution) -> Mapping[str, Any]:
        """The state of an audit as its last look left it."""
        if ended.name not in self._last:
            looks = dict(ended.output or {})
            if not looks:
                for step in executions.steps(self._sfn, ended.arn):
                    looks |= (step.output or {}) if step.state in ("CheckDataHealth", "QueueRepairs") else {}
            self._last[ended.name] = looks
        return self._last[ended.name]

    def _to_come(self, parts: Sequence[Part]) -> int:
        """About how many requests the windows that have not begun take: as many as those that are whole took for
        their minutes; if none is yet, as if all were missing."""
        waiting = [part.window for part in parts if part.state is State.WAITING]
        whole = [part for part in parts if part.state is State.WHOLE]
        seen = sum(part.window.expected for part in whole)
        if not seen:
            return self.requests_for(waiting)
        return round(sum(one.expected for one in waiting) * sum(part.requests for part in whole) / seen)


def _windows_key(backfill: Backfill) -> str:
    return f"{BACKFILLS_PREFIX}{backfill.id}/windows.json"


def backfills_of(opened: Stage) -> Backfills:
    """The backfills of a stage, over its clients."""
    from minutemend.adapters.s3_store import S3Store
    from minutemend.adapters.vendors import limits_of

    limits = [limits_of(vendor) for vendor in opened.vendors]
    return Backfills(
        opened,
        S3Store(opened.clients.s3, opened.output("ResultsBucket")),
        opened.board,
        [(one.name, one.archive or one.rows, one.per_minute) for one in limits],
    )
