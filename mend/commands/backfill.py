"""`mend backfill`: any range and any number of symbols, as many ordinary audits. docs/backfill.md."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from mend import options
from mend.backfill.model import Asked, Course, State
from mend.commands.sessions import followed, told
from mend.console import count, progress, say, show, show_json, show_rows
from mend.options import AtStage, format_option, stage_option, symbols_option

if TYPE_CHECKING:
    from mend.backfill.backfills import Backfills
    from mend.stage import Stage

POLL_SECONDS = 2.0
SAY_SECONDS = 30.0  # how often progress is said where it cannot be drawn
wait_option = click.option("--wait", is_flag=True, help="Follow it to its end: windows, minutes, requests, time left.")


@click.group(invoke_without_command=True)
@click.option("--stage", type=AtStage, metavar="dev|prod|local[:NAME]", help="Which stage, as everywhere.")
@click.option("--start", metavar="TIME", help="Where the range starts, as for `mend repair`.")
@click.option("--end", metavar="TIME", help="Where the range ends, excluded.")
@symbols_option
@click.option("--attempts", type=click.IntRange(1, 10), default=3, show_default=True, help="As for `mend repair`.")
@click.option("--oldest-first", is_flag=True, help="Begin with the oldest window. Default: with the newest.")
@wait_option
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    stage: AtStage | None,
    start: str | None,
    end: str | None,
    symbols: str | None,
    attempts: int,
    oldest_first: bool,
    wait: bool,
    style: str,
) -> None:
    """Audit and repair years of any number of symbols, window by window, each window an ordinary audit.

    It takes its share of the vendor's limit and leaves the rest to what is captured and audited today. A window that
    fails costs itself alone and is listed at the end. Run twice it asks for nothing twice. With --wait the exit code is
    0 when every window is whole, 1 when some are not.

    \b
    Examples:
      mend plan --stage dev --start 2019-01-01 --end 2024-01-01
      mend backfill --stage dev --start 2019-01-01 --end 2024-01-01 --wait
      mend backfill stop --stage dev
      mend backfill resume --stage dev --wait
    """
    if ctx.invoked_subcommand:
        return
    if stage is None or start is None:
        raise click.UsageError(f"{'--stage' if stage is None else '--start'} is missing", ctx)
    from mend.backfill.backfills import backfills_of

    given = options.Asked(stage.stage, start, end, symbols)
    asked = Asked(given.past, given.wanted, attempts, oldest_first)
    windows = _windows(given.opened, asked)
    backfills = backfills_of(given.opened)
    backfill, begun = backfills.begin(asked, windows, now=given.now)
    if begun:
        expected = sum(one.expected for one in windows)
        say(
            f"{backfill.id}: {count(len(windows), 'window')} of {count(expected, 'expected minute')}, about "
            f"{count(backfills.requests_for(windows), 'request')} if all of them are missing"
        )
    else:
        say(f"{backfill.id} of this range is running already")
    _go_on(ctx, backfills, wait=wait, style=style)


@command.command()
@stage_option
@format_option
@click.pass_context
def status(ctx: click.Context, *, stage: AtStage, style: str) -> None:
    """How far the newest backfill is, and which of its windows are not whole. Exit code 1 when some are not."""
    backfills = _opened(stage)
    ctx.exit(_conclude(backfills, _newest(backfills), style))


@command.command()
@stage_option
def stop(stage: AtStage) -> None:
    """Stop the running backfill: no window is begun any more, and queued requests are not asked.

    What came until now stays. `mend backfill resume` goes on.
    """
    backfills = _opened(stage)
    backfill = backfills.stop()
    if backfill is None:
        show(f"no backfill is running in {backfills.opened.name}")
        return
    course = backfills.look(backfill)
    done, all_ = course.count(State.WHOLE), len(course.parts)
    show(f"{backfill.id} is stopped: {done:,} of {count(all_, 'window')} are whole")
    show(f"next: mend backfill resume --stage {backfills.opened.option}")


@command.command()
@stage_option
@wait_option
@format_option
@click.pass_context
def resume(ctx: click.Context, *, stage: AtStage, wait: bool, style: str) -> None:
    """Go on with the newest backfill: its windows that are not whole, and no other."""
    backfills = _opened(stage)
    backfill, windows = backfills.resume()
    if windows:
        say(f"{backfill.id}: {count(windows, 'window')} to go")
    elif backfills.look(backfill).running:
        say(f"{backfill.id} is running already")
    else:
        say(f"every window of {backfill.id} is whole")
    _go_on(ctx, backfills, wait=wait, style=style)


def _opened(stage: AtStage) -> Backfills:
    from mend.backfill.backfills import backfills_of

    return backfills_of(stage.opened)


def _newest(backfills: Backfills) -> Course:
    return backfills.look(backfills.newest()[0])


def _windows(opened: Stage, asked: Asked) -> list[Any]:
    """The windows of the range. Raises BadInput where no session is known, or none expects a minute."""
    from mend.backfill.windows import cut

    followed(opened, asked.symbols)
    scope = told(opened, asked.range, asked.symbols)
    listings = followed(opened, scope.request.symbols)
    sessions = opened.lake.calendars.sessions(asked.range, {one.calendar for one in listings})
    whole_list = scope.request.symbols is None
    return cut(listings, sessions, asked.range, whole_list=whole_list, oldest_first=asked.oldest_first)


def _go_on(ctx: click.Context, backfills: Backfills, *, wait: bool, style: str) -> None:
    if wait:
        ctx.exit(_conclude(backfills, _followed(backfills), style))
    course = _newest(backfills)
    if style == "json":
        show_json(as_rows(course))
    else:
        show(f"next: mend backfill status --stage {backfills.opened.option}")


def _followed(backfills: Backfills) -> Course:
    """Follow the newest run to its end."""
    course = _newest(backfills)
    said = time.monotonic()
    with progress("backfilling", total=len(course.parts), unit="windows") as bar:
        while course.running:
            bar.update(bar.task_ids[0], completed=_done(course), description=_line(course))
            if bar.disable and time.monotonic() - said > SAY_SECONDS:
                say(_line(course))
                said = time.monotonic()
            time.sleep(POLL_SECONDS)
            course = backfills.look(course.backfill)
    return course


def _done(course: Course) -> int:
    return course.count(State.WHOLE) + course.count(State.NOT_WHOLE)


def _line(course: Course) -> str:
    left = f"about {count(course.requests_left, 'request')} left, {_hours(course.time_left)} by the vendor's limit"
    return f"{_done(course):,} of {len(course.parts):,} windows, {count(course.settled, 'minute')} settled, {left}"


def _hours(time_left: timedelta) -> str:
    minutes = -(-int(time_left.total_seconds()) // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def as_rows(course: Course) -> dict[str, Any]:
    """The course for programs."""
    return {
        "backfill": course.backfill.id,
        "run": course.backfill.run,
        "status": course.status or "NOT_STARTED",
        **course.backfill.asked.as_json(),
        "windows": {state.name.lower(): course.count(state) for state in State},
        "minutes_expected": sum(part.window.expected for part in course.parts),
        "minutes_found_missing": sum(part.found for part in course.parts),
        "minutes_settled": course.settled,
        "requests": sum(part.requests for part in course.parts),
        "requests_left": course.requests_left,
        "seconds_left": round(course.time_left.total_seconds()),
        "not_whole": [
            {
                "start": part.window.range.start,
                "end": part.window.range.end,
                "symbols": part.window.symbols,
                "minutes_missing": part.missing,
                "reason": part.reason,
            }
            for part in course.not_whole
        ],
    }


def _conclude(backfills: Backfills, course: Course, style: str) -> int:
    """Say how it is and what to run next, and return the exit code."""
    whole = course.count(State.WHOLE) == len(course.parts)
    if style == "json":
        show_json(as_rows(course))
        return 0 if whole else 1
    how = {"RUNNING": "is running", "ABORTED": "is stopped", None: "was never started"}.get(course.status, "has ended")
    show(f"{course.backfill.id} of {course.backfill.asked.range} {how}: {_line(course)}")
    rows = [
        {**one, "symbols": "all" if one["symbols"] is None else f"{len(one['symbols']):,}"}
        for one in as_rows(course)["not_whole"]
    ]
    option = backfills.opened.option
    if rows:
        show_rows(rows, style=style, title=f"{count(len(rows), 'window')} not whole")
        first = course.not_whole[0].window
        named = f" --symbols {','.join(first.symbols)}" if first.symbols and len(first.symbols) <= 20 else ""
        show(
            f"next: mend verdicts --stage {option} --start {rows[0]['start']:%Y-%m-%dT%H:%MZ} "
            f"--end {rows[0]['end']:%Y-%m-%dT%H:%MZ}{named}"
        )
    if not whole and not course.running:
        show(f"next: mend backfill resume --stage {option}")
    return 0 if whole else 1
