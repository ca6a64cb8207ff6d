"""`mend bars`: bars out of a stage's lake."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from mend.console import as_json, count, say
from mend.options import Asked, NewFile, asked
from mend.problems import Problem

FORMATS = ("parquet", "csv", "json")


@click.command()
@asked
@click.option("--as-of", metavar="TIME", help="As a reader got them then: 2013-10-04T21:00:00Z, or a date (UTC).")
@click.option("--out", type=NewFile(), help="The file; its ending names the format.")
@click.option("--format", "style", type=click.Choice(FORMATS), help="Default: by the file's ending, else csv.")
@click.pass_context
def command(ctx: click.Context, asked: Asked, *, as_of: str | None, out: Path | None, style: str | None) -> None:
    """Export bars: one for each minute that has any, by the one precedence rule, sorted by symbol and minute.

    Without --out they go to standard output (CSV or JSON). Times are UTC. Exit code 1 when there is none.

    \b
    Examples:
      mend bars --stage dev --start 2013-10-04 --symbols IBM --out ibm.parquet
      mend bars --stage dev --start yesterday --format csv | head
      mend bars --stage dev --start 2013-10-04 --as-of 2013-10-04T21:00:00Z --out known.parquet
    """
    chosen = style or (out.suffix.lstrip(".").lower() if out else "csv")
    if chosen not in FORMATS:
        raise Problem(f"{out} ends in none of {', '.join(FORMATS)}: name it so, or give --format")
    if chosen == "parquet" and out is None:
        raise Problem("Parquet is no text: --out FILE would be right")
    window, wanted, lake = asked.window, asked.wanted, asked.opened.lake
    if as_of is None:
        table = lake.read_bars(window, wanted)
    else:
        from minutemend.core.bars import BARS

        from mend.as_of import known_bars, parse_as_of

        then = parse_as_of(as_of, window=window, now=asked.now)
        table = known_bars(lake, window, wanted, as_of=then).select(BARS.names)
    _write(table, chosen, out)
    say(f"{count(table.num_rows, 'bar')} of {window}")
    ctx.exit(0 if table.num_rows else 1)


def _write(table: Any, style: str, out: Path | None) -> None:
    """Write to a file, which appears whole or not at all, or to standard output."""
    import sys

    if out is None:
        sys.stdout.buffer.write(_encoded(table, style))
        sys.stdout.buffer.flush()
        return
    draft = out.with_name(f".{out.name}.part")
    draft.write_bytes(_encoded(table, style))
    draft.replace(out)


def _encoded(table: Any, style: str) -> bytes:
    from io import BytesIO

    sink = BytesIO()
    if style == "parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, sink, compression="zstd")
    elif style == "csv":
        from pyarrow import csv

        csv.write_csv(_with_zone(table), sink)
    else:
        rows = [
            {**row, "minute": _utc(row["minute"]), "captured_at": _utc(row["captured_at"])} for row in table.to_pylist()
        ]
        sink.write((as_json(rows) + "\n").encode())
    return sink.getvalue()


def _utc(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant else None


def _with_zone(table: Any) -> Any:
    """The same table with instants as text such as 2013-10-04T13:30:00Z."""
    import pyarrow.compute as pc

    for name, form in (("minute", "%Y-%m-%dT%H:%M:00Z"), ("captured_at", "%Y-%m-%dT%H:%M:%SZ")):
        place = table.column_names.index(name)
        table = table.set_column(place, name, pc.strftime(table[name], format=form))
    return table
