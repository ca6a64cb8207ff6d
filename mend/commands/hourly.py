"""`mend hourly`: the facts that downstream jobs read."""

from __future__ import annotations

from datetime import UTC

import click

from mend.console import show_rows
from mend.options import Asked, asked, format_option


@click.command()
@asked
@format_option
@click.pass_context
def command(ctx: click.Context, asked: Asked, *, style: str) -> None:
    """The hourly facts of every hour that the range touches: prices, volume, and how complete each hour is.

    Exit code 1 when an hour is short (minutes that are neither present nor proven absent), or there are no facts.

    \b
    Examples:
      mend hourly --stage dev --start yesterday
      mend hourly --stage dev --start 2013-10-04 --symbols IBM --format json
    """
    window, wanted, opened = asked.window, asked.wanted, asked.opened
    rows = [
        {**row, "hour": row["hour"].replace(tzinfo=UTC)}
        for row in opened.lake.hourly.facts(window).to_pylist()
        if wanted is None or row["symbol"] in wanted
    ]
    short = [row for row in rows if row["minutes_present"] + row["minutes_absent"] < row["minutes_expected"]]
    named = {"minutes_present": "present", "minutes_expected": "expected", "minutes_absent": "absent"}
    shown = rows if style == "json" else [{named.get(key, key): value for key, value in row.items()} for row in rows]
    empty = f"no facts of {window}: an audit publishes them; next: mend repair --stage {opened.option} {asked.again()}"
    show_rows(shown, style=style, empty=empty)
    ctx.exit(1 if short or not rows else 0)
