"""Values that cannot be right: what each rule rings at, and that it is quiet on real bars."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from minutemend.core.minutes import Range
from minutemend.core.value_rules import RULES, Flag

from mend.calendars.known import calendar_named
from mend.check.api import check
from mend.check.values import find_flags
from mend.commands import check as command

REAL_BARS = Path(__file__).resolve().parents[4] / "shared" / "data" / "real-minute-bars"
XNYS = calendar_named("XNYS")
OPENS = [pd.Timestamp("2013-10-04 13:30"), pd.Timestamp("2013-10-07 13:30")]
NATURAL = [  # the prints around each are elsewhere: docs/decisions/values.md looks at every one
    ("AAPL", "2014-06-09T13:30:00Z", "split_step"),
    ("AAPL", "2014-06-09T16:27:00Z", "spike"),
    ("AAPL", "2014-06-09T18:23:00Z", "spike"),
    ("SPY", "2013-10-08T19:03:00Z", "spike"),
    ("SPY", "2013-10-08T19:36:00Z", "spike"),
]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


@pytest.fixture
def real() -> pd.DataFrame:
    """The real equities, instants without zone."""
    if not REAL_BARS.is_dir():
        pytest.skip(f"the real minute bars are not there ({REAL_BARS}); they are kept outside the repository")
    bars = pd.read_parquet(REAL_BARS / "xnys.parquet").sort_values(["symbol", "minute"], ignore_index=True)
    bars["minute"] = bars["minute"].dt.tz_localize(None)
    return bars


def flags(connection: duckdb.DuckDBPyConnection, bars: pd.DataFrame, **options: Any) -> tuple[Flag, ...]:
    for name in ("open", "high", "low", "volume"):
        if name not in bars:
            bars[name] = np.nan
    rows = "SELECT symbol, minute::TIMESTAMP AS minute, " + ", ".join(
        f"CASE WHEN isnan({name}) THEN NULL ELSE {name}::DOUBLE END AS {name}"
        for name in ("open", "high", "low", "close", "volume")
    )
    connection.register("frame", bars)
    return find_flags(connection, f"{rows} FROM frame", XNYS, **options)


def walk(sessions: int = 2, *, seed: int = 1) -> pd.DataFrame:
    """Quiet sessions of one symbol: a random walk of cents around 100, volumes around 1,000."""
    random = np.random.default_rng(seed)
    minutes = np.concatenate([opened + pd.to_timedelta(np.arange(390), "min") for opened in OPENS[:sessions]])
    n = len(minutes)
    close = np.round(100 + np.cumsum(random.integers(-3, 4, n)) / 100, 2)
    high, low = close + random.integers(1, 5, n) / 100, close - random.integers(1, 5, n) / 100
    volume = random.integers(500, 1500, n).astype(float)
    return pd.DataFrame(
        {"symbol": "A", "minute": minutes, "open": close, "high": high, "low": low, "close": close, "volume": volume}
    )


def set_values(bars: pd.DataFrame, rows: slice | int, **values: float) -> None:
    at = bars.index[rows] if isinstance(rows, slice) else [bars.index[rows]]
    for name, value in values.items():
        bars.loc[at, name] = value


def times(rows: slice | int, factor: float, *names: str) -> Callable[[pd.DataFrame], None]:
    def change(bars: pd.DataFrame) -> None:
        at = bars.index[rows] if isinstance(rows, slice) else [bars.index[rows]]
        for name in names or ("open", "high", "low", "close"):
            bars.loc[at, name] = bars.loc[at, name] * factor

    return change


def frozen(start: int, n: int, *, same_volume: bool) -> Callable[[pd.DataFrame], None]:
    def change(bars: pd.DataFrame) -> None:
        names = ["open", "high", "low", "close"] + (["volume"] if same_volume else [])
        bars.loc[bars.index[start : start + n], names] = bars.loc[bars.index[start - 1], names].to_numpy()

    return change


def filled(start: int, n: int) -> Callable[[pd.DataFrame], None]:
    def change(bars: pd.DataFrame) -> None:
        close = bars["close"].iloc[start - 1]
        set_values(bars, slice(start, start + n), open=close, high=close, low=close, close=close, volume=0)

    return change


def test_a_quiet_walk_rings_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    """Six seeds: no rule rings by chance."""
    assert [flags(connection, walk(seed=seed)) for seed in range(6)] == [()] * 6


@pytest.mark.parametrize(
    ("change", "rang"),
    [
        (lambda bars: set_values(bars, 50, low=bars["high"].iloc[50]), [("inconsistent", 50, 1)]),
        (lambda bars: set_values(bars, 50, close=0.0, low=0.0), [("not_positive", 50, 1)]),
        (lambda bars: set_values(bars, 50, volume=-1.0), [("not_positive", 50, 1)]),
        (frozen(50, 30, same_volume=False), [("frozen", 50, 30)]),
        (frozen(50, 12, same_volume=True), [("frozen", 50, 12)]),
        (frozen(50, 2, same_volume=True), []),  # three alike happen
        (filled(50, 5), [("flat_fill", 50, 5)]),
        (times(50, 1.02), [("spike", 50, 1)]),
        (times(50, 1.02, "high"), [("spike", 50, 1)]),
        (times(50, 0.98, "low"), [("spike", 50, 1)]),
        (times(50, 100.0), [("spike", 50, 1)]),  # and no change of scale, there or at the next bar
        (times(slice(50, None), 1.02), []),  # a move that stays is news
        (times(slice(390, None), 0.5), [("split_step", 390, 1)]),
        (times(slice(390, None), 7.0), [("split_step", 390, 1)]),
        (times(slice(390, None), 2 / 3), [("split_step", 390, 1)]),
        (times(slice(390, None), 0.8), []),  # bad news
        (times(slice(390, None), 100.0), [("scale", 390, 1)]),
        (times(slice(50, 390), 100.0), [("scale", 50, 1), ("scale", 390, 1)]),
        (times(slice(390, None), 100.0, "volume"), [("scale", 390, 390)]),
    ],
)  # fmt: skip
def test_each_rule_rings_at_what_it_is_for_and_nowhere_else(
    connection: duckdb.DuckDBPyConnection, change: Callable[[pd.DataFrame], None], rang: list[tuple[str, int, int]]
) -> None:
    bars = walk()
    change(bars)
    minutes = {pd.Timestamp(minute): place for place, minute in enumerate(bars["minute"])}
    found = [
        (one.rule, minutes[pd.Timestamp(one.start).tz_localize(None)], one.bars) for one in flags(connection, bars)
    ]
    assert found == rang


def test_two_rows_of_one_minute_that_disagree_ring_and_copies_do_not(connection: duckdb.DuckDBPyConnection) -> None:
    bars = walk(1)
    other = bars.iloc[[10, 20]].assign(volume=1.0)
    other.loc[other.index[1], "close"] += 0.01
    found = flags(connection, pd.concat([bars, other], ignore_index=True))
    assert [(one.rule, one.start.minute, one.said.partition(",")[0]) for one in found] == [("two_values", 50, "2 rows")]


def test_bars_outside_sessions_are_too_thin_for_what_is_usual(connection: duckdb.DuckDBPyConnection) -> None:
    """A spike before the open is not judged; a price of zero is."""
    bars = walk(1)
    bars["minute"] -= pd.Timedelta(hours=3)
    times(50, 1.05)(bars)
    set_values(bars, 60, open=0.0, low=0.0)
    assert [one.rule for one in flags(connection, bars)] == ["not_positive"]


def test_closes_alone_are_enough_for_most_rules(connection: duckdb.DuckDBPyConnection) -> None:
    bars = walk()[["symbol", "minute", "close"]]
    bars.loc[50, "close"] *= 1.03
    assert [(one.rule, one.bars) for one in flags(connection, bars)] == [("spike", 1)]


def test_a_window_keeps_the_flags_that_begin_in_it(connection: duckdb.DuckDBPyConnection) -> None:
    """What is usual is worked out over all that the files hold."""
    bars = walk()
    times(50, 1.02)(bars)
    times(450, 1.02)(bars)
    window = Range(datetime(2013, 10, 7, tzinfo=UTC), datetime(2013, 10, 8, tzinfo=UTC))
    assert [one.start.day for one in flags(connection, bars, window=window)] == [7]


def test_the_real_bars_ring_where_something_is_odd(connection: duckdb.DuckDBPyConnection, real: pd.DataFrame) -> None:
    """Five times in 8,187 bars of sessions: a split of 7:1 that took place, and four lone prints."""
    assert [(one.symbol, one.as_json()["start"], one.rule) for one in flags(connection, real)] == NATURAL


def test_real_coins_ring_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    """8,535 bars around the clock, a step of 650 % between two of their sessions that do not follow each other."""
    if not REAL_BARS.is_dir():
        pytest.skip("the real minute bars are not there")
    file = REAL_BARS / "crypto-24x7.parquet"
    rows = f"SELECT symbol, minute::TIMESTAMP AS minute, open, high, low, close, volume FROM '{file}'"  # noqa: S608
    assert find_flags(connection, rows, calendar_named("24/7")) == ()


def damage(bars: pd.DataFrame, random: np.random.Generator, *, but: str = "") -> set[tuple[str, str, str]]:
    """Put ten spikes, two frozen runs and one split into the real bars, none on the date `but`; what is to ring."""
    clock, date = bars["minute"].dt.hour * 60 + bars["minute"].dt.minute, bars["minute"].dt.strftime("%F")
    inside = (clock >= 13 * 60 + 32) & (clock < 19 * 60 + 20) & (date != but)
    prices = ["open", "high", "low", "close"]
    bars.loc[(bars["symbol"] == "AIG") & (date >= "2013-10-09"), prices] /= 2
    wanted = {("AIG", "2013-10-09T13:30:00Z", "split_step")}
    for place in random.choice(bars.index[inside & bars["symbol"].isin(["IBM", "AIG"])], 10, replace=False):
        bars.loc[place, prices] *= random.choice([0.97, 1.03])
        wanted.add((bars.loc[place, "symbol"], f"{bars.loc[place, 'minute']:%Y-%m-%dT%H:%M:00Z}", "spike"))
    for day, n in (("2013-10-10", 15), ("2013-10-11", 40)):
        on = bars.index[inside & (bars["symbol"] == "SPY") & (date == day)]
        first = int(random.integers(1, len(on) - n))
        bars.loc[on[first : first + n], [*prices, "volume"]] = bars.loc[on[first - 1], [*prices, "volume"]].to_numpy()
        wanted.add(("SPY", f"{bars.loc[on[first], 'minute']:%Y-%m-%dT%H:%M:00Z}", "frozen"))
    return wanted


@pytest.mark.parametrize("seed", range(2))
def test_ten_spikes_two_frozen_runs_and_a_split_are_all_found(
    connection: duckdb.DuckDBPyConnection, real: pd.DataFrame, seed: int
) -> None:
    """Put into the real bars by seed; nothing else rings but what rang before."""
    wanted = {*NATURAL, *damage(real, np.random.default_rng(seed))}
    found = {(one.symbol, one.as_json()["start"], one.rule) for one in flags(connection, real)}
    assert found == wanted


@pytest.fixture
def spiked(tmp_path: Path) -> Path:
    """A whole session with a spike and no hole, right edges, New York's clock without a zone, no volume."""
    bars = walk(1).drop(columns=["volume", "symbol"])
    times(50, 1.02)(bars)
    bars["minute"] = bars["minute"] - pd.Timedelta(hours=4) + pd.Timedelta(minutes=1)
    bars.rename(columns={"minute": "datetime"}).to_csv(tmp_path / "ACME_1min.csv", index=False)
    return tmp_path / "ACME_1min.csv"


