"""`mend cost`: dollars a month by service, for capture, audit, repair and publish."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from minutemend.contract import VENDORS

from infra import prices
from infra.settings import STAGES, StageSettings, stage_settings
from mend.captures import too_many
from mend.console import count, say, show, show_json, show_rows
from mend.options import format_option

if TYPE_CHECKING:
    from mend.costs import Line, Load


@click.command()
@click.option("--symbols", type=click.IntRange(1, 100_000), default=11, show_default=True, help="How many symbols.")
@click.option("--calendar", default="XNYS", show_default=True, help="Their calendar: XNYS, 24/7, …")
@click.option(
    "--stage", type=click.Choice(sorted(STAGES)), default="prod", show_default=True, help="Whose settings count."
)
@click.option("--lines", is_flag=True, help="Every line of the bill: quantity, price, and what it stands for.")
@format_option
def command(symbols: int, calendar: str, stage: str, lines: bool, style: str) -> None:
    """What a stage costs a month, by service and by what it is spent on; nothing is asked of AWS.

    From the stage's own settings, dated list prices of us-east-1 without free tiers (infra/prices.py) and the
    assumptions in mend/costs.py. docs/cost.md sets 11, 500 and 5,000 symbols beside the original design.

    \b
    Examples:
      mend cost
      mend cost --symbols 500 --calendar XNYS
      mend cost --symbols 50 --calendar 24/7 --stage dev --format json
      mend cost --symbols 5000 --lines
    """
    from mend.costs import bill, load_of

    settings = stage_settings(stage)
    load = load_of(symbols, calendar)
    vendor = settings.vendor_of(load.calendar)
    takes = VENDORS[vendor.name].symbols
    found = bill(settings, load, vendor_symbols=takes)
    if style == "json":
        show_json(_as_json(settings, load, found))
        return
    _show(found, load, settings, every=lines)
    for warning in too_many([vendor], {load.calendar: symbols}):
        say(warning)


def _as_json(settings: StageSettings, load: Load, found: list[Line]) -> dict[str, Any]:
    from mend.costs import by_service, total

    return {
        "stage": settings.name,
        "symbols": load.symbols,
        "calendar": load.calendar,
        "bars": round(load.bars),
        "prices": {"region": prices.REGION, "as_of": prices.AS_OF},
        "dollars": round(total(found), 2),
        "by_service": {
            service: {concern: round(dollars, 4) for concern, dollars in concerns.items()}
            for service, concerns in by_service(found).items()
        },
        "lines": [{**asdict(line), "dollars": round(line.dollars, 4)} for line in found],
    }


def _show(found: list[Line], load: Load, settings: StageSettings, *, every: bool) -> None:
    from mend.costs import table

    title = f"{settings.name}: {count(load.symbols, 'symbol')} of {load.calendar}, dollars a month"
    if every:
        rows = [
            {"for": line.concern, "service": line.service, "what": line.what}
            | {"quantity": f"{line.quantity:,.4g}", "price": f"{line.price:.4g}", "dollars": f"{line.dollars:,.2f}"}
            for line in found
        ]
        show_rows(rows, style="table", title=title)
    else:
        show_rows(table(found), style="table", title=title)
    show(
        f"{load.bars:,.0f} bars a month; {prices.REGION} list prices of {prices.AS_OF}, no free tier, no vendor's fee."
    )
