"""The audit's question as a whole: ask the query, decode its columns, ask closely where that is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from minutemend.core.data_check_sql import CADENCES, RESULT_COLUMNS, generate_data_check_query
from minutemend.core.gaps import Gap
from minutemend.core.minutes import EPOCH, Range, merge
from minutemend.core.symbols import SYMBOL_PATTERN

__all__ = [
    "CADENCES",
    "RESULT_COLUMNS",
    "Columns",
    "DataCheck",
    "check_data",
    "decode_data_check",
    "generate_data_check_query",
]

Columns = Mapping[str, Sequence[Any]]

_NAIVE_EPOCH = EPOCH.replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class DataCheck:
    """A decoded result: gaps sorted by symbol and start, what is to be looked at closely, and the totals."""

    gaps: tuple[Gap, ...]
    unclear: tuple[Gap, ...]
    expected_bars: int
    expected_minutes: int

    @classmethod
    def joined(cls, parts: Iterable[DataCheck]) -> DataCheck:
        """The results of adjacent windows as one: a session that a border cuts has no gap cut by it."""
        looks = list(parts)
        if len(looks) == 1:
            return looks[0]
        return cls(
            gaps=_joined(gap for look in looks for gap in look.gaps),
            unclear=_joined(gap for look in looks for gap in look.unclear),
            expected_bars=sum(look.expected_bars for look in looks),
            expected_minutes=sum(look.expected_minutes for look in looks),
        )


def decode_data_check(columns: Columns) -> DataCheck:
    """The result's columns (each a sequence of one length; instants are datetimes, naive ones in UTC; None is null)."""
    rows = list(zip(*(columns[name] for name in RESULT_COLUMNS), strict=True))
    totals = [row for row in rows if row[0] == "total"]
    return DataCheck(
        gaps=_ranges(rows, "gap"),
        unclear=_ranges(rows, "unclear"),
        expected_bars=sum(int(row[-2] or 0) for row in totals),
        expected_minutes=sum(int(row[-1] or 0) for row in totals),
    )


def check_data(
    ask: Callable[[str], Columns],
    window: Range,
    *,
    symbols: Sequence[str] | None = None,
    cadence: int = 1,
    database: str | None = None,
) -> DataCheck:
    """Ask the query through `ask` (SQL text to result columns), and ask closely about what came back unclear.

    The second question is asked only when some minute is stored more than once, and only about the symbols
    and the range where that is so. The result has no unclear ranges left.
    """
    first = decode_data_check(
        ask(generate_data_check_query(window, symbols=symbols, cadence=cadence, database=database))
    )
    if not first.unclear:
        return first
    hull = Range(min(gap.start for gap in first.unclear), max(gap.end for gap in first.unclear)).intersect(window)
    if hull is None:
        raise ValueError(f"the unclear ranges lie outside {window}")
    doubtful = sorted({gap.symbol for gap in first.unclear})
    # Files that were never in the lake may name a symbol as no text of ours may: then all of them are looked at.
    narrowed = doubtful if all(map(SYMBOL_PATTERN.fullmatch, doubtful)) else symbols
    second = decode_data_check(
        ask(generate_data_check_query(hull, symbols=narrowed, cadence=cadence, database=database, closely=True))
    )
    found = [*first.gaps, *_inside(second.gaps, first.unclear)]
    return DataCheck(_joined(found), (), first.expected_bars, first.expected_minutes)


def _inside(gaps: Iterable[Gap], unclear: Iterable[Gap]) -> list[Gap]:
    """The parts of `gaps` that lie in ranges of `unclear` of the same symbol and session."""
    wanted: dict[tuple[str, datetime], list[Range]] = {}
    for gap in unclear:
        wanted.setdefault((gap.symbol, gap.session_open), []).append(gap.range)
    parts = []
    for gap in gaps:
        for span in wanted.get((gap.symbol, gap.session_open), ()):
            common = gap.range.intersect(span)
            if common is not None:
                parts.append(Gap(gap.symbol, common.start, common.end, gap.session_open, gap.session_close))
    return parts


def _joined(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """The same minutes as the longest runs within each symbol and session, sorted."""
    grouped: dict[tuple[str, datetime, datetime], list[Range]] = {}
    for gap in gaps:
        grouped.setdefault((gap.symbol, gap.session_open, gap.session_close), []).append(gap.range)
    return tuple(
        sorted(
            Gap(symbol, span.start, span.end, opened, closed)
            for (symbol, opened, closed), spans in grouped.items()
            for span in merge(spans)
        )
    )


def _ranges(rows: Iterable[tuple[Any, ...]], kind: str) -> tuple[Gap, ...]:
    chosen = sorted(row[1:6] for row in rows if row[0] == kind)
    return tuple(Gap(symbol, *map(_utc, instants)) for symbol, *instants in chosen)


def _utc(instant: datetime) -> datetime:
    # A sum, for `replace` takes seven times as long.
    return EPOCH + (instant - _NAIVE_EPOCH) if instant.tzinfo is None else instant.astimezone(UTC)
