"""docs/cost.md, written by `python -m mend.cost_page`; a test keeps the page in step with settings and prices."""

from __future__ import annotations

from pathlib import Path

from minutemend.contract import VENDORS

from infra import prices
from infra.settings import PROD
from mend.costs import CONCERNS, MONTHS_KEPT, SHARE_MISSING, bill, by_service, load_of, original, table, total

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cost.md"
SIZES = (11, 500, 5_000)
SHOWN = 500  # by service; `mend cost` shows any other
CALENDARS = ("XNYS", "24/7")


def page() -> str:
    """The page, as Markdown."""
    vendor = PROD.vendors[0]
    takes = VENDORS[vendor.name].symbols
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
    load = load_of(SHOWN, "XNYS")
    lines = bill(PROD, load, vendor_symbols=takes)
    parts.append(f"\n## {SHOWN:,} symbols of XNYS, {load.bars:,.0f} bars a month\n\n")
    parts.append(f"| service | {' | '.join(CONCERNS)} | total |\n|---|{'---|' * (len(CONCERNS) + 1)}\n")
    parts += [f"| {' | '.join(cell or '' for cell in row.values())} |\n" for row in table(lines)]
    theirs_by_service = by_service(original(load, architecture=PROD.architecture))
    told = ", ".join(f"{name} {sum(of.values()):,.2f}" for name, of in theirs_by_service.items())
    parts.append(f"\nThe original design: {told}.\n")
    parts.append(_TAIL)
    return "".join(parts)


_HEAD = """# What it costs

What a stage costs a month, beside [the original design](alternatives.md#the-original-design). Computed, never read from
a bill, by `python -m mend.cost_page` from prod's settings, the list prices of {region} in {as_of} (infra/prices.py, no
free tier) and the assumptions at the head of mend/costs.py. `mend cost --symbols N --calendar C --lines` shows each
line. Captured from {vendor}, {takes} symbols a request at most; {kept} months of bars are kept. A vendor's own fee is
not in it. The tags `concern: capture | audit | repair | publish` let a bill be read the same way.
"""

_TAIL = """
The original design is taken as a function of 256 MB and one second for each symbol and minute, a Kinesis shard for each
1,000 symbols, Firehose's records of 5 KB, and an hourly audit that waits 90 s twice and asks Athena twice over the
day's gzip JSON.

Up to some hundred symbols metrics, alarms and the dashboard are most of our bill. Beyond, it is what happens once for
each chunk of 50 symbols and minute: an object, an invocation, a trace.
"""


if __name__ == "__main__":
    PAGE.write_text(page())
