"""`mend symbols`: which symbols a stage follows; changed without a deploy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from minutemend.contract import SYMBOL_LISTS_PREFIX
from minutemend.core.symbols import parse_listings

from mend.captures import by_calendar, too_many
from mend.commands.sessions import put_sessions
from mend.console import count, say, show_rows
from mend.expecting import expecting
from mend.options import AtStage, format_option, stage_option
from mend.problems import Problem

if TYPE_CHECKING:
    from minutemend.ports import Store


@click.group()
def command() -> None:
    """Show or set the interested symbols. A change is in force with the next audit and the next capture.

    \b
    Examples:
      mend symbols show --stage dev
      mend symbols set --stage dev symbols.json
      mend symbols history --stage dev
    """


@command.command()
@stage_option
@format_option
@click.pass_context
def show(ctx: click.Context, stage: AtStage, style: str) -> None:
    """The symbols that the stage follows, with their calendars and listing dates.

    Exit code 1 when the newest list is refused, so that the last good one is in force.
    """
    interest = stage.opened.interest()
    rows = [
        {"symbol": one.symbol, "calendar": one.calendar, "listed": one.listed, "delisted": one.delisted}
        for one in interest.listings
    ]
    show_rows(rows, style=style)
    if interest.refused is not None:
        say(f"this is the last good list, for {interest.refused}")
        ctx.exit(1)


@command.command()
@stage_option
@format_option
def history(stage: AtStage, style: str) -> None:
    """Every list that was set, the newest first; `mend symbols set --version ID` puts one in force again."""
    from minutemend.services.interest import symbol_lists

    keys = [Path(key).stem for key in symbol_lists(stage.opened.lake)]
    rows = [{"version": key, "in_force": key == keys[-1]} for key in reversed(keys)]
    show_rows(rows, style=style, empty="no list was set yet: the stage's parameter holds the first one")


@command.command("set")
@stage_option
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--version", metavar="ID", help="A list that was set before, by its name in `mend symbols history`.")
def set_(stage: AtStage, file: Path | None, version: str | None) -> None:
    """Replace the list by the one in FILE (`-`: standard input), JSON as {"XNYS": ["IBM", "AIG"], "24/7": ["BTCUSD"]}.

    An entry may be {"symbol": "X", "listed": "2020-01-02", "delisted": "2021-01-01"}, and a symbol may have two of
    them. At most 20,000 symbols. The list is checked first; one that cannot be believed changes nothing. Sessions of
    calendars that are new to the stage are put there, too.
    """
    from minutemend.services.interest import set_interested_stocks

    from mend.calendars.known import calendar_named

    if (file is None) == (version is None):
        raise Problem("a FILE or --version is needed, and not both", hint="mend symbols set --help")
    text, name = _text(file) if file is not None else ("", "")
    opened = stage.opened
    if version is not None:
        text, name = _version(opened.lake.store, version)
    listings = parse_listings(text, name=name)
    new = sorted({one.calendar for one in listings} - set(opened.lake.calendars.known()))
    for calendar in new:
        if (name := calendar_named(calendar).name) != calendar:
            raise Problem(f"the list names the calendar {calendar!r}: {name!r} would be right")
    with expecting(opened):
        if new:
            put_sessions(opened, new, symbols=False)  # the list in force may name other calendars that are not there
        set_interested_stocks(opened.lake, text, now=datetime.now(UTC))
        followed = opened.interest(write=True).listings
    say(f"{opened.name} follows {count(len({one.symbol for one in followed}), 'symbol')}")
    for warning in too_many(opened.settings.vendors, by_calendar(followed)):
        say(warning)


def _text(file: Path) -> tuple[str, str]:
    import sys

    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(), str(file)
    except UnicodeDecodeError:
        raise Problem(f"{file} is no text: JSON in UTF-8 would be right") from None


def _version(store: Store, version: str) -> tuple[str, str]:
    body = store.get(f"{SYMBOL_LISTS_PREFIX}{version}.json")
    if body is None:
        raise Problem(f"there is no list {version!r}", hint="mend symbols history")
    return body.decode(), f"the list {version}"
