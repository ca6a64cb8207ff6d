"""When the simulator's calendars trade: the sessions that the lake itself is audited by, at build and on a laptop.

`python -m market.calendars --calendars XNYS,24/7 --out FILE` writes them for the deployed simulator.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from minutemend.contract import FIRST_DT

from market.generated import AROUND_THE_CLOCK


def session_edges(names: Iterable[str]) -> dict[str, tuple[list[int], list[int]]]:
    """Opens and closes (epoch minutes) of exchange calendars from FIRST_DT on; of 24/7 none. Raises BadInput for
    unknown names."""
    from mend.calendars.known import calendar_named

    first = date.fromisoformat(FIRST_DT).toordinal() - date(1970, 1, 1).toordinal()
    edges = {}
    for name in sorted(set(names) - {AROUND_THE_CLOCK}):
        calendar = calendar_named(name)
        after = calendar.day >= first
        edges[name] = (calendar.open[after].tolist(), calendar.close[after].tolist())
    return edges


def main(argv: Sequence[str] | None = None) -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="python -m market.calendars")
    parser.add_argument("--calendars", required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(argv)
    edges = session_edges(given.calendars.split(","))
    given.out.write_text(json.dumps(edges, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
