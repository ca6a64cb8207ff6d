"""Several series under one name: the same minutes twice, with other prices. One hides what the other lacks."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np

from mend.bars.tables import quoted_text
from mend.bars.words import Words

_FEW = 20  # minutes, as where two downloads meet: a bar may have been revised between them
_SHARE = 0.05  # of the symbol's minutes
# The open: a bar that is written down again while it forms keeps it.
_TWICE = """\
SELECT symbol, count(*) FROM (
  SELECT symbol, minute FROM (SELECT symbol, minute, coalesce(open, close, high, low) AS price FROM ({rows}) AS bars)
  WHERE symbol IN ({names}) GROUP BY ALL HAVING min(price) <> max(price))
GROUP BY ALL ORDER BY ALL"""


def overlaid(db: duckdb.DuckDBPyConnection, rows: str, words: Words) -> Iterator[str]:
    """A line for each symbol of which the rows (a SELECT of symbol, minute, and values) have many minutes at several
    prices: more than were revised here and there."""
    bars = words.by_symbol(np.bitwise_count(words.bits))
    limit = np.maximum(_FEW, _SHARE * bars)
    often = np.flatnonzero(words.by_symbol(words.rows) - bars > limit)
    if not len(often):
        return
    names = ", ".join(quoted_text(words.names[one]) for one in often.tolist())
    found = db.execute(_TWICE.format(rows=rows, names=names)).fetchall()
    for name, minutes in found:
        at = words.names.index(name)
        if minutes > limit[at]:
            yield (
                f"{name}: {minutes:,} of {bars[at]:,} minutes are there at several prices, as of several series: files "
                "of one, or --symbol-column with the column that tells them apart, would be right"
            )
