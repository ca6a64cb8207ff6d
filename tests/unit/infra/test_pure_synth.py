"""The same sources give the same template: in another folder, on another day, with other tools and no layer built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings import STAGES
from tests.unit.infra.conftest import ROOT, Synthesized

OF_THE_TEMPLATE = ("app.py", "cdk.json", "infra", "runtime", "requirements/layer.txt")
TOOLS = ("mend", "local", "market", "bench", "examples", "tests", "requirements/dev.txt", "pyproject.toml", "Makefile")
# Both processes of a synthesis, Python's and jsii's, believe that it is five years later.
LATER = """import datetime, time
now, day = time.time, datetime.datetime
time.time = lambda: now() + 5 * 365 * 86400
class Later(day):
    @classmethod
    def now(cls, tz=None): return day.now(tz) + datetime.timedelta(days=5 * 365)
    @classmethod
    def utcnow(cls): return day.now() + datetime.timedelta(days=5 * 365)
datetime.datetime = Later
"""
LATER_JS = "const now = Date.now; Date.now = () => now() + 5 * 365 * 86400e3;"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What bare `python app.py` wrote in a copy of the clone: each tool edited, five years later, without layers."""
    clone = tmp_path_factory.mktemp("another") / "folder" / "of another name"
    for name in (*OF_THE_TEMPLATE, *TOOLS):
        target = clone / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__", "static", "snapshots"))
        else:
            shutil.copy(ROOT / name, target)
    for name in TOOLS:
        for path in [clone / name] if (clone / name).is_file() else (clone / name).rglob("*.py"):
            path.write_text(path.read_text() + "\n# a comment\n")
    (clone / "runtime" / "handlers" / ".DS_Store").write_text("left behind")
    clock = clone.parent / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text(LATER)
    (clock / "later.js").write_text(LATER_JS)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(clone.parent),
        "TZ": "Pacific/Kiritimati",
        "PYTHONPATH": os.pathsep.join([str(clock), str(clone / "runtime" / "layer")]),
        "PYTHONHASHSEED": "7",
        "NODE_OPTIONS": f'--require "{clock / "later.js"}"',
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"],
    }
    subprocess.run([sys.executable, "app.py"], cwd=clone, env=environment, check=True, timeout=120)
    yield clone / "cdk.out"
    shutil.rmtree(clone)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_the_template_is_the_same(stage: str, elsewhere: Path, synthesized: Synthesized) -> None:
    """An edit to a tool, or a comment in the lock of the tools, changes no template."""
    there = json.loads((elsewhere / f"{STAGES[stage].stack_name}.template.json").read_text())
    assert there == synthesized.templates[stage]


def test_without_layers_the_cdk_is_told_to_deploy_nothing(elsewhere: Path) -> None:
    """Its command line ends at an error that stands in the assembly."""
    for stage in STAGES.values():
        metadata = json.loads((elsewhere / f"{stage.stack_name}.metadata.json").read_text())
        errors = [one["data"] for one in metadata[f"/{stage.stack_name}/Layers"] if one["type"] == "aws:cdk:error"]
        assert len(errors) == 1
        assert "are not built: `make layers`" in errors[0]


def test_the_clock_of_that_synthesis_was_another(elsewhere: Path) -> None:
    """Else the comparison above would say nothing about days."""
    code = "import datetime, time; print(datetime.datetime.now().year, time.gmtime(time.time()).tm_year)"
    environment = {**os.environ, "PYTHONPATH": str(elsewhere.parents[1] / "clock")}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    plain = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [int(year) - 5 for year in told.stdout.split()] == [int(year) for year in plain.stdout.split()]
