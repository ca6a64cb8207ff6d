"""What vendors say of minutes that are stored already: kept by the worker, compared later, decided by a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from minutemend.core.bars import BARS
from minutemend.core.minutes import MINUTE, Range
from minutemend.services.publish import Publish
from minutemend.services.revisions import accept
from minutemend.services.tables import decode

from mend.revisions import find_revisions
from tests.fakes.board import FakeBoard
from tests.unit.services.loop import OPEN, Loop, bar, session_bars

DAY = Range(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC))
TRUTH = session_bars()


def healed() -> Loop:
    """Minute 30 of AAA was missing and is repaired; of minute 20 the vendor says another price by now."""
    stored = [one for one in TRUTH if (one.symbol, one.minute) != ("AAA", OPEN + 30 * MINUTE)]
    restated = [one for one in TRUTH if (one.symbol, one.minute) != ("AAA", OPEN + 20 * MINUTE)]
    loop = Loop(truth=[*restated, bar("AAA", OPEN + 20 * MINUTE, 999.0)], stored=stored)
    loop.run()
    return loop


def looks(loop: Loop) -> list[tuple[str, int]]:
    bodies = [loop.store.objects[one.key][0] for one in loop.store.list("looks/")]
    rows = [row for body in bodies for row in decode(body, BARS).to_pylist()]
    return [(row["symbol"], (row["minute"].replace(tzinfo=UTC) - OPEN) // MINUTE) for row in rows]


def test_the_bars_around_a_gap_are_kept_as_looks_and_never_read_as_bars() -> None:
    """Each once, the gap's own minute not among them, and not one stored bar is touched."""
    loop = healed()
    kept = looks(loop)
    assert ("AAA", 20) in kept
    assert ("AAA", 30) not in kept
    assert len(kept) == len(set(kept))
    assert {symbol for symbol, _ in kept} == {"AAA"}
    read = loop.lake.read_bars(DAY).to_pylist()
    assert [row["open"] for row in read] == [one.open for one in sorted(TRUTH)]


def test_a_redelivered_job_keeps_its_looks_once() -> None:
    """The same answer a second later is the same object."""
    loop = Loop(truth=TRUTH, stored=[one for one in TRUTH if one.minute != OPEN + 30 * MINUTE])
    loop.queue_repairs(loop.begin())
    sent = list(loop.queue.sent)
    loop.work()
    before = [one.key for one in loop.store.list("looks/")]
    loop.board = FakeBoard()  # which knows of no settled job: the worker asks and writes again
    loop.now += timedelta(seconds=40)
    loop.queue.sent = sent
    loop.work()
    assert len(loop.vendor.asked) == 2 * len(sent)
    assert [one.key for one in loop.store.list("looks/")] == before != []


def test_an_accepted_revision_makes_its_hour_s_facts_anew_announces_it_and_touches_nothing_else() -> None:
    """From the look to the facts: the one hour is written, and said to be ready once more."""
    loop = healed()
    window = Range(OPEN.replace(minute=0), OPEN.replace(minute=0) + timedelta(hours=2))
    publisher = Publish(lake=loop.lake, signals=loop.signals, retire_after=timedelta(hours=1))
    publisher.run(window, None, audit_id="a", now=loop.now)
    (one,) = find_revisions(loop.lake, DAY)
    assert (one.symbol, one.minute, one.stored[0], one.seen[0]) == ("AAA", OPEN + 20 * MINUTE, 30.0, 999.0)
    assert one.kind == "disputed"  # it was captured from another source than the vendor that is asked
    loop.now += MINUTE
    accept(loop.lake, [one], who="J. Doe", why="the tape says so", now=loop.now)
    before = {key: body for key, (body, _) in loop.store.objects.items()}
    done = publisher.run(window, None, audit_id="b", now=loop.now)
    assert [(hour, names) for hour, names in done.changed] == [(OPEN.replace(minute=0), ("AAA",))]
    assert done.announced
    written = {key for key, (body, _) in loop.store.objects.items() if before.get(key) != body}
    assert {key.partition("/")[0] for key in written} == {"hourly", "announced"}
    assert not publisher.run(window, None, audit_id="c", now=loop.now).announced
