"""`mend load`: bars from files into a stage's lake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from cli.options import format_option, stage_option


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
    from cli.console import progress, say, show, show_json
    from cli.stage import open_stage

    files = BarFiles(paths, symbol_column=symbol_column, minute_column=minute_column, assume_utc=assume_utc)
    contents = files.check()
    opened = open_stage(stage)
    if contents.repeated:
        say(f"{contents.repeated:,} rows say a minute again that another row says; one whole bar of each is kept")
    with progress(f"loading into {opened.name}", total=len(contents.dates), unit="days") as bar:
        for _, table in files.days(contents.dates, source=source, captured_at=datetime.now(UTC)):
            opened.lake.put_bars(resolve(table))
            bar.advance(bar.task_ids[0])
    first, last = contents.dates[0], contents.dates[-1]
    bars = contents.rows - contents.repeated
    if style == "json":
        show_json({"bars": bars, "symbols": contents.symbols, "first": first, "last": last})
        return
    show(f"{bars:,} bars of {contents.symbols} symbols, {first} to {last}, are in {opened.name} ({opened.where})")
    show(f"next: mend repair --stage {opened.option} --start {first} --end {last + timedelta(days=1)} --wait")
