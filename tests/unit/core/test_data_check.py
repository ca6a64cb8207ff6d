"""The audit's SQL text and the decoding of what it returns."""

from __future__ import annotations

import re

import pytest
import sqlglot
from minutemend.core.data_check import RESULT_COLUMNS, check_data, decode_data_check, generate_data_check_query
from minutemend.core.errors import BadInput
from minutemend.core.gaps import Gap
from minutemend.core.minutes import Range

from tests.lakes import at

WINDOW = Range(at("2024-03-08 00:00"), at("2024-03-09 00:00"))


def columns(*rows: tuple[object, ...]) -> dict[str, tuple[object, ...]]:
    return dict(zip(RESULT_COLUMNS, zip(*rows, strict=True), strict=True))


def row(kind: str, start: str, end: str) -> tuple[object, ...]:
    times = [at(f"2024-03-08 {time}") for time in (start, end, "14:30", "21:00")]
    return (kind, "IBM", *times, 1, 1)


def gap(start: str, end: str) -> Gap:
    times = [at(f"2024-03-08 {time}") for time in (start, end, "14:30", "21:00")]
    return Gap("IBM", *times)


TOTAL = ("total", None, None, None, None, None, 390, 390)


def test_the_text_is_one_statement_in_athenas_dialect() -> None:
    """Trino's grammar, as sqlglot knows it; what runs on a real Trino is in tests/trino."""
    for closely in (False, True):
        assert len(sqlglot.parse(generate_data_check_query(WINDOW, closely=closely), dialect="trino")) == 1


def test_the_text_uses_nothing_that_an_engine_lacks() -> None:
    """The functions of the field notes that DuckDB has not, and DuckDB's own that Trino has not."""
    text = generate_data_check_query(WINDOW, symbols=["IBM"], cadence=5)
    used = set(re.findall(r"\b([a-z_0-9]+)\(", text))
    absent = {"sequence", "from_unixtime", "to_unixtime", "date_add", "bitwise_and", "element_at", "date_parse"}
    assert not used & (absent | {"bit_or", "list_extract", "epoch", "unnest", "range", "strftime"})


def test_bars_is_scanned_once() -> None:
    """Athena bills each scan, and Trino runs a named subquery as often as it is named."""
    text = generate_data_check_query(WINDOW, database="lake")
    assert text.count('"lake".bars') == 1
    assert len(re.findall(r"(?:FROM|JOIN) words\b", text)) == 1


def test_partitions_are_pruned_to_the_dates_of_the_window() -> None:
    """An end at midnight touches no minute of its day."""
    assert "dt BETWEEN '2024-03-08' AND '2024-03-08'" in generate_data_check_query(WINDOW)


@pytest.mark.parametrize("symbol", ["'; DROP TABLE bars", "IBM' OR '1'='1", "A\nB", "IBM--", "", "a b", "Ä"])
def test_only_symbols_reach_the_text(symbol: str) -> None:
    """Whatever could end a literal is refused before there is a text."""
    with pytest.raises(BadInput, match="is not a symbol"):
        generate_data_check_query(WINDOW, symbols=["IBM", symbol])


@pytest.mark.parametrize(
    "wrong", [{"cadence": 7}, {"cadence": 0}, {"cadence": 120}, {"database": 'x"; --'}, {"symbols": []}]
)
def test_only_known_settings_reach_the_text(wrong: dict[str, object]) -> None:
    """Each with what would be right."""
    with pytest.raises(BadInput, match="would be right"):
        generate_data_check_query(WINDOW, **wrong)  # type: ignore[arg-type]


def test_the_same_question_gives_the_same_text() -> None:
    """Athena's request token is made from it."""
    one = generate_data_check_query(WINDOW, symbols=["B", "A", "B"])
    assert one == generate_data_check_query(WINDOW, symbols=["A", "B"])


def test_decoding_sorts_and_types_the_gaps() -> None:
    """Rows come in any order."""
    found = decode_data_check(columns(row("gap", "20:00", "20:02"), TOTAL, row("gap", "14:31", "14:32")))
    assert found.gaps == (gap("14:31", "14:32"), gap("20:00", "20:02"))
    assert (found.expected_bars, found.expected_minutes) == (390, 390)


def test_decoding_a_range_without_sessions() -> None:
    """Nothing is expected, so the totals are null."""
    found = decode_data_check(columns(("total", *[None] * 7)))
    assert (found.gaps, found.expected_minutes) == ((), 0)


def test_what_is_unclear_is_asked_again_closely_and_only_there() -> None:
    """The second answer counts inside the unclear range alone, and touching gaps become one."""
    asked: list[str] = []

    def ask(sql: str) -> dict[str, tuple[object, ...]]:
        asked.append(sql)
        if len(asked) == 1:
            return columns(TOTAL, row("gap", "14:50", "15:00"), row("unclear", "15:00", "15:15"))
        return columns(TOTAL, row("gap", "15:00", "15:03"), row("gap", "16:00", "16:01"))

    found = check_data(ask, WINDOW)
    assert found.gaps == (gap("14:50", "15:03"),)
    assert found.unclear == ()
    assert "DISTINCT symbol, minute" in asked[1]
    assert "symbol IN ('IBM')" in asked[1]
    assert "TIMESTAMP '2024-03-08 15:15:00'" in asked[1]
