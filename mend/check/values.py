"""Values that cannot be right: flags on bars that are there, each by a named rule. A flag is never a verdict: what is
flagged is present all the same, and nothing is changed.

Every rule but the first three looks at bars inside sessions alone, session by session: extended hours are too thin for
what is usual to be known. The thresholds are tuned on real bars (docs/decisions/values.md says how often each rings).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp
from typing import Any

import duckdb
from minutemend.core.minutes import MINUTE, Range, format_instant, from_epoch_minute

from mend.calendars.known import Calendar


@dataclass(frozen=True, slots=True, order=True)
class Flag:
    """Neighbouring bars of one symbol that break one rule. `start` is the first one's minute, `end` is after the last;
    `said` has the numbers."""

    symbol: str
    start: datetime
    end: datetime
    rule: str
    bars: int
    said: str

    def as_json(self) -> dict[str, Any]:
        """The form of `mend check --values --format json`."""
        edges = {"start": format_instant(self.start), "end": format_instant(self.end)}
        return {"rule": self.rule, "symbol": self.symbol, **edges, "bars": self.bars, "said": self.said}


# What each rule says, in the order of `mend check --values`. The docstrings of the functions have the formulas.
RULES = {
    "inconsistent": "the low is above, or the high below, another price of its bar",
    "not_positive": "a price is zero or below or no number, or the volume is negative",
    "two_values": "one minute has bars with different prices",
    "frozen": "bars repeat the one before for longer than chance allows",
    "flat_fill": "flat bars without volume: minutes that were filled in",
    "spike": "a price leaves its neighbours and is back in the next bar",
    "split_step": "the price steps between two sessions as a split would make it",
    "scale": "the price or the volume changes its scale",
}
CHANCE = 1e-12  # frozen: how unlikely a run has to be
SPIKE_SCALES, SPIKE_LEAST = 12, 0.005
SPLITS = (1.5, *range(2, 31))  # 3:2, 2:1 … 30:1, and their inverses; 5:4 and 4:3 are as large as bad news is
SPLIT_NEAR = 0.04
STEP = 3.0  # scale: of a price from one bar to the next
VOLUME_STEP, VOLUME_BARS = 50.0, 30
_ISLANDS = "row_number() OVER (PARTITION BY symbol, part ORDER BY mi)"


def find_flags(
    db: duckdb.DuckDBPyConnection,
    rows: str,
    calendar: Calendar,
    *,
    cadence: int = 1,
    window: Range | None = None,
) -> tuple[Flag, ...]:
    """The flags of the rows (a SELECT of symbol, minute, open, high, low, close, volume; any of the values may be
    null), sorted; with `window`, those that begin in it."""
    _prepare(db, rows, calendar)
    found: list[Flag] = []
    for rule in (_inconsistent, _not_positive, _two_values, _frozen, _flat_fill, _spike, _split_step, _scale):
        for symbol, first, last, bars, said in rule(db):
            edges = from_epoch_minute(first), from_epoch_minute(last) + cadence * MINUTE
            found.append(Flag(symbol, *edges, rule.__name__[1:], bars, said))
    return tuple(sorted(flag for flag in found if window is None or flag.start in window))


Row = tuple[str, int, int, int, str]  # symbol, epoch minute of the first and of the last bar, bars, numbers


def _prepare(db: duckdb.DuckDBPyConnection, rows: str, calendar: Calendar) -> None:
    """The tables `given` (every row), `bars` (in sessions, each minute once) and `usual` (by symbol and session)."""
    db.execute(
        f"""CREATE OR REPLACE TEMP TABLE given AS
        SELECT symbol, epoch_us(minute) // 60000000 AS mi, open, high, low, close, volume FROM ({rows})"""  # noqa: S608
    )
    db.execute("CREATE OR REPLACE TEMP TABLE parts (part BIGINT, opened BIGINT, closed BIGINT)")
    low, high = db.execute("SELECT min(mi), max(mi) FROM given").fetchall()[0]
    here = (calendar.close > (low or 0)) & (calendar.open <= (high or 0))
    columns = [here.nonzero()[0].tolist(), calendar.open[here].tolist(), calendar.close[here].tolist()]
    db.execute("INSERT INTO parts SELECT unnest(?::BIGINT[]), unnest(?::BIGINT[]), unnest(?::BIGINT[])", columns)
    db.execute(
        """CREATE OR REPLACE TEMP TABLE bars AS
        SELECT symbol, part, mi, open, greatest(open, high, close) AS high, least(open, low, close) AS low, close,
               volume, ln(close) - ln(lag(close) OVER w) AS step,
               open = lag(open) OVER w AND high = lag(high) OVER w AND low = lag(low) OVER w
                   AND close = lag(close) OVER w AS again,
               volume = lag(volume) OVER w AS again_traded
        FROM (SELECT DISTINCT ON (symbol, mi) * FROM given ORDER BY symbol, mi, open, high, low, close, volume)
             ASOF JOIN parts ON mi >= opened
        WHERE mi < closed AND close > 0 AND coalesce(open, 1) > 0 AND coalesce(high, 1) > 0 AND coalesce(low, 1) > 0
        WINDOW w AS (PARTITION BY symbol, part ORDER BY mi)"""
    )
    db.execute(
        """CREATE OR REPLACE TEMP TABLE usual AS
        SELECT symbol, part, count(*) AS n, count(*) FILTER (WHERE again) AS agains,
               count(*) FILTER (WHERE again AND again_traded) AS traded_agains,
               1.4826 * median(abs(step)) FILTER (WHERE step <> 0) AS scale,
               median(close) AS price, median(volume) AS volume, arg_min(coalesce(open, close), mi) AS opened,
               arg_max(close, mi) AS closed, min(mi) AS first, max(mi) AS last
        FROM bars GROUP BY ALL"""
    )


