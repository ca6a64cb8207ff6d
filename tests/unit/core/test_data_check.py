"""The audit's statement, and the gaps that are made of the hours that it returns."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pytest
import sqlglot
from minutemend.core.data_check import (
    Answered,
    Question,
    TablesDiffer,
    check_data,
    generate_data_check_query,
)
from minutemend.core.data_check_sql import STATEMENT
from minutemend.core.errors import BadInput
from minutemend.core.gaps import Gap, Gaps
from minutemend.core.hours import day_number, expected_hours
from minutemend.core.intervals import numbers
from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.core.symbols import Listing

from tests.lakes import SESSIONS, at

WINDOW = Range(at("2024-03-08 00:00"), at("2024-03-09 00:00"))
DAY = SESSIONS[0]  # 14:30 to 21:00
IBM = Question(WINDOW, [Listing("IBM", "XNYS")], SESSIONS)
HOUR = epoch_minute(DAY.open) // 60
FULL = 2**60 - 1
HALF = FULL - (2**30 - 1)  # 14:30 to 14:59


def answered(*rows: tuple[int, int], due: int = 390, symbol: str = "IBM") -> Answered:
    """Rows of (hour after the first, word of the missing minutes) of one session."""
    hour, missing = numbers(rows).reshape(-1, 2).T
    return Answered([symbol] * len(rows), day_number(["2024-03-08"] * len(rows)), HOUR + hour, missing, due)


def gap(start: str, end: str) -> Gap:
    return Gap("IBM", *(at(f"2024-03-08 {time}") for time in (start, end, "14:30", "21:00")))


def test_the_text_is_one_statement_in_athenas_dialect() -> None:
    """Trino's grammar, as sqlglot knows it; what runs on a real Trino is in tests/trino."""
    assert len(sqlglot.parse(generate_data_check_query(WINDOW), dialect="trino")) == 1


def test_the_statement_fits_on_a_screen() -> None:
    """Who reads it once understands it."""
    assert STATEMENT.count("\n") <= 40


def test_the_text_uses_nothing_that_an_engine_lacks() -> None:
    """The functions of the field notes that DuckDB has not, and DuckDB's own that Trino has not."""
    used = set(re.findall(r"\b([a-z_0-9]+)\(", generate_data_check_query(WINDOW, symbols=["IBM"])))
    absent = {"sequence", "from_unixtime", "to_unixtime", "date_add", "element_at", "date_parse"}
    assert not used & (absent | {"bit_or", "list_extract", "epoch", "unnest", "range", "strftime"})


def test_bars_is_scanned_once() -> None:
    """Athena bills each scan, and Trino runs a named subquery as often as it is named."""
    text = generate_data_check_query(WINDOW, database="lake")
    assert text.count('"lake".bars') == 1
    assert len(re.findall(r"(?:FROM|JOIN) stored\b", text)) == len(re.findall(r"(?:FROM|JOIN) graded\b", text)) == 1


def test_partitions_are_pruned_to_the_dates_of_the_window() -> None:
    """An end at midnight touches no minute of its day; a window inside an hour reads that hour whole."""
    assert "dt BETWEEN '2024-03-08' AND '2024-03-08'" in generate_data_check_query(WINDOW)
    text = generate_data_check_query(Range(at("2024-03-08 14:37"), at("2024-03-08 15:02")))
    assert "minute >= TIMESTAMP '2024-03-08 14:00:00' AND minute < TIMESTAMP '2024-03-08 16:00:00'" in text


@pytest.mark.parametrize("symbol", ["'; DROP TABLE bars", "IBM' OR '1'='1", "A\nB", ""])
def test_only_symbols_reach_the_text(symbol: str) -> None:
    """Whatever could end a literal is refused before there is a text."""
    with pytest.raises(BadInput, match="is not a symbol"):
        generate_data_check_query(WINDOW, symbols=["IBM", symbol])


@pytest.mark.parametrize("wrong", [{"database": 'x"; --'}, {"symbols": []}])
def test_only_known_settings_reach_the_text(wrong: dict[str, object]) -> None:
    """Each with what would be right."""
    with pytest.raises(BadInput, match="would be right"):
        generate_data_check_query(WINDOW, **wrong)  # type: ignore[arg-type]


