"""When the simulator's calendars trade: the sessions that the lake itself is audited by, at build and on a laptop.

`python -m market.calendars --calendars XNYS,24/7 --last 2027-12-31 --out FILE` writes them for the deployed simulator.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from minutemend.contract import FIRST_DT

from market.generated import AROUND_THE_CLOCK, Sessions


def session_edges(names: Iterable[str], *, last: str) -> dict[str, tuple[list[int], list[int]]]:
    """Opens and closes (epoch minutes) of exchange calendars from FIRST_DT to `last` (YYYY-MM-DD); of 24/7 none.
    Raises BadInput for unknown names."""
    from mend.calendars.exchange_sessions import session_table

    edges = {}
    for name in sorted(set(names) - {AROUND_THE_CLOCK}):
        table = session_table([name], first=FIRST_DT, last=last)
        opens, closes = (
            table[column].to_numpy().astype("M8[m]").astype("int64").tolist() for column in ("open", "close")
        )
        edges[name] = (opens, closes)
    return edges


def sessions_of(names: Iterable[str], *, last: str) -> Sessions:
    """The same, for GeneratedBars."""
    return Sessions(session_edges(names, last=last))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="python -m market.calendars")
    parser.add_argument("--calendars", required=True)
    parser.add_argument("--last", required=True, help="the last date of the sessions")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(argv)
    edges = session_edges(given.calendars.split(","), last=given.last)
    given.out.write_text(json.dumps(edges, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
