"""`python -m bench [MODULE ...]`: run the benchmarks, print their tables, and write docs/benchmarks.md."""

from __future__ import annotations

import sys
from importlib import import_module

from bench.table import keep, kept, render, write_page

HEADINGS = {
    "audit": "The audit",
    "frames": "Results to frames",
    "repair": "The repair",
    "publish": "Publishing",
}


def main(names: list[str]) -> int:
    """Run the modules named, or all. Exit code 1 when a figure is outside its limit."""
    unknown = sorted(set(names) - set(HEADINGS))
    if unknown:
        print(f"there is no benchmark {', '.join(unknown)}: {', '.join(HEADINGS)} are known", file=sys.stderr)
        return 2
    for name in names or HEADINGS:
        print(f"== {HEADINGS[name]}", flush=True)
        keep(name, list(import_module(f"bench.{name}").run()))
        print(render(kept()[name][1]), flush=True)
    write_page(HEADINGS)
    return 0 if all(figure.kept for _, figures in kept().values() for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
