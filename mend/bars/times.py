"""How people write times: each way is a row of a table, used on a sample in Python and on whole files in SQL.

Patterns are in the syntax that Python's `re` and RE2 share, so that a sample and a file are judged alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

# What may end a time: a zone (kept), or letters that only some people can read (dropped: EST in summer is no zone).
# A bare UTC or GMT is dropped as well, for a time without a zone is read as UTC; that it is zoned, `ZONED` says.
_OFFSET = r"(?:\+(?:0\d|1[0-4]):?(?:00|15|30|45)|-(?:0\d|1[0-2]):?(?:00|30))"  # 09:30-09:31 has none, but is a range
_NAMED = r"[A-Za-z]+/[A-Za-z_]+(?:/[A-Za-z_]+)?"
_AFTER = r"(?: ?\(.*\)|\[.*\])?"
_ZONE = rf"[ ]?(?:UTC|GMT)?(Z|z|{_OFFSET}|[+-]\d\d|{_NAMED})?(?: ?[A-Z]{{2,4}})?{_AFTER}"
ZONED = rf"([Zz]|UTC|GMT|{_OFFSET}(?: ?[A-Z]{{2,4}})?|:[0-9.]+[+-]\d\d|{_NAMED})\s*{_AFTER}$"
_CLOCK = r"(\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?)"
_HALF = r"(?: ?([AaPp])\.?[Mm]\b\.?)?"
_DIGITS = r"([0-2]\d)([0-5]\d)(?:([0-5]\d)(?:\.\d+|\d{3})?)?"
_BETWEEN = r"[T ,;-]+"
_YEAR = r"((?:19|20)\d\d)"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAY = r"(?i)^\s*(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+"
_MONTH = re.compile(r"(?i)\d[-/. ,]*(?:" + "|".join(_MONTHS) + ")|(?:" + "|".join(_MONTHS) + r")[a-z]*[-/. ,]*\d")
# What no number is, and every time or date: a quick look before the forms are tried.
LOOKS_TIMED = re.compile(
    rf"\d{{8,}}|\d{{4}}[-/.]\d\d?|\d\d?[-/. ]\d\d?[-/. ]\d\d|\d\d?:\d\d|{_MONTH.pattern[4:]}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to write a date. `pattern` has three groups; `iso` puts them in the order of ISO 8601."""

    name: str
    pattern: str
    iso: str
    named_month: bool = False


