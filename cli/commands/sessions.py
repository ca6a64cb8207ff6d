"""`mend sessions`: when the calendars expect minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from cli.options import stage_option

if TYPE_CHECKING:
    from cli.stage import Stage


@click.group()
def command() -> None:
    """Refresh the sessions table from the exchange calendars, without a deploy.

    \b
    Examples:
      mend sessions refresh --stage dev
      mend sessions refresh --stage dev --calendar XLON --calendar XTKS
    """


@command.command()
@stage_option
@click.option(
    "--calendar", "calendars", multiple=True, metavar="NAME", help="Default: those of the symbols of interest."
)
def refresh(stage: str, calendars: tuple[str, ...]) -> None:
    """Write the sessions of calendars anew: after a change of exchange_calendars, or for a calendar that is new.

    The next audit follows them: an early close that was announced, a holiday that was called off. Sessions of other
    calendars stay as they are.
    """
    from minutemend.adapters.exchange_sessions import known_calendar

    from cli.stage import open_stage

    for name in calendars:
        known_calendar(name)
    put_sessions(open_stage(stage), calendars)


def put_sessions(opened: Stage, calendars: Sequence[str] = ()) -> None:
    """Write the sessions of the calendars (none: those of the symbols of interest), and the symbols in force.

    That is what a first audit brings along; a plan or a report that comes before it needs them.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    from minutemend.adapters.parameters import get_interested_stocks
    from minutemend.contract import FIRST_DT
    from minutemend.core.sessions import Session
    from minutemend.services.tables import aware

    from cli.calendars import calendar_file
    from cli.console import progress, say

    parameter = opened.output("SymbolsParameter")
    listings = get_interested_stocks(ssm=opened.clients.ssm, parameter=parameter)
    names = sorted(set(calendars) or {one.calendar for one in listings})
    today = datetime.now(UTC).date()
    sessions = []
    with progress("reading calendars", total=len(names), unit="calendars") as bar:
        for name in names:
            # A file for each release of exchange_calendars: importing the package takes longer than all the rest.
            found = pq.read_table(calendar_file(name, today=today).sessions)
            for row in found.filter(pc.greater_equal(found["dt"], FIRST_DT)).to_pylist():
                dt = datetime.fromisoformat(row["dt"]).date()
                sessions.append(Session(row["calendar"], dt, aware(row["open"]), aware(row["close"])))
            bar.advance(bar.task_ids[0])
    opened.lake.put_symbols(listings)
    opened.lake.put_sessions(sessions)
    first, last = (edge(session.dt for session in sessions) for edge in (min, max))
    say(f"{len(sessions):,} sessions of {', '.join(names)} from {first} to {last} are in force in {opened.name}")
