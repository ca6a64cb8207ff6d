"""What people set during an audit: its statement may read the one and the layer the other, or the publisher a third."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from minutemend.contract import HOURS_KEY, Key, Status, Table
from minutemend.core.bars import to_table
from minutemend.core.closures import Closure, Kind
from minutemend.core.data_check import Question, TablesDiffer
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.revocations import Revocation
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import Verdict
from minutemend.ports.gap_finder import Found
from minutemend.services import tables
from minutemend.services.evidence_rows import row_of
from minutemend.services.facts import FactsContended, facts_anew
from minutemend.services.hourly import HOUR
from minutemend.services.publish import Publish

from mend.spans import verdicts
from tests.fakes.signals import FakeSignals
from tests.fakes.sql_finder import SqlGapFinder
from tests.unit.services.loop import OPEN, SYMBOLS, Loop, session_bars


class Meddled(SqlGapFinder):
    """Somebody is at the tables of a lake while the statement reads them."""

    meddle: Callable[[], object]

    def _symbols(self, question: Question) -> pa.Table:  # noqa: ARG002
        self.meddle()
        return tables.from_rows(map(row_of, self._lake.symbols()), Table.SYMBOLS)


def meddled(minutes: int, meddle: Callable[[Loop], object]) -> Loop:
    """A stage whose first symbol lacks its last minute, and what happens to it during an audit."""
    bars = session_bars(minutes=minutes)
    last = OPEN + (minutes - 1) * MINUTE
    loop = Loop(truth=bars, stored=[one for one in bars if (one.symbol, one.minute) != ("AAA", last)], minutes=minutes)
    finder = Meddled(loop.lake)
    finder.meddle = lambda: meddle(loop)
    loop.finder = finder  # type: ignore[assignment]
    return loop


def test_a_symbol_that_is_renamed_during_an_audit_is_not_whole_for_that() -> None:
    """As many hours are due as before, so that the count of them tells nothing."""

    def rename(loop: Loop) -> None:
        loop.read_parameter = lambda: json.dumps({"XNYS": ["ZZZ", *SYMBOLS[1:]]})
        loop.lake.put_symbols([one for one in loop.lake.symbols() if one.symbol != "AAA"])
        loop.lake.put_symbols([*loop.lake.symbols(), Listing("ZZZ", "XNYS")])

    with pytest.raises(TablesDiffer, match="asking again is right"):
        meddled(60, rename).begin()


def test_sessions_that_change_during_an_audit_make_nothing_whole() -> None:
    """An early close is recorded, and read by the layer alone before that: as many hours as before, fewer minutes."""
    early = Closure(Kind.CLOSED, "XNYS", span=Range(OPEN + 59 * MINUTE, OPEN + HOUR), by="anna", why="early close")
    with pytest.raises(TablesDiffer):
        meddled(60, lambda loop: loop.lake.calendars.change_closures(lambda told: [*told, early])).begin()


def test_hours_of_other_sessions_make_nothing_whole() -> None:
    """A slow writer's table of hours, which are of the sessions of before."""

    def write(loop: Loop) -> None:
        body = tables.decode(loop.store.objects[HOURS_KEY][0], tables.schema_of(Table.HOURS))
        old = body.set_column(body.num_columns - 1, "made_of", pa.array(["others"] * body.num_rows))
        loop.store.put(HOURS_KEY, tables.encode(old))

    with pytest.raises(TablesDiffer):
        meddled(60, write).begin()


def test_where_nothing_changes_the_statement_is_believed() -> None:
    state = meddled(60, lambda _: None).begin()
    assert (state[Key.STATUS], state[Key.MISSING]) == (Status.REPAIR, 1)


DAY = Range(OPEN, OPEN + HOUR)
HOLE = Range(OPEN + 7 * MINUTE, OPEN + 8 * MINUTE)


def published(loop: Loop, window: Range = DAY, begin: date | None = None) -> tuple[object, object]:
    """What a publisher of an audit that was whole says is ready, and what is not."""
    publish = Publish(lake=loop.lake, signals=loop.signals, retire_after=HOUR)
    publish.run(window, None, audit_id="audit-1", now=loop.now, begin=begin)
    ((_, detail),) = loop.signals.announced
    return detail["symbols"], detail.get("not_ready")


def whole() -> Loop:
    """A stage of which all is there but a minute that is proven absent."""
    bars = [one for one in session_bars() if (one.symbol, one.minute) != ("AAA", HOLE.start)]
    loop = Loop(truth=bars, stored=bars)
    assert loop.run()[Key.STATUS] == Status.READY
    return loop


def test_what_was_whole_when_the_audit_looked_is_ready() -> None:
    assert published(whole()) == (None, None)


def test_a_symbol_that_is_followed_since_the_audit_looked_is_not_ready() -> None:
    loop = whole()
    loop.lake.put_symbols([*loop.lake.symbols(), Listing("NEW", "XNYS")])
    assert published(loop) == (list(SYMBOLS), {"NEW": 60})


