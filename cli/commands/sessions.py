"""`mend sessions`: when the calendars expect minutes."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from cli.options import stage_option


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
    from minutemend.adapters.exchange_sessions import default_last, known_calendar, session_table
    from minutemend.adapters.parameters import get_interested_stocks
    from minutemend.contract import FIRST_DT
    from minutemend.core.sessions import Session
    from minutemend.services.tables import aware

    from cli.console import progress, say
    from cli.stage import open_stage

    for name in calendars:
        known_calendar(name)
    opened = open_stage(stage)
    parameter = opened.output("SymbolsParameter")
    listings = get_interested_stocks(ssm=opened.clients.ssm, parameter=parameter)
    names = sorted(set(calendars) or {one.calendar for one in listings})
    last = default_last(datetime.now(UTC).date())
    with progress("reading calendars", total=len(names), unit="calendars") as bar:
        rows = []
        for name in names:
            rows += session_table([name], first=FIRST_DT, last=last).to_pylist()
            bar.advance(bar.task_ids[0])
    sessions = [
        Session(row["calendar"], datetime.fromisoformat(row["dt"]).date(), aware(row["open"]), aware(row["close"]))
        for row in rows
    ]
    opened.lake.put_symbols(listings)
    opened.lake.put_sessions(sessions)
    say(f"{len(sessions)} sessions of {', '.join(names)} from {FIRST_DT} to {last} are in force in {opened.name}")
