"""What a person reads on one screen: no part that says nothing, and one notation of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from minutemend.core.gaps import Gaps

from mend.commands import plan, status
from mend.commands.dlq import _job
from mend.planning import Nightly

AT = datetime(2025, 11, 4, 14, 30, tzinfo=UTC)
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def tail(nightly: Nightly, capsys: pytest.CaptureFixture[str]) -> str:
    plan._print(_Whole(), nightly, "table", attempts=3, opened=SimpleNamespace(option="dev"), chosen="")  # type: ignore[arg-type]
    return capsys.readouterr().out


class _Whole:
    """An outlook of a day that lacks nothing."""

    gaps = Gaps.from_rows([])
    jobs: tuple[Any, ...] = ()
    expected, missing, scanned_bytes = 390, 0, 0
    estimate = SimpleNamespace(requests=0, time=AT - AT)


@pytest.mark.parametrize(
    ("nightly", "words"),
    [
        (Nightly(0, 0, 0, 500), None),
        (Nightly(3, 0, 0, 500), "besides, tonight: 3 requests to look again at bars of the day before"),
        (Nightly(0, 7, 2, 500), "besides, tonight: 7 of at most 500 for 2 dates due to be asked again"),
        (
            Nightly(1, 7, 1, 500),
            "besides, tonight: 1 request to look again at bars of the day before, and 7 of at most 500 for 1 date "
            "due to be asked again",
        ),
    ],
)
def test_a_plan_leaves_out_what_the_night_does_not_ask(
    nightly: Nightly, words: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    said = " ".join(tail(nightly, capsys).split()).split("besides")[1:]
    assert said == ([] if words is None else [words.removeprefix("besides")])


def test_a_status_names_the_calendar_before_the_number(capsys: pytest.CaptureFixture[str]) -> None:
    """`24/7: 2`, where `2 24/7` looked like a date; and its instants are written alike."""
    audit = {
        "name": "night", "status": "FAILED", "start": "2025-11-04T14:00:00Z", "end": "2025-11-04T15:00:00Z",
        "symbols": None, "missing": 1, "started": AT, "stopped": AT, "error": "MinutesMissing", "cause": "see verdicts",
    }  # fmt: skip
    vendor = {"vendor": "finnhub", "calendars": [], "per_minute": 60, "paused_until": None}
    found = {
        "stage": "dev", "where": "here", "vendors": [vendor], "symbols": {"24/7": 2, "XNYS": 1100},
        "symbols_refused": None, "sessions": [], "captures": [], "flags": {},
        "queues": {"repair": {"waiting": 0}}, "audits": [audit],
    }  # fmt: skip
    status._print(found, "table")
    shown = capsys.readouterr().out
    assert "symbols of interest: 24/7: 2, XNYS: 1,100" in shown
    assert "2025-11-04 14:00Z to 2025-11-04 15:00Z" in shown
    assert not ISO.search(shown)
    assert "paused until" not in shown, "a column that is empty in every row"


def test_a_dead_letter_tells_its_times_like_the_rest() -> None:
    body = '{"symbols": ["IBM"], "start": "2025-11-04T14:30:00Z", "end": "2025-11-04T14:31:00Z", "vendor": "finnhub"}'
    assert _job(body) == "IBM 2025-11-04 14:30Z to 2025-11-04 14:31Z from finnhub"
