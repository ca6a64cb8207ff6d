"""The audit's SQL, the same text on Trino (Athena's engine) and on DuckDB (the local Athena, `mend check`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from minutemend.core.data_check import check_data, generate_data_check_query

from tests.trino import lakes, tables
from tests.trino.client import Row, Trino
from tests.trino.lakes import Question
from tests.trino.server import running

ROOT = Path(__file__).resolve().parents[2]
REAL_BARS = ROOT.parent / "shared" / "data" / "real-minute-bars"
SEEDS = range(6)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the server reads."""
    return tmp_path_factory.mktemp("lakes")


@pytest.fixture(scope="session")
def trino(root: Path) -> Iterator[Trino]:
    """One server for all tests."""
    with running(ROOT / ".build" / "trino", root) as server:
        yield server


def compare(trino: Trino, root: Path, name: str, question: Question) -> list[Row]:
    """The rows that both engines give; fails where they differ."""
    sql = generate_data_check_query(
        question.window, symbols=question.symbols, cadence=question.cadence, closely=question.closely
    )
    on_duckdb = tables.in_order(tables.rows_of(tables.duck(root / name), sql))
    assert tables.in_order(trino.run(sql, schema=name)) == on_duckdb
    return on_duckdb


def test_the_real_bars(trino: Trino, root: Path) -> None:
    """Natural no-trade minutes, extended hours, two calendars."""
    if not REAL_BARS.is_dir():
        pytest.skip(f"the real minute bars are not there ({REAL_BARS}); they are kept outside the repository")
    questions = lakes.real(root / "real", REAL_BARS)
    tables.mount(trino, "real", "real")
    found = [compare(trino, root, "real", question) for question in questions]
    equities = [(row[1], f"{row[2]:%dT%H:%M}") for row in found[1] if row[0] == "gap"]
    assert equities == [("AIG", "07T17:47"), ("IBM", "04T16:39"), ("IBM", "11T16:46")]
    assert sum(row[-1] for row in found[2] if row[0] == "gap") == 21 + 40 + 43


def test_every_adversity_at_once(trino: Trino, root: Path) -> None:
    """Holes, copies, strange files, half days, clock changes, lunch, midnight, listings, absences, cadences."""
    questions = lakes.adversarial(root / "adversarial")
    tables.mount(trino, "adversarial", "adversarial")
    kinds = {row[0] for question in questions for row in compare(trino, root, "adversarial", question)}
    assert kinds == {"gap", "unclear", "total"}


def test_what_is_unclear_ends_the_same(trino: Trino, root: Path) -> None:
    """Both questions of the audit, put to each engine: the gaps that people are shown."""
    folder = root / "unclear"
    lakes.adversarial(folder)
    tables.mount(trino, "unclear", "unclear")
    duck = tables.duck(folder)
    asked = {"symbols": ("MANY", "TWICE"), "cadence": 1}
    on_trino = check_data(lambda sql: tables.columns_of(trino.run(sql, schema="unclear")), lakes.CLOCKS_CHANGE, **asked)
    on_duckdb = check_data(lambda sql: tables.columns_of(tables.rows_of(duck, sql)), lakes.CLOCKS_CHANGE, **asked)
    assert on_trino == on_duckdb
    assert on_trino.gaps


def test_random_lakes(trino: Trino, root: Path) -> None:
    """By chance what nobody thought of; the seed is in the lake's name."""
    gaps = 0
    for name, question in lakes.random_lakes(root, SEEDS):
        tables.mount(trino, name, name)
        gaps += len(compare(trino, root, name, question))
    assert gaps > len(SEEDS)


def test_a_lake_without_anything(trino: Trino, root: Path) -> None:
    """One row: nothing is expected."""
    lakes.Writer().save(root / "nothing")
    tables.mount(trino, "nothing", "nothing")
    assert compare(trino, root, "nothing", Question(lakes.HALF_DAY)) == [("total", *[None] * 7)]
