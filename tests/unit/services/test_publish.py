"""Publishing on an in-memory store: exactly what changed is written, and said once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from minutemend.contract import Table
from minutemend.core.answers import AnswerKind
from minutemend.core.bars import Bar, to_table
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import NOTHING, RULE, Absence, Observation
from minutemend.services.compaction import MAX_OBJECTS
from minutemend.services.lake import Lake
from minutemend.services.publish import FactsContended, Publish, closed_dates
from minutemend.services.tables import listed

from tests.fakes.signals import FakeSignals
from tests.fakes.store import FakeStore

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
CLOSE = datetime(2013, 10, 4, 20, tzinfo=UTC)
DAY = Range(OPEN.replace(hour=0, minute=0), OPEN.replace(hour=0, minute=0) + timedelta(days=1))
FIRST = Range(OPEN.replace(minute=0), OPEN + 30 * MINUTE)
SYMBOLS = ("AIG", "IBM")


class Clock:
    """Every put is a second after the one before: an object that was written again is seen to be."""

    def __init__(self):
        self.at = datetime(2013, 10, 5, tzinfo=UTC)

    def __call__(self):
        self.at += timedelta(seconds=1)
        return self.at


def bars(symbol, start, count, *, repair_id=None, price=1.0):
    rows = [Bar(symbol, start + n * MINUTE, price + n, price + n, price, price, 10.0) for n in range(count)]
    return to_table(rows, source="sim", repair_id=repair_id, captured_at=start)


@pytest.fixture
def lake():
    lake = Lake(FakeStore(now=Clock()))
    lake.calendars.put([Session("XNYS", date(2013, 10, 4), OPEN, CLOSE)])
    lake.put_symbols([Listing(symbol, "XNYS") for symbol in SYMBOLS])
    return lake


@pytest.fixture
def signals():
    return FakeSignals()


def publish(lake, signals, window=FIRST, symbols=None, **options):
    service = Publish(lake=lake, signals=signals, retire_after=timedelta(0), **options)
    return service.run(window, symbols, audit_id="a1", now=CLOSE)


def whole_day(lake, *, but=()):
    """A day of both symbols, as objects of an hour each, less the minutes `but`."""
    for symbol in SYMBOLS:
        table = bars(symbol, OPEN, 390)
        keep = [minute.replace(tzinfo=UTC) not in but for minute in table["minute"].to_pylist()]
        lake.put_bars(table.filter(keep))


def test_publishing_a_date_compacts_its_answers(lake, signals):
    """A look reads a few objects a date, however many jobs there were; the symbols and the hour do not matter."""
    window = Range(OPEN, OPEN + 30 * MINUTE)
    told = [
        Observation("IBM", window, CLOSE, "sim", AnswerKind.NO_DATA, NOTHING, 0, 200, "", f"j{n}", "a1", 1)
        for n in range(MAX_OBJECTS + 1)
    ]
    for one in told:
        lake.answers.put([one])
    (key,) = [key for key in publish(lake, signals).compacted if key.startswith("answers/")]
    publish(lake, signals)
    assert [stored.key for stored in listed(lake.store, Table.ANSWERS, [OPEN.date()])] == [key]
    assert lake.answers.read([OPEN.date()]) == told


def test_an_hour_is_published_with_its_facts_and_one_event(lake, signals):
    """The facts are there, the event names the range, and the result says which symbol-hours changed."""
    whole_day(lake)
    done = publish(lake, signals)
    facts = lake.hourly.facts(FIRST).to_pylist()
    assert [(row["symbol"], row["minutes_present"], row["minutes_expected"]) for row in facts] == [
        ("AIG", 30, 30),
        ("IBM", 30, 30),
    ]
    assert done.changed == ((FIRST.start, SYMBOLS),)
    ((kind, detail),) = signals.announced
    assert (kind, detail["start"], detail["end"], detail["symbols"]) == (
        "Range Ready",
        "2013-10-04T13:00:00Z",
        "2013-10-04T14:00:00Z",
        None,
    )
    assert detail["publication_id"]


def test_publishing_again_writes_and_says_nothing(lake, signals):
    """A second audit of a healthy range does nothing at all."""
    whole_day(lake)
    publish(lake, signals, DAY)
    before = dict(lake.store.objects)
    done = publish(lake, signals, DAY)
    assert (done.changed, done.announced, len(signals.announced)) == ((), False, 1)
    assert lake.store.objects == before


def test_a_repair_of_an_old_minute_rewrites_its_hour_s_facts_and_nothing_else(lake, signals):
    """Of a published, compacted day every other object keeps its etag and its time of writing."""
    lost = OPEN + 95 * MINUTE
    whole_day(lake, but={lost})
    publish(lake, signals, DAY)
    (repaired,) = lake.put_bars(bars("IBM", lost, 1, repair_id="r", price=500.0))
    before = {stored.key: stored for stored in lake.store.list("")}
    done = publish(lake, signals, DAY)
    after = {stored.key: stored for stored in lake.store.list("")}
    hour = lost.replace(minute=0)
    touched = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert done.changed == ((hour, ("IBM",)),)
    assert {key for key in touched if not key.startswith("announced/")} == {f"hourly/dt=2013-10-04/{hour:%H}.parquet"}
    assert repaired in before
    ((_, detail),) = signals.announced  # before, no symbol was whole
    assert (detail["symbols"], detail["not_ready"]) == (["IBM"], {"AIG": 1})
    (row,) = [row for row in lake.hourly.facts(Range(hour, hour + MINUTE)).to_pylist() if row["symbol"] == "IBM"]
    assert (row["high"], row["minutes_present"]) == (500.0, 60)


def test_facts_say_which_minutes_are_absent_or_missing(lake, signals):
    """An hour that is not whole is marked, in both ways."""
    whole_day(lake, but={OPEN, OPEN + MINUTE})
    lake.put_absences([Absence("IBM", Range(OPEN, OPEN + MINUTE), "no_trade", "[]", 2, CLOSE, rule=RULE)])
    publish(lake, signals)
    aig, ibm = lake.hourly.facts(FIRST).to_pylist()
    assert (aig["minutes_present"], aig["minutes_expected"], aig["minutes_absent"]) == (28, 30, 0)
    assert (ibm["minutes_present"], ibm["minutes_expected"], ibm["minutes_absent"]) == (28, 30, 1)


def test_an_early_close_that_is_announced_later_is_followed(lake, signals):
    """The sessions are refreshed; the hours after the new close lose their facts, the hour of it expects less."""
    whole_day(lake)
    publish(lake, signals, DAY)
    early = CLOSE - timedelta(hours=2, minutes=30)
    lake.calendars.put([Session("XNYS", date(2013, 10, 4), OPEN, early)])
    publish(lake, signals, DAY)
    facts = lake.hourly.facts(DAY).to_pylist()
    assert max(row["hour"] for row in facts) == early.replace(minute=0, tzinfo=None)
    assert [row["minutes_expected"] for row in facts if row["symbol"] == "IBM"] == [30, 60, 60, 60, 30]


def test_a_symbol_taken_off_the_list_keeps_its_facts(lake, signals):
    """Its history is not erased when others are published anew."""
    whole_day(lake)
    publish(lake, signals)
    lake.put_symbols([Listing("AIG", "XNYS")])
    assert publish(lake, signals).changed == ()
    assert lake.hourly.facts(FIRST)["symbol"].to_pylist() == list(SYMBOLS)


def test_an_hour_without_a_session_is_not_announced(lake, signals):
    """Nothing is expected at night, so nothing is ready."""
    night = Range(DAY.start, DAY.start + timedelta(hours=1))
    done = publish(lake, signals, night)
    assert (done.hours, done.announced, signals.announced) == (0, False, [])


def test_the_event_names_the_symbols_that_were_audited(lake, signals):
    """An audit of one symbol says nothing of the others, and is another announcement."""
    whole_day(lake)
    publish(lake, signals, symbols=("IBM",))
    publish(lake, signals)
    assert [detail["symbols"] for _, detail in signals.announced] == [["IBM"], None]


def test_part_of_an_hour_publishes_the_hour(lake, signals):
    """Facts are of whole hours: what is not there yet is marked, not left out of what is expected."""
    lake.put_bars(bars("IBM", OPEN, 10))
    publish(lake, signals, Range(OPEN, OPEN + 10 * MINUTE))
    ibm = lake.hourly.facts(FIRST).to_pylist()[1]
    assert (ibm["minutes_present"], ibm["minutes_expected"]) == (10, 30)


def test_a_day_is_compacted_when_its_sessions_are_over(lake, signals):
    """Hour by hour until the close; the audit of the last hour makes one object of the day."""
    for minute in range(390):
        lake.put_bars(bars("IBM", OPEN + minute * MINUTE, 1))
    window = FIRST
    while window.end <= CLOSE:
        publish(lake, signals, window)
        window = Range(window.end, window.end + timedelta(hours=1))
    (day,) = [stored.key for stored in lake.store.list("bars/")]
    assert day.startswith("bars/dt=2013-10-04/day-")


def test_the_hour_in_the_middle_of_a_day_is_compacted_alone(lake, signals):
    """While minutes are still to come the hour's objects become one and the others stay."""
    for minute in range(30, 30 + 2 * MAX_OBJECTS):
        lake.put_bars(bars("IBM", OPEN + minute * MINUTE, 1))
    lake.put_bars(bars("IBM", OPEN + 90 * MINUTE, 1))
    publish(lake, signals, Range(FIRST.end, FIRST.end + timedelta(hours=1)))
    assert [stored.key[:22] for stored in lake.store.list("bars/")] == [
        "bars/dt=2013-10-04/14-",
        "bars/dt=2013-10-04/15-",
    ]


