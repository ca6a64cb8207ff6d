"""`mend demo --live`: a trading day through the local stack at high speed, with requests lost on purpose.

Each minute's schedule and each hour's audit run by the instants that they are for (local/replay.py): what is seen
here is what the stage does by itself, some hundred times faster.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from minutemend.core.minutes import MINUTE, Range

from mend.live_view import Day, HourLine, lines, problems, render

if TYPE_CHECKING:
    import pandas as pd

    from local.replay import Minute, Replay
    from local.stack import LocalStack
    from mend.follow import Followed, Look
    from mend.stage import Stage

NAME = "live"
FIRST, LAST = "2025-11-03", "2025-11-25"  # sessions of a common length: Thanksgiving week has a half day
AUDITS_AT_ONCE = 2
# On a stage of its own the night's sweep looks again at what an hour's audit could not mend: the vendor may have been
# down for as long as that took. Here the night comes at once, and once more.
NIGHTS = 2


def run(*, seed: int, keep: bool) -> int:
    """Replay the day that `seed` chooses (each loses other minutes). Exit code 0 when it ends whole and equal."""
    from mend.console import say
    from mend.local_stage import fresh_stage

    session = _session(seed)
    with fresh_stage(NAME, keep=keep) as (local, stage):
        hours = Range(session.start.replace(minute=0), session.end)
        day = Day(
            f"{session.start:%A %Y-%m-%d}, from {hours.start:%H:%M} UTC; the flaw loses {_flaw(stage)} of requests"
        )
        whole = _show(stage, hours, day)
        code = _compare(local, stage, hours, session) if whole else 1
        if keep:
            say(f"left running; next: mend verdicts --stage local:{NAME} --start {session.start:%Y-%m-%dT%H:%MZ} …")
    return code


def _session(seed: int) -> Range:
    from mend.calendars.exchange_sessions import session_table

    rows = session_table(["XNYS"], first=FIRST, last=LAST).to_pylist()
    row = rows[seed % len(rows)]
    return Range(row["open"].replace(tzinfo=UTC), row["close"].replace(tzinfo=UTC))


def _flaw(stage: Stage) -> str:
    flaw = stage.settings.flaw
    return f"{flaw.rate:.0%}" if flaw else "none"


def _show(stage: Stage, hours: Range, day: Day) -> bool:
    """Replay under the live view; whether every audit ended well."""
    from rich.live import Live

    from mend.console import console, say

    day.hours = [HourLine(hour) for hour in hours.hours()]
    began = time.monotonic()
    terminal = console()

    def view() -> object:
        day.seconds = time.monotonic() - began
        return render(day, width=min(terminal.width, 110))

    with Live(console=terminal, get_renderable=view, refresh_per_second=4):  # type: ignore[arg-type]
        _replay(stage, day)
    if not terminal.is_terminal:
        for line in lines(day.hours):
            say(line)
    for problem in problems(day.hours):
        say(problem)
    return all(line.good for line in day.hours)


def _replay(stage: Stage, day: Day) -> None:
    """Capture hour by hour; each hour's audit runs while the next hours are captured. Then the night."""
    from local.replay import Replay

    replay = Replay(stage)
    with ThreadPoolExecutor(AUDITS_AT_ONCE) as pool:
        audits: list[Future[None]] = []
        for line in day.hours:
            line.state = "capturing"
            _capture(replay, line)
            replay.settle()
            line.state = "captured"
            audits.append(pool.submit(_audit, replay, line))
        for audit in audits:
            audit.result()
    for _ in range(NIGHTS):
        for line in day.hours:
            if not line.good:
                _audit(replay, line, again=True)


def _capture(replay: Replay, line: HourLine) -> None:
    lock = threading.Lock()

    def tell(minute: Minute) -> None:
        with lock:
            line.minutes += 1
            line.asked += minute.symbols
            line.dropped += len(minute.dropped)

    replay.capture((line.start + n * MINUTE for n in range(60)), tell=tell)


def _audit(replay: Replay, line: HourLine, *, again: bool = False) -> None:
    from mend.console import count
    from mend.follow import follow

    def tell(news: Look | int, followed: Followed) -> None:
        if isinstance(news, int):
            line.requests += news
            line.state = f"repairing, attempt {max(followed.jobs)}"
            return
        line.expected, line.missing = news.expected, news.missing
        if line.missing_first is None:
            line.missing_first = news.missing
        line.state = "publishing" if news.missing == 0 else f"{count(news.missing, 'minute')} missing"

    line.good, line.state = None, "auditing again" if again else "auditing"
    arn = replay.audit_again(line.start) if again else replay.audit(line.start)
    ended = follow(replay.stage, arn, tell=tell).execution
    line.good = ended.status == "SUCCEEDED"
    line.state, line.cause = ("whole, published", None) if line.good else (f"{ended.error}", ended.cause)


def _compare(local: LocalStack, stage: Stage, hours: Range, session: Range) -> int:
    """The facts in the lake beside those computed directly from the vendor's bars."""
    from local.replay import differing_facts, direct_facts, published_facts, vendor_bars
    from mend.console import count, say, show

    listings = {listing.symbol: listing.calendar for listing in stage.lake.symbols()}
    bars = vendor_bars(local, sorted(listings), hours)
    always = bars["symbol"].map(listings) == "24/7"
    bars = bars[always | ((bars["minute"] >= session.start) & (bars["minute"] < session.end))]
    ours, theirs = published_facts(stage, hours), direct_facts(bars)
    _show_facts(ours, hours.end - timedelta(hours=1))
    differing = differing_facts(ours, theirs)
    if differing:
        symbol, hour = differing[0]
        say(f"{len(differing)} of {len(theirs)} symbol-hours differ from the vendor's, first {symbol} at {hour:%H:%M}")
        return 1
    absent = int(ours["minutes_absent"].sum())
    marked = f"{count(absent, 'minute')} {'is' if absent == 1 else 'are'}"
    show(
        f"{len(theirs)} symbol-hours of facts equal those computed directly from the vendor's {len(bars):,} bars, "
        f"to the last digit; {marked} proven absent and marked so."
    )
    return 0


def _show_facts(facts: pd.DataFrame, hour: datetime) -> None:
    from mend.console import show_rows

    rows = facts.reset_index()
    rows = rows[rows["hour"] == hour].round(dict.fromkeys(("open", "high", "low", "close", "volume"), 2))
    shown = [
        {
            **{name: row[name] for name in ("symbol", "open", "high", "low", "close", "volume")},
            "minutes": f"{row['minutes_present']} of {row['minutes_expected']}",
        }
        for row in rows.to_dict("records")
    ]
    show_rows(shown, style="table", title=f"the facts of {hour:%H:%M} UTC")
