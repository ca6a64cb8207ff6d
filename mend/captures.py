"""Whether the vendors of a stage may be asked as often as the capture of its symbols wants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from minutemend.contract import CAPTURE_TOGETHER, VENDORS, VendorSettings, first_serving
from minutemend.core.symbols import Listing

from mend.console import count


def capture_requests(symbols: int, takes: int) -> int:
    """The requests that capture one minute of so many symbols, of a vendor that takes so many a request."""
    return -(-symbols // min(takes, CAPTURE_TOGETHER))


def by_calendar(followed: Iterable[Listing]) -> dict[str, int]:
    """How many symbols are followed, by calendar; a symbol that was listed twice counts once."""
    named = {(one.calendar, one.symbol) for one in followed}
    return dict(sorted(Counter(calendar for calendar, _ in named).items()))


def too_many(vendors: Sequence[VendorSettings], followed: Mapping[str, int]) -> list[str]:
    """What to tell a person of each vendor of which a minute wants more requests than the stage may make. `followed`
    counts the symbols by calendar."""
    captured: Counter[str] = Counter()
    for calendar, symbols in followed.items():
        captured[first_serving(vendors, calendar).name] += symbols
    found = []
    for one in vendors:
        takes = VENDORS[one.name].symbols
        requests = capture_requests(captured[one.name], takes)
        if requests > one.per_minute:
            found.append(
                f"{one.name} takes {count(min(takes, CAPTURE_TOGETHER), 'symbol')} a request of the capture: "
                f"{count(requests, 'request')} each minute, and this stage may make {one.per_minute:,}; "
                "another vendor, or fewer symbols, would be right"
            )
    return found
