"""`mend report`: one HTML file that shows what is known of every minute of a range."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from mend.console import progress, say
from mend.options import Asked, asked, new_picture, new_report


@click.command()
@asked
@click.option("--out", type=new_report, default="report.html", show_default=True, help="The HTML file to write.")
@click.option(
    "--png", type=new_picture, metavar="FILE", help="A picture of it too; needs Chromium or Chrome on this machine."
)
@click.option("--values", is_flag=True, help="Also what is doubted of the values: flags, and bars that disagree.")
def command(asked: Asked, *, out: Path, png: Path | None, values: bool) -> None:
    """Write a report of a range: one HTML file that needs nothing else.

    Coverage by symbol and session, coloured by verdict, down to the minutes of one session; gaps by reason with
    their evidence; the vendors' answers; the course of the repairs. It opens offline, and the keyboard is enough.

    \b
    Examples:
      mend report --stage dev --start yesterday
      mend report --stage prod --start 2026-01-01 --end 2026-02-01 --symbols IBM,SPY --out january.html
      mend report --stage local --start 2013-10-04 --png report.png
    """
    from mend.report.from_lake import from_lake
    from mend.report.page import write_page
    from mend.report.picture import require_browser, take_picture

    window, wanted = asked.past, asked.wanted
    if png is not None:
        require_browser()
    place = asked.opened
    with progress("reading the lake", unit="sessions") as bar:
        data = from_lake(
            place.lake,
            window,
            wanted,
            title=f"{place.name}: every minute of {_days(window.start, window.end)}",
            source=f"stage {place.name}, {place.where}",
            command=f"mend report --stage {place.option} {asked.again()}{' --values' if values else ''}",
            written_at=asked.now,
            tick=lambda done, whole: bar.update(bar.task_ids[0], completed=done, total=whole),
        )
    if values:
        from mend.lake_values import doubted

        data = replace(data, values=tuple(doubted(place.lake, window, wanted)))
    size = write_page(out, data)
    say(f"{out} ({size / 1e6:.1f} MB) shows {window}")
    if png is not None:
        take_picture(out, png)
        say(f"{png} is a picture of it")


def _days(start: datetime, end: datetime) -> str:
    last = (end - (end - start) / 10**6).date()
    return f"{start.date()}" if last == start.date() else f"{start.date()} to {last}"
