"""Which columns hold times, how they are written, and the SQL that reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mend.bars.shapes import DATE, LATE, MINUTE, SYMBOL, TIME, WHEN, among, plain, rank, says_utc
from mend.bars.times import LOOKS_TIMED, TWINS, ZONED, Form, epoch_unit, epoch_us, forms, instant_us

_MIDNIGHT = re.compile(r"\s*\S+[T ]0?0:00(:00(\.0+)?)?\s*(Z|[+-]00:?(00)?)?\s*")
_OFFSET_APART = re.compile(r" [+-]\d\d:?\d\d|\]$")
_OFF_MINUTE = re.compile(r"\d:\d\d:(?!00(?:[.,]0*)?(?!\d))\d\d")
_UNTIMED = re.compile(r"BLOB|STRUCT|BOOLEAN|INTERVAL|UUID|BIT|MAP|UNION|.*\]$")  # types of columns that are no times
_SECONDS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_ORDERED = ("day first", "month first", "year first, two-digit year")
_ENOUGH = 0.6  # of a column's values must be written in one way for it to be that


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file. `sql` reads it; `type` is DuckDB's, and text files have `VARCHAR` alone."""

    name: str
    sql: str
    type: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeColumn:
    column: Column
    form: Form | None  # None: a typed column
    kind: str  # instant | epoch | date | time | typed
    unit: str = ""


def time_column(column: Column, day_first: bool | None) -> TimeColumn | None:  # noqa: PLR0911 (a return for each kind)
    """What kind of time the column's values are, or None."""
    kind = column.type
    if kind.startswith("TIMESTAMP") or kind == "DATETIME":
        return TimeColumn(column, None, "typed")
    if kind == "DATE":
        return TimeColumn(column, None, "date")
    if kind in ("TIME", "TIME_NS"):
        return TimeColumn(column, None, "time")
    values = _filled(column)[:200]
    if not values:
        return None
    unit = epoch_unit(values[:1]) and epoch_unit(values[-1:])
    if unit and sum(epoch_unit([value]) is not None for value in values) >= _ENOUGH * len(values):
        return TimeColumn(column, None, "epoch", unit)
    if kind != "VARCHAR":
        return None
    best: tuple[float, Form] | None = None
    timed = any(LOOKS_TIMED.search(value) for value in values[:5])
    for form in forms() if timed else ():
        if form.name.startswith(_ORDERED) and not _possible(form, _filled(column), day_first):
            continue
        share = sum(form.fits(value) for value in values) / len(values)
        if share >= _ENOUGH and (best is None or share > best[0]):
            best = (share, form)
    if best:
        return TimeColumn(column, best[1], best[1].kind)
    known = among(plain(column.name), TIME)
    if _clocks(values) and (known or (not column.name and _digits_like_a_clock(values))):
        return TimeColumn(column, None, "digits")
    return None


def _possible(form: Form, values: Sequence[str], day_first: bool | None) -> bool:
    """Whether the day (or the month) can come first: no month is past 12, and the user does not say otherwise."""
    matches = [match for value in values if (match := form.regex.fullmatch(value.strip()))]
    if form.name.startswith("year first"):
        return day_first is None and _year_varies_least(matches)
    first = form.name.startswith("day first")
    if day_first is not None:
        return first is day_first
    return all(int(match[2 if first else 1]) <= 12 and int(match[1 if first else 2]) <= 31 for match in matches)


def _year_varies_least(matches: Sequence[re.Match[str]]) -> bool:
    """Whether 24-03-12 is a day of 2024, and not of 2012: days change more often than years."""
    first, last = ({match[group] for match in matches} for group in (1, 3))
    if len(first) != len(last):
        return len(first) < len(last)
    return all(int(match[1]) > 31 for match in matches)


def _clocks(values: Sequence[str]) -> bool:
    """Whether digits are times of day: HHMM or HHMMSS, with or without the zeros in front. 570 is none."""
    wide = 6 if any(len(value) > 4 for value in values) else 4
    return all(re.fullmatch(r"([01]\d|2[0-3])[0-5]\d([0-5]\d)?", value.strip().zfill(wide)) for value in values)


