"""The night's review: what it finds, what the policy of the stage accepts of it, whom it tells, and its look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from minutemend.contract import BARS_DISAGREE
from minutemend.core.answers import VendorLimits
from minutemend.core.bars import Bar, to_table
from minutemend.core.errors import QueryFailed
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.services.publish import Publish
from minutemend.services.review import Reviewed, ReviewValues
from minutemend.services.revisions import note

from tests.engine import engine
from tests.unit.services.loop import OPEN, SYMBOLS, Loop, bar, session_bars

NIGHT = datetime(2026, 1, 7, 3, 10, tzinfo=UTC)  # two nights after the session
DAY = Range(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC))


class Nights:
    """A whole session that one vendor captured, and its reviews."""

    def __init__(self, *, share: float = 0.0, unsure: bool = False, accept_days: int | None = None) -> None:
        self.loop = Loop(truth=session_bars(), stored=[])
        self.lake = self.loop.lake
        self.lake.put_symbols([Listing(symbol, "XNYS") for symbol in SYMBOLS])
        self.lake.put_bars(to_table(session_bars(), source="sim", repair_id=None, captured_at=OPEN + 61 * MINUTE))
        self.loop.now = NIGHT
        self.review = ReviewValues(
            lake=self.lake,
            board=self.loop.board,
            queue=self.loop.queue,
            signals=self.loop.signals,
            vendors=[VendorLimits(self.loop.vendor.name, 100, 1, 100)],
            unsure=[self.loop.vendor.name] if unsure else [],
            ask=engine(self.lake),
            days=3,
            share=share,
            accept_days=accept_days,
        )

    def seen(self, *bars: tuple[str, int, float], source: str = "sim", hours: float = 20) -> None:
        rows = [bar(symbol, OPEN + n * MINUTE, price) for symbol, n, price in bars]
        at = OPEN + timedelta(hours=hours)
        self.lake.put_looks(to_table(rows, source=source, repair_id=f"job{hours}", captured_at=at))

    def run(self, at: datetime = NIGHT) -> Reviewed:
        return self.review.run(at, now=at)

    def read(self, symbol: str, n: int) -> float:
        found = self.lake.read_bars(Range(OPEN + n * MINUTE, OPEN + (n + 1) * MINUTE), [symbol])
        return float(found["open"][0].as_py())


def test_what_was_seen_otherwise_is_found_told_once_and_left_alone() -> None:
    """Without a policy nothing is written; a night later the same is no news."""
    nights = Nights()
    nights.seen(("AAA", 3, 999.0))
    nights.seen(("BBB", 4, 999.0), source="other", hours=30)
    before = set(nights.loop.store.objects)
    done = nights.run()
    assert [(one.symbol, one.kind, one.stored[0], one.seen[0]) for one in done.open] == [
        ("AAA", "revised", 13.0, 999.0),
        ("BBB", "disputed", 114.0, 999.0),
    ]
    [(what, detail)] = nights.loop.signals.announced
    assert what == BARS_DISAGREE
    assert {name: detail[name] for name in ("revised", "disputed", "accepted", "symbols")} == {
        "revised": 1, "disputed": 1, "accepted": 0, "symbols": ["AAA", "BBB"],
    }  # fmt: skip
    assert set(nights.loop.store.objects) == before
    assert len(nights.run(NIGHT + timedelta(days=1)).open) == 2
    assert len(nights.loop.signals.announced) == 1


def test_what_was_rejected_is_not_open() -> None:
    nights = Nights()
    nights.seen(("AAA", 3, 999.0))
    note(nights.lake, nights.run().open, "rejected", who="J. Doe", why="a bad print", now=NIGHT)
    assert nights.run().open == ()


def test_the_policy_accepts_what_the_same_vendor_said_last_and_soon_and_nothing_else() -> None:
    """Of two values the newer one; not another vendor's word, not one that came too late. Again it accepts nothing."""
    nights = Nights(accept_days=1)
    nights.seen(("AAA", 3, 888.0), hours=2)
    nights.seen(("AAA", 3, 999.0), hours=20)
    nights.seen(("AAA", 5, 999.0), hours=30)
    nights.seen(("BBB", 4, 999.0), source="other")
    done = nights.run()
    assert done.accepted == 1
    assert [(one.symbol, one.minute) for one in done.open] == [
        ("AAA", OPEN + 5 * MINUTE), ("BBB", OPEN + 4 * MINUTE),
    ]  # fmt: skip
    assert [nights.read("AAA", 3), nights.read("AAA", 5), nights.read("BBB", 4)] == [999.0, 15.0, 114.0]
    assert nights.run().accepted == 0


def test_an_accepted_bar_makes_the_facts_of_its_hour_anew_and_of_no_other() -> None:
    """The sweep comes after: it writes and announces the one hour."""
    nights = Nights(accept_days=1)
    publisher = Publish(lake=nights.lake, signals=nights.loop.signals, retire_after=timedelta(hours=1))
    publisher.run(DAY, None, audit_id="a", now=NIGHT)
    nights.seen(("AAA", 3, 999.0))
    nights.run()
    done = publisher.run(DAY, None, audit_id="b", now=NIGHT + timedelta(minutes=30))
    assert [(hour, names) for hour, names in done.changed] == [(OPEN.replace(minute=0), ("AAA",))]
    assert done.announced