def _rows(db: duckdb.DuckDBPyConnection, sql: str) -> Sequence[tuple[Any, ...]]:
    return list(db.execute(sql).fetchall())


def _inconsistent(db: duckdb.DuckDBPyConnection) -> list[Row]:
    """low > min(open, close), or high < max(open, close), or low > high: what the four prices of a bar mean."""
    found = _rows(
        db,
        """SELECT symbol, mi, open, high, low, close FROM given
        WHERE low > least(open, close) OR high < greatest(open, close) OR low > high ORDER BY symbol, mi""",
    )
    return [
        (one[0], one[1], one[1], 1, "open {:g}, high {:g}, low {:g}, close {:g}".format(*_shown(one[2:])))
        for one in found
    ]


def _not_positive(db: duckdb.DuckDBPyConnection) -> list[Row]:
    """A price <= 0, NaN or infinite, or a volume < 0, NaN or infinite. Some futures did trade below zero (WTI on
    2020-04-20): a flag, no verdict."""
    prices = " OR ".join(f"{name} <= 0 OR NOT isfinite({name})" for name in ("open", "high", "low", "close"))
    found = _rows(
        db,
        f"""SELECT symbol, mi, open, high, low, close, volume FROM given
        WHERE {prices} OR volume < 0 OR NOT isfinite(volume) ORDER BY symbol, mi""",  # noqa: S608
    )
    said = "open {:g}, high {:g}, low {:g}, close {:g}, volume {:g}"
    return [(one[0], one[1], one[1], 1, said.format(*_shown(one[2:]))) for one in found]


def _two_values(db: duckdb.DuckDBPyConnection) -> list[Row]:
    """Two rows of one (symbol, minute) with another open, high, low or close. Volumes of two feeds differ by nature."""
    differ = " OR ".join(f"max({name}) <> min({name})" for name in ("open", "high", "low", "close"))
    found = _rows(
        db,
        f"""SELECT symbol, mi, count(*), min(close), max(close) FROM given
        GROUP BY symbol, mi HAVING {differ} ORDER BY symbol, mi""",  # noqa: S608
    )
    return [
        (symbol, mi, mi, n, f"{n} rows, closes from {low or 0:g} to {high or 0:g}")
        for symbol, mi, n, low, high in found
    ]


