"""`python -m bench [MODULE ...]`: run the benchmarks, print them, write their parts of docs/benchmarks.md."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from importlib import import_module

from bench.table import PAGE, render, write_part

HEADINGS = {
    "audit": "The audit",
    "absence": "Absence: what is suspected",
    "check": "Files of bars",
    "years": "A history of years",
    "backfill": "A backfill on the local stage",
    "load": "Loading files",
    "publish": "Publishing",
    "values": "Values",
}


def main(names: list[str]) -> int:
    """Run the modules named, or all. Exit code 1 when a figure is outside its limit."""
    unknown = sorted(set(names) - set(HEADINGS))
    if unknown:
        print(f"there is no benchmark {', '.join(unknown)}: {', '.join(HEADINGS)} are known", file=sys.stderr)
        return 2
    within = True
    for name in names or HEADINGS:
        print(f"== {HEADINGS[name]}", flush=True)
        figures = list(import_module(f"bench.{name}").run())
        print(render(figures), flush=True)
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        PAGE.write_text(write_part(PAGE.read_text(), name, HEADINGS, figures, today=today))
        within &= all(figure.kept for figure in figures)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
