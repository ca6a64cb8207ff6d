"""`mend check`: the missing minutes in files of bars."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cli.options import format_option

if TYPE_CHECKING:
    import duckdb

    from cli.check_result import CheckResult

T = TypeVar("T")
SHOWN_GAPS = 40
SHOWN_STRIPS = 24
PATIENCE = 1.0  # seconds before a progress bar appears


@click.command(no_args_is_help=True)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--calendar", required=True, metavar="NAME", help="XNYS, 24/7, or any name that exchange_calendars knows."
)
@click.option("--symbols", metavar="A,B,…", help="Only these symbols. Default: every symbol in the files.")
@click.option("--start", metavar="TIME", help="2013-10-04T13:00:00Z, a date, yesterday or last-week (UTC).")
@click.option("--end", metavar="TIME", help="Where the range ends, excluded. Default: the end of the day of --start.")
@click.option("--cadence", default="1m", show_default=True, metavar="1m|5m|15m|1h", help="A bar every so often.")
@click.option("--symbol-column", default="symbol", show_default=True, metavar="NAME")
@click.option("--minute-column", default="minute", show_default=True, metavar="NAME", help="The bar's left edge.")
@click.option("--zone", metavar="ZONE", help="The time zone of times that carry none: UTC, America/New_York, …")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.html",
    help="Also write a report to open.",
)
@format_option
@click.pass_context
def command(  # noqa: PLR0917 (click passes every option by name)
    ctx: click.Context,
    paths: tuple[str, ...],
    calendar: str,
    symbols: str | None,
    start: str | None,
    end: str | None,
    cadence: str,
    symbol_column: str,
    minute_column: str,
    zone: str | None,
    report: Path | None,
    style: str,
) -> None:
    """Find the missing minutes in Parquet or CSV files, folders, globs or Hive partitions of bars; needs no cloud.

    Without --start it audits, for each symbol, the sessions from the first to the last date on which the symbol
    appears, in the calendar's own time zone. Exit code 0: whole; 1: holes; 2: unusable input.

    \b
    Examples:
      mend check bars.parquet --calendar XNYS
      mend check 'archive/*.csv' --calendar 24/7 --minute-column time --format json
      mend check lake/ --calendar XLON --start 2024-03-01 --end 2024-04-01 --report march.html
    """
    import duckdb

    from cli.check_files import CheckRequest, check_files

    request = CheckRequest(paths, calendar, symbols, start, end, cadence, symbol_column, minute_column, zone)
    now = datetime.now(UTC)
    with duckdb.connect() as connection:
        stage = ["looking at the files"]
        result = watched(
            connection,
            lambda: check_files(request, now=now, connection=connection, watch=stage.append),
            stage,
        )
    if report is not None:
        import shlex

        from cli.report import write_check_report

        again = shlex.join(["mend", *sys.argv[1:]])
        write_check_report(report, result, command=again, written_at=now)
    if style == "json":
        from cli.console import show_json

        show_json(result.as_json())
    else:
        show_result(result)
    if report is not None:
        click.echo(f"report: {report}", err=True)
    ctx.exit(1 if result.missing else 0)


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

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    try:
        worker.join(PATIENCE)
        if worker.is_alive():
            _show_progress(connection, worker, stage)
    except KeyboardInterrupt:
        connection.interrupt()
        worker.join()
        raise
    if problem:
        raise problem[0]
    return outcome[0]


def _show_progress(connection: duckdb.DuckDBPyConnection, worker: threading.Thread, stage: list[str]) -> None:
    from cli.console import progress

    with progress(stage[-1], total=100, unit="%") as bar:
        task, shown = bar.task_ids[0], stage[-1]
        while worker.is_alive():
            if stage[-1] != shown:
                shown = stage[-1]
                bar.reset(task, description=shown)
            done = connection.query_progress()
            # DuckDB cannot say how far a plan with many parts is: then the bar only moves.
            bar.tasks[0].total = 100 if done > 0 else None
            bar.update(task, completed=max(0.0, done))
            worker.join(0.1)


def show_result(result: CheckResult) -> None:
    """The strips, the gaps and the totals, for people."""
    from cli.check_files import bars_in
    from cli.console import BAD, GOOD, cell, console, count, new_table, show
    from cli.strips import holed_strips

    dates = len({one.dt for one in result.sessions})
    unit = "minutes" if result.cadence == 1 else f"bars of {result.cadence} minutes"
    if result.gaps:
        narrow = console().width < 90
        strips = holed_strips(result.gaps, result.sessions, 24 if narrow else 52)
        table = new_table("symbol", "session", "from open to close", "missing", numbers=["missing"])
        for strip in strips[:SHOWN_STRIPS]:
            table.add_row(strip.symbol, f"{strip.session.dt}", f"[{BAD}]{strip.cells}[/]", cell(strip.missing))
        show(table)
        _and_more(len(strips), SHOWN_STRIPS, "session with holes", "sessions with holes")
        table = new_table("symbol", "start", "end", "missing", numbers=["missing"])
        for gap in result.gaps[:SHOWN_GAPS]:
            table.add_row(gap.symbol, cell(gap.start), cell(gap.end), cell(bars_in(gap, result.cadence)))
        show(table)
        _and_more(len(result.gaps), SHOWN_GAPS, "gap", "gaps")
    share = 100 * result.present / result.expected if result.expected else 100.0
    share = min(share, 99.99) if result.missing else share  # never rounded up to a whole
    colour, word = (BAD, "holes") if result.missing else (GOOD, "whole")
    show(
        f"[bold {colour}]{word}[/]: {result.present:,} of {result.expected:,} {unit} are there ({share:.2f}%), "
        f"{result.missing:,} missing in {count(len(result.gaps), 'gap')}"
    )
    show(
        f"{count(len(result.listings), 'symbol')}, {count(dates, 'session')} of {result.calendar}; "
        f"{count(result.duplicates, 'duplicate row')}, {count(result.unexpected, 'bar')} outside sessions"
    )
    if not result.expected:
        show(f"[{BAD}]no minute was expected[/]: is {result.calendar} the right calendar for this range?")


def _and_more(found: int, shown: int, one: str, many: str) -> None:
    from cli.console import QUIET, show

    if found > shown:
        more = found - shown
        show(f"[{QUIET}]… and {more:,} more {one if more == 1 else many}; --format json lists every gap[/]")