def _frozen(db: duckdb.DuckDBPyConnection) -> list[Row]:
    """A run of r bars that repeat all prices of the bar before (or all prices and the volume), where q**r < CHANCE.

    q = (repeats + 0.5) / (bars + 1) is how often that symbol's session repeats a bar, the run itself left out: the
    estimate that the rule of absence uses for quiet minutes (core/density.py). A thin symbol repeats its bars, and may.
    Runs without volume are `flat_fill`.
    """
    parts = []
    for condition, repeats in (("again AND again_traded", "traded_agains"), ("again", "agains")):
        parts.append(
            f"""SELECT symbol, min(mi) AS first, max(mi) AS last, count(*) AS r, any_value(close) AS price
            FROM (SELECT *, place - row_number() OVER (PARTITION BY symbol, part ORDER BY mi) AS island
                  FROM (SELECT *, {_ISLANDS} AS place FROM bars) WHERE {condition} AND coalesce(volume, 1) <> 0)
                 JOIN usual USING (symbol, part)
            GROUP BY symbol, part, island, n, {repeats}
            HAVING r * ln(({repeats} - r + 0.5) / (n - r + 1)) < ln({CHANCE})"""  # noqa: S608
        )
    found = _rows(
        db,
        f"""SELECT symbol, min(first), last, max(r), any_value(price) FROM ({" UNION ALL ".join(parts)})
        GROUP BY symbol, last ORDER BY ALL""",  # noqa: S608
    )
    return [
        (symbol, first, last, r, f"{r} bars repeat the one before, at {price:g}")
        for symbol, first, last, r, price in found
    ]


def _flat_fill(db: duckdb.DuckDBPyConnection) -> list[Row]:
    """Runs of bars with volume = 0 and open = high = low = close: a vendor's or somebody's filling of quiet minutes (a
    venue's statement of no trade looks so, too: Binance's klines of no trades)."""
    found = _rows(
        db,
        f"""SELECT symbol, min(mi), max(mi), count(*), any_value(close)
        FROM (SELECT *, place - row_number() OVER (PARTITION BY symbol, part ORDER BY mi) AS island
              FROM (SELECT *, {_ISLANDS} AS place FROM bars) WHERE volume = 0 AND high = low)
        GROUP BY symbol, part, island ORDER BY ALL""",  # noqa: S608
    )
    return [(symbol, first, last, n, f"at {price:g}, volume 0") for symbol, first, last, n, price in found]


def _spike(db: duckdb.DuckDBPyConnection) -> list[Row]:
    """A bar whose high is above the highs, or whose low is below the lows, of both neighbours by more than SPIKE_SCALES
    usual moves and by SPIKE_LEAST at least: d = ln(high / max(high before, high after)), or the same of lows.

    The usual move is 1.4826 * median(abs(ln(close / close before))) over the moves of that symbol's session that are
    not zero: the MAD of a normal, which the spikes themselves do not move. After the outlier rule of Brownlees and
    Gallo, "Financial econometric analysis at ultra-high frequency" (2006), with neighbours in the place of their
    trimmed mean, as a price that stays is no error.
    """
    found = _rows(
        db,
        f"""SELECT symbol, mi, d, d / scale, up, high, low FROM (
            SELECT *, greatest(above, below) AS d, above >= below AS up FROM (
                SELECT symbol, part, mi, high, low,
                       ln(high) - ln(greatest(lag(high) OVER w, lead(high) OVER w)) AS above,
                       ln(least(lag(low) OVER w, lead(low) OVER w)) - ln(low) AS below,
                       lag(mi) OVER w IS NOT NULL AND lead(mi) OVER w IS NOT NULL AS between
                FROM bars WINDOW w AS (PARTITION BY symbol, part ORDER BY mi)
            ) WHERE between
        ) JOIN usual USING (symbol, part)
        WHERE d > {SPIKE_LEAST} AND d > {SPIKE_SCALES} * coalesce(scale, 0) ORDER BY symbol, mi""",  # noqa: S608
    )
    return [
        (
            symbol, mi, mi, 1,
            f"{'high' if up else 'low'} {high if up else low:g}, {100 * d:.2g} % beyond both neighbours"
            + (f", {times:.0f} usual moves" if times is not None else ""),
        )
        for symbol, mi, d, times, up, high, low in found
    ]  # fmt: skip


