"""`mend demo`: the whole system on this machine, healing a broken day in front of the reader."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from minutemend.contract import VENDORS, VendorSettings
from minutemend.core.minutes import Range, format_instant
from minutemend.core.verdicts import Verdict

from mend.aws import executions
from mend.console import Waiting, console, show, steps
from mend.console import tell as say
from mend.follow import Followed, Look, describe_news, follow, gaps_of
from mend.picture import strips, svg, verdicts_of

if TYPE_CHECKING:
    from local.stack import LocalStack
    from mend.stage import Stage

NAME = "demo"
DAY = datetime(2025, 11, 4, tzinfo=UTC)
SYMBOLS = ("AAPL", "AIG", "AMZN", "BAC", "GOOG", "IBM", "JPM", "MSFT", "SPY", "TSLA", "XOM")


@click.command()
@click.option("--seed", type=int, default=7, show_default=True, help="Which holes to make.")
@click.option("--keep", is_flag=True, help="Leave the stage running: `mend local down --name demo` stops it.")
@click.pass_context
def command(ctx: click.Context, *, seed: int, keep: bool) -> None:
    """Watch the whole system heal a broken day on this machine; no AWS account, no Docker, under a minute.

    Starts a local AWS of its own and a market simulator, deploys the template that ships, loads a trading day of 11
    symbols with holes, runs the state machine, and shows what was missing, what each attempt repaired, and the day
    before and after. Everything is stopped and removed at the end, and on Ctrl-C.

    \b
    Examples:
      mend demo
      mend demo --seed 42
      mend demo --keep
    """
    ctx.exit(_run(seed=seed, keep=keep))


def _run(*, seed: int, keep: bool) -> int:
    began = time.monotonic()
    with _fresh_stage(keep=keep) as (local, stage):
        deployed = time.monotonic()
        session = session_of(DAY)
        say(f"loading {session.start:%Y-%m-%d} of {len(SYMBOLS)} symbols, with holes")
        load_with_holes(local, stage, session, seed=seed)
        loaded = time.monotonic()
        code = _heal(stage, session)
        healed = time.monotonic()
        say(
            f"{healed - began:.0f} s in all: {deployed - began:.0f} s to start and deploy, "
            f"{loaded - deployed:.0f} s to load, {healed - loaded:.0f} s to heal"
        )
        if keep:
            say("left running; next: mend status --stage local:demo, and `mend local down --name demo` at the end")
    return code


@contextmanager
def _fresh_stage(*, keep: bool) -> Iterator[tuple[LocalStack, Stage]]:
    """A local stage with nothing in it, gone again afterwards unless `keep`."""
    import local.stack
    from mend.local_stage import store_token
    from mend.stage import open_stage

    local.stack.down(NAME)
    with steps() as step:
        started = local.stack.up(NAME, say=step, store_token=store_token)
    try:
        yield started, open_stage(f"local:{NAME}")
    except BaseException:
        local.stack.down(NAME)
        raise
    if not keep:
        local.stack.down(NAME)


def session_of(day: datetime) -> Range:
    """The XNYS session of a date, from the calendar that the audit goes by."""
    from mend.calendars.known import calendar_named

    (session,) = calendar_named("XNYS").sessions(day.date(), day.date())
    return session.range


def load_with_holes(local: LocalStack, stage: Stage, session: Range, *, seed: int) -> None:
    """Fetch the session from the simulator, by the code that the workers use, and load it less seeded holes."""
    from minutemend.adapters.http import UrllibHttp
    from minutemend.adapters.vendors import adapter_of
    from minutemend.core.answers import VendorRequest
    from minutemend.core.bars import to_table

    from local.holes import seeded_holes

    vendor = adapter_of(local.vendor)(
        VendorSettings(local.vendor, local.vendor_url, per_minute=6000, timeout=timedelta(seconds=30)),
        credentials=VENDORS[local.vendor].entry(local.token),
        http=UrllibHttp(),
        clock=lambda: datetime.now(UTC),
    )
    kept = []
    for symbol, holes in seeded_holes(session, SYMBOLS, seed=seed).items():
        answer = vendor.fetch(VendorRequest(local.vendor, (symbol,), session))
        kept += [bar for bar in answer.bars if not any(bar.minute in hole for hole in holes)]
    stage.lake.put_bars(to_table(kept, source=local.vendor, repair_id=None, captured_at=datetime.now(UTC)))


def _heal(stage: Stage, session: Range) -> int:
    """Run the state machine over the session and show its course."""
    before: dict[str, list[Verdict]] = {}
    missing: dict[str, list[Range]] = {}

    def tell(news: Look | int, followed: Followed) -> None:
        say(describe_news(news, followed))
        if isinstance(news, int):
            return
        now_missing = gaps_of(stage, news)
        if not before:
            for symbol in SYMBOLS:
                spans = {Verdict.MISSING: now_missing.get(symbol, [])}
                before[symbol] = verdicts_of(session, spans, otherwise=Verdict.PRESENT)
            show(strips("before", session, before, width=min(console().width, 110)))
        else:
            _settled(missing, now_missing)
        missing.clear()
        missing.update(now_missing)

    given = {"start": format_instant(session.start), "end": format_instant(session.end), "symbols": list(SYMBOLS)}
    name = f"demo-{secrets.token_hex(4)}"
    arn = executions.start(stage.clients.stepfunctions, stage.output("StateMachineArn"), given, name=name)
    say(f"running the state machine: execution {name}")
    waiting = Waiting("auditing")
    with console().status(waiting):

        def watch(attempt: int, settled: int, jobs: int, _paused: object) -> None:
            waiting.text = f"attempt {attempt}: {settled} of {jobs} requests are settled"

        followed = follow(stage, arn, tell=tell, watch=watch)
    after = _after(stage, session)
    show(strips("after", session, after, width=min(console().width, 110)))
    _keep_picture(session, before, after)
    return _conclusion(followed, after)


def _settled(before: Mapping[str, list[Range]], after: Mapping[str, list[Range]]) -> None:
    """A line for each symbol that the attempt has settled minutes of."""
    words = []
    for symbol, ranges in before.items():
        was, still = (sum(one.minutes for one in some) for some in (ranges, after.get(symbol, [])))
        if still < was:
            words.append(f"{symbol} {was - still}" + (f" of {was}" if still else ""))
    show("  minutes settled: " + ", ".join(words) if words else "  nothing settled")


def _after(stage: Stage, session: Range) -> dict[str, list[Verdict]]:
    from mend.spans import verdicts

    spans: dict[str, dict[Any, list[Range]]] = {symbol: {} for symbol in SYMBOLS}
    for span in verdicts(stage.lake, session, SYMBOLS):
        spans[span.symbol].setdefault(span.verdict, []).append(span.range)
    return {symbol: verdicts_of(session, spans[symbol], otherwise=Verdict.MISSING) for symbol in SYMBOLS}


def _keep_picture(session: Range, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    from local.deployment import ROOT

    path = ROOT / ".local" / "demo.svg"
    path.write_text(svg([("before", session, before), ("after", session, after)]))
    say(f"the same as a picture: {path.relative_to(ROOT)}")


def _conclusion(followed: Followed, after: Mapping[str, list[Verdict]]) -> int:
    minutes = [verdict for line in after.values() for verdict in line]
    told = ", ".join(f"{minutes.count(one):,} {one}" for one in Verdict if one in minutes)
    whole = Verdict.MISSING not in minutes and Verdict.FAILED not in minutes
    if followed.execution.status == "SUCCEEDED" and whole:
        say(f"the day is whole: {told}")
        return 0
    say(f"the day is not whole: {told}; {followed.execution.error}: {followed.execution.cause}")
    return 1
