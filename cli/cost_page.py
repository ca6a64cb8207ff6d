"""docs/cost.md, written by `python -m cli.cost_page`; a test keeps the page in step with settings and prices."""

from __future__ import annotations

from pathlib import Path

from cli.costs import MONTHS_KEPT, SHARE_MISSING, bill, by_service, load_of, original, total
from infra import prices
from infra.settings import PROD

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cost.md"
SIZES = (11, 500, 5_000)
CALENDARS = ("XNYS", "24/7")
CONCERNS = ("capture", "audit", "repair", "publish", "standing")


def page() -> str:
    """The page, as Markdown."""
    from minutemend.adapters.vendors import limits_of

    vendor = PROD.vendors[0]
    takes = limits_of(vendor.name, per_minute=vendor.per_minute).symbols
    parts = [
        _HEAD.format(vendor=vendor.name, takes=takes, as_of=prices.AS_OF, region=prices.REGION, kept=MONTHS_KEPT)
        + f"One expected minute in {1 / SHARE_MISSING:.0f} is taken to be missing and to be repaired.\n"
    ]
    parts.append(
        "\n## Dollars a month\n\n"
        "| symbols | calendar | minutemend | the original design | ratio |\n|---|---|---|---|---|\n"
    )
    for calendar in CALENDARS:
        for symbols in SIZES:
            load = load_of(symbols, calendar)
            ours = total(bill(PROD, load, vendor_symbols=takes))
            theirs = total(original(load, architecture=PROD.architecture))
            parts.append(f"| {symbols:,} | {calendar} | {ours:,.2f} | {theirs:,.2f} | {theirs / ours:.1f} |\n")
    for symbols in SIZES:
        load = load_of(symbols, "XNYS")
        lines = bill(PROD, load, vendor_symbols=takes)
        parts.append(f"\n## {symbols:,} symbols of XNYS, {load.bars:,.0f} bars a month\n\n")
        parts.append(f"| service | {' | '.join(CONCERNS)} | total |\n|---|{'---|' * (len(CONCERNS) + 1)}\n")
        for service, concerns in by_service(lines).items():
            cells = [f"{concerns[concern]:,.2f}" if concern in concerns else "" for concern in CONCERNS]
            parts.append(f"| {service} | {' | '.join(cells)} | {sum(concerns.values()):,.2f} |\n")
        sums = [total(line for line in lines if line.concern == concern) for concern in CONCERNS]
        parts.append(f"| total | {' | '.join(f'{dollars:,.2f}' for dollars in sums)} | {total(lines):,.2f} |\n")
        theirs_by_service = by_service(original(load, architecture=PROD.architecture))
        told = ", ".join(f"{name} {sum(of.values()):,.2f}" for name, of in theirs_by_service.items())
        parts.append(f"\nThe original design: {told}.\n")
    parts.append(_TAIL)
    return "".join(parts)


_HEAD = """# What it costs

Written by `python -m cli.cost_page` from prod's settings (infra/settings.py), the price table (infra/prices.py:
list prices of {region}, as known in {as_of}, no free tier) and the assumptions at the head of cli/costs.py. `mend cost
--symbols N --calendar C --lines` shows every line: quantity, price, and what it stands for. None of it was measured
on a bill; the resources are tagged `concern: capture | audit | repair | publish`, so that a bill can be read the same
way. A vendor's own fee is not in it. Captured from {vendor}, {takes} symbols a request at most; {kept} months of
bars are kept.
"""

_TAIL = """
## What the original design is taken to be

A function of 256 MB for each symbol and minute, one second each (it imports pandas to make one record); one Kinesis
stream, a shard for each 1,000 symbols, because all records of a minute come at once; one Firehose, whose records are
rounded up to 5 KB each; an hourly audit that waits 90 s twice and asks Athena twice, over gzip JSON of which every
query reads all of the day. Its alarms and dashboard are not counted: it had none.

## Where it goes

Up to some hundred symbols the standing lines are most of the bill: metrics, alarms and the dashboard cost the same for
one symbol and for a thousand. Beyond, it is what happens once for each chunk of 50 symbols and minute: an object, an
invocation, a trace. A function or a record for each symbol and minute, and Firehose's rounding up to 5 KB, are what
makes the original dear.
"""


if __name__ == "__main__":
    PAGE.write_text(page())
