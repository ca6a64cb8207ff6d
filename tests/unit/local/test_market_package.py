"""The market's function is whole: it runs from its own folder, without a layer, and holds no more than it uses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra import market_code
from market.generated import GeneratedBars, Sessions
from market.server import MarketServer

TELL = """import sys
sys.path.insert(0, sys.argv[1])
import market.handler
from pathlib import Path
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None) or ""
    if file.startswith(sys.argv[1]):
        print(Path(file).relative_to(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def folder() -> Path:
    """The function's code, built unless it is there."""
    market_code.build(("24/7", "XNYS"))
    return market_code.market_code(("24/7", "XNYS"))


def test_the_function_loads_every_file_that_it_has_and_no_library(folder: Path) -> None:
    """No library can be imported here; boto3, which every Lambda runtime brings, comes with the first request."""
    command = [sys.executable, "-I", "-S", "-c", TELL, str(folder)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    there = [str(path.relative_to(folder)) for path in folder.rglob("*.py")]
    assert sorted(loaded) == sorted(there) == sorted(market_code.sources())


def test_its_sessions_are_those_of_the_server_on_a_laptop(folder: Path) -> None:
    """Both trade in the same minutes, so a test may compute what the deployed one has."""
    sessions = Sessions(json.loads((folder / market_code.SESSIONS).read_text()))
    deployed = GeneratedBars(seed=7, sessions=sessions, calendar="XNYS", calendar_of={"BTCUSD": "24/7"})
    with MarketServer(seed=7, calendar="XNYS", calendar_of={"BTCUSD": "24/7"}) as server:
        week = range(22_848_000, 22_848_000 + 7 * 1440)
        for symbol in ("IBM", "BTCUSD"):
            assert server.source.rows(symbol, week[0], week[-1]) == deployed.rows(symbol, week[0], week[-1]) != []


def test_two_builds_at_once_leave_one_whole_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two local stages that start in a fresh clone: the slower build finds the other's folder, and takes it."""
    monkeypatch.setattr(market_code, "CACHE", tmp_path)
    place = market_code.market_code(("24/7", "XNYS"))

    def overtaken(command: list[str], **_: object) -> None:
        Path(command[command.index("--out") + 1]).write_bytes(b"sessions")
        place.mkdir()
        (place / "handler.py").write_text("the other's")

    monkeypatch.setattr(market_code.subprocess, "run", overtaken)
    market_code.build(("24/7", "XNYS"))
    assert (place / "handler.py").read_text() == "the other's"
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
    assert folder.exists()