def _digits_like_a_clock(values: Sequence[str]) -> bool:
    """Whether numbers without a name may be times of day: as wide as these, or growing as they do (930 … 1559)."""
    wide = {len(value) for value in values}
    steps = [int(after) - int(before) for before, after in pairwise(values)]
    return wide <= {4, 6} or (wide == {3, 4} and sum(step in (1, 41) for step in steps) > _ENOUGH * len(steps))


def written_as_digits(name: str, values: Sequence[str]) -> bool:
    """Whether whole numbers are dates or times as they are written: 20240312, 20240312093000, 93000."""
    day = r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])[0-5]\d([0-5]\d(\d{3})?)?)?"
    days = all(re.fullmatch(day, value) for value in values)
    named = among(plain(name), (*DATE, *MINUTE))
    return bool(values) and ((days and named) or (_clocks(values) and among(plain(name), TIME)))


def preference(one: TimeColumn, columns: Sequence[Column]) -> tuple[bool, bool, bool, bool, bool, int, int]:
    """Sorts the columns that may be the bar's time: the least is it."""
    name = plain(one.column.name)
    typed = "WITH TIME ZONE" in one.column.type or "TIMESTAMPTZ" in one.column.type
    absolute = one.kind == "epoch" or typed or says_utc(one.column.name)
    known = rank(name, MINUTE)
    values = _filled(one.column)
    several = any(len(set(other.values)) > 1 for other in columns if among(plain(other.name), SYMBOL))
    still = len(values) > 2 and len(set(values)) == 1 and not several  # when it was fetched, or a range's edge
    if one.kind == "epoch":
        off = any(float(value) / _SECONDS[one.unit] % 60 >= 1e-3 for value in values if epoch_unit([value]))
    else:
        off = any(_OFF_MINUTE.search(value) for value in values)
    place = list(columns).index(one.column)
    return bool(LATE.search(name)), still, off, known == len(MINUTE), not absolute, known, place


def unread(columns: Sequence[Column]) -> str | None:
    """Of the first column that looks like times and cannot be read as such: what it holds, and what would be right."""
    right = "2024-03-12T13:30:00Z would be right"
    for column in columns:
        values = _filled(column)[:20]
        if time_column(column, None) is not None:
            continue
        if _UNTIMED.match(column.type) and among(plain(column.name), WHEN):
            return f"{column.name} is of the type {column.type.partition('(')[0]}: a timestamp, or a text like {right}"
        if column.type == "VARCHAR" and values and all(map(LOOKS_TIMED.search, values)):
            return f"{shown(column)} holds {values[0].strip()[:40]!r}, which is no way of writing a time here: {right}"
    return None


def _filled(column: Column) -> list[str]:
    return [value for value in column.values if value.strip()]


def as_date(one: TimeColumn) -> TimeColumn:
    """A column of midnights is one of dates, beside another that holds the time of day; else it stays what it is."""
    values = _filled(one.column)
    if one.kind not in ("instant", "typed") or not values or not all(map(_MIDNIGHT.fullmatch, values)):
        return one
    dates = (form for form in forms() if form.kind == "date" and one.form is not None and form.name == one.form.name)
    return replace(one, kind="date", form=next(dates, None))


def named(column: Column) -> bool:
    return among(plain(column.name), MINUTE)


def grows(column: Column) -> bool:
    """Whether a sample of epochs goes one way, or lies on whole minutes: volumes of that size do not."""
    numbers = [float(value) for value in column.values if epoch_unit([value])]
    steps = [after - before for before, after in pairwise(numbers)]
    one_way = all(step >= 0 for step in steps) or all(step <= 0 for step in steps)
    return bool(numbers) and (one_way or all(number % 60 == 0 for number in numbers))


def shown(column: Column) -> str:
    return column.name or "the column without a name"


