"""What a run begins with: sessions, the truth of the market, the holes of the lake, other audits' ranges, poison."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterator, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
from minutemend.core.columns import Bar
from minutemend.core.facts import FACTS
from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence

from tests.unit.simulation.world import World

SYMBOLS = ("AAA", "BBB", "CCC")
QUIET = "CCC"
LASTING = ("runs", "all but one", "edges", "singles")
LONG = 20  # sessions that show what a symbol lacks at the most (minutemend.core.density)
# Two sources never have quite the same bar: which of them stands for a minute shows.
DIFFERENCE = {"feed": 0.0, "one": 0.25, "two": 0.5}
EARLIER = timedelta(days=3)

Key = tuple[str, datetime]


@dataclass(frozen=True, slots=True)
class Market:
    """Sessions of a few minutes each, the same ones three days before (outside every audit), and who trades in them."""

    sessions: tuple[Session, ...]
    listings: tuple[Listing, ...]

    @property
    def window(self) -> Range:
        return Range(min(one.open for one in self.sessions), max(one.close for one in self.sessions))

    @property
    def earlier(self) -> tuple[Session, ...]:
        return tuple(
            Session(one.calendar, one.dt - EARLIER, one.open - EARLIER, one.close - EARLIER) for one in self.sessions
        )

    def parameter(self) -> str:
        """The parameter of interested symbols."""
        calendars = sorted({one.calendar for one in self.listings})
        return json.dumps({name: [one.symbol for one in self.listings if one.calendar == name] for name in calendars})

    def sessions_of(self, symbol: str) -> list[Session]:
        (calendar,) = (one.calendar for one in self.listings if one.symbol == symbol)
        return sorted(session for session in self.sessions if session.calendar == calendar)

    def minutes_of(self, symbol: str) -> list[datetime]:
        """The minutes of the window that are expected of a symbol."""
        return [minute for session in self.sessions_of(symbol) for minute in minutes(session.range)]

    def expected(self) -> set[Key]:
        return {(one.symbol, minute) for one in self.listings for minute in self.minutes_of(one.symbol)}

    def dark(self, traded: Container[Key]) -> set[Key]:
        """Expected minutes in which no symbol of the calendar traded, of three or more: perhaps the venue was dark; and
        the quiet minutes of the same run, which is judged as one."""
        quiet = {key for key in self.expected() if key not in traded}
        calendar = {one.symbol: one.calendar for one in self.listings}
        sizes = Counter(calendar.values())
        lacking = Counter((calendar[symbol], minute) for symbol, minute in quiet)
        dark = {
            (symbol, minute)
            for symbol, minute in quiet
            if lacking[calendar[symbol], minute] == sizes[calendar[symbol]] >= 3
        }
        edge = dark
        while edge := {(one, minute + step) for one, minute in edge for step in (MINUTE, -MINUTE)} & quiet - dark:
            dark |= edge
        return dark


def minutes(window: Range) -> list[datetime]:
    return [window.start + n * MINUTE for n in range(window.minutes)]


def _at(day: int, hour: int, minute: int) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def _listed(*calendars: str) -> tuple[Listing, ...]:
    return tuple(Listing(symbol, calendar) for symbol, calendar in zip(SYMBOLS, calendars, strict=True))


_STOCKS = Session("XNYS", date(2026, 1, 5), _at(5, 14, 52), _at(5, 15, 8))
_COINS = (
    Session("24/7", date(2026, 1, 5), _at(5, 23, 52), _at(6, 0, 0)),
    Session("24/7", date(2026, 1, 6), _at(6, 0, 0), _at(6, 0, 8)),
)
_FUTURES = (
    Session("CMES", date(2026, 1, 5), _at(5, 23, 50), _at(6, 0, 3)),
    Session("CMES", date(2026, 1, 6), _at(6, 0, 6), _at(6, 0, 12)),
)
MARKETS = {
    "hour": Market((_STOCKS,), _listed("XNYS", "XNYS", "XNYS")),  # one session, across a full hour
    "midnight": Market(_COINS, _listed("24/7", "24/7", "24/7")),  # two, with UTC midnight between them
    # One that UTC midnight lies in and one after a break; another symbol trades through both.
    "night": Market((*_COINS, *_FUTURES), _listed("CMES", "CMES", "24/7")),
}


def truth_of(world: World, market: Market, *, past: int) -> dict[Key, Bar]:
    """A bar for every minute but for some without a trade. A symbol with a past trades in each minute, but for one."""
    truth = {}
    for index, listing in enumerate(market.listings):
        for session in (*market.earlier, *market.sessions):
            if session.calendar != listing.calendar:
                continue
            most = session.minutes // 8 if past == 0 or listing.symbol == QUIET else 0
            silent = {world.dice.randrange(session.minutes) for _ in range(world.dice.choice([0, 0, most // 2, most]))}
            for n, minute in enumerate(minutes(session.range)):
                if n not in silent:
                    price = float(100 * index + epoch_minute(minute) % 60 + 1)
                    truth[listing.symbol, minute] = Bar(
                        listing.symbol, minute, price, price + 1, price / 2, price, 10.0
                    )
    return truth


def past_sessions(market: Market, sessions: int) -> list[Session]:
    """So many sessions of each calendar before the window, an hour each."""
    hours = [market.window.start.replace(minute=0) - timedelta(days=back) for back in range(5, 5 + sessions)]
    calendars = sorted({one.calendar for one in market.listings})
    return [Session(name, hour.date(), hour, hour + timedelta(hours=1)) for name in calendars for hour in hours]


def past_facts(market: Market, sessions: int) -> Iterator[tuple[datetime, pa.Table, Absence]]:
    """The hourly facts of these sessions: only the quiet symbol lacked minutes, and they are proven absent."""
    for hour in sorted({one.open for one in past_sessions(market, sessions)}):
        names = sorted(SYMBOLS)
        absent = [2 * (name == QUIET) for name in names]
        columns = [names, [hour.replace(tzinfo=None)] * len(names), *([1.0] * len(names) for _ in range(5))]
        columns += [[16 - lacks for lacks in absent], [16] * len(names), absent]
        facts = pa.table([pa.array(values, kind.type) for values, kind in zip(columns, FACTS, strict=True)], FACTS)
        yield hour, facts, Absence(QUIET, Range(hour, hour + 2 * MINUTE), "no_trade", "[]", 1, hour, rule=RULE)


def lasting_holes(world: World, market: Market, traded: Set[Key], kind: str, *, past: int) -> set[Key]:
    """Minutes that a vendor lacks for good, of sessions that traded in all of theirs: so many that it is not
    plausible, or, where the past is known, any."""
    holes: set[Key] = set()
    for symbol in SYMBOLS:
        if not kind or symbol == QUIET or world.dice.random() < 0.3:
            continue
        for session in market.sessions_of(symbol):
            asked = [(symbol, minute) for minute in minutes(session.range)]
            if not traded >= set(asked):
                continue
            first = world.dice.randrange(len(asked) - 3)
            holes |= {
                "runs": {*asked[first : first + 4]},
                "all but one": {*asked} - {asked[first]},
                "edges": {*asked[:3], *asked[-3:]},
                "singles": {asked[first]} if past >= LONG else set(),
            }[kind]
    return holes


def as_told(bar: Bar, source: str) -> Bar:
    """The bar as this source has it."""
    off = DIFFERENCE[source]
    prices = (price + off for price in (bar.open, bar.high, bar.low, bar.close))
    return Bar(bar.symbol, bar.minute, *prices, bar.volume + off)


def restated(bar: Bar) -> Bar:
    """The bar with the values that a vendor says of it at times."""
    return Bar(bar.symbol, bar.minute, *(price + 7 for price in (bar.open, bar.high, bar.low, bar.close)), bar.volume)


def holes_of(world: World, market: Market) -> set[Key]:
    """Single minutes, runs, edges, and now and then a whole symbol."""
    holes = set()
    for symbol in SYMBOLS:
        asked = market.minutes_of(symbol)
        kind = world.dice.choice(["none", "single", "run", "edges", "many", "all"])
        start = world.dice.randrange(len(asked) - 2)
        holes |= {
            (symbol, minute)
            for minute in {
                "none": [],
                "single": [asked[start]],
                "run": asked[start : start + 6],
                "edges": [asked[0], asked[-1]],
                "many": [minute for minute in asked if world.dice.random() < 0.4],
                "all": asked,
            }[kind]
        }
    return holes


def window_of(world: World, market: Market) -> Range:
    """What another audit looks at: the same, or a part of it."""
    whole = market.window
    if world.dice.random() < 0.6:
        return whole
    first = world.dice.randrange(whole.minutes - 1)
    return Range(
        whole.start + first * MINUTE, whole.start + world.dice.randrange(first + 1, whole.minutes + 1) * MINUTE
    )


POISON = [
    "",
    "{nonsense",
    "[]",
    '{"audit_id": "audit-0", "attempt": 1}',
    json.dumps(
        {
            "audit_id": "audit-0",
            "attempt": 1,
            "vendor": "nobody",
            "symbols": ["AAA"],
            "start": "2026-01-05T14:52:00Z",
            "end": "2026-01-05T14:53:00Z",
            "gaps": [["AAA", 29461372, 1]],
            "not_before": None,
        }
    ),
]
