"""`--start` and `--end`: every form, and every mistake."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from minutemend.core.errors import BadInput

from mend.times import parse_range

NOW = datetime(2026, 11, 22, 6, 40, 30, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2013-10-04T13:00:00Z", "2013-10-04T14:00:00+00:00", "[2013-10-04T13:00:00Z, 2013-10-04T14:00:00Z)"),
        ("2013-10-04T09:00:00-04:00", "2013-10-05", "[2013-10-04T13:00:00Z, 2013-10-05T00:00:00Z)"),
        ("2013-10-04", None, "[2013-10-04T00:00:00Z, 2013-10-05T00:00:00Z)"),
        ("2013-10-04", "2013-10-05", "[2013-10-04T00:00:00Z, 2013-10-05T00:00:00Z)"),
        ("yesterday", None, "[2026-11-21T00:00:00Z, 2026-11-22T00:00:00Z)"),
        ("yesterday", "now", "[2026-11-21T00:00:00Z, 2026-11-22T06:40:00Z)"),
        ("last-week", None, "[2026-11-09T00:00:00Z, 2026-11-16T00:00:00Z)"),
        ("Last-Week", "today", "[2026-11-09T00:00:00Z, 2026-11-22T00:00:00Z)"),
    ],
)
def test_forms(start: str, end: str | None, expected: str) -> None:
    """Times, dates and words; a date or word alone stands for the whole of it, as an end it is excluded."""
    assert str(parse_range(start, end, now=NOW)) == expected


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2013-10-04T13:00", "2013-10-05", "--start is '2013-10-04T13:00', which has no time zone"),
        ("2013-10-04T13:00:30Z", "2013-10-05", "not on a whole minute"),
        ("soon", None, "--start is 'soon', which is no ISO time"),
        ("2013-10-04", "later", "--end is 'later'"),
        ("2013-10-04T13:00:00Z", None, "--end is missing"),
        ("2013-10-05", "2013-10-04", "is not before end"),
        ("2013-10-04", "2013-10-04", "leave --end out"),
        ("9999-12-31", None, "not of the years 1900 to 2199"),
        ("0001-01-01", None, "not of the years 1900 to 2199"),
        ("2013-10-04", "9999-12-31T23:59:00Z", "not of the years 1900 to 2199"),
    ],
)
def test_mistakes(start: str, end: str | None, words: str) -> None:
    """Each mistake is told, with the option's name and what would be right."""
    with pytest.raises(BadInput) as refused:
        parse_range(start, end, now=NOW)
    assert words in str(refused.value)
