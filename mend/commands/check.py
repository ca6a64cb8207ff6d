"""`mend check`: the missing minutes in files of bars."""

from __future__ import annotations

import csv
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from minutemend.core.minutes import Range

from mend.console import BAD, GOOD, QUIET, cell, console, count, new_table, progress, show, show_json
from mend.options import a_file, bar_options, new_report
from mend.problems import Problem

if TYPE_CHECKING:
    import duckdb
    from minutemend.core.gaps import Gap

    from mend.check.check_result import CheckResult

T = TypeVar("T")
SHOWN_GAPS = 40
SHOWN_STRIPS = 24
PATIENCE = 1.0  # seconds before a progress bar appears


class _Calendar(click.ParamType):  # type: ignore[type-arg]
    name = "name"

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:  # noqa: ARG002
        """What would be right."""
        return "XNYS, XLON, XTKS, forex or 24/7 would be right, for example."


class _Share(click.FloatRange):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """A number; `nan` is none."""
        share: float = super().convert(value, param, ctx)
        return share if share == share else self.fail(f"{value!r} is no number.", param, ctx)  # noqa: PLR0124


@click.command(no_args_is_help=True)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--calendar",
    type=_Calendar(),
    required=True,
    metavar="NAME",
    help="XNYS, NYSE, forex, crypto, 24/7, or any name that exchange_calendars knows.",
)
@click.option("--symbols", metavar="A,B,…", help="Only these symbols. Default: every symbol in the files.")
@click.option("--start", metavar="TIME", help="2013-10-04T13:00:00Z, a date, yesterday or last-week (UTC).")
@click.option("--end", metavar="TIME", help="Where the range ends, excluded. Default: the end of the day of --start.")
@bar_options
@click.option("--cadence", metavar="1m|5m|1h|…", help="The time from bar to bar. Default: what the bars show.")
@click.option(
    "--closures",
    type=a_file,
    metavar="FILE",
    help="Closures, special hours, breaks, halts and listings, as `mend closures` records them.",
)
@click.option("--values", is_flag=True, help="Also flag values that cannot be right; the exit code stays as it is.")
@click.option("--fail-under", type=_Share(0, 100), metavar="PERCENT", help="Exit with 0 from so much on.")
@click.option("--report", type=new_report, metavar="FILE.html", help="Also write a report to open.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="A table for people, JSON for programs, or the gaps as CSV.",
)
@click.pass_context
def command(
    ctx: click.Context, /, *, report: Path | None, style: str, fail_under: float | None, **options: Any
) -> None:
    """Find the missing minutes in files of bars, of any common shape; needs no cloud.

    Parquet, CSV and other text, JSON, Feather; packed or not; folders, globs, Hive partitions, or - for standard input.
    What it works out (symbol, time, cadence, label) is said on standard error. Without --start it audits, for each
    symbol, the sessions from the one of its first row to the one of its last, with a price or without. --values flags
    spikes, frozen runs, filled minutes, splits and the like; a flagged bar is present all the same. Never whole are a
    folder with unread data, bars whose time or symbol cannot be read, several series under one name, and bars that
    plainly follow another calendar. Exit code 0: whole; 1: not; 2: unusable input.

    \b
    Examples:
      mend check examples/bars --calendar XNYS
      mend check 'archive/*.zip' --calendar crypto --format json
      mend check bars.parquet --calendar XNYS --values
      mend check lake/ --calendar XLON --start 2024-03-01 --end 2024-04-01 --report march.html
    """
    import duckdb

    from mend.check.check_files import CheckRequest, check_files

    request = CheckRequest(**options)
    if request.values and style == "csv":
        raise Problem("CSV has the gaps alone: --values with --format table or json would be right")
    now = datetime.now(UTC)
    with duckdb.connect() as connection:
        stage = ["looking at the files"]
        result = watched(
            connection,
            lambda: check_files(request, now=now, connection=connection, watch=stage.append),
            stage,
        )
    for line in result.said:
        click.echo(line, err=True)
    if report is not None:
        import shlex

        from mend.report.from_check import from_check
        from mend.report.page import write_page

        again = shlex.join(["mend", *sys.argv[1:]])
        write_page(report, from_check(result, command=again, written_at=now))
    if style == "json":
        show_json(result.as_json())
    elif style == "csv":
        for line in result.not_seen():
            click.echo(line, err=True)
        csv.writer(sys.stdout, lineterminator="\n").writerows(result.as_rows())
    else:
        show_result(result)
    if report is not None:
        click.echo(f"report: {report}", err=True)
    enough = result.whole if fail_under is None else result.all_seen and result.share >= fail_under
    ctx.exit(0 if enough else 1)