@pytest.mark.parametrize(
    ("end", "closed"),
    [(CLOSE, True), (CLOSE - MINUTE, False), (DAY.end, True)],
    ids=["at the close", "before it", "at midnight"],
)
def test_a_date_is_closed_with_its_last_session(end, closed):
    """By the end of the range, never by the clock: a late audit of an early hour compacts that hour."""
    found = closed_dates(Range(OPEN, end), {date(2013, 10, 4): [Session("XNYS", date(2013, 10, 4), OPEN, CLOSE)]})
    assert found == ({date(2013, 10, 4)} if closed else set())


def test_a_session_over_midnight_closes_each_date_with_its_part():
    """The first date is over at midnight, though its session is not."""
    session = Session("CMES", date(2013, 10, 5), DAY.end - timedelta(hours=2), DAY.end + timedelta(hours=20))
    both = {date(2013, 10, day): [session] for day in (4, 5)}
    assert closed_dates(Range(session.open, DAY.end + timedelta(hours=1)), both) == {date(2013, 10, 4)}


def test_a_second_part_of_the_day_keeps_it_open(lake, signals):
    """At lunch the date is not over, though no session of the published hour goes on."""
    lunch = OPEN + 90 * MINUTE
    lake.calendars.put(
        [Session("XNYS", OPEN.date(), OPEN, lunch), Session("XNYS", OPEN.date(), lunch + 60 * MINUTE, CLOSE)]
    )
    whole_day(lake)
    assert all("/day-" not in key for key in publish(lake, signals, Range(OPEN, lunch)).compacted)
    many = [bars("IBM", OPEN + n * MINUTE, 1, repair_id=f"r{n}") for n in range(MAX_OBJECTS)]
    for one in many:
        lake.put_bars(one)
    assert [key.rpartition("/")[2][:3] for key in publish(lake, signals, Range(OPEN, lunch)).compacted] == ["13-"]


