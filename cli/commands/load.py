"""`mend load`: bars from files into a stage's lake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from cli.options import format_option, stage_option

if TYPE_CHECKING:
    from cli.bar_files import Contents
    from cli.stage import Stage


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@stage_option
@click.option("--source", default="loaded", show_default=True, help="Where the bars come from: stands in every one.")
@click.option("--symbol-column", default="symbol", show_default=True, help="The column with the symbol.")
@click.option("--minute-column", default="minute", show_default=True, help="The column with the minute's left edge.")
@click.option("--assume-utc", is_flag=True, help="Times without a zone are UTC. Default: they are refused.")
@format_option
def command(
    *,
    paths: tuple[str, ...],
    stage: str,
    source: str,
    symbol_column: str,
    minute_column: str,
    assume_utc: bool,
    style: str,
) -> None:
    """Put bars from Parquet or CSV files, folders or globs into a stage's lake.

    Every row is looked at before the first is written: symbol, minute, open, high, low, close, volume. What was
    loaded before is not loaded twice, and a bar that is there already stays as it is.

    \b
    Examples:
      mend load bars/ --stage dev
      mend load 'lake/dt=2013-*/*.parquet' --stage local --assume-utc
      mend load ticks.csv --stage dev --minute-column time --source vendor-export
    """
    from minutemend.core.bars import resolve

    from cli.bar_files import BarFiles
    from cli.commands.sessions import put_sessions
    from cli.console import count, progress, say
    from cli.stage import open_stage

    files = BarFiles(paths, symbol_column=symbol_column, minute_column=minute_column, assume_utc=assume_utc)
    contents = files.check()
    opened = open_stage(stage)
    if contents.repeated:
        again = "says" if contents.repeated == 1 else "say"
        say(f"{count(contents.repeated, 'row')} {again} a minute that another row says; one whole bar of each is kept")
    with progress(f"loading into {opened.name}", total=len(contents.dates), unit="days") as bar:
        for _, table in files.days(contents.dates, source=source, captured_at=datetime.now(UTC)):
            opened.lake.put_bars(resolve(table))
            bar.advance(bar.task_ids[0])
    if not opened.lake.has_sessions():
        put_sessions(opened)  # so that a plan can be made before the first audit
    _conclude(contents, opened, style)


def _conclude(contents: Contents, opened: Stage, style: str) -> None:
    """Say what is there now, what of it nobody audits, and what to run next."""
    from minutemend.adapters.parameters import get_interested_stocks

    from cli.console import count, show, show_json

    first, last = contents.dates[0], contents.dates[-1]
    bars, symbols = contents.rows - contents.repeated, contents.symbols
    listings = get_interested_stocks(ssm=opened.clients.ssm, parameter=opened.output("SymbolsParameter"))
    followed = {one.symbol for one in listings}
    strangers = [symbol for symbol in symbols if symbol not in followed]
    if style == "json":
        show_json({"bars": bars, "symbols": len(symbols), "not_followed": strangers, "first": first, "last": last})
        return
    are = "is" if bars == 1 else "are"
    show(
        f"{count(bars, 'bar')} of {count(len(symbols), 'symbol')}, {first} to {last}, {are} in {opened.name} "
        f"({opened.where})"
    )
    if strangers:
        named = ", ".join(strangers[:10]) + (" and others" if len(strangers) > 10 else "")
        show(f"{opened.name} does not follow {named}; next: mend symbols set --stage {opened.option} FILE")
    known = [symbol for symbol in symbols if symbol in followed]
    if known:
        narrowed = f" --symbols {','.join(known)}" if len(known) <= 20 else ""
        window = f"--start {first} --end {last + timedelta(days=1)}"
        show(f"next: mend plan --stage {opened.option} {window}{narrowed}")