def run(*words: str) -> Any:
    return CliRunner().invoke(command.command, [*words, "--calendar", "XNYS", "--zone", "America/New_York", "--values"])


def test_the_command_names_left_edges_in_utc_and_keeps_its_exit_code(spiked: Path) -> None:
    done = run(str(spiked), "--format", "json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["missing"], told["flagged"]) == (0, 0, {"spike": 1})
    assert {name: told["flags"][0][name] for name in ("rule", "symbol", "start", "end", "bars")} == {
        "rule": "spike",
        "symbol": "ACME",
        "start": "2013-10-04T14:20:00Z",
        "end": "2013-10-04T14:21:00Z",
        "bars": 1,
    }
    assert run(str(spiked), "--symbol", "X", "--format", "json").stdout.count('"symbol": "X"') == 1


def test_the_table_says_that_a_flag_is_no_hole(spiked: Path) -> None:
    done = run(str(spiked))
    assert done.exit_code == 0
    assert "1 flag (1 spike); flagged bars are present all the same" in done.stdout


def test_a_file_that_breaks_off_costs_itself_alone(spiked: Path) -> None:
    """What could not be read for its minutes is not read for its values."""
    whole = pd.read_csv(spiked)
    for name in ("ONE", "TWO"):
        whole.to_csv(spiked.parent / f"{name}_1min.csv.gz", index=False)
    broken = spiked.parent / "TWO_1min.csv.gz"
    broken.write_bytes(broken.read_bytes()[:-400])
    told = json.loads(run(str(spiked.parent), "--format", "json").stdout)
    assert [one["symbol"] for one in told["flags"]] == ["ACME", "ONE"]
    assert [one["file"].rpartition("/")[2] for one in told["skipped"]] == ["TWO_1min.csv.gz"]
    assert told["unread"] == told["skipped"]


def test_without_the_option_nothing_is_looked_at(spiked: Path) -> None:
    assert check(spiked, calendar="XNYS", zone="America/New_York").flags is None
    found = check(spiked, calendar="XNYS", zone="America/New_York", values=True).flags
    assert found is not None
    assert [one.rule for one in found] == ["spike"]


def test_csv_has_the_gaps_alone(spiked: Path) -> None:
    done = run(str(spiked), "--format", "csv")
    assert done.exit_code == 2
    assert "table or json" in done.output


def test_the_page_names_every_rule() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "values.md").read_text()
    assert [rule for rule in RULES if f"`{rule}`" not in page] == []
