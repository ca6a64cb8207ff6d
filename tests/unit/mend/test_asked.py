"""A range that a person names ends where its minutes are due, and what is not followed starts nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from minutemend.core.errors import BadInput
from minutemend.core.symbols import Listing

from mend.commands.repair import command
from mend.options import Asked
from mend.problems import Problem

NOW = datetime(2026, 11, 29, 11, 40, 30, tzinfo=UTC)
STAGE = SimpleNamespace(
    name="dev",
    option="dev",
    settings=SimpleNamespace(settling_delay=timedelta(minutes=16)),
    interest=lambda: SimpleNamespace(listings=[Listing("IBM", "XNYS")]),
)


@pytest.fixture(autouse=True)
def _one_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mend.stage.open_stage", lambda _: STAGE)


@pytest.mark.parametrize(("start", "end"), [("today", None), ("2026-11-29", None), ("today", "now")])
def test_today_ends_where_its_minutes_are_due(start: str, end: str | None) -> None:
    """A minute that has not happened, or that the vendor still withholds, is not missing."""
    assert str(Asked("dev", start, end, None, NOW).past) == "[2026-11-29T00:00:00Z, 2026-11-29T11:24:00Z)"


@pytest.mark.parametrize(("start", "end"), [("today", "2026-11-30"), ("2026-11-29T11:30Z", "now")])
def test_a_later_end_is_refused_with_the_last_that_would_be_right(start: str, end: str | None) -> None:
    """On a whole minute, so that it is one."""
    with pytest.raises(
        BadInput, match="reaches into the future: an end of at most 2026-11-29T11:24:00Z would be right"
    ):
        _ = Asked("dev", start, end, None, NOW).past


def test_a_range_of_other_days_needs_no_stage_to_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its minutes are due in every stage, and none of those of later days is."""
    monkeypatch.setattr("mend.stage.open_stage", lambda _: pytest.fail("the stage was asked"))
    assert str(Asked("dev", "last-week", None, None, NOW).past) == "[2026-11-16T00:00:00Z, 2026-11-23T00:00:00Z)"
    with pytest.raises(BadInput, match="an end of at most 2026-11-29T11:40:00Z would be right"):
        _ = Asked("dev", "2031-01-01", None, None, NOW).past


def test_a_repair_of_a_symbol_that_is_not_followed_starts_no_audit() -> None:
    """A failed audit would ring the alarm for a slip of the fingers; the stage here has no machine to start."""
    done = CliRunner().invoke(command, ["--stage", "dev", "--start", "2025-11-20", "--symbols", "IBM,NVDA"])
    assert isinstance(done.exception, Problem) or done.exit_code == 2
    assert "dev does not follow NVDA" in f"{done.exception}{done.output}"