def test_the_same_question_gives_the_same_text() -> None:
    """Athena's request token is made from it."""
    one = generate_data_check_query(WINDOW, symbols=["B", "A", "B"])
    assert one == generate_data_check_query(WINDOW, symbols=["A", "B"])


def test_hours_have_a_bit_for_each_expected_minute() -> None:
    """A session that opens inside an hour, and two parts of one session that share an hour."""
    hours = expected_hours(SESSIONS)
    at_open = hours.hour.tolist().index(HOUR)
    assert (hours.bars[at_open], hours.word[at_open]) == (30, HALF)
    lunch = [row for row, name in enumerate(hours.calendar) if name == "LUNCH" and hours.hour[row] == HOUR - 11]
    assert [int(hours.bars[row]) for row in lunch] == [45]  # to 03:40, and from 03:55


def test_bits_become_gaps_of_their_session() -> None:
    """And what the window cuts off is not asked about."""
    hole = (1, 2**10 + 2**11)
    assert list(check_data(lambda _: answered(hole), IBM)) == [gap("15:10", "15:12")]
    assert IBM.expected_minutes == 390
    cut = Question(Range(at("2024-03-08 15:11"), at("2024-03-08 15:30")), IBM.listings, SESSIONS)
    assert list(check_data(lambda _: answered(hole, due=60), cut)) == [gap("15:11", "15:12")]
    assert cut.expected_minutes == 19


def test_ranges_join_over_hours_and_not_over_sessions() -> None:
    """Off an hour's end into the next; and never beyond what the layer expects itself."""
    over = [(1, FULL - (2**58 - 1)), (2, 1), (6, FULL)]
    found = check_data(lambda _: answered(*over), IBM)
    assert list(found) == [gap("15:58", "16:01"), gap("20:00", "21:00")]
    lunch = Question(WINDOW, [Listing("HK", "LUNCH")], SESSIONS)
    every = Answered(
        ["HK"] * 6, day_number(["2024-03-08"] * 6), HOUR - 13 + numbers(range(6)), numbers([FULL] * 6), 277
    )
    parts = [one for one in SESSIONS if one.calendar == "LUNCH" and one.dt == DAY.dt]
    assert list(check_data(lambda _: every, lunch)) == [Gap("HK", *[one.open, one.close] * 2) for one in parts]


def test_a_whole_session_does_not_come_back() -> None:
    assert len(check_data(lambda _: answered(), IBM)) == 0


def test_tables_that_say_otherwise_than_the_layer_are_never_whole() -> None:
    """The statement took fewer minutes for due: the table of hours is older than the sessions."""
    with pytest.raises(TablesDiffer, match="expected 389 minutes of sessions and symbols, and 390 are right"):
        check_data(lambda _: answered(due=389), IBM)


def test_where_nothing_is_expected_nothing_is_asked() -> None:
    def ask(sql: str) -> Answered:
        raise AssertionError(sql)

    sunday = Question(Range(at("2024-03-10 00:00"), at("2024-03-11 00:00")), IBM.listings, SESSIONS)
    assert (len(check_data(ask, sunday)), sunday.expected_minutes) == (0, 0)
    gone = Question(WINDOW, [Listing("IBM", "XNYS", delisted=date(2024, 1, 1))], SESSIONS)
    assert (len(check_data(ask, gone)), gone.expected_minutes) == (0, 0)


def test_what_lies_in_a_proof_is_no_gap() -> None:
    """A late bar inside it changes nothing: the gaps on either side stay two."""
    gaps = Gaps.from_rows([gap("15:00", "15:02"), gap("15:03", "15:05")])
    proof = gaps.places(["IBM", "NOBODY"], [epoch_minute(at("2024-03-08 15:01"))] * 2, [epoch_minute(DAY.close)] * 2)
    assert list(gaps.less(proof)) == [gap("15:00", "15:01")]
    assert gaps.minutes == 4
    assert np.array_equal(gaps.line.lengths, [2, 2])
    assert gap("15:00", "15:02").range.start + MINUTE == at("2024-03-08 15:01")
