"""The table of sessions as a stage takes it over: `python -m mend.calendars.shipped --calendars XNYS,24/7 --out FILE`.

`python -m infra.layer` puts the file into a layer; `mend sessions refresh` writes the same one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from minutemend.contract import FIRST_DT, Table
from minutemend.core.errors import BadInput
from minutemend.services.calendars import EDITION
from minutemend.services.evidence_rows import row_of
from minutemend.services.tables import encode, from_rows

from mend.calendars.known import calendar_named, edition

LAST = date(2050, 12, 31)  # of a calendar that never ends


def sessions_file(calendars: Sequence[str]) -> bytes:
    """The sessions of the calendars from FIRST_DT on, each under the name given, with their edition: a stage takes over
    what is newer than its own. The same calendars give the same bytes. Raises BadInput for an unknown one."""
    first = date.fromisoformat(FIRST_DT)
    sessions = [one for name in sorted(set(calendars)) for one in calendar_named(name).sessions(first, LAST, name=name)]
    table = from_rows(map(row_of, sessions), Table.SESSIONS)
    return encode(table.replace_schema_metadata({EDITION: edition()}))


def main(argv: Sequence[str]) -> int:
    """Write the file. Exit code 2 for a calendar that is unknown."""
    parser = argparse.ArgumentParser(prog="python -m mend.calendars.shipped")
    parser.add_argument("--calendars", required=True)
    parser.add_argument("--out", required=True, type=Path)
    given = parser.parse_args(argv)
    try:
        made = sessions_file(given.calendars.split(","))
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_bytes(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
