"""`mend load`: bars from files into a stage's lake."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
from minutemend.core.minutes import Range, day_range

from mend.commands.sessions import put_sessions, untold
from mend.console import count, progress, say, show, show_json
from mend.objects import any_of_s3, fetch
from mend.options import AtStage, bar_options, format_option, split_symbols, stage_option

if TYPE_CHECKING:
    from mend.load_files import Contents
    from mend.stage import Stage


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@stage_option
@click.option("--source", default="loaded", show_default=True, help="Where the bars come from: stands in every one.")
@click.option("--symbols", metavar="A,B,…", help="Only these symbols. Default: every symbol in the files.")
@bar_options
@format_option
def command(
    *, paths: tuple[str, ...], stage: AtStage, source: str, symbols: str | None, style: str, **options: Any
) -> None:
    """Put bars from files of any common shape, folders or globs into a stage's lake; `mend check` reads the same.

    A path may be in S3, too: s3://bucket/key, all below s3://bucket/folder/, or a pattern.

    Every row is looked at before the first is written: symbol, minute, open, high, low, close, volume. What was
    loaded before is not loaded twice, and a bar that is there already stays as it is.

    \b
    Examples:
      mend load bars/ --stage dev
      mend load 'lake/dt=2013-*/*.parquet' --stage local --zone UTC
      mend load s3://my-bars/2013/ --stage dev
      mend load 'BTCUSDT-1m-*.zip' --stage dev --source binance-archive
    """
    from minutemend.core.bars import resolve

    from mend.bars.recognise import BarOptions
    from mend.load_files import LoadFiles

    chosen = split_symbols(symbols)
    with ExitStack() as stack:
        if any_of_s3(paths):
            paths = _fetched(paths, stage.opened, Path(stack.enter_context(TemporaryDirectory(prefix="mend-load-"))))
        files = stack.enter_context(LoadFiles(paths, BarOptions(**options), symbols=chosen))
        contents = files.check()
        opened = stage.opened
        for line in contents.said:
            say(line)
        bars = 0
        with progress(f"loading into {opened.name}", total=contents.rows, unit="rows") as bar:
            for table in files.tables(source=source, captured_at=datetime.now(UTC)):
                kept = resolve(table)
                opened.lake.put_dates(kept)
                bars += kept.num_rows
                bar.advance(bar.task_ids[0], table.num_rows)
        if again := contents.rows - bars:
            say(
                f"{count(again, 'row')} {'says' if again == 1 else 'say'} a minute again; one whole bar of each is kept"
            )
    if not opened.lake.calendars.known():
        put_sessions(opened)  # so that a plan can be made before the first audit
    _conclude(contents, bars, opened, style)


def _fetched(paths: tuple[str, ...], opened: Stage, folder: Path) -> tuple[str, ...]:
    """The paths, with what is in S3 fetched into the folder, by the credentials that lead to the stage."""
    with progress("fetching", unit="bytes") as bar:

        def tell(done: int, whole: int) -> None:
            bar.update(bar.task_ids[0], completed=done, total=whole)

        return tuple(fetch(paths, opened.clients.s3, folder, tell=tell))


def _conclude(contents: Contents, bars: int, opened: Stage, style: str) -> None:
    """Say what is there now, what of it no audit looks at, and what to run next."""
    first, last = contents.dates[0], contents.dates[-1]
    symbols = contents.symbols
    followed = {one.symbol for one in opened.interest().listings}
    strangers = [symbol for symbol in symbols if symbol not in followed]
    outside = untold(opened, symbols, Range(day_range(first).start, day_range(last).end))
    if style == "json":
        said = {"not_followed": strangers, "outside_sessions": outside, "first": first, "last": last}
        show_json({"bars": bars, "symbols": len(symbols), **said})
        return
    are = "is" if bars == 1 else "are"
    show(
        f"{count(bars, 'bar')} of {count(len(symbols), 'symbol')}, {first} to {last}, {are} in {opened.name} "
        f"({opened.where})"
    )
    for reason in outside:
        show(f"{reason}: bars outside of that are kept, and no audit looks at them")
    if strangers:
        named = ", ".join(strangers[:10]) + (" and others" if len(strangers) > 10 else "")
        show(f"{opened.name} does not follow {named}; next: mend symbols set --stage {opened.option} FILE")
    known = [symbol for symbol in symbols if symbol in followed]
    if known:
        narrowed = f" --symbols {','.join(known)}" if len(known) <= 20 else ""
        window = f"--start {first} --end {last + timedelta(days=1)}"
        show(f"next: mend plan --stage {opened.option} {window}{narrowed}")