# A way to write dates is added here: a name, its three groups, and their order.
DATES = (
    Way("year first", _YEAR + r"[-/.](\d\d?)[-/.](\d\d?)", r"\1-\2-\3"),
    Way("YYYYMMDD", _YEAR + r"(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", r"\1-\2-\3"),
    Way("day first", r"(\d\d?)[-/. ](\d\d?)[-/. ]" + _YEAR, r"\3-\2-\1"),
    Way("month first", r"(\d\d?)[-/. ](\d\d?)[-/. ]" + _YEAR, r"\3-\1-\2"),
    Way("year first, two-digit year", r"(\d\d)[-/.](\d\d?)[-/.](\d\d)", r"20\1-\2-\3"),
    Way("day first, two-digit year", r"(\d\d?)[-/.](\d\d?)[-/.](\d\d)", r"20\3-\2-\1"),
    Way("month first, two-digit year", r"(\d\d?)[-/.](\d\d?)[-/.](\d\d)", r"20\3-\1-\2"),
    # A month's name stands as #03# when these are tried.
    Way("day, month's name", r"(\d\d?)[-/. ,]*#(\d\d)#[-/. ,]*" + _YEAR, r"\3-\2-\1", named_month=True),
    Way("month's name, day", r"#(\d\d)#[-/. ]*(\d\d?)[-/. ,]+" + _YEAR, r"\3-\1-\2", named_month=True),
    Way("year, month's name", _YEAR + r"[-/. ,]*#(\d\d)#[-/. ,]*(\d\d?)", r"\1-\2-\3", named_month=True),
    Way("day, month's name, two-digit year", r"(\d\d?)[-/. ]*#(\d\d)#[-/. ]*(\d\d)", r"20\3-\2-\1", named_month=True),
)
TWINS = {"day first": "month first", "day first, two-digit year": "month first, two-digit year"}


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write an instant, a date alone or a time of day alone, and its SQL."""

    name: str
    kind: str  # instant | date | time
    regex: re.Pattern[str]
    template: str  # what the pattern's groups make: an ISO text of `kind`
    plain: bool = False  # DuckDB's own cast reads it
    named_month: bool = False
    digits: bool = False  # a second of two digits stands behind a zero: :059

    def fits(self, text: str) -> bool:
        """Whether a value of a sample is written so."""
        text = text.strip()
        if self.named_month:
            if not _MONTH.search(text):
                return False
            text = _digits(text)
        return self.regex.fullmatch(text) is not None

    def iso(self, text: str) -> str:
        """From the SQL of a text to that of the ISO text, or of null where the pattern does not match."""
        said = months_replaced(text) if self.named_month else text
        pattern = self.regex.pattern
        made = f"regexp_replace({said}, '^{pattern}$', '{self.template}')"
        sql = f"CASE WHEN regexp_full_match({said}, '{pattern}') THEN {made} END"
        return f"regexp_replace({sql}, ':0(\\d\\d) ', ':\\1 ')" if self.digits else sql


def is_number(text: str) -> bool:
    """Whether a cell of a sample is a number, with a decimal point or comma, or is as good as empty."""
    return _NUMBER.fullmatch(text.strip()) is not None


_NUMBER = re.compile(
    r"[-+$€£]?(?:\d{1,3}(?:[,.' \u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d*[.,]?\d+(?:[eE][-+]?\d+)?%?|\d+\.)"
    r"|(?i:nan|null|none|na|n/a|-|inf|)"
)


def epoch_us(number: str) -> str:
    """SQL: microseconds since 1970 of an epoch in seconds to nanoseconds, told by its magnitude; null for less."""
    return (
        f"CASE WHEN {number} < 100000000 THEN NULL WHEN {number} < 100000000000 THEN {number} * 1000000"
        f" WHEN {number} < 100000000000000 THEN {number} * 1000 WHEN {number} < 100000000000000000 THEN {number}"
        f" WHEN {number} < 10000000000000000000 THEN {number} // 1000 END"
    )


def epoch_unit(values: Sequence[str]) -> str | None:
    """The unit of a sample of numbers that can be epochs between 1980 and 2100, or None."""
    units = {_unit(text) for text in values}
    return units.pop() if len(units) == 1 else None


def _unit(text: str) -> str | None:
    if UNREAD[0][0].fullmatch(text.strip()) or UNREAD[1][0].fullmatch(text.strip()):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    for unit, scale in (("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9)):
        if 315_532_800 <= value / scale < 4_102_444_800:
            return unit
    return None


# What looks like times and is none, or none any more: the cells, and what would be right. Two look like epochs.
UNREAD = (
    (
        re.compile(r"\d(?:\.\d{1,7})?[eE]\+?(?:09|1[258])"),
        "epochs that a program shortened: whole numbers would be right",
    ),
    (re.compile(r"6[2-5]\d{16}"), ".NET ticks: epochs or 2024-03-12T13:30:00Z would be right"),
    (re.compile(r"[2-6]\d{4}\.\d+"), "days as a spreadsheet counts them: 2024-03-12 13:30 would be right"),
    (re.compile(r"\d{4}-?W\d\d.*"), "weeks of a year: 2024-03-12T13:30:00Z would be right"),
    (
        re.compile(r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"),
        "dates without a century: 20240312 for 240312 would be right",
    ),
)


@cache
def forms() -> tuple[Form, ...]:
    """Every form, in the order in which they are tried: an instant before a date or a time alone."""
    made = []
    for way in DATES:
        between = _BETWEEN
        if way.name == "YYYYMMDD":
            between = r"[T :;-]*"
        elif way.name == "year first" or way.named_month:  # kdb+ has a D between, and SAS a colon
            between = r"[TD :,;-]+"
        clock = re.compile(rf"\s*{way.pattern}{between}{_CLOCK}{_HALF}{_ZONE}\s*")
        plain = way.name == "year first"
        made.append(Form(way.name, "instant", clock, way.iso + r" \4 \5M\6", plain, way.named_month))
    for way in DATES[:2]:
        digits = re.compile(rf"\s*{way.pattern}[T :;-]*{_DIGITS}{_ZONE}\s*")
        made.append(Form(f"{way.name} and HHMM", "instant", digits, way.iso + r" \4:\5:0\6 M\7", digits=True))
    for way in DATES:
        alone = re.compile(rf"\s*{way.pattern}(?:[T ]0?0:00(?::00(?:\.0+)?)?Z?)?\s*")
        made.append(Form(way.name, "date", alone, way.iso, named_month=way.named_month))
    clock = re.compile(rf"\s*{_CLOCK}{_HALF}{_ZONE}\s*")
    return (*made, Form("hours and minutes", "time", clock, r"\1 \2M\3"))


def months_replaced(text: str) -> str:
    """SQL: the text without the day of the week, and with the months' names as numbers."""
    text = f"regexp_replace({text}, '{_WEEKDAY}', '')"
    for number, name in enumerate(_MONTHS, 1):
        text = f"regexp_replace({text}, '(?i){name}[a-z]*[.]?', '#{number:02d}#')"
    return text


def _digits(text: str) -> str:
    text = re.sub(_WEEKDAY, "", text)
    for number, name in enumerate(_MONTHS, 1):
        text = re.sub(f"(?i){name}[a-z]*[.]?", f"#{number:02d}#", text)
    return text


def instant_us(iso: str) -> str:
    """SQL: microseconds since 1970 of an ISO text ` 9:30:00 pM+01:00`: naive times count as if they were UTC."""
    half = f"lower(regexp_extract({iso}, ' ([AaPp])M', 1))"
    bare = f"regexp_replace(replace({iso}, ',', '.'), ' [AaPp]?M', '')"
    bare = f"regexp_replace({bare}, '(\\d)([A-Za-z]+/)', '\\1 \\2')"  # a zone's name stands apart
    bare = f"regexp_replace({bare}, ' *([+-]\\d\\d):?(\\d\\d)$', '\\1:\\2')"
    at = f"epoch_us(TRY_CAST({bare} AS TIMESTAMPTZ))"
    hour = f"CAST(regexp_extract({iso}, ' (\\d\\d?):', 1) AS INTEGER)"
    return (
        f"{at} + CASE WHEN {half} = 'p' AND {hour} < 12 THEN 43200000000"
        f" WHEN {half} = 'a' AND {hour} = 12 THEN -43200000000 ELSE 0 END"
    )