def _split_step(db: duckdb.DuckDBPyConnection) -> list[Row]:
    """Between two sessions that follow each other: last close / first open within SPLIT_NEAR of a ratio of SPLITS or
    its inverse, and so the sessions' median closes within twice that: a split or a reverse split that is not adjusted
    for (or adjusted on one side alone). The usual ones are 2:1, 3:1 and 3:2 (SEC, investor.gov, "Stock Split")."""
    return [
        (symbol, first, first, 1, f"{closed:g} at the close, {opened:g} at the open: {_ratio(factor)}")
        for symbol, first, closed, opened, factor, lasting in _edges(db)
        if factor is not None and lasting
    ]


def _scale(db: duckdb.DuckDBPyConnection) -> list[Row]:
    """A change of units. The close is more than STEP times (or less than 1 / STEP of) the close before, inside a
    session, and the closes around it stay; or the open is that much more than any split from the close of the session
    before; or the median volume of a session is VOLUME_STEP times that of the one before (or the inverse; both of
    VOLUME_BARS bars at least): cents for dollars, lots for shares."""
    found = _rows(
        db,
        f"""SELECT symbol, mi, step FROM (
            SELECT *, abs(coalesce(lag(step) OVER w, 0)) AS before, abs(coalesce(lead(step) OVER w, 0)) AS after
            FROM bars WINDOW w AS (PARTITION BY symbol, part ORDER BY mi)
        ) WHERE abs(step) > ln({STEP}) AND greatest(before, after) < abs(step) / 2 ORDER BY symbol, mi""",  # noqa: S608
    )
    flags: list[Row] = [
        (symbol, mi, mi, 1, f"the close is {exp(step):.3g} times the one before") for symbol, mi, step in found
    ]
    for symbol, first, closed, opened, factor, _ in _edges(db):
        if factor is None and max(opened / closed, closed / opened) > max(SPLITS):
            flags.append((symbol, first, first, 1, f"{closed:g} at the close, {opened:g} at the open"))
    for symbol, first, last, n, before, volume in _rows(
        db,
        f"""SELECT symbol, first, last, n, before, volume FROM (
            SELECT *, lag(volume) OVER w AS before, lag(part) OVER w AS part_before, lag(n) OVER w AS n_before
            FROM usual WINDOW w AS (PARTITION BY symbol ORDER BY part)
        ) WHERE part = part_before + 1 AND least(n, n_before) >= {VOLUME_BARS} AND least(volume, before) > 0
            AND greatest(volume / before, before / volume) >= {VOLUME_STEP} ORDER BY symbol, first""",  # noqa: S608
    ):
        flags.append((symbol, first, last, n, f"median volume {volume:g}, {before:g} the session before"))
    return flags


def _edges(db: duckdb.DuckDBPyConnection) -> list[tuple[str, int, float, float, float | None, bool]]:
    """Neighbouring sessions between which the price steps by 1.4 times and more: symbol, first minute, close before,
    open, the ratio of SPLITS that it is near (below 1: reverse), and whether the median closes bear it out."""
    found = []
    for symbol, first, closed, opened, medians in _rows(
        db,
        """SELECT symbol, first, before, opened, price_before / price FROM (
            SELECT *, lag(closed) OVER w AS before, lag(part) OVER w AS part_before, lag(price) OVER w AS price_before
            FROM usual WINDOW w AS (PARTITION BY symbol ORDER BY part)
        ) WHERE part = part_before + 1 AND greatest(before / opened, opened / before) > 1.4 ORDER BY symbol, first""",
    ):
        step = closed / opened
        factors = [one for split in SPLITS for one in (split, 1 / split) if abs(step / one - 1) <= SPLIT_NEAR]
        factor = min(factors, key=lambda one: abs(step / one - 1), default=None)
        found.append((symbol, first, closed, opened, factor, factor is not None and abs(medians / factor - 1) <= 0.08))
    return found


def _ratio(factor: float) -> str:
    size = max(factor, 1 / factor)
    text = "3:2" if abs(size - 1.5) < 0.01 else f"{size:.0f}:1"
    return f"as a split of {text}" if factor > 1 else f"as a reverse split of {text}"


def _shown(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]
