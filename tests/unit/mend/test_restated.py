"""The real bars as the vendor, who restates them; a stored copy with all that can be wrong with values; two looks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from minutemend.core.answers import VendorLimits
from minutemend.core.bars import BARE, BARS, VALUES, Bar
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, parse_instant
from minutemend.core.symbols import Listing
from minutemend.services.lake import Lake
from minutemend.services.process_repairs import ProcessRepairs, Received
from minutemend.services.publish import Publish

import mend.stage
from mend.aws import executions
from mend.calendars.known import calendar_named
from mend.commands import revisions, verify
from mend.lake_values import doubted
from mend.reading import read
from mend.revisions import find_revisions
from tests.fakes.board import FakeBoard
from tests.fakes.queue import FakeJobQueue
from tests.fakes.signals import FakeSignals
from tests.fakes.store import FakeStore
from tests.fakes.vendor import FakeVendor
from tests.unit.mend.test_values import damage

REAL_BARS = Path(__file__).resolve().parents[4] / "shared" / "data" / "real-minute-bars"
WEEK = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2013, 10, 12, tzinfo=UTC))
QUIET = "2013-10-07"  # neither restated nor damaged
EDGES = ["--stage", "dev", "--start", "2013-10-04", "--end", "2013-10-12"]
TICK, SHARE = 0.01, 0.0001
LIMITS = {
    "alpaca": VendorLimits("alpaca", 10_000, 200, 10_000),
    "finnhub": VendorLimits("finnhub", 2880, 1, 10_000),
}


class Week:
    """The stage: what is stored was captured each day; `now` is 20 hours after the last session."""

    def __init__(self) -> None:
        self.now = WEEK.end + timedelta(hours=16)
        self.lake = Lake(FakeStore(lambda: self.now))
        self.board, self.queue, self.started = FakeBoard(), FakeJobQueue(), list[dict[str, Any]]()
        self.lake.put_symbols([Listing(name, "XNYS") for name in ("AIG", "IBM", "SPY")])
        days = [day.date() for day in (WEEK.start, WEEK.end)]
        self.lake.calendars.put(calendar_named("XNYS").sessions(*days))

    def capture(self, bars: pd.DataFrame) -> None:
        later, on = self.now, bars["minute"].dt.date
        for day in sorted(set(on)):
            self.now = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
            self.lake.put_bars(table(bars[on == day], BARS, source="alpaca", captured_at=self.now.replace(tzinfo=None)))
        self.now = later

    def publish(self, window: Range = WEEK) -> None:
        Publish(lake=self.lake, signals=FakeSignals(), retire_after=timedelta(hours=1)).run(
            window, None, audit_id="a", now=self.now
        )

    def work(self, vendors: dict[str, FakeVendor]) -> None:
        clock: Callable[[], datetime] = lambda: self.now  # noqa: E731
        how: dict[str, Any] = {"lake": self.lake, "board": self.board, "queue": self.queue, "signals": FakeSignals()}
        worker = ProcessRepairs(**how, vendors=vendors, clock=clock, lease=timedelta(seconds=30), max_receives=3)
        while self.queue.sent:
            worker.run([Received(str(n), json.dumps(body), 1) for n, body in enumerate(self.queue.take())])

    def objects(self) -> dict[str, bytes]:
        return {key: body for key, (body, _) in self.lake.store.objects.items()}  # type: ignore[attr-defined]


@pytest.fixture
def week(monkeypatch: pytest.MonkeyPatch) -> Week:
    """`--stage dev` is this."""
    made = Week()
    opened = SimpleNamespace(
        lake=made.lake,
        board=made.board,
        name="dev",
        option="dev",
        vendors=[SimpleNamespace(name="alpaca"), SimpleNamespace(name="finnhub")],
        pauses=lambda **_: {},
        output=lambda _: "arn",
        clients=SimpleNamespace(stepfunctions=None, sqs=None),
    )
    monkeypatch.setattr(mend.stage, "open_stage", lambda _: opened)
    monkeypatch.setattr("minutemend.adapters.vendors.limits_of", lambda one: LIMITS[one.name])
    monkeypatch.setattr("minutemend.adapters.sqs.SqsJobQueue", lambda *_, **__: made.queue)
    monkeypatch.setattr(executions, "start", lambda _sfn, _arn, given, **_: made.started.append(given))
    return made


def table(bars: pd.DataFrame, schema: pa.Schema, **more: Any) -> pa.Table:
    given = bars.assign(repair_id=None, **more)
    return pa.Table.from_pandas(given, preserve_index=False).select(schema.names).cast(schema)


def vendor(bars: pd.DataFrame, name: str, week: Week) -> FakeVendor:
    rows = zip(bars["symbol"], bars["minute"].dt.tz_localize("UTC"), *(bars[one] for one in VALUES), strict=True)
    told = [Bar(symbol, minute.to_pydatetime(), *values) for symbol, minute, *values in rows]
    return FakeVendor(told, clock=lambda: week.now, name=name, limits=LIMITS[name])


def real() -> pd.DataFrame:
    """Three symbols, the minutes of six sessions; instants without zone."""
    if not REAL_BARS.is_dir():
        pytest.skip(f"the real minute bars are not there ({REAL_BARS}); they are kept outside the repository")
    bars = pq.read_table(REAL_BARS / "xnys.parquet").to_pandas()
    bars["minute"] = bars["minute"].dt.tz_localize(None).astype("M8[ms]")
    clock = bars["minute"].dt.hour * 60 + bars["minute"].dt.minute
    inside = bars["symbol"].isin(["AIG", "IBM", "SPY"]) & (clock >= 810) & (clock < 1200)
    return bars[inside].sort_values(["symbol", "minute"], ignore_index=True)[BARE.names]


def moved(bars: pd.DataFrame, rows: np.ndarray, by: float) -> pd.DataFrame:
    changed = bars.copy()
    changed.loc[rows, ["high", "close"]] += by
    return changed


def beyond(stored: pd.DataFrame, said: pd.DataFrame) -> np.ndarray:
    """Which bars another vendor disputes, counted by hand: by more than a tick and the share, in some price."""
    prices = list(VALUES[:4])
    apart = np.abs(said[prices].to_numpy() - stored[prices].to_numpy())
    least = np.maximum(TICK, SHARE * stored["close"].to_numpy())[:, None]
    return (apart > 1.000001 * least).any(axis=1)


def run(command: Any, *words: str) -> Any:
    return CliRunner().invoke(command, [*words, *EDGES])


def test_a_restated_week_from_the_look_to_accepted_to_as_of(week: Week) -> None:
    """2 % of the bars get new values 20 hours later, 0.5 % of another vendor's differ by five ticks; in the stored copy
    are ten spikes, two frozen runs and one split."""
    random, source = np.random.default_rng(17), real()
    stored = source.copy()
    rings = damage(stored, random, but=QUIET)
    quiet = (stored["minute"].dt.strftime("%F") == QUIET).to_numpy()
    restated = moved(source, (random.random(len(source)) < 0.02) & ~quiet, 0.25)
    other = moved(source, random.random(len(source)) < 0.005, 5 * TICK)
    week.capture(stored)
    week.publish()
    before = week.objects()
    evening = week.now - timedelta(hours=18)

    flagged = {(one.symbol, one.as_json()["start"], one.rule) for one in doubted(week.lake, WEEK)}
    natural = {("SPY", f"2013-10-08T19:{minute}:00Z", "spike") for minute in ("03", "36")}
    assert flagged == rings | natural

    for name in ("alpaca", "finnhub"):
        assert run(verify.command, "--sample", "100%", "--vendor", name).exit_code == 0
    week.work({name: vendor(bars, name, week) for name, bars in (("alpaca", restated), ("finnhub", other))})
    assert {key.partition("/")[0] for key in set(week.objects()) - set(before)} == {"answers", "looks"}
    found = sorted(find_revisions(week.lake, WEEK, share=SHARE), key=lambda one: (one.symbol, one.minute))
    revised, disputed = ([one for one in found if one.kind == kind] for kind in ("revised", "disputed"))
    values = list(VALUES)
    differs = (stored[values].to_numpy() != restated[values].to_numpy()).any(axis=1)
    both = [[tuple(row) for row in frame.loc[differs, values].to_numpy()] for frame in (stored, restated)]
    assert [[one.stored for one in revised], [one.seen for one in revised]] == both
    assert [(one.symbol, one.minute.replace(tzinfo=None)) for one in disputed] == [
        *zip(*(stored.loc[beyond(stored, other), name] for name in ("symbol", "minute")), strict=True)
    ]

    words = ["accept", "--kind", "revised", "--who", "J. Doe", "--why", "restated"]
    refused = run(revisions.command, *words)
    assert isinstance(refused.exception, BadInput)
    assert "closes of AIG by alpaca are 2 times what is stored" in str(refused.exception)
    done = run(revisions.command, *words, "--adjusted")
    assert done.exit_code == 0, done.output
    assert week.lake.read_bars(WEEK, bare=True).equals(table(restated, BARE))
    old = read(week.lake, None, "2013-10-04", "2013-10-12", as_of=evening)
    assert old.select(values).equals(table(stored, BARE).select(values))

    spans = [Range(parse_instant(one["start"], name=""), parse_instant(one["end"], name="")) for one in week.started]
    touched = {minute.replace(minute=0, tzinfo=UTC) for minute in stored.loc[differs, "minute"]}
    assert {hour for span in spans for hour in span.hours()} == touched
    for span in spans:
        week.publish(span)
    fresh = Week()
    fresh.capture(restated)
    fresh.publish()
    assert week.lake.hourly.facts(WEEK).equals(fresh.lake.hourly.facts(WEEK))
    after = week.objects()
    assert {key: after[key] for key in before if f"dt={QUIET}" in key} == {
        key: body for key, body in before.items() if f"dt={QUIET}" in key
    }
    hours = {f"hourly/dt={hour:%Y-%m-%d}/{hour:%H}.parquet" for hour in touched}
    assert {key for key in before if after.get(key) != before[key]} <= hours
