"""The whole loop on a deployed stage: what is missing is named, repaired, proven absent, or told."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from minutemend.core.bars import BARS, VALUES, Bar, to_table
from minutemend.core.minutes import MINUTE, Range, epoch_minute, from_epoch_minute
from minutemend.core.sessions import Session
from minutemend.core.verdicts import Verdict
from minutemend.services.compaction import retired_objects

from local.holes import seeded_holes
from mend.follow import gaps_of
from mend.spans import verdicts
from mend.stage import Stage
from tests.integration.conftest import Borrow, Market, RunAudit

LOADED_AT = datetime(2026, 1, 1, tzinfo=UTC)
Minutes = set[tuple[str, int]]  # symbol, epoch minute
WEEK = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 12, tzinfo=UTC))


def _from_market(market: Market, symbols: Iterable[str], window: Range, *, without: Minutes) -> pa.Table:
    """The market's bars of the window as `mend load` would put them, less some minutes."""
    first, end = epoch_minute(window.start), epoch_minute(window.end)
    bars = [
        Bar(symbol, from_epoch_minute(minute), *values)
        for symbol in symbols
        for minute, *values in market.source.rows(symbol, first, end)
        if (symbol, minute) not in without
    ]
    return to_table(bars, source="loaded", repair_id=None, captured_at=LOADED_AT)


def _minutes(symbol: str, ranges: Iterable[Range]) -> Minutes:
    return {(symbol, minute) for one in ranges for minute in range(epoch_minute(one.start), epoch_minute(one.end))}


def _keys(bars: pa.Table) -> Minutes:
    minutes = bars["minute"].cast(pa.timestamp("s")).cast(pa.int64()).to_numpy() // 60
    return {*zip(bars["symbol"].to_pylist(), minutes.tolist(), strict=True)}


def _named(stage: Stage, state: dict[str, Any], look: int = 0) -> Minutes:
    """The minutes that a look of the audit found missing."""
    gaps = gaps_of(stage, state["looks"][look])
    return {pair for symbol, ranges in gaps.items() for pair in _minutes(symbol, ranges)}


def _values(bars: pa.Table) -> dict[tuple[str, int], tuple[float, ...]]:
    columns = zip(*(bars[name].to_pylist() for name in VALUES), strict=True)
    minutes = bars["minute"].cast(pa.timestamp("s")).cast(pa.int64()).to_numpy() // 60
    keys = zip(bars["symbol"].to_pylist(), minutes.tolist(), strict=True)
    return dict(zip(keys, columns, strict=True))


def _unresolved(stage: Stage, window: Range, symbols: list[str]) -> pa.Table:
    """Every row that lies in the lake, duplicates and all; not what compaction has replaced and not deleted yet."""
    lake = stage.lake
    going = retired_objects(lake.store)
    held = [stored.key for stored in lake.bar_objects(window) if (stored.key, stored.etag) not in going]
    rows = lake.read_objects(held, window, symbols)
    assert rows is not None
    return rows


def _real_holes(sessions: list[Session], symbols: list[str]) -> Minutes:
    """Seeded holes of every shape: single minutes, runs, first and last minutes, a whole session, a whole symbol."""
    chance = random.Random(2013)
    holes: Minutes = set()
    for session in sessions:
        for symbol in symbols:
            opened = session.open
            single = [Range(opened + n * MINUTE, opened + (n + 1) * MINUTE) for n in chance.sample(range(390), 5)]
            first = chance.randrange(300)
            run = Range(opened + first * MINUTE, opened + (first + chance.randrange(2, 60)) * MINUTE)
            edges = [Range(opened, opened + MINUTE), Range(session.close - MINUTE, session.close)]
            holes |= _minutes(symbol, [*single, run, *edges])
    holes |= _minutes("IBM", [sessions[2].range])
    for session in sessions:
        holes |= _minutes("SPY", [session.range])
    return holes