def test_a_publisher_that_was_overtaken_looks_again(lake, signals):
    """Facts written between our reading and our writing are not overwritten with older ones."""
    whole_day(lake, but={OPEN})
    put = lake.store.put

    def overtaken(key, body, **options):
        if key.startswith("hourly/"):
            lake.store.put = put
            for symbol in SYMBOLS:
                lake.put_bars(bars(symbol, OPEN, 1, repair_id="r"))
            publish(lake, FakeSignals())
        return put(key, body, **options)

    lake.store.put = overtaken
    publish(lake, signals)
    assert [row["minutes_present"] for row in lake.hourly.facts(FIRST).to_pylist()] == [30, 30]


def test_two_that_write_the_same_facts_at_once_both_announce_them(lake, signals):
    """The other may be of an audit that failed, and says of fewer symbols that they are ready."""
    whole_day(lake)
    put = lake.store.put

    def at_once(key, body, **options):
        if key.startswith("hourly/"):
            put(key, body)
        return put(key, body, **options)

    lake.store.put = at_once
    assert publish(lake, signals).announced
    assert len(signals.announced) == 1


def test_endless_contention_is_an_error(lake, signals):
    """Better a failed step, which runs again, than facts that are stale unnoticed."""
    whole_day(lake)
    lake.hourly.put(FIRST.start, lake.hourly.of_hour(FIRST.start).rows, replaces=None)
    head = lake.store.head
    lake.store.head = lambda key: None if key.startswith("hourly/") else head(key)  # no condition is ever met
    with pytest.raises(FactsContended, match="13:00"):
        publish(lake, signals)


def test_retired_objects_are_not_read_again(lake, signals):
    """What compaction has just replaced is still there, for readers that began before; the facts do without."""
    for minute in range(30):
        lake.put_bars(bars("IBM", OPEN + minute * MINUTE, 1))
    read = []
    get = lake.store.get
    lake.store.get = lambda key: read.append(key) or get(key)
    service = Publish(lake=lake, signals=signals, retire_after=timedelta(hours=1))
    service.run(FIRST, None, audit_id="a1", now=CLOSE)
    assert len(lake.store.list("bars/")) == 31
    assert len([key for key in read if key.startswith("bars/")]) == 31
