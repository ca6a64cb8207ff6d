"""The comparison of what is stored with all that was seen, on DuckDB (services/revisions.py has what follows).

Looks are kept for 90 days, bars that lost for good.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa
from minutemend.contract import Table
from minutemend.core.bars import BARS, resolve
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, day_range
from minutemend.services.history import read_superseded
from minutemend.services.lake import Lake
from minutemend.services.revisions import Revision, rejections
from minutemend.services.tables import concat, condition_of, decode, listed
from minutemend.views import SHARE, comparison

from mend.as_of import settled_history


def find_revisions(
    lake: Lake,
    window: Range,
    symbols: Sequence[str] | None = None,
    *,
    share: float = SHARE,
    rejected: bool = False,
) -> Iterator[Revision]:
    """The open revisions of `window`, UTC date by date, sorted by symbol and minute; with `rejected` those, too.

    Raises BadInput for a share that is none."""
    if not 0 <= share < 1:
        raise BadInput(f"the tolerance is {share!r} of the price: a share from 0 to 1, as 0.001, would be right")
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        for day in window.dates():
            part = day_range(day).intersect(window)
            if part is None:
                continue
            stored, seen = _bars(lake, part, symbols)
            if not seen.num_rows or not stored.num_rows:
                continue
            db.register("stored", stored)
            db.register("seen", seen)
            no = set() if rejected else rejections(lake, day)
            rows = db.execute(f"{comparison(share=share)}\nORDER BY 1, 2, 4, said.first_seen, 5, 6, 7, 8, 9").fetchall()
            yield from (one for one in map(Revision.of, rows) if not no or one.id not in no)


def _bars(lake: Lake, window: Range, symbols: Sequence[str] | None) -> tuple[pa.Table, pa.Table]:
    """The bars that are stored, one a minute, and all others that were ever seen (both BARS)."""
    condition = condition_of(window, symbols)
    history = settled_history(lake, window, symbols)
    keys = [one.key for one in listed(lake.store, Table.LOOKS, window.dates())]
    looks = [decode(body, BARS, filters=condition) for body in lake.get_all(keys) if body is not None]
    lost = [rows.select(BARS.names) for rows in (history.superseded(), read_superseded(lake, window, symbols))]
    return resolve(history.bars).select(BARS.names), concat([*looks, *lost], BARS)