def watched(connection: duckdb.DuckDBPyConnection, work: Callable[[], T], stage: list[str]) -> T:
    """Do the work; on a terminal, and only when it lasts longer than `PATIENCE`, with a progress bar."""
    if not sys.stderr.isatty():
        connection.execute("SET enable_progress_bar = false")  # DuckDB would draw its own on standard output
        return work()
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")  # counted, not drawn
    outcome: list[T] = []
    problem: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 (it is raised again, in the thread that waits)
            problem.append(error)
        finally:
            done.set()

    done = threading.Event()
    threading.Thread(target=run, daemon=True).start()
    if not done.wait(PATIENCE):
        _show_progress(connection, done, stage)
    if problem:
        raise problem[0]
    return outcome[0]


def _show_progress(connection: duckdb.DuckDBPyConnection, ended: threading.Event, stage: list[str]) -> None:
    with progress(stage[-1], total=100, unit="%") as bar:
        task, shown = bar.task_ids[0], stage[-1]
        while not ended.wait(0.1):
            if stage[-1] != shown:
                shown = stage[-1]
                bar.reset(task, description=shown)
            done = connection.query_progress()
            # DuckDB cannot say how far a plan with many parts is: then the bar only moves.
            bar.tasks[0].total = 100 if done > 0 else None
            bar.update(task, completed=max(0.0, done))


def show_result(result: CheckResult) -> None:
    """The strips, the gaps and the totals, for people."""
    from minutemend.core.verdicts import Verdict
    from rich.markup import escape

    from mend.picture import strip, verdicts_of

    dates = len({one.dt for one in result.sessions})
    unit = "minutes" if result.cadence == 1 else f"bars of {result.cadence} minutes"
    if result.gaps:
        dated = {one.range: one.dt for one in result.sessions}
        holed: dict[tuple[str, Range], list[Gap]] = {}
        for gap in result.gaps:
            holed.setdefault((gap.symbol, gap.session), []).append(gap)
        table = new_table("symbol", "session", "from open to close", "missing", numbers=["missing"])
        for (symbol, span), gaps in sorted(holed.items())[:SHOWN_STRIPS]:
            minutes = verdicts_of(span, {Verdict.MISSING: [gap.range for gap in gaps]}, otherwise=Verdict.PRESENT)
            line = strip(minutes, 24 if console().width < 90 else 52)
            table.add_row(_wide(symbol), f"{dated[span]}", line, cell(sum(gap.minutes for gap in gaps)))
        show(table)
        _and_more(len(holed), SHOWN_STRIPS, "session with holes", "sessions with holes")
        table = new_table("symbol", "start", "end", "missing", numbers=["missing"])
        for gap, bars in list(zip(result.gaps, result.bars, strict=True))[:SHOWN_GAPS]:
            table.add_row(_wide(gap.symbol), cell(gap.start), cell(gap.end), cell(bars))
        show(table)
        _and_more(len(result.gaps), SHOWN_GAPS, "gap", "gaps")
    colour, word = (BAD, "holes") if result.missing else (GOOD, "whole")
    if not result.missing and not result.whole:
        colour, word = BAD, "not all looked at"
    show(
        f"[bold {colour}]{word}[/]: {result.present:,} of {result.expected:,} {unit} are there ({result.shown_share}), "
        f"{result.missing:,} missing in {count(len(result.gaps), 'gap')}"
    )
    if result.edge:
        show(
            f"{result.edge:,} of {result.missing:,} missing {unit} lie before the first or after the last bar "
            "of their symbol"
        )
    show(
        f"{count(len(result.listings), 'symbol')}, {count(dates, 'session')} of {result.calendar}; "
        f"{count(result.duplicates, 'duplicate row')}, {count(result.unexpected, 'bar')} outside sessions"
        f"{', or between the marks' if result.cadence > 1 else ''}"
    )
    if result.flags is not None:
        show_flags(result)
    for told in result.not_seen():
        show(f"[{BAD}]{escape(told)}[/]")


def show_flags(result: CheckResult) -> None:
    """What the rules of values flagged, for people."""
    flags = result.flags or ()
    if not flags:
        show(f"[{GOOD}]values[/]: no bar is flagged")
        return
    table = new_table("rule", "symbol", "start", "bars", "what", numbers=["bars"])
    for flag in flags[:SHOWN_GAPS]:
        table.add_row(flag.rule, _wide(flag.symbol), cell(flag.start), cell(flag.bars), flag.said)
    show(table)
    _and_more(len(flags), SHOWN_GAPS, "flag", "flags")
    told = ", ".join(f"{number:,} {rule}" for rule, number in result.flagged().items())
    show(f"[{BAD}]values[/]: {count(len(flags), 'flag')} ({told}); flagged bars are present all the same")


def _wide(symbol: str) -> str:
    """A symbol as a table shows it: long ones keep both ends, and marks stay marks."""
    from rich.markup import escape

    return escape(symbol if len(symbol) <= 24 else f"{symbol[:12]}…{symbol[-11:]}")


def _and_more(found: int, shown: int, one: str, many: str) -> None:
    if found > shown:
        more = found - shown
        show(f"[{QUIET}]… and {more:,} more {one if more == 1 else many}; --format json lists all[/]")
