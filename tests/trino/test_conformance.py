"""All SQL of the layer, the same text on Trino (Athena's engine) and on DuckDB (the local Athena, `mend check`)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from minutemend.core import data_check
from minutemend.core.bars import BARS
from minutemend.core.data_check import check_data, generate_data_check_query
from minutemend.core.gaps import Gaps
from minutemend.core.minutes import Range
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.core.value_rules import RULES, flags_of
from minutemend.core.value_rules_sql import flags_sql
from minutemend.services.flags import lake_flags_sql
from minutemend.views import resolved_sql, revisions_sql

from tests.flawed import write_flawed
from tests.integration.test_views import random_bars
from tests.lakes import WHOLE, random_lake
from tests.trino import lakes, tables
from tests.trino.client import Row, Trino
from tests.trino.lakes import Question
from tests.trino.server import running

ROOT = Path(__file__).resolve().parents[2]
REAL_BARS = ROOT.parent / "shared" / "data" / "real-minute-bars"
SEEDS = range(12)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the server reads."""
    return tmp_path_factory.mktemp("lakes")


@pytest.fixture(scope="session")
def trino(root: Path) -> Iterator[Trino]:
    """One server for all tests."""
    with running(ROOT / ".build" / "trino", root) as server:
        yield server


def ask_both(trino: Trino, root: Path, name: str) -> Callable[[str], list[Row]]:
    """Ask a statement of both engines over the lake `name`, want the same rows, and give them."""
    tables.mount(trino, root / name)
    duck = tables.duck(root / name)

    def ask(sql: str) -> list[Row]:
        on_duckdb = tables.in_order(tables.rows_of(duck, sql))
        assert tables.in_order(trino.run(sql, schema=name)) == on_duckdb
        return on_duckdb

    return ask


def put(question: Question, ask: Callable[[str], list[Row]]) -> list[Row]:
    """The rows of one question."""
    return ask(generate_data_check_query(question.window, symbols=question.symbols))


def test_the_real_bars(trino: Trino, root: Path) -> None:
    """Natural no-trade minutes, extended hours, two calendars."""
    if not REAL_BARS.is_dir():
        pytest.skip(f"the real minute bars are not there ({REAL_BARS}); they are kept outside the repository")
    questions = lakes.real(root / "real", REAL_BARS)
    ask = ask_both(trino, root, "real")
    for question in questions:
        put(question, ask)
    equities, coins = questions[1], questions[2]
    found = gaps_of(ask, equities, lakes.real_listings(REAL_BARS), lakes.sessions("2013-10-01", "2018-04-30"))
    shown = [(gap.symbol, f"{gap.start:%dT%H:%M}") for gap in found]
    assert shown == [("AIG", "07T17:47"), ("IBM", "04T16:39"), ("IBM", "11T16:46")]
    found = gaps_of(ask, coins, lakes.real_listings(REAL_BARS), lakes.sessions("2013-10-01", "2018-04-30"))
    assert found.minutes == 21 + 40 + 43


def gaps_of(
    ask: Callable[[str], list[Row]], question: Question, listings: list[Listing], sessions: list[Session]
) -> Gaps:
    """What the layer makes of the answers."""
    asked = data_check.Question(question.window, listings, sessions, question.symbols)
    return check_data(lambda sql: tables.answered(ask(sql)), asked)


def test_every_adversity_at_once(trino: Trino, root: Path) -> None:
    """Holes, copies, strange files, half days, clock changes, lunch, midnight, listings, absences."""
    questions = lakes.adversarial(root / "adversarial")
    ask = ask_both(trino, root, "adversarial")
    assert all(put(question, ask)[-1][0] is None for question in questions)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_lakes(trino: Trino, root: Path, seed: int) -> None:
    """Both questions of the audit to both engines; what comes of it is what the oracle says."""
    lake = random_lake(seed)
    lake.absences = []
    name = f"random_{seed}"
    lake.write(root / name)
    ask = ask_both(trino, root, name)
    found = gaps_of(ask, Question(lake.window, lake.asked), lake.listings, list(lake.sessions))
    assert list(found) == lake.oracle()


