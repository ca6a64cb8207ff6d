"""A range that a person names ends where its minutes are due, and what is not followed starts nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from minutemend.core.errors import BadInput
from minutemend.core.symbols import Listing
from minutemend.services.lake import Lake

from mend.calendars.known import calendar_named
from mend.commands.repair import _wait, command
from mend.options import Asked
from mend.problems import Problem
from tests.fakes.store import FakeStore

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


def test_a_repair_of_a_weekend_starts_no_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it ring; where the lake knows no sessions yet, the audit brings its own, and is started."""
    lake = Lake(FakeStore())
    lake.put_symbols([Listing("IBM", "XNYS")])
    weekend = ["--stage", "dev", "--start", "2025-11-22", "--end", "2025-11-24"]
    opened = SimpleNamespace(**vars(STAGE), lake=lake)
    monkeypatch.setattr("mend.stage.open_stage", lambda _: opened)
    fresh = CliRunner().invoke(command, weekend)
    assert isinstance(fresh.exception, AttributeError), "it would have started one: there is no machine here"
    lake.calendars.put(calendar_named("XNYS").sessions(date(2025, 11, 17), date(2025, 11, 28)))
    done = CliRunner().invoke(command, weekend)
    assert isinstance(done.exception, BadInput)
    assert "no minute is expected" in str(done.exception) or "nothing is expected" in str(done.exception)


@pytest.mark.parametrize(
    ("option", "before"),
    [
        ("dev", "aws"),
        ("local", 'eval "$(mend local status --export)"; aws'),
        ("local:two", 'eval "$(mend local status --name two --export)"; aws'),
    ],
)
def test_ctrl_c_says_how_to_stop_the_audit_that_goes_on_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str, before: str
) -> None:
    """A bare `aws` would ask AWS itself for an execution of a local stage."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mend.commands.repair.follow", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _wait(SimpleNamespace(option=option), "arn:x", "table")  # type: ignore[arg-type]
    said = capsys.readouterr().err
    assert f"to stop it: {before} stepfunctions stop-execution --execution-arn arn:x" in " ".join(said.split())
