"""A lake that no audit has seen: what `mend load` and `mend local up` put there, so that a plan can be made at once;
and how `mend plan` counts what it found."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from minutemend.core.gaps import Gap, Gaps
from minutemend.core.minutes import MINUTE, Range
from minutemend.core.symbols import Listing
from minutemend.services.lake import Lake

import mend.stage
from infra.settings import DEV
from mend.commands import load, plan
from mend.commands.sessions import put_sessions
from mend.planning import Nightly
from mend.stage import Stage
from tests.fakes.store import FakeStore

OPEN = datetime(2025, 11, 4, tzinfo=UTC)


class Parameters:
    """SSM with one parameter."""

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        return {"Parameter": {"Value": '{"24/7": ["BTCUSD"]}'}}


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage as it is after its deployment."""
    stage = Stage("dev", "dev", DEV, "nowhere", {"SymbolsParameter": "p"}, SimpleNamespace(ssm=Parameters()))  # type: ignore[arg-type]
    stage.__dict__["lake"] = Lake(FakeStore())
    monkeypatch.setattr(mend.stage, "open_stage", lambda _: stage)
    return stage


def _load(folder: Path, start: datetime = OPEN) -> Result:
    minutes = pa.array([start + n * MINUTE for n in range(2)], pa.timestamp("ms", "UTC"))
    prices = {name: [1.0, 1.0] for name in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table({"symbol": ["BTCUSD"] * 2, "minute": minutes, **prices}), folder / "bars.parquet")
    return CliRunner().invoke(load.command, [str(folder / "bars.parquet"), "--stage", "dev"])


def test_a_load_into_a_fresh_lake_brings_sessions_and_symbols_along(fresh: Stage, tmp_path: Path) -> None:
    done = _load(tmp_path)
    assert done.exit_code == 0, done.output
    assert [one.dt for one in fresh.lake.calendars.sessions(Range(OPEN, OPEN + MINUTE))] == [date(2025, 11, 4)]
    assert fresh.lake.symbols() == [Listing("BTCUSD", "24/7")]


def test_a_load_leaves_sessions_that_are_there_as_they_are(fresh: Stage, tmp_path: Path) -> None:
    """An early close that somebody has entered is not undone by a file of bars."""
    put_sessions(fresh)
    first, *rest = fresh.lake.calendars.sessions()
    early = type(first)(first.calendar, first.dt, first.open, first.close - timedelta(hours=3))
    fresh.lake.calendars.put([early, *rest])
    assert _load(tmp_path).exit_code == 0
    assert fresh.lake.calendars.sessions()[0] == early


def test_a_load_outside_the_known_sessions_is_said(fresh: Stage, tmp_path: Path) -> None:
    """The bars are kept; that no audit looks at them is no secret."""
    put_sessions(fresh)
    said = " ".join(_load(tmp_path, datetime(2009, 3, 3, tzinfo=UTC)).output.split())
    assert "the sessions of 24/7 are known from 2010-01-01T00:00:00Z" in said
    assert "no audit looks at them" in said
    assert "no audit looks at them" not in _load(tmp_path).output


def _plan(monkeypatch: pytest.MonkeyPatch, *, gaps: int, missing: int, requests: int) -> str:
    close = OPEN + timedelta(days=1)
    starts = [OPEN + 2 * n * MINUTE for n in range(gaps)]
    found = Gaps.from_rows(Gap("BTCUSD", start, start + MINUTE, OPEN, close) for start in starts)
    estimate = SimpleNamespace(requests=requests, time=timedelta(seconds=1))
    outlook = SimpleNamespace(expected=1440, missing=missing, gaps=found, jobs=[], estimate=estimate, scanned_bytes=0)
    planning = SimpleNamespace(look=lambda *_, **__: outlook, nightly=lambda *_, **__: Nightly(1, 2, 1, 500))
    monkeypatch.setattr(plan, "_planning", lambda _: planning)
    monkeypatch.setattr(Stage, "pauses", lambda *_, **__: {})
    done = CliRunner().invoke(plan.command, ["--stage", "dev", "--start", "2025-11-04", "--end", "2025-11-05"])
    assert done.exit_code == bool(gaps), done.output
    return " ".join(done.output.split())


@pytest.mark.usefixtures("fresh")
def test_a_plan_comes_right_after_a_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A person need not know of sessions first."""
    _load(tmp_path)
    assert "nothing is missing" in _plan(monkeypatch, gaps=0, missing=0, requests=0)


def test_a_plan_counts_one_gap_and_several_gaps_as_people_do(fresh: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Singular and plural."""
    put_sessions(fresh)
    one = _plan(monkeypatch, gaps=1, missing=1, requests=1)
    assert "1 of 1,440 expected minutes is missing, in 1 gap; 1 request, at least 1 s" in one
    assert "tonight: 1 request to look again at bars of the day before, and 2 of at most 500 for 1 date due" in one
    more = _plan(monkeypatch, gaps=2, missing=7, requests=2)
    assert "7 of 1,440 expected minutes are missing, in 2 gaps; 2 requests, at least 1 s" in more
