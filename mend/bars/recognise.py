"""Which column of a table is what: by what its values are first, by its name second, by its shape last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from minutemend.core.errors import BadInput

from mend.bars import names as file_names
from mend.bars.no_bars import Broken, NoBars, like_times, named_as_bars, no_bars
from mend.bars.parts import of_parts
from mend.bars.prices import filled, holds_counts, number, values_of
from mend.bars.shapes import (
    DATE,
    OWN,
    SHAPES,
    SPANS,
    SURE,
    SYMBOL,
    TIME,
    plain,
    rank,
    says_utc,
)
from mend.bars.time_columns import (
    Column,
    TimeColumn,
    as_date,
    clock,
    clock_iso,
    date_iso,
    grows,
    instant,
    named,
    order_test,
    preference,
    shown,
    time_column,
    unread,
)
from mend.bars.times import UNREAD, ZONED, instant_us, is_number

_FRACTION = re.compile(r"\d*[.,]\d*[1-9]\d*")
_ENDS = frozenset(("end", "close", "ends", "closes"))


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of some files are bars, as SQL over the columns of their reader.

    `at` is microseconds since 1970, UTC or as a clock on the wall showed them (`naive`); null where there is no time.
    `symbol` is null where the files' names say it. `priced` is true for a row that has its prices.
    """

    at: str
    naive: str
    symbol: str | None
    priced: str
    values: dict[str, str] = field(default_factory=dict)
    said: str = ""  # how the time was found, for people
    check: str | None = None  # SQL of a condition that decides between day first and month first
    file_day: bool = False  # the date is in the file's name
    ends: bool = False  # the time's column is called an end: `close_time`
    upper: bool = False
    span: str | None = None  # SQL of a column that says how long a bar is
    last_price: str = ""  # SQL of the last column that is one


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that the user named, where they did, and the order of day and month."""

    symbol_column: str | None = None
    minute_column: str | None = None
    day_first: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BarOptions:
    """What a person says of files of bars, as the options of `mend check` and `mend load` have it."""

    symbol: str | None = None
    symbol_column: str | None = None
    minute_column: str | None = None
    zone: str | None = None
    label: str | None = None  # left or right
    dates: str | None = None  # day-first or month-first

    def wanted(self) -> Wanted:
        """What it says of columns. Raises BadInput for an empty name."""
        for name in ("symbol", "zone", "symbol_column", "minute_column"):
            if getattr(self, name) is not None and not getattr(self, name).strip():
                raise BadInput(f"--{name.replace('_', '-')} is empty: a name would be right, or leave it out")
        return Wanted(self.symbol_column, self.minute_column, None if self.dates is None else self.dates == "day-first")


def recognise(columns: Sequence[Column], *, wanted: Wanted, path: str, headed: bool) -> Reading:
    """How to read these columns as bars. Raises NoBars, or BadInput where the user's own naming is at fault."""
    columns = of_parts(columns) if wanted.minute_column is None else columns
    shape = (
        None
        if headed
        else next((one for one in SHAPES if one.path.search(path) and len(one.columns) <= len(columns)), None)
    )
    times = [found for column in columns if (found := time_column(column, wanted.day_first))]
    _refuse_unknown(columns, wanted)
    own = {column.name for column in columns} >= OWN
    if shape is not None and shape.clock and not any(one.kind in ("instant", "epoch") for one in times):
        at, naive, said = clock(columns[0])
        used = [columns[0]]
        check = None
    else:
        at, naive, said, check, used = _when(columns, times, wanted, own=own, path=path)
    symbol = _symbol(columns, used, wanted, headed=headed)
    rest = [column for column in columns if column not in used and column is not symbol]
    values, prices = values_of(rest, columns, headed=headed, after=used[-1])
    if not headed and not prices:
        raise NoBars("no column of it holds numbers: a bar has a price")
    if not prices and holds_counts(rest):
        names = ", ".join(column.name for column in rest)
        raise Broken(
            f"no column of it holds a price, beside its time ({names}): one called close or price would be right"
        )
    if not prices:
        said += "; no column holds a price: each time counts as a bar"
    tests = [filled(column) for column in prices]
    if len(prices) > 1:  # zeros in all of them stand where there was no price
        tests.append(f"({' OR '.join(f'{number(column)} <> 0' for column in prices)})")
    return Reading(
        at,
        naive,
        None if symbol is None else f"nullif(trim(CAST({symbol.sql} AS VARCHAR)), '')",
        " AND ".join(tests) or "true",
        {role: number(column) for role, column in values.items()},
        said,
        check,
        file_day="__day" in at,
        upper=shape is not None and shape.upper,
        ends=not _ENDS.isdisjoint(plain(used[0].name).split("_")) or plain(used[0].name) in ("endtime", "closetime"),
        last_price=max(prices, key=columns.index).sql if prices else "",
        span=next((f"CAST({column.sql} AS VARCHAR)" for column in columns if plain(column.name) in SPANS), None),
    )


def _refuse_unknown(columns: Sequence[Column], wanted: Wanted) -> None:
    there = [column.name for column in columns]
    asked = ((wanted.symbol_column, "--symbol-column"), (wanted.minute_column, "--minute-column"))
    lacking = [(name, option) for name, option in asked if name is not None and name not in there]
    if lacking:
        raise BadInput(
            f"there is no column {' and no column '.join(name for name, _ in lacking)}; there are {', '.join(there)}: "
            f"name the right one with {' and '.join(option for _, option in lacking)}, or leave it out"
        )