def test_real_bars_are_healed_exactly(
    stage: Stage, market: Market, run_audit: RunAudit, real_bars: Any, borrow: Borrow
) -> None:
    """The lake lacks seeded holes of the real bars; the vendor replays all of them.

    The audit names exactly those minutes and the ones without a trade; afterwards every value is the
    vendor's, nothing is there twice, and nothing outside the holes was touched.
    """
    symbols = ["AIG", "IBM", "SPY"]
    borrow(WEEK)
    market.replay(real_bars / "xnys.parquet")

    status, state = run_audit("2013-10-05T00:00:00Z", "2013-10-06T00:00:00Z", symbols=symbols)  # a Saturday
    assert (status, state["error"]) == ("FAILED", "BadInput")
    sessions = stage.lake.calendars.sessions(WEEK, ["XNYS"])
    assert len(sessions) == 6
    expected = {pair for one in sessions for symbol in symbols for pair in _minutes(symbol, [one.range])}
    traded = _keys(_from_market(market, symbols, WEEK, without=set()))
    natural = expected - traded
    assert len(natural) == 3  # the README beside the data counts them
    holes = _real_holes(sessions, symbols)
    loaded = _from_market(market, symbols, WEEK, without=holes)
    stage.lake.put_bars(loaded)

    status, state = run_audit(WEEK.start, WEEK.end, symbols=symbols)

    assert status == "SUCCEEDED", state
    assert _named(stage, state) == (holes | natural) & expected
    healed = stage.lake.read_bars(WEEK, symbols)
    source = _values(_from_market(market, symbols, WEEK, without=set()))
    assert _values(healed) == {key: source[key] for key in _keys(loaded) | (holes & traded)}
    rows = _unresolved(stage, WEEK, symbols)
    assert len(_keys(rows)) == rows.num_rows, "a minute is stored twice"
    repaired = healed.filter(healed["repair_id"].is_valid())
    assert _keys(repaired) == holes & traded
    untouched = healed.filter(pc.invert(healed["repair_id"].is_valid()))
    assert untouched.equals(loaded.sort_by([("symbol", "ascending"), ("minute", "ascending")]))

    told = [span for span in verdicts(stage.lake, WEEK, symbols) if span.verdict is not Verdict.PRESENT]
    absent = {pair for span in told if span.verdict is Verdict.ABSENT for pair in _minutes(span.symbol, [span.range])}
    assert absent == natural
    assert {span.verdict for span in told} == {Verdict.ABSENT, Verdict.REPAIRED}
    assert all(len(json.loads(span.evidence)) == 2 for span in told if span.verdict is Verdict.ABSENT)
    assert max(look.attempt for look in state["looks"]) == 2, "a minute without a trade was asked for a third time"


def test_real_crypto_bars_around_the_clock_are_healed(
    stage: Stage, market: Market, run_audit: RunAudit, real_bars: Any, borrow: Borrow
) -> None:
    """Three days of 1440 minutes, none of them in the lake at first; 104 of them were never traded. Three of those are
    a run that one vendor's word is not enough for (docs/absence.md): it is reported, and never called absent."""
    market.replay(real_bars / "crypto-24x7.parquet")
    window = Range(datetime(2016, 10, 7, tzinfo=UTC), datetime(2016, 10, 10, tzinfo=UTC))
    borrow(window)
    status, state = run_audit(window.start, window.end, symbols=["BTCUSD"])
    assert status == "FAILED", state
    assert (state["looks"][0].missing, state["looks"][-1].missing) == (3 * 1440, 3)
    told = [*verdicts(stage.lake, window, ["BTCUSD"])]
    assert sum(span.range.minutes for span in told if span.verdict is Verdict.ABSENT) == 21 + 40 + 43 - 3
    suspected = [span for span in told if span.verdict is Verdict.FAILED]
    assert [(span.range.minutes, span.reason) for span in suspected] == [(3, "vendor_hole_suspected")]
    source = _values(_from_market(market, ["BTCUSD"], window, without=set()))
    assert _values(stage.lake.read_bars(window, ["BTCUSD"])) == source


