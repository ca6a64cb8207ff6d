"""Values that cannot be right: flags on bars that are there, each by a named rule. A flag is never a verdict: what is
flagged is present all the same, and nothing is changed.

Every rule but the first three looks at bars inside sessions alone, session by session: extended hours are too thin for
what is usual to be known. The thresholds (core/value_rules_sql.py) are tuned on real bars (docs/decisions/values.md
says how often each rings).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log
from typing import Any

from minutemend.core.minutes import MINUTE, format_instant
from minutemend.core.value_rules_sql import NORMAL, RESULT_COLUMNS


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

    @property
    def id(self) -> tuple[str, str, str, str]:
        """What makes it the same flag, whatever its numbers: the symbol, the edges and the rule."""
        return self.symbol, format_instant(self.start), format_instant(self.end), self.rule

    def as_json(self) -> dict[str, Any]:
        """The form of `mend check --values --format json`."""
        edges = {"start": format_instant(self.start), "end": format_instant(self.end)}
        return {"rule": self.rule, "symbol": self.symbol, **edges, "bars": self.bars, "said": self.said}


# What each rule says, in the order of `mend check --values`. The functions below have the formulas.
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
SPLITS = (1.5, *range(2, 31))  # 3:2, 2:1 … 30:1, and their inverses; 5:4 and 4:3 are as large as bad news is
SPLIT_NEAR = 0.04


Row = Mapping[str, Any]  # of the statement, by RESULT_COLUMNS
Told = tuple[datetime, datetime, int, str]  # the minutes of the first and of the last bar, bars, the numbers


def flags_of(rows: Iterable[Sequence[Any]], *, cadence: int = 1) -> tuple[Flag, ...]:
    """The flags of the statement's rows (columns as RESULT_COLUMNS, instants in UTC with a zone or without), sorted.
    `cadence` is how many minutes a bar spans."""
    found = []
    for values in rows:
        row = dict(zip(RESULT_COLUMNS, values, strict=True))
        for column, rule, tell in _TELLERS:
            told = tell(row) if row[column] else None
            if told is not None:
                first, last, bars, said = told
                found.append(Flag(row["symbol"], _utc(first), _utc(last) + cadence * MINUTE, rule, bars, said))
    return tuple(sorted(found))


def _inconsistent(row: Row) -> Told:
    """low > min(open, close), or high < max(open, close), or low > high: what the four prices of a bar mean."""
    return _at(row, "open {:g}, high {:g}, low {:g}, close {:g}".format(*_shown(row)))


def _not_positive(row: Row) -> Told:
    """A price <= 0, NaN or infinite, or a volume < 0, NaN or infinite. Some futures did trade below zero (WTI on
    2020-04-20): a flag, no verdict."""
    return _at(row, "open {:g}, high {:g}, low {:g}, close {:g}, volume {:g}".format(*_shown(row, "volume")))


def _two_values(row: Row) -> Told:
    """Two rows of one (symbol, minute) with another open, high, low or close. Volumes of two feeds differ by nature."""
    n, low, high = int(row["stacked"]), row["least_close"] or 0, row["most_close"] or 0
    return row["minute"], row["minute"], n, f"{n} rows, closes from {low:g} to {high:g}"


def _frozen(row: Row) -> Told:
    """A run of r bars that repeat all prices of the bar before (or all prices and the volume), where q**r < CHANCE.

    q = (repeats - r + 0.5) / (bars - r + 1) is how often that symbol's session repeats a bar, the run itself left out:
    the estimate that the rule of absence uses for quiet minutes (core/density.py). A thin symbol repeats its bars, and
    may. Runs without volume are `flat_fill`.
    """
    n = int(row["frozen"])
    return row["frozen_from"], row["minute"], n, f"{n} bars repeat the one before, at {row['close']:g}"


def _flat_fill(row: Row) -> Told:
    """Runs of bars with volume = 0 and open = high = low = close: a vendor's or somebody's filling of quiet minutes (a
    venue's statement of no trade looks so, too: Binance's klines of no trades)."""
    return row["flat_from"], row["minute"], int(row["flat"]), f"at {row['close']:g}, volume 0"


def _spike(row: Row) -> Told:
    """A bar whose high is above the highs, or whose low is below the lows, of both neighbours by more than SPIKE_SCALES
    usual moves and by SPIKE_LEAST at least: d = ln(high / max(high before, high after)), or the same of lows.

    The usual move is NORMAL * median(abs(ln(close / close before))) over the moves of that symbol's session that are
    not zero: the MAD of a normal, which the spikes themselves do not move. After the outlier rule of Brownlees and
    Gallo, "Financial econometric analysis at ultra-high frequency" (2006), with neighbours in the place of their
    trimmed mean, as a price that stays is no error.
    """
    above, below = log(row["top"] / row["peak"]), log(row["trough"] / row["bottom"])
    side, beyond = ("high", above) if above >= below else ("low", below)
    said = f"{side} {row['top' if side == 'high' else 'bottom']:g}, {100 * beyond:.2g} % beyond both neighbours"
    if row["low_move"] is not None:
        usual = NORMAL * (log(row["low_move"]) + log(row["high_move"])) / 2
        said += f", {beyond / usual:.0f} usual moves"
    return _at(row, said)


def _step(row: Row) -> Told:
    """`scale`, inside a session: the close is more than STEP times (or less than 1 / STEP of) the close before, and the
    moves around it are less than half as large: the closes stay. Cents for dollars."""
    return _at(row, f"the close is {row['close'] / row['close_before']:.3g} times the one before")


def _split_step(row: Row) -> Told | None:
    """Between two sessions that follow each other: last close / first open within SPLIT_NEAR of a ratio of SPLITS or
    its inverse, and so the sessions' median closes within twice that: a split or a reverse split that is not adjusted
    for (or adjusted on one side alone). The usual ones are 2:1, 3:1 and 3:2 (SEC, investor.gov, "Stock Split")."""
    factor = _split(row)
    if factor is None or abs(row["price_before"] / row["price"] / factor - 1) > 2 * SPLIT_NEAR:
        return None
    return _at(row, f"{_edge(row)}: {_ratio(factor)}")


def _large_step(row: Row) -> Told | None:
    """`scale`, between two sessions that follow each other: the open is further from the close before than by any split
    of SPLITS."""
    steps = row["opened"] / row["closed_before"], row["closed_before"] / row["opened"]
    return _at(row, _edge(row)) if _split(row) is None and max(steps) > max(SPLITS) else None


def _volume_step(row: Row) -> Told:
    """`scale`, between two sessions that follow each other: the median volume is VOLUME_STEP times that of the one
    before (or the inverse; both of VOLUME_BARS bars at least): lots for shares."""
    said = f"median volume {row['usual_volume']:g}, {row['usual_volume_before']:g} the session before"
    return row["minute"], row["last_minute"], int(row["bars"]), said


# By column of the statement: the rule, and the function that tells of it (None: it does not ring after all).
_TELLERS: Sequence[tuple[str, str, Callable[[Row], Told | None]]] = (
    ("inconsistent", "inconsistent", _inconsistent),
    ("not_positive", "not_positive", _not_positive),
    ("stacked", "two_values", _two_values),
    ("frozen", "frozen", _frozen),
    ("flat", "flat_fill", _flat_fill),
    ("spike", "spike", _spike),
    ("edge", "split_step", _split_step),
    ("step", "scale", _step),
    ("edge", "scale", _large_step),
    ("volume_step", "scale", _volume_step),
)


def _at(row: Row, said: str) -> Told:
    return row["minute"], row["minute"], 1, said


def _split(row: Row) -> float | None:
    """The ratio of SPLITS, or its inverse (a reverse split), that the step between the sessions is near."""
    step = row["closed_before"] / row["opened"]
    near = [one for split in SPLITS for one in (split, 1 / split) if abs(step / one - 1) <= SPLIT_NEAR]
    return min(near, key=lambda one: abs(step / one - 1), default=None)


def _edge(row: Row) -> str:
    return f"{row['closed_before']:g} at the close, {row['opened']:g} at the open"


def _ratio(factor: float) -> str:
    size = max(factor, 1 / factor)
    text = "3:2" if abs(size - 1.5) < 0.01 else f"{size:.0f}:1"
    return f"as a split of {text}" if factor > 1 else f"as a reverse split of {text}"


def _shown(row: Row, *also: str) -> list[float]:
    return [float("nan") if row[name] is None else row[name] for name in ("open", "high", "low", "close", *also)]


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