@pytest.mark.parametrize("begin", [None, OPEN.date() + timedelta(days=1)])
def test_what_was_revoked_since_the_audit_looked_is_not_ready(begin: date | None) -> None:
    """Nor where an earlier call of the publisher made the facts, which the revocation made anew."""
    loop = whole()
    if begin is not None:
        facts_anew(loop.lake, [DAY])
        Publish(lake=loop.lake, signals=FakeSignals(), retire_after=HOUR).run(DAY, None, audit_id="a", now=loop.now)
    loop.lake.put_revocations([Revocation("AAA", HOLE, "J. Doe", "the tape has trades", loop.now)])
    facts_anew(loop.lake, [DAY])
    assert published(loop, begin=begin) == (["BBB", "CCC"], {"AAA": 1})


def test_what_a_symbol_lacks_outside_of_the_window_does_not_make_it_less_ready() -> None:
    """The facts are of whole hours: the revoked minute is in the hour, and not in the window."""
    loop = whole()
    loop.lake.put_revocations([Revocation("AAA", HOLE, "J. Doe", "the tape has trades", loop.now)])
    assert published(loop, Range(HOLE.end, DAY.end)) == (None, None)


def meanwhile(loop: Loop, happens: Callable[[], object]) -> None:
    """This happens when somebody has read all that facts rest on, and is about to put the first of them."""
    put, due = loop.store.put, [happens]

    def late(key: str, body: bytes, **options: Any) -> str:
        if key.startswith("hourly/") and due:
            due.pop()()
        return put(key, body, **options)

    loop.store.put = late  # type: ignore[method-assign]


def lacking(loop: Loop) -> int:
    """What the facts say that is missing, as the verdicts do."""
    facts = loop.lake.hourly.facts(DAY).to_pylist()
    lacks = sum(one["minutes_expected"] - one["minutes_present"] - one["minutes_absent"] for one in facts)
    told = [one for one in verdicts(loop.lake, Range(OPEN, OPEN + HOUR)) if one.verdict is Verdict.MISSING]
    assert lacks == sum(one.range.minutes for one in told)
    return int(lacks)


def revoked(loop: Loop, at: Range = HOLE) -> None:
    """As `mend verdicts revoke` does."""
    loop.lake.put_revocations([Revocation("AAA", at, "J. Doe", "the tape has trades", loop.now)])
    facts_anew(loop.lake, [DAY])


@pytest.mark.parametrize("first", [True, False])
def test_a_proof_that_is_revoked_while_its_hour_is_published_is_not_in_the_facts(first: bool) -> None:
    """Who revoked it found no facts, or facts of before the proof: nothing to be taken out."""
    loop = whole()
    if not first:
        bars = [one for one in session_bars() if (one.symbol, one.minute) != ("AAA", HOLE.start)]
        before = Loop(truth=bars, stored=bars)  # nothing is proven yet
        before.begin()
        published(before)
        loop.store.objects |= {key: one for key, one in before.store.objects.items() if key.startswith("hourly/")}
    meanwhile(loop, lambda: revoked(loop))
    assert published(loop) == (["BBB", "CCC"], {"AAA": 1})
    assert lacking(loop) == 1


def test_a_proof_that_is_revoked_while_facts_are_made_anew_is_not_in_them_either() -> None:
    """Two people revoke at once, each a minute, and the facts are of before both proofs."""
    told = whole()
    (proof,) = told.lake.absences(DAY)
    other = Range(HOLE.end, HOLE.end + MINUTE)
    bars = [
        one for one in session_bars() if (one.symbol, one.minute) not in {("AAA", HOLE.start), ("AAA", other.start)}
    ]
    loop = Loop(truth=bars, stored=bars)
    loop.begin()
    published(loop)
    loop.now = told.now
    loop.lake.put_absences([proof, replace(proof, range=other)])
    meanwhile(loop, lambda: revoked(loop, other))
    revoked(loop)
    assert lacking(loop) == 2


def test_what_is_expected_otherwise_while_it_is_published_is_published_again() -> None:
    """The step fails, and runs again, as the state machine does it."""
    loop = whole()
    halt = Closure(Kind.HALT, "AAA", span=Range(OPEN, OPEN + 20 * MINUTE), by="anna", why="LULD")
    loop.lake.calendars.change_closures(lambda _: [halt])
    loop.store.delete([one.key for one in loop.lake.bar_objects(DAY)])
    loop.lake.put_bars(to_table(session_bars()[20:], source="capture", repair_id=None, captured_at=OPEN))
    meanwhile(loop, lambda: loop.lake.calendars.change_closures(lambda _: []))
    with pytest.raises(FactsContended, match="what is expected changed"):
        published(loop)
    assert loop.signals.announced == []
    assert published(loop) == (["BBB", "CCC"], {"AAA": 19})
    assert lacking(loop) == 19


def test_a_second_question_that_met_other_tables_makes_nothing_absent() -> None:
    """Of some symbols alone it is asked what all of them lack, after the first question was believed."""
    bars = [one for one in session_bars() if (one.symbol, one.minute) != ("AAA", HOLE.start)]

    class OfAll(SqlGapFinder):
        def find(self, question: Question, *, token: str) -> Found:
            found = super().find(question, token=token)
            if question.symbols is None:
                self._lake.put_symbols([one for one in self._lake.symbols() if one.symbol != "CCC"])
            return found

    loop = Loop(truth=bars, stored=bars)
    assert loop.run(symbols=["AAA"])[Key.STATUS] == Status.READY
    loop = Loop(truth=bars, stored=bars)
    loop.finder = OfAll(loop.lake)  # type: ignore[assignment]
    with pytest.raises(TablesDiffer):
        loop.run(symbols=["AAA"])
