"""What every benchmark returns, and the page that they make together: `docs/benchmarks.md`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / ".build" / "bench" / "results"  # one JSON file for each module, so that one can be run anew alone


class Measured(Protocol):
    """What a benchmark's `run()` returns a list of; `Figure` is one, and modules may have their own."""

    @property
    def what(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def unit(self) -> str: ...
    @property
    def beside(self) -> str: ...
    @property
    def limit(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing. `limit` is what the issue allows, None where it sets none; `beside` says how to read it.

    A limit is a most; with `at_least` it is a least.
    """

    what: str
    value: float
    unit: str
    beside: str = ""
    limit: float | None = None
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the figure is within its limit."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def keep(module: str, found: Sequence[Measured]) -> None:
    """Write one module's figures down for `write_page`."""
    rows = [
        {name: getattr(one, name) for name in ("what", "value", "unit", "beside", "limit")}
        | {"at_least": getattr(one, "at_least", False)}
        for one in found
    ]
    RESULTS.mkdir(parents=True, exist_ok=True)
    note = {"at": datetime.now(UTC).strftime("%Y-%m-%d"), "figures": rows}
    (RESULTS / f"{module}.json").write_text(json.dumps(note, indent=1))


def kept() -> dict[str, tuple[str, list[Figure]]]:
    """The date and the figures of every module that has been run, by its name."""
    found = {}
    for path in sorted(RESULTS.glob("*.json")):
        note = json.loads(path.read_text())
        found[path.stem] = (note["at"], [Figure(**row) for row in note["figures"]])
    return found


def render(figures: Iterable[Figure]) -> str:
    """A Markdown table."""
    lines = ["| what | measured | limit | beside |", "|---|---:|---:|---|"]
    for one in figures:
        limit = "" if one.limit is None else f"{'≥' if one.at_least else '≤'} {one.limit:g}"
        mark = "" if one.kept else " **over**" if not one.at_least else " **under**"
        lines.append(f"| {one.what} | {one.value:,.4g} {one.unit}{mark} | {limit} | {one.beside} |")
    return "\n".join(lines)


def write_page(headings: Mapping[str, str]) -> str:
    """Write `docs/benchmarks.md` from what is kept; `headings` are the modules in order, with their titles."""
    found = kept()
    parts = [
        "# Benchmarks",
        "Made by `make bench` (`make bench ONLY=audit` for one part); seeded, so that a run repeats. Seconds are of "
        "one machine; ratios hold better. **over** and **under** mark a figure outside the limit that was set for it.",
        f"Machine: {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"DuckDB {version('duckdb')}.",
    ]
    for module, heading in headings.items():
        if module in found:
            at, figures = found[module]
            parts += [f"## {heading}", f"`python -m bench {module}`, {at}", render(figures)]
    text = "\n\n".join(parts) + "\n"
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text)
    return text
