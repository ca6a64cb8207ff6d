"""What every benchmark returns, and its part of the page that they make together: `docs/benchmarks.md`."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"


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


def render(figures: Iterable[Figure]) -> str:
    """A Markdown table."""
    lines = ["| what | measured | limit | beside |", "|---|---:|---:|---|"]
    for one in figures:
        limit = "" if one.limit is None else f"{'≥' if one.at_least else '≤'} {one.limit:g}"
        mark = "" if one.kept else " **over**" if not one.at_least else " **under**"
        lines.append(f"| {one.what} | {one.value:,.4g} {one.unit}{mark} | {limit} | {one.beside} |")
    return "\n".join(lines)


def write_part(page: str, module: str, headings: Mapping[str, str], figures: Iterable[Figure], *, today: str) -> str:
    """The text of the page with the module's part anew, every other as it was. `headings` are all modules in their
    order, with their titles."""
    head, *parts = (part.strip("\n") for part in page.split("\n## "))
    kept = {part.partition("\n")[0]: part for part in parts}
    lines = (headings[module], f"`python -m bench {module}`, {today}, {_machine()}", render(figures))
    kept[headings[module]] = "\n\n".join(lines)
    order = dict.fromkeys([*headings.values(), *kept])
    return "\n\n## ".join([head, *(kept[title] for title in order if title in kept)]) + "\n"


def _machine() -> str:
    """What the figures were measured on."""
    cores, load = os.cpu_count() or 1, os.getloadavg()[2]
    busy = f", busy (load {load:.0f})" if load > cores else ""
    return f"{cores} cores ({platform.machine()}){busy}, Python {platform.python_version()}, DuckDB {version('duckdb')}"