@pytest.mark.parametrize("seed", range(3))
def test_the_bars_as_their_readers_ask_for_them(trino: Trino, root: Path, seed: int) -> None:
    """The precedence rule in SQL: bars that lie on one another, nulls in every column, over midnight."""
    name = f"bars_{seed}"
    bars = random_bars(seed, 120)
    days = pc.strftime(bars["minute"], "%Y-%m-%d")
    for day in pc.unique(days).to_pylist():
        folder = root / name / "bars" / f"dt={day}"
        folder.mkdir(parents=True)
        pq.write_table(bars.filter(pc.equal(days, day)), folder / "all.parquet")
    ask = ask_both(trino, root, name)
    everything = ask(resolved_sql("bars"))
    others = "looks AS (SELECT * FROM bars), superseded AS (SELECT * FROM bars)"
    assert ask(f"WITH {others} SELECT * FROM ({revisions_sql()}) AS revisions")  # noqa: S608
    trino.run(f"CREATE VIEW {name}.bars_resolved AS {resolved_sql(f'{name}.bars')}")
    assert tables.in_order(trino.run("SELECT * FROM bars_resolved", schema=name)) == everything
    plan = str(trino.run("EXPLAIN SELECT * FROM bars_resolved WHERE dt = '2013-10-04'", schema=name))
    assert "[[2013-10-04]]" in plan.replace("'", "")  # the scan's own partitions: the condition went through


@pytest.mark.parametrize("seed", range(4))
def test_the_rules_of_values(trino: Trino, root: Path, seed: int) -> None:
    """Bars that ring every rule, over each kind of session; rows as a lake resolves them, and as they lie."""
    writer, name = lakes.Writer(), f"flawed_{seed}"
    write_flawed(writer.lake, seed)
    writer.save(root / name)
    ask = ask_both(trino, root, name)
    assert {*RULES} - {one.rule for one in flags_of(ask(lake_flags_sql(WHOLE)))} <= {"two_values", "split_step"}
    plan = str(trino.run(f"EXPLAIN {lake_flags_sql(WHOLE)}", schema=name))
    assert Counter(re.findall(r"Scan\w*\[table = \w+:\w+:(\w+)", plan)) == dict.fromkeys(
        ("bars", "symbols", "hours", "sessions"), 2
    )
    unresolved = "SELECT symbol, minute, 1 AS part, open, high, low, close, volume FROM bars"
    assert "two_values" in {one.rule for one in flags_of(ask(flags_sql(unresolved)))}


def test_the_rules_of_values_on_the_real_bars(trino: Trino, root: Path) -> None:
    """A split and four lone prints, as `mend check --values` says."""
    if not REAL_BARS.is_dir():
        pytest.skip(f"the real minute bars are not there ({REAL_BARS}); they are kept outside the repository")
    writer, read = lakes.Writer(), pq.read_table(REAL_BARS / "xnys.parquet")
    columns = [read[name] for name in ("symbol", "minute", "open", "high", "low", "close", "volume")]
    n = read.num_rows
    provenance = [pa.array(["lean"] * n), pa.nulls(n, pa.string()), pa.array([datetime(2024, 8, 1)] * n)]  # noqa: DTZ001
    fields = zip([*columns, *provenance], BARS.names, strict=True)
    writer.lake.put_bars(pa.table({name: column for column, name in fields}).cast(BARS))
    writer.lake.put_symbols(lakes.real_listings(REAL_BARS))
    writer.lake.calendars.put(lakes.sessions("2013-10-01", "2014-06-30"))
    writer.save(root / "real_values")
    ask = ask_both(trino, root, "real_values")
    window = Range(datetime(2013, 10, 4, tzinfo=UTC), datetime(2014, 6, 30, tzinfo=UTC))
    found = [(one.symbol, f"{one.start:%Y-%m-%dT%H:%M}", one.rule) for one in flags_of(ask(lake_flags_sql(window)))]
    assert found == [
        ("AAPL", "2014-06-09T13:30", "split_step"),
        ("AAPL", "2014-06-09T16:27", "spike"),
        ("AAPL", "2014-06-09T18:23", "spike"),
        ("SPY", "2013-10-08T19:03", "spike"),
        ("SPY", "2013-10-08T19:36", "spike"),
    ]


def test_a_lake_without_anything(trino: Trino, root: Path) -> None:
    """One row: nothing is expected."""
    lakes.Writer().save(root / "nothing")
    ask = ask_both(trino, root, "nothing")
    assert put(Question(lakes.HALF_DAY), ask) == [(None, None, None, None)]