def instant(one: TimeColumn, *, own: bool) -> tuple[str, str, str]:
    sql, kind = one.column.sql, one.column.type
    if one.kind == "epoch":
        whole, parted = (epoch_us(f"TRY_CAST({sql} AS {number})") for number in ("HUGEINT", "DOUBLE"))
        at = whole if "INT" in kind else parted
        if kind == "VARCHAR":  # no part of a second may be rounded away, and nanoseconds are too long for a float
            at = f"CASE WHEN TRY_CAST({sql} AS DOUBLE) < 1e17 THEN {parted} ELSE {whole} END"
        return f"CAST({at} AS BIGINT)", "false", f"epochs in {one.unit}"
    if one.form is None:
        if "WITH TIME ZONE" in kind or "TIMESTAMPTZ" in kind:
            return f"epoch_us(CAST({sql} AS TIMESTAMPTZ))", "false", "instants with a zone"
        utc = own or says_utc(one.column.name)
        return (
            f"epoch_us(CAST({sql} AS TIMESTAMP))",
            "false" if utc else "true",
            "UTC by contract" if own else "naive times",
        )
    utc = says_utc(one.column.name)
    if one.form.plain and all(_castable(value) for value in one.column.values if one.form.fits(value)):
        return _cast(one.column, utc=utc)
    at = instant_us(one.form.iso(sql))
    naive = "false" if utc else f"NOT regexp_matches({sql}, '{ZONED}')"
    return at, naive, one.form.name + (", UTC by its name" if utc else "")


def _cast(column: Column, *, utc: bool) -> tuple[str, str, str]:
    """ISO texts by DuckDB's own cast: ten times as fast as by a pattern."""
    sql = column.sql
    all_z = {value.strip()[-1:] for value in column.values if value.strip()} == {"Z"}
    zoned = f"suffix({sql}, 'Z') OR regexp_matches({sql}, '{ZONED}')" if all_z else f"regexp_matches({sql}, '{ZONED}')"
    # A date alone would be midnight to DuckDB; it is no instant. Naive: letters such as EST are left aside.
    at = (
        f"CASE WHEN length({sql}) <= 11 THEN NULL WHEN {zoned} THEN epoch_us(TRY_CAST({sql} AS TIMESTAMPTZ))"
        f" ELSE epoch_us(TRY_CAST({sql} AS TIMESTAMP)) END"
    )
    return at, "false" if utc else f"NOT ({zoned})", "UTC by its name" if utc else "ISO times"


def _castable(value: str) -> bool:
    text = value.strip()
    apart = _OFFSET_APART.search(text) or text[10:11] == "D"
    return text[4:5] in "-/" and "," not in text and not text.upper().endswith("M") and not apart


def date_iso(one: TimeColumn) -> str:
    if one.form is None:
        return f"strftime(CAST({one.column.sql} AS DATE), '%Y-%m-%d')"
    return one.form.iso(one.column.sql)


def clock_iso(one: TimeColumn) -> str:
    sql = one.column.sql
    if one.kind == "digits":
        wide = max(len(value) for value in one.column.values) > 4
        padded = f"lpad(trim(CAST({sql} AS VARCHAR)), {6 if wide else 4}, '0')"
        parts = [f"substr({padded}, 1, 2)", f"substr({padded}, 3, 2)", f"substr({padded}, 5, 2)" if wide else "'00'"]
        return " || ':' || ".join(parts) + " || ' M'"
    if one.form is None:
        return f"CAST(CAST({sql} AS TIME) AS VARCHAR) || ' M'"
    return one.form.iso(sql)


def clock(column: Column) -> tuple[str, str, str]:
    at = f"epoch_us(TRY_CAST(__day AS TIMESTAMP)) + TRY_CAST({column.sql} AS BIGINT) * 1000"
    return at, "true", "milliseconds since midnight of the date in the file's name"


def order_test(one: TimeColumn) -> str | None:
    """SQL of the greatest first and second number, and whether the first may be the year: it changes less often
    than the third, or no more often and is past 20 (24-03-25 alone; 25.03.24 is plain). None: no doubt is left."""
    if one.form is None or not one.form.name.startswith(("day first", "month first")):
        return None
    if one.form.name not in TWINS:
        return None  # the sample has shown that only this order can be meant, or the user said so
    pattern = one.form.regex.pattern
    first, second, last = (
        f"TRY_CAST(regexp_extract({one.column.sql}, '{pattern}', {n}) AS INTEGER)" for n in (1, 2, 3)
    )
    changes = f"count(DISTINCT {first}) - count(DISTINCT {last})"
    dotted = f"bool_and(regexp_matches({one.column.sql}, '^\\s*\\d\\d?[.]'))"
    either = f"{changes} = 0 AND min({first}) >= 20 AND max({last}) <= 31 AND NOT {dotted}"
    return f"max({first}), max({second}), {changes} < 0 OR ({either})"
