"""The real bars through the whole stream: captured minute by minute with a flaw, audited each hour, repaired,
published. What is in the lake then equals the source, and the facts equal a direct aggregation of it.

Both calendars trade at once: the crypto file's bars are moved by whole days onto the XNYS day (its dates are
other years). Three hours of the day are replayed, those that hold everything there is: the open, a natural
no-trade minute of each calendar, and the close. `REPLAY=day` replays all 24, which takes some minutes more than
`make test` has.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from minutemend.core.bars import VALUES
from minutemend.core.captures import DropRule
from minutemend.core.minutes import MINUTE, Range

from cli.follow import follow
from cli.stage import Stage
from local.replay import HOUR, Minute, Replay, differing_facts, direct_facts, published_facts
from tests.integration.conftest import Market

DAY = datetime(2013, 10, 4, tzinfo=UTC)
OPEN, CLOSE = DAY + timedelta(hours=13, minutes=30), DAY + timedelta(hours=20)
CRYPTO_DAY = datetime(2016, 10, 7, tzinfo=UTC)
SYMBOLS = {"XNYS": ["AIG", "IBM", "SPY"], "24/7": ["BTCUSD"]}
HOURS = range(24) if os.environ.get("REPLAY") == "day" else (13, 16, 19)


@pytest.fixture
def followed_symbols(stage: Stage) -> Iterator[None]:
    """The stage follows the symbols of the files while a test runs, and its own again afterwards."""
    parameter = stage.output("SymbolsParameter")
    before = stage.clients.ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    stage.clients.ssm.put_parameter(Name=parameter, Type="String", Overwrite=True, Value=json.dumps(SYMBOLS))
    yield
    stage.clients.ssm.put_parameter(Name=parameter, Type="String", Overwrite=True, Value=before)


@pytest.fixture
def source(real_bars: Path, tmp_path: Path, market: Market) -> pd.DataFrame:
    """The day's bars of both files, as the market trades them; expected minutes of the replayed hours alone."""
    nyse = pd.read_parquet(real_bars / "xnys.parquet")
    crypto = pd.read_parquet(real_bars / "crypto-24x7.parquet")
    crypto["minute"] -= pd.Timedelta(CRYPTO_DAY - DAY)
    both = pd.concat([nyse, crypto[crypto["symbol"] == "BTCUSD"]])
    both = both[both["minute"].between(DAY, DAY + timedelta(days=1), inclusive="left")]
    path = tmp_path / "market.parquet"
    both.to_parquet(path)
    market.replay(path)
    session = (both["minute"] >= OPEN) & (both["minute"] < CLOSE)
    both = both[((both["calendar"] == "24/7") | session) & both["minute"].dt.hour.isin(HOURS)]
    return both.sort_values(["symbol", "minute"], ignore_index=True)


def expected(symbol: str, hour: datetime) -> int:
    """Minutes that the symbol's calendar expects in the hour."""
    session = Range(OPEN, CLOSE) if symbol in SYMBOLS["XNYS"] else Range(DAY, DAY + timedelta(days=1))
    part = session.intersect(Range(hour, hour + HOUR))
    return part.minutes if part else 0


@pytest.mark.usefixtures("followed_symbols")
def test_a_replayed_day_ends_equal_to_its_source(stage: Stage, source: pd.DataFrame) -> None:
    """Bars and facts to the last digit, holes by the flaw repaired, no-trade minutes proven and said to be absent."""
    replay = Replay(stage)
    asked: list[Minute] = []
    audits = []
    for number in HOURS:
        hour = DAY + number * HOUR
        replay.capture([hour + n * MINUTE for n in range(60)], tell=asked.append)
        replay.settle()
        audits.append(replay.audit(hour))  # it runs while the next hour is captured
    for arn in audits:
        ended = follow(stage, arn, tell=lambda *_: None).execution
        assert ended.status == "SUCCEEDED", (ended.error, ended.cause)

    flaw = stage.settings.flaw
    assert flaw is not None
    rule = DropRule(flaw.rate, flaw.seed)
    traded = set(zip(source["symbol"], source["minute"], strict=True))
    dropped = {(symbol, minute.start) for minute in asked for symbol in minute.dropped}
    assert dropped
    assert all(rule.drops(symbol, minute) for symbol, minute in dropped)

    window = Range(DAY, DAY + timedelta(days=1))
    stored = stage.lake.read_bars(window).to_pandas()
    stored["minute"] = stored["minute"].dt.tz_localize("UTC")
    columns = ["symbol", "minute", *VALUES]
    pd.testing.assert_frame_equal(
        stored[columns], source[columns], check_exact=True, check_dtype=False, check_index_type=False
    )
    repaired = stored[stored["repair_id"].notna()]
    assert set(zip(repaired["symbol"], repaired["minute"], strict=True)) == dropped & traded

    ours = published_facts(stage, window)
    assert differing_facts(ours, direct_facts(source)) == []
    for row in stage.lake.hour_facts(window).to_pylist():
        hour = row["hour"].replace(tzinfo=UTC)
        there = ours.loc[(row["symbol"], hour), "minutes_present"] if row["minutes_present"] else 0
        assert row["minutes_expected"] == expected(row["symbol"], hour)
        assert row["minutes_absent"] == row["minutes_expected"] - there
    absent = ours[ours["minutes_absent"] > 0].index.get_level_values("symbol")
    assert {"IBM", "BTCUSD"} <= set(absent)
