"""Several series under one name: the same minutes twice, with other prices. One hides what the other lacks."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np

from mend.bars.tables import quoted_text
from mend.bars.words import Words

_RUN = 3  # bars in company: fewer are the edge of a download, written down again
_APART = 3  # bars from one to the next, at most, that are in company: each series may lack some
_EDGE = 5  # bars, or the share of the symbol's: so many may be revised where two downloads meet
_FEW = 20  # bars: so many may be revised, if no fewer of those that came twice are not
_SHARE = 0.05  # of the symbol's bars, revised here and there
# The open: a bar that is written down again while it forms keeps it. A millionth: numbers of four bytes say no more.
_TWICE = """\
WITH bars AS (
  SELECT symbol, row_number() OVER (PARTITION BY symbol ORDER BY minute) AS place, n > 1 AS twice,
         most - least > 1e-6 * abs(most) AS apart
  FROM (SELECT symbol, minute, count(*) AS n, max(price) AS most, min(price) AS least
        FROM (SELECT symbol, minute, coalesce(open, close, high, low) AS price FROM ({rows}) AS bars)
        WHERE symbol IN ({names}) GROUP BY symbol, minute)),
conflicts AS (
  SELECT symbol, sum(CAST(far AS INTEGER)) OVER (PARTITION BY symbol ORDER BY place) AS run
  FROM (SELECT symbol, place, place - lag(place, 1, 0) OVER (PARTITION BY symbol ORDER BY place) > {apart} AS far
        FROM bars WHERE apart)),
runs AS (SELECT symbol, count(*) AS n FROM conflicts GROUP BY symbol, run)
SELECT symbol, count(*) FILTER (WHERE twice), count(*) FILTER (WHERE apart),
       coalesce((SELECT sum(n) FROM runs WHERE runs.symbol = bars.symbol AND n >= {run}), 0)
FROM bars GROUP BY symbol HAVING bool_or(apart) ORDER BY symbol"""


def overlaid(db: duckdb.DuckDBPyConnection, rows: str, words: Words) -> Iterator[str]:
    """A line for each symbol of which the rows (a SELECT of symbol, minute, and values) have more minutes at several
    prices than were revised."""
    bars = words.by_symbol(np.bitwise_count(words.bits))
    edge = np.maximum(_RUN - 1, np.minimum(_EDGE, _SHARE * bars))
    some = np.flatnonzero(words.by_symbol(words.rows) - bars > edge)
    if not len(some):
        return
    names = ", ".join(quoted_text(words.names[one]) for one in some.tolist())
    found = db.execute(_TWICE.format(rows=rows, names=names, run=_RUN, apart=_APART)).fetchall()
    for name, twice, apart, together in found:
        at = words.names.index(name)
        of = bars[at]
        if together > max(edge[at], min(_FEW, twice / 2)) or apart > max(_FEW, _SHARE * of):
            yield (
                f"{name}: {apart:,} of {of:,} minutes are there at several prices, as of several series: files "
                "of one, or --symbol-column with the column that tells them apart, would be right"
            )
