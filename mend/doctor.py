"""What keeps this machine from working, each with the command that mends it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mend.report.picture import find_browser

NODE = 20  # the oldest that the CDK's command line runs on
ROOM = 3.0  # GB: what a local stage, its lake and the layers take


class State(StrEnum):
    """How a finding is: `note` is well enough to go on."""

    OK = "ok"
    NOTE = "note"
    LACKING = "lacking"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend` is what to run or do; empty where all is well."""

    what: str
    state: State
    said: str
    mend: str = ""


def machine(root: Path) -> Iterator[Finding]:
    """What a clone in `root` needs on this machine."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield finding("Python", sys.version_info >= (3, 11), version, "make setup PYTHON=python3.12")
    yield _node()
    stamps: dict[Path, tuple[str, ...]] = {
        root / ".venv/.installed": ("requirements/dev.txt", "pyproject.toml"),
        root / "node_modules/.installed": ("package-lock.json",),
    }
    old = [
        str(made.parent.relative_to(root))
        for made, sources in stamps.items()
        if not made.exists() or any((root / one).stat().st_mtime > made.stat().st_mtime for one in sources)
    ]
    said = f"{' and '.join(old)} lack what the locks name" if old else "as the locks name it"
    yield finding("installed", not old, said, "make setup")
    free = shutil.disk_usage(root).free / 1e9
    yield finding("disk", free >= ROOM, f"{free:,.0f} GB free, {ROOM:.0f} are needed", "make clean, or another disk")
    browser = find_browser()
    lacking = State.OK if browser else State.NOTE
    yield Finding("browser", lacking, browser or "none: no pictures of reports, their tests are skipped", "")


def _node() -> Finding:
    node = shutil.which("node")
    if node is None:
        return Finding("Node.js", State.LACKING, "not on the PATH", f"install Node.js {NODE} or newer")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    major = said.removeprefix("v").partition(".")[0]
    return finding("Node.js", major.isdigit() and int(major) >= NODE, said, f"install Node.js {NODE} or newer")


def finding(what: str, well: bool, said: str, mend: str) -> Finding:
    return Finding(what, State.OK, said) if well else Finding(what, State.LACKING, said, mend)
