"""What is written down of a local stage; what an older version wrote can be read and stopped, and is said to be old."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import local.stack
from local.servers import LocalProblem

# As commit 2d554fb wrote it, whose market simulator was a process.
OLD: dict[str, Any] = {
    "name": "kept",
    "aws": {"pid": 4_000_001, "url": "http://127.0.0.1:4566", "marker": "ministack"},
    "market": {"pid": 4_000_002, "url": "http://127.0.0.1:4567", "marker": "market"},
    "vendor": "finnhub",
    "vendor_url": "http://127.0.0.1:4567",
    "token": "t",
    "replay": [],
    "outputs": {"DataBucket": "b"},
}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a stage that an older version left."""
    monkeypatch.setattr(local.stack, "ROOT", tmp_path)
    home = tmp_path / ".local" / "kept"
    home.mkdir(parents=True)
    (home / "state.json").write_text(json.dumps(OLD))
    return "kept"


def test_an_older_stage_is_read_with_its_simulator(kept: str) -> None:
    stack = local.stack.read(kept)
    assert stack is not None
    assert stack.market is None
    assert stack.simulator is not None
    assert stack.simulator.pid == 4_000_002
    stack.save()
    assert local.stack.read(kept) == stack


def test_an_older_stage_is_not_resumed_but_stopped(kept: str) -> None:
    """Its functions know the address of a process that nothing starts any more."""
    stack = local.stack.read(kept)
    assert stack is not None
    with pytest.raises(LocalProblem, match=r"made by an older version.*`mend local down --name kept`"):
        local.stack.resume(stack)
    assert local.stack.down(kept)
    assert local.stack.read(kept) is None
