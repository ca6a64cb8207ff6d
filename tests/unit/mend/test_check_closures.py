"""`mend check --closures FILE`: what people recorded is neither expected nor missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from minutemend.core.closures import parse_closures
from minutemend.core.minutes import MINUTE

from mend.calendars.known import calendar_named
from mend.check.closures import calendar_in_force
from mend.commands import check

SAID = {"by": "anna", "why": "because"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spans(*pairs: tuple[str, str]) -> list[datetime]:
    return [at(first) + n * MINUTE for first, end in pairs for n in range((at(end) - at(first)) // MINUTE)]


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The result in JSON for bars at these minutes."""

    def run(minutes: Iterable[datetime], *options: str, closures: list[dict[str, str]] | None = None) -> dict[str, Any]:
        lines = [f"IBM,{minute:%Y-%m-%dT%H:%MZ},1,1,1,1,1" for minute in minutes]
        (tmp_path / "bars.csv").write_text("\n".join(["symbol,minute,open,high,low,close,volume", *lines]))
        if closures is not None:
            (tmp_path / "closures.json").write_text(json.dumps([one | SAID for one in closures]))
            options = (*options, "--closures", str(tmp_path / "closures.json"))
        done = CliRunner().invoke(check.command, [str(tmp_path / "bars.csv"), "--format", "json", *options])
        assert done.exit_code in (0, 1), (done.output, done.exception)
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    return run


def gaps(result: dict[str, Any]) -> list[tuple[str, int]]:
    return [(gap["start"], gap["minutes"]) for gap in result["gaps"]]


def test_the_typhoons_of_hong_kong_are_no_holes(found: Callable[..., dict[str, Any]]) -> None:
    """2023-08-31 to 2023-09-11 of XHKG without a bar on the first and the eighth of September."""
    days = ["2023-08-31", *(f"2023-09-{day:02}" for day in (4, 5, 6, 7, 11))]
    halves = (("01:30", "04:00"), ("05:00", "08:00"))
    bars = spans(*((f"{day}T{first}", f"{day}T{end}") for day in days for first, end in halves))
    assert found(bars, "--calendar", "XHKG")["missing"] == 2 * 330
    closed = (("XHKG", "01"), ("hkex", "08"))
    told = [{"kind": "closed", "calendar": name, "start": f"2023-09-{day}"} for name, day in closed]
    result = found(bars, "--calendar", "XHKG", closures=told)
    assert (result["missing"], result["expected"], result["sessions"]) == (0, 6 * 330, 6)


def test_a_daily_break_is_no_hole(found: Callable[..., dict[str, Any]]) -> None:
    """Of futures around the clock that rest for an hour in Chicago, in summer and in winter."""
    record = {"kind": "break", "calendar": "24/7", "from": "16:00", "to": "17:00", "zone": "America/Chicago"}
    for day, hour in (("2024-01-09", 22), ("2024-07-09", 21)):
        bars = spans((f"{day}T00:00", f"{day}T{hour}:00"), (f"{day}T{hour + 1}:00", f"{day}T23:59"))
        bars.append(at(f"{day}T23:59"))
        assert found(bars, "--calendar", "24/7")["missing"] == 60
        result = found(bars, "--calendar", "24/7", closures=[record])
        assert (result["missing"], result["expected"]) == (0, 23 * 60)


def test_a_halt_is_no_hole_and_divides_one(found: Callable[..., dict[str, Any]]) -> None:
    """Missing minutes on both sides of it are two gaps."""
    bars = spans(("2024-07-05T13:30", "2024-07-05T14:00"), ("2024-07-05T14:30", "2024-07-05T20:00"))
    assert gaps(found(bars, "--calendar", "XNYS")) == [("2024-07-05T14:00:00Z", 30)]
    halt = {"kind": "halt", "symbol": "IBM", "start": "2024-07-05T14:10:00Z", "end": "2024-07-05T14:25:00Z"}
    result = found(bars, "--calendar", "XNYS", closures=[halt, halt | {"symbol": "AIG"}])
    assert gaps(result) == [("2024-07-05T14:00:00Z", 10), ("2024-07-05T14:25:00Z", 5)]
    assert (result["expected"], result["present"] + result["missing"]) == (375, 375)


def test_two_listing_intervals_leave_what_lies_between_out(found: Callable[..., dict[str, Any]]) -> None:
    bars = spans(*((f"2024-07-{day:02}T13:30", f"2024-07-{day:02}T20:00") for day in (1, 9)))
    told = [
        {"kind": "listing", "symbol": "IBM", "delisted": "2024-07-02"},
        {"kind": "listing", "symbol": "IBM", "listed": "2024-07-09"},
    ]
    assert found(bars, "--calendar", "XNYS")["missing"] > 0
    result = found(bars, "--calendar", "XNYS", closures=told)
    assert (result["missing"], result["expected"]) == (0, 780)


def test_special_hours_are_the_only_ones_of_their_date(found: Callable[..., dict[str, Any]]) -> None:
    bars = spans(("2024-07-05T13:30", "2024-07-05T15:00"))
    record = {"kind": "hours", "calendar": "XNYS", "date": "2024-07-05"}
    record |= {"open": "2024-07-05T13:30:00Z", "close": "2024-07-05T15:00:00Z"}
    result = found(bars, "--calendar", "XNYS", closures=[record])
    assert (result["missing"], result["expected"]) == (0, 90)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no JSON"),
        ("[{}]", "record 1"),
        ('[{"kind": "closed", "calendar": "X", "start": "2024-07-05"}]', "lacks by"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "closures.json").write_text(text)
    given = [str(tmp_path), "--calendar", "XNYS", "--closures", str(tmp_path / "closures.json")]
    refused = CliRunner().invoke(check.command, given).exception
    assert says in str(refused)


def test_records_are_applied_where_the_bars_lie_alone() -> None:
    """A calendar has sessions of a century and more: a daily break of them all took four seconds."""
    known = calendar_named("24/7")
    record = {"kind": "break", "calendar": "24/7", "from": "16:00", "to": "17:00", "zone": "America/Chicago"} | SAID
    made = calendar_in_force(
        known, parse_closures(json.dumps([record]), name="x"), (date(2024, 1, 9), date(2024, 1, 10))
    )
    cut = np.isin(
        made.day, [day.toordinal() - date(1970, 1, 1).toordinal() for day in (date(2024, 1, 9), date(2024, 1, 10))]
    )
    assert cut.sum() == 4
    assert len(made.day) == len(known.day) + 2
    assert (np.diff(made.open) > 0).all()
