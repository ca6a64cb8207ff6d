"""`make setup` on a machine that is not ready for it: one message that says what would be, and nothing half made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Runs the code that it is given as a Python of another version would.
IMPOSTOR = """#!/bin/sh
[ "$1" = -c ] || {{ echo "called with $*" >&2; exit 99; }}
exec {real} -c 'import sys; sys.version_info = {version}; sys.executable = "{path}"; exec(sys.argv[1])' "$2"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `make setup` looks at, in a folder where nothing is installed."""
    for name in ("Makefile", "pyproject.toml", "package-lock.json", "requirements/dev.txt", "requirements/uv.txt"):
        target = tmp_path / "clone" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return tmp_path / "clone"


def _setup(clone: Path, *words: str, name: str, version: tuple[int, int, int]) -> subprocess.CompletedProcess[str]:
    """`make setup` where `name` on the PATH is a Python of `version`."""
    folder = clone.parent / "bin"
    folder.mkdir(exist_ok=True)
    fake = folder / name
    fake.write_text(IMPOSTOR.format(real=sys.executable, version=version, path=fake))
    fake.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(clone.parent)}
    words = ("make", "--no-print-directory", ".venv/.installed", *words)
    return subprocess.run(words, cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 10, 14)])
def test_a_python_that_is_too_old_is_told(clone: Path, version: tuple[int, int, int]) -> None:
    """Which one it is, what would be right, and how to name another; and no .venv of the wrong Python stays."""
    done = _setup(clone, name="python3", version=version)
    assert done.returncode != 0
    message = f"minutemend needs Python 3.11 or newer; {clone.parent}/bin/python3 is {version[0]}.{version[1]}."
    assert f"{message} Name another: make setup PYTHON=python3.12\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (clone / ".venv").exists()


def test_the_python_that_is_named_is_the_one_that_is_looked_at(clone: Path) -> None:
    """As the message says to."""
    done = _setup(clone, "PYTHON=python3.10", name="python3.10", version=(3, 10, 14))
    assert "bin/python3.10 is 3.10." in done.stderr


def test_a_python_that_is_new_enough_goes_on(clone: Path) -> None:
    """The next thing that is asked of it is a virtual environment, which this one refuses."""
    done = _setup(clone, name="python3", version=(3, 11, 0))
    assert "called with -m venv .venv" in done.stderr
    assert "needs Python" not in done.stderr