def test_what_is_adjusted_for_a_split_is_refused_and_costs_no_other_symbol() -> None:
    """Half of every price: that symbol's are left as they are, with the reason; the others are accepted."""
    nights = Nights(accept_days=1)
    nights.seen(*[("AAA", n, (10.0 + n) / 2) for n in range(60)])
    nights.seen(("BBB", 4, 999.0), hours=21)
    done = nights.run()
    assert done.accepted == 1
    assert [reason for reason in done.refused if "AAA by sim" in reason and "adjustment=raw" in reason]
    assert [nights.read("AAA", 3), nights.read("BBB", 4)] == [13.0, 999.0]


@pytest.mark.parametrize(("share", "unsure", "symbols"), [(0.0, False, 0), (0.0, True, 3), (1.0, False, 3)])
def test_the_day_before_yesterday_is_looked_at(share: float, unsure: bool, symbols: int) -> None:
    """A share of the symbols; all where no document says when the vendor's bars are final. Their bars come as looks."""
    nights = Nights(share=share, unsure=unsure)
    assert nights.run().requests == symbols
    assert {str(one.body["backfill"]) for one in nights.loop.queue.sent} == ({"look-20260105"} if symbols else set())
    nights.run()  # delivered twice: the same jobs, which workers do once
    while nights.loop.queue.sent:
        nights.loop.work()
    assert len(nights.loop.vendor.asked) == symbols
    assert nights.run().open == ()


def test_a_bar_that_was_captured_while_it_formed_is_found_by_the_next_look() -> None:
    """Of a vendor whose lag is not known: 59 of 60 wrong, and every one of them is a revision two nights later."""
    nights = Nights(unsure=True)
    forming = [bar("AAA", OPEN + n * MINUTE, 5.0) for n in range(1, 60)]
    nights.loop.store.objects.clear()
    nights.lake.calendars.put([Session("XNYS", date(2026, 1, 5), OPEN, OPEN + 60 * MINUTE)])
    nights.lake.put_symbols([Listing("AAA", "XNYS")])
    nights.lake.put_bars(to_table(forming, source=nights.loop.vendor.name, repair_id=None, captured_at=OPEN))
    assert nights.run().open == ()
    while nights.loop.queue.sent:
        nights.loop.work()
    assert len(nights.run().open) == 59


def spiked(*, on: int = 30) -> list[Bar]:
    """AAA's session around 50, quiet but for one bar."""
    prices = [50.0 + (n % 3) / 100 + (5 if n == on else 0) for n in range(60)]
    return [
        Bar("AAA", OPEN + n * MINUTE, price, price + 0.01, price - 0.01, price, 9.0) for n, price in enumerate(prices)
    ]


class Flagged(Nights):
    """A session with one spike in it."""

    def __init__(self) -> None:
        super().__init__()
        self.lake.store.delete([one.key for one in self.lake.store.list("bars/")])
        self.lake.put_bars(to_table(spiked(), source="sim", repair_id=None, captured_at=OPEN + 61 * MINUTE))


def test_a_value_that_cannot_be_right_is_kept_and_told_once() -> None:
    """The night's event counts it by rule; run twice, or a night later, it is kept once. No bar is touched."""
    nights = Flagged()
    before = {one.key for one in nights.lake.store.list("bars/")}
    (kept,) = nights.run().flags or ()
    assert (kept.symbol, kept.rule, kept.start, kept.found_at) == ("AAA", "spike", OPEN + 30 * MINUTE, NIGHT)
    [(what, detail)] = nights.loop.signals.announced
    assert (what, detail["flags"], detail["revised"]) == (BARS_DISAGREE, {"spike": 1}, 0)
    written = {key for key in nights.loop.store.objects if key.startswith("flags/")}
    assert nights.run(NIGHT + timedelta(days=1)).flags == (kept,)
    assert len(nights.loop.signals.announced) == 1
    assert {key for key in nights.loop.store.objects if key.startswith("flags/")} == written
    assert {one.key for one in nights.lake.store.list("bars/")} == before


@pytest.mark.parametrize(
    "trouble", [QueryFailed("Athena query failed", query_id="q", reason="x", scanned_bytes=None), KeyError("x")]
)
def test_a_failed_query_of_flags_costs_nothing_else_of_the_night(trouble: Exception) -> None:
    """The revision is found and told, the look begun; the night says that values were not looked at, and why."""
    nights = Nights(unsure=True)
    nights.seen(("AAA", 3, 999.0))
    working = nights.review.ask

    def ask(sql: str, token: str) -> Iterable[Sequence[Any]]:
        if token.startswith("flags"):
            raise trouble
        return working(sql, token)

    nights.review = replace(nights.review, ask=ask)
    done = nights.run()
    assert (len(done.open), done.requests, done.flags) == (1, 3, None)
    assert type(trouble).__name__ in done.trouble
    assert nights.loop.signals.announced[0][1]["flags"] is None
