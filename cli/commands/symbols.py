"""`mend symbols`: which symbols a stage follows; changed without a deploy."""

from __future__ import annotations

from pathlib import Path

import click

from cli.options import format_option, stage_option


@click.group()
def command() -> None:
    """Show or set the interested symbols. A change is in force with the next audit and the next capture.

    \b
    Examples:
      mend symbols show --stage dev
      mend symbols set --stage dev symbols.json
    """


@command.command()
@stage_option
@format_option
def show(stage: str, style: str) -> None:
    """The symbols that the stage follows, with their calendars and listing dates."""
    from minutemend.adapters.parameters import get_interested_stocks

    from cli.console import show_rows
    from cli.stage import open_stage

    opened = open_stage(stage)
    listings = get_interested_stocks(ssm=opened.clients.ssm, parameter=opened.output("SymbolsParameter"))
    rows = [
        {"symbol": one.symbol, "calendar": one.calendar, "listed": one.listed, "delisted": one.delisted}
        for one in listings
    ]
    show_rows(rows, style=style)


@command.command("set")
@stage_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def set_(stage: str, file: Path) -> None:
    """Replace the list by the one in FILE (`-`: standard input), JSON as {"XNYS": ["IBM", "AIG"], "24/7": ["BTCUSD"]}.

    An entry may be {"symbol": "X", "listed": "2020-01-02", "delisted": "2021-01-01"}. The list is checked first; one
    that cannot be believed changes nothing.
    """
    import sys

    from minutemend.adapters.exchange_sessions import known_calendar
    from minutemend.adapters.parameters import parse_listings, put_interested_stocks

    from cli.console import count, say
    from cli.stage import open_stage

    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    listings = parse_listings(text, name=str(file))
    for calendar in {one.calendar for one in listings}:
        known_calendar(calendar)
    opened = open_stage(stage)
    put_interested_stocks(text, ssm=opened.clients.ssm, parameter=opened.output("SymbolsParameter"))
    say(f"{opened.name} follows {count(len(listings), 'symbol')}; next: mend sessions refresh --stage {opened.option}")
