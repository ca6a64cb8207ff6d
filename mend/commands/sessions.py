"""`mend sessions`: when the calendars expect minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from minutemend.core.minutes import Range
from minutemend.core.symbols import Listing

from mend.console import say
from mend.expecting import expecting
from mend.options import AtStage, stage_option
from mend.problems import Problem

if TYPE_CHECKING:
    from minutemend.services.scope import Scope

    from mend.stage import Stage


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
def refresh(stage: AtStage, calendars: tuple[str, ...]) -> None:
    """Write the sessions of calendars anew: after a change of exchange_calendars, or for a calendar that is new.

    The next audit follows them: an early close that was announced, a holiday that was called off. Sessions of other
    calendars stay as they are, and so do those of a newer
    release. What no calendar package knows is for `mend closures`.
    """
    from mend.calendars.known import calendar_named

    for name in calendars:
        calendar_named(name)
    with expecting(stage.opened):
        put_sessions(stage.opened, calendars)


def followed(opened: Stage, wanted: Sequence[str] | None) -> list[Listing]:
    """The listings in force, of the symbols that are wanted (None: all). Raises Problem where the lake has no sessions
    yet, or the stage does not follow one of them."""
    listings = opened.lake.symbols()
    if not opened.lake.calendars.known() or not listings:
        raise Problem(
            f"no audit has run in {opened.option} yet, so that its lake has no sessions",
            hint=f"mend sessions refresh --stage {opened.option}",
        )
    refuse_unknown(opened, wanted or (), listings)
    return [one for one in listings if wanted is None or one.symbol in set(wanted)]


def refuse_unknown(opened: Stage, wanted: Sequence[str], listings: Sequence[Listing]) -> None:
    """Raises Problem where one of the symbols is in no listing."""
    known = {listing.symbol for listing in listings}
    if unknown := [symbol for symbol in wanted if symbol not in known]:
        raise Problem(
            f"{opened.option} does not follow {', '.join(unknown)}", hint=f"mend symbols show --stage {opened.option}"
        )


def told(opened: Stage, window: Range, symbols: Sequence[str] | None) -> Scope:
    """Raises BadInput where an audit of the range would be refused: nothing is expected there, or what is is not known.
    Says of which calendars the sessions do not tell, when they do of others."""
    from minutemend.core.audits import AuditRequest
    from minutemend.services.scope import scope_of

    wanted = None if symbols is None else tuple(symbols)
    scope = scope_of(opened.lake, AuditRequest(window, wanted), opened.lake.symbols(), scheduled=False)
    if scope.unknown:
        say(f"not looked at: {scope.unknown}")
    return scope


def untold(opened: Stage, symbols: Sequence[str], window: Range) -> list[str]:
    """Of the calendars of those symbols that are followed, which do not tell of the whole range, and what they tell of:
    no audit looks at what lies outside."""
    from minutemend.core.in_force import unknown_calendars

    wanted = set(symbols)
    listings = [one for one in opened.interest().listings if one.symbol in wanted]
    return list(unknown_calendars(opened.lake.calendars.known(), listings, window).values())


def put_sessions(opened: Stage, calendars: Sequence[str] = (), *, symbols: bool = True) -> None:
    """Write the sessions of the calendars (none: those of the symbols of interest), and the `symbols` in force.

    That is what a first audit brings along; a plan or a report that comes before it needs them.
    """
    from mend.calendars.shipped import sessions_file

    names = sorted(set(calendars) or {one.calendar for one in opened.interest().listings})
    renewed = opened.lake.calendars.renew(sessions_file(names))
    if symbols:
        opened.interest(write=True)
    known = opened.lake.calendars.known()
    for name in names:
        news = "are new" if name in renewed else "were there"
        say(f"{name}: the sessions from {known[name].start.date()} until {known[name].end.date()} {news}")