def test_a_second_audit_of_a_whole_day_does_nothing(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """No request to the vendor, and every object of the lake is as it was."""
    assert run_audit(fresh_day.open, fresh_day.close, symbols=["IBM", "XOM"])[0] == "SUCCEEDED"
    before = [(one.key, one.etag) for one in stage.lake.store.list("")]
    market.reset()
    status, state = run_audit(fresh_day.open, fresh_day.close, symbols=["IBM", "XOM"])
    assert status == "SUCCEEDED"
    assert [look.missing for look in state["looks"]] == [0]
    assert market.counts()["requests"] == 0
    assert [(one.key, one.etag) for one in stage.lake.store.list("")] == before


def test_an_audit_that_cannot_repair_fails_with_a_report_and_heals_when_asked_again(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """The vendor refuses: the execution ends in Fail, the report says which minutes and how to retry them."""
    market.faults({"kind": "status", "status": 403})
    window = Range(fresh_day.open, fresh_day.open + timedelta(minutes=30))
    status, state = run_audit(window.start, window.end, symbols=["GOOG"], attempts=2)
    assert status == "FAILED"
    assert state["error"] == "MinutesMissing"
    assert "30 of 30 minutes" in state["cause"]
    assert f"audits/{state['execution']}/report.json" in state["cause"]
    body = stage.clients.s3.get_object(
        Bucket=stage.output("ResultsBucket"), Key=f"audits/{state['execution']}/report.json"
    )["Body"].read()
    report = json.loads(body)
    assert report["reasons"] == {"vendor_refused": 30}
    assert report["retry"].startswith("mend repair --stage dev --start ")
    assert [(one.symbol, one.range, one.reason) for one in stage.lake.failures(window)] == [
        ("GOOG", window, "vendor_refused")
    ]
    assert {span.verdict for span in verdicts(stage.lake, window, ["GOOG"])} == {Verdict.FAILED}

    market.reset()
    assert run_audit(window.start, window.end, symbols=["GOOG"])[0] == "SUCCEEDED"
    assert {span.verdict for span in verdicts(stage.lake, window, ["GOOG"])} == {Verdict.REPAIRED}


FUTURE = "2099-01-04T15:00:00Z"
DAY = {"start": "2024-12-30T15:00:00Z", "end": "2024-12-30T16:00:00Z"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"start": DAY["end"], "end": DAY["start"]}, "is not before end"),
        ({"start": DAY["start"]}, "only one of start and end"),
        ({"start": "2024-12-30T15:00", "end": DAY["end"]}, "has no time zone"),
        ({"start": "2024-12-30T15:00:30Z", "end": DAY["end"]}, "not on a whole minute"),
        ({"start": "2098-01-04T15:00:00Z", "end": FUTURE}, "reaches into the future"),
        ({**DAY, "Symbols": ["IBM"]}, "unknown keys Symbols"),
        ({**DAY, "symbols": []}, "a list of symbols would be right"),
        ({**DAY, "symbols": ["NOPE"]}, "NOPE, which this stage does not follow"),
        ({**DAY, "symbols": ["'; DROP TABLE bars --"]}, "is not a symbol"),
        ({**DAY, "symbols": ["A/../B"]}, "is not a symbol"),
        ({**DAY, "symbols": ["IBM\n"]}, "is not a symbol"),
        ({**DAY, "attempts": 0}, "a whole number from 1 to 10"),
        ({**DAY, "attempts": 1000}, "a whole number from 1 to 10"),
        ([1, 2], "an object with start, end, symbols, attempts, recheck would be right"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_an_unusable_input_ends_in_fail_with_the_reason(run_audit: RunAudit, given: object, words: str) -> None:
    """Nothing is looked at, nothing is queued; the cause says what would be right."""
    status, state = run_audit(given=given)
    assert status == "FAILED"
    assert state["error"] == "BadInput"
    assert words in state["cause"]


def test_a_range_without_a_session_is_refused(run_audit: RunAudit) -> None:
    """Of a Saturday no minute of an exchange is expected: nothing was looked at, and nothing is whole."""
    status, state = run_audit("2024-01-06T00:00:00Z", "2024-01-07T00:00:00Z", symbols=["IBM"])
    assert (status, state["error"]) == ("FAILED", "BadInput")
    assert "no session of XNYS lies in it" in state["cause"]


def test_the_state_stays_small_however_many_gaps(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """Every other minute of a day of eleven symbols is missing: 2,145 gaps, and never more than 10 KB of state."""
    symbols = [one.symbol for one in stage.lake.symbols() if one.calendar == "XNYS"]
    opened = epoch_minute(fresh_day.open)
    holes = {(symbol, opened + 2 * n) for symbol in symbols for n in range(195)}
    stage.lake.put_bars(_from_market(market, symbols, fresh_day.range, without=holes))
    status, state = run_audit(fresh_day.open, fresh_day.close, symbols=symbols)
    assert status == "SUCCEEDED", state
    assert _named(stage, state) == holes
    assert state["largest_state"] < 10_000
    assert stage.lake.read_bars(fresh_day.range).num_rows == 390 * len(symbols)


def test_a_day_of_eleven_symbols_with_holes_of_every_shape(
    stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session
) -> None:
    """What `mend demo` shows: afterwards the bars are the market's, to the last digit."""
    symbols = ["AAPL", "AIG", "AMZN", "BAC", "GOOG", "IBM", "JPM", "MSFT", "SPY", "TSLA", "XOM"]
    holes = seeded_holes(fresh_day.range, symbols, seed=11)
    missing = {pair for symbol, ranges in holes.items() for pair in _minutes(symbol, ranges)}
    stage.lake.put_bars(_from_market(market, symbols, fresh_day.range, without=missing))
    status, state = run_audit(fresh_day.open, fresh_day.close, symbols=symbols)
    assert status == "SUCCEEDED", state
    assert _named(stage, state) == missing
    bars = stage.lake.read_bars(fresh_day.range)
    assert bars.schema == BARS
    assert _values(bars) == _values(_from_market(market, symbols, fresh_day.range, without=set()))


def test_a_day_that_was_loaded_whole_is_ready_at_once(stage: Stage, run_audit: RunAudit, fresh_day: Session) -> None:
    """No vendor is asked; this one runs against any stage, with any vendor."""
    bars = [
        Bar("IBM", fresh_day.open + n * MINUTE, 100.0 + n, 101.0 + n, 99.0 + n, 100.5 + n, float(n))
        for n in range(fresh_day.minutes)
    ]
    stage.lake.put_bars(to_table(bars, source="loaded", repair_id=None, captured_at=LOADED_AT))
    status, state = run_audit(fresh_day.open, fresh_day.close, symbols=["IBM"])
    assert status == "SUCCEEDED", state
    assert [(look.expected, look.missing) for look in state["looks"]] == [(390, 0)]
    facts = [row for row in stage.lake.hourly.facts(fresh_day.range).to_pylist() if row["symbol"] == "IBM"]
    assert sum(row["minutes_present"] for row in facts) == 390
    assert sum(row["volume"] for row in facts) == sum(range(390))


def test_results_can_be_read_without_us(stage: Stage, market: Market, run_audit: RunAudit, fresh_day: Session) -> None:
    """The lake's files are plain Parquet, sorted, and their key says their date."""
    assert run_audit(fresh_day.open, fresh_day.close, symbols=["JPM"])[0] == "SUCCEEDED"
    (stored,) = stage.lake.store.list(f"bars/dt={fresh_day.dt}/")[:1]
    body = stage.lake.store.get(stored.key)
    assert body is not None
    table = pq.read_table(pa.BufferReader(body))
    assert table.num_rows
    assert table.equals(table.sort_by([("symbol", "ascending"), ("minute", "ascending")]))
    assert market.counts()["requests"]