def _when(
    columns: Sequence[Column], times: Sequence[TimeColumn], wanted: Wanted, *, own: bool, path: str
) -> tuple[str, str, str, str | None, list[Column]]:
    """The time: SQL, whether it is naive, words, the test of its dates' order, and the columns that it takes."""
    asked = wanted.minute_column
    if any(one.kind == "time" or (one.kind == "digits" and one.column.name) for one in times):
        times = [as_date(one) for one in times]
    usable = [one for one in times if asked is None or one.column.name == asked]
    instants = [one for one in usable if one.kind in ("instant", "epoch", "typed")]
    if asked is None:
        instants = [one for one in instants if one.kind != "epoch" or grows(one.column) or named(one.column)]
    if instants:
        best = min(instants, key=lambda one: preference(one, columns))
        at, naive, said = instant(best, own=own)
        return at, naive, f"{shown(best.column)}: {said}", order_test(best), [best.column]
    dates = sorted((one for one in times if one.kind == "date"), key=lambda one: rank(plain(one.column.name), DATE))
    clocks = sorted(
        (one for one in times if one.kind in ("time", "digits")), key=lambda one: rank(plain(one.column.name), TIME)
    )
    if dates:
        # Numbers without a name are a time of day only beside the date.
        beside = [columns.index(dates[0].column) + step for step in (-1, 1)]
        clocks = [one for one in clocks if one.form or one.column.name or columns.index(one.column) in beside]
    if asked is not None:
        _refuse_asked(asked, times, dates, clocks, unread([one for one in columns if one.name == asked]))
    if dates and clocks:
        day, clock = dates[0], clocks[0]
        iso = f"{date_iso(day)} || ' ' || {clock_iso(clock)}"
        naive = f"NOT regexp_matches(CAST({clock.column.sql} AS VARCHAR), '{ZONED}')" if clock.form else "true"
        said = f"{shown(day.column)} and {shown(clock.column)}"
        if says_utc(clock.column.name) or says_utc(day.column.name):
            naive, said = "false", said + ", UTC by their name"
        return instant_us(iso), naive, said, order_test(day), [day.column, clock.column]
    if clocks and file_names.day_of(path):
        iso = f"__day || ' ' || {clock_iso(clocks[0])}"
        return (
            instant_us(iso),
            "true",
            f"{shown(clocks[0].column)}, with the date in the file's path",
            None,
            [clocks[0].column],
        )
    if dates:
        raise NoBars(
            f"{shown(dates[0].column)} holds dates and no time of day: these are daily bars, or a time is missing; "
            "bars of minutes or hours, each with its date and time, would be right"
        )
    there = ", ".join(column.name for column in columns) if any(column.name for column in columns) else "no names"
    for (odd, what), column in product(UNREAD, columns):
        if column.values and all(odd.fullmatch(value.strip()) for value in column.values):
            raise Broken(f"no column holds times: {shown(column)} holds {what}")
    right = unread(columns) or "name it with --minute-column, if there is one"
    what = f"no column holds times (its columns: {there}): {right}"
    if clocks and clocks[0].kind == "time":
        what = (
            f"{shown(clocks[0].column)} holds times of day, and neither a column nor the file's name the date: "
            "AAPL_2024-03-12.csv would be right"
        )
    raise no_bars(
        what,
        broken=named_as_bars([column.name for column in columns])
        or any(column.type == "VARCHAR" and like_times(column.values) for column in columns),
    )


def _refuse_asked(
    asked: str,
    times: Sequence[TimeColumn],
    dates: Sequence[TimeColumn],
    clocks: Sequence[TimeColumn],
    odd: str | None,
) -> None:
    if any(one.column.name == asked for one in dates):
        beside = (
            f"; {clocks[0].column.name} holds the time of day: leave --minute-column out, and both are read"
            if clocks
            else ""
        )
        raise BadInput(f"the column {asked} holds dates alone, and a date is no minute{beside}")
    if any(one.column.name == asked for one in clocks):
        beside = (
            f"; {dates[0].column.name} holds the dates: leave --minute-column out, and both are read" if dates else ""
        )
        raise BadInput(f"the column {asked} holds times of day without a date{beside}")
    better = [one.column.name for one in times if one.kind in ("instant", "epoch", "typed")]
    hint = f"{' or '.join(better)} would be right" if better else "2013-10-04T13:30:00Z would be right"
    raise BadInput(f"the column {asked} holds no times that can be read: {hint if better or not odd else odd}")


def _symbol(columns: Sequence[Column], used: Sequence[Column], wanted: Wanted, *, headed: bool) -> Column | None:
    if wanted.symbol_column is not None:
        return next(column for column in columns if column.name == wanted.symbol_column)
    free = [column for column in columns if column not in used]
    if headed:
        named = [column for column in free if _may_name(column)]
        return min(named, key=lambda column: rank(plain(column.name), SYMBOL), default=None)
    found: list[Column] = []
    for column in free:
        filled = [value.strip() for value in column.values if value.strip()]
        if (
            filled
            and all(
                any(letter.isalpha() for letter in value) and len(value) <= 24 and not is_number(value)
                for value in filled
            )
            and not all(map(file_names.says_no_symbol, filled))
        ):
            found.append(column)
    counted = [one for one in found if all(not value or file_names.is_currency(value) for value in one.values)]
    return next((one for one in found if one not in counted), next(iter(found), None))


def _may_name(column: Column) -> bool:
    """Whether a column's name says that it holds symbols; of a `market` its values must, too: `NASDAQ` is none."""
    place = rank(plain(column.name), SYMBOL)
    filled = [value for value in column.values if value.strip()]
    if all(map(is_number, filled)) and any(map(_FRACTION.fullmatch, filled)):
        return False  # SYM and S are shares, too
    if place >= SURE and filled and all(map(file_names.says_no_symbol, filled)):
        return place < len(SYMBOL) and all(map(file_names.CODE.fullmatch, filled))
    return place < len(SYMBOL) and (bool(filled) or not column.values)
