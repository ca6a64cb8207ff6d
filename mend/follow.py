"""Following an audit's execution attempt by attempt: what was missing, what each attempt repaired."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mend.aws.executions import Execution, Step
    from mend.stage import Stage

POLL_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Look:
    """One look of CheckDataHealth. `missing` are minutes; `gaps` by symbol, [(start, end)], half-open, UTC."""

    attempt: int  # attempts made before it
    at: datetime
    status: str
    expected: int
    missing: int
    gaps_key: str


@dataclass(slots=True)
class Followed:
    """What an execution came to, as far as it is known."""

    execution: Execution
    looks: list[Look] = field(default_factory=list)
    jobs: dict[int, int] = field(default_factory=dict)  # attempt -> requests queued
    largest_state: int = 0  # bytes


def follow(
    stage: Stage,
    arn: str,
    *,
    tell: Callable[[Look | int, Followed], None],
    watch: Callable[[int, int, int, datetime | None], None] = lambda *_: None,
    pause: Callable[[float], None] = time.sleep,
) -> Followed:
    """Follow an execution to its end. `tell` hears of every look, and of the number of requests of each attempt;
    `watch` of how far the newest attempt is: its number, how many of its requests are settled, of how many, until when
    a vendor wants to be let alone (None: none does)."""
    from mend.aws import executions

    machine = stage.clients.stepfunctions
    followed = Followed(executions.describe(machine, arn))
    seen = 0
    while True:
        followed.execution = executions.describe(machine, arn)
        for step in executions.steps(machine, arn, after=seen):
            seen = step.number
            followed.largest_state = max(followed.largest_state, step.size)
            for news in _news(step, followed):
                tell(news, followed)
        if not followed.execution.running:
            return followed
        if followed.jobs:
            attempt = max(followed.jobs)
            settled = stage.board.progress(followed.execution.name, attempt).settled
            pauses = stage.pauses(now=datetime.now(UTC)) if settled < followed.jobs[attempt] else {}
            watch(attempt, settled, followed.jobs[attempt], max(pauses.values(), default=None))
        pause(POLL_SECONDS)


def _news(step: Step, followed: Followed) -> Iterator[Look | int]:
    from minutemend.contract import Key, Status

    state: dict[str, Any] = step.output or {}
    if step.state == "CheckDataHealth" and state.get(Key.STATUS) != Status.REFUSED:
        look = Look(
            attempt=int(state[Key.ATTEMPT]),
            at=step.at,
            status=str(state[Key.STATUS]),
            expected=int(state[Key.EXPECTED]),
            missing=int(state[Key.MISSING]),
            gaps_key=str(state[Key.GAPS_KEY]),
        )
        followed.looks.append(look)
        yield look
    elif step.state == "QueueRepairs":
        jobs = int(state.get(Key.JOBS, 0))
        followed.jobs[int(state[Key.ATTEMPT])] = jobs
        yield jobs


def gaps_of(stage: Stage, look: Look) -> dict[str, list[Any]]:
    """The ranges that a look found missing, by symbol, sorted."""
    from minutemend.adapters.s3_store import S3Store
    from minutemend.core.intervals import lanes, merge
    from minutemend.core.minutes import ranges_of
    from minutemend.services.working_files import get_needs

    gaps = get_needs(S3Store(stage.clients.s3, stage.output("ResultsBucket")), look.gaps_key).gaps
    lane, missing = lanes(merge(gaps.line.starts, gaps.line.ends))
    found: dict[str, list[Any]] = {}
    for at, one in zip(lane.tolist(), ranges_of(missing), strict=True):
        found.setdefault(gaps.names[at], []).append(one)
    return found


def describe_news(news: Look | int, followed: Followed) -> str:
    """One line for people."""
    if isinstance(news, int):
        attempt = max(followed.jobs)
        return f"attempt {attempt}: {news:,} {'request is' if news == 1 else 'requests are'} queued for the vendor"
    when = "at first" if news.attempt == 0 else f"after attempt {news.attempt}"
    if news.missing == 0:
        return f"{when}: all {news.expected:,} expected minutes are accounted for"
    less = ""
    if len(followed.looks) > 1:
        less = f" ({followed.looks[-2].missing - news.missing:,} settled by it)"
    verb = "is" if news.missing == 1 else "are"
    return f"{when}: {news.missing:,} of {news.expected:,} expected minutes {verb} missing{less}"
