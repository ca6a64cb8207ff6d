"""Every row of the files, read once: which minutes are there, and what could not be counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import duckdb
import numpy as np
from minutemend.core.errors import BadInput

from mend.bars.damage import meanwhile
from mend.bars.names import says_no_symbol
from mend.bars.no_bars import Broken
from mend.bars.reader import BarFiles, Group, unreadable
from mend.bars.seconds import of_seconds
from mend.bars.tables import FILE, behind, torn
from mend.bars.unpack import Member
from mend.bars.words import Words
from mend.console import count

# What a row is: a bar, or why it is none.
BAR, NO_PRICE, OFF_MINUTE, NO_TIME, NO_SYMBOL, CUT, AT_SECONDS, TORN, UNCLOSED, LOST = range(10)
_STILL = 50  # rows for each minute: more say that the column is not the bars' time
_HABIT = 0.05  # of a file's rows that end in a price: more are not cut off, but how the file is written
_DAMAGED = (TORN, UNCLOSED, LOST)
_WHY = {
    NO_PRICE: "without a price that can be read",
    OFF_MINUTE: "off the whole minute",
    NO_TIME: "without a time after 1970 that can be read",
    NO_SYMBOL: "without a symbol",
    CUT: "with fewer cells than the others",
    AT_SECONDS: "off the whole minute",  # by 5, 10, 15 … seconds
    TORN: "with NUL bytes, as a crash leaves them",
    UNCLOSED: "with a quote that does not end",
    LOST: "of no text, or too long",
}


@dataclass(slots=True)
class Scan:
    """What the files hold. `zoned` minutes are UTC; `naive` ones are what a clock on the wall showed, no zone known.

    `left_out` counts rows that are no bars, by why. The minutes of those that have a time are in `barren` and
    `barren_naive`: the files reach so far. `unplaced` says of which bars it is not
    known where they belong, a line each.
    """

    zoned: Words
    naive: Words
    barren: Words
    barren_naive: Words
    left_out: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    naive_files: tuple[str, ...] = ()  # those that hold the naive ones
    unplaced: tuple[str, ...] = ()

    def each(self, change: Callable[[Words], Words]) -> None:
        """Change all of the minutes."""
        for name in ("zoned", "naive", "barren", "barren_naive"):
            setattr(self, name, change(getattr(self, name)))


def scan(files: BarFiles) -> Scan:
    """Read all rows; `files` keeps the groups that could be read.

    Raises BadInput where a file breaks off, or holds no bars but seconds or ticks.
    """
    names: list[str] = []
    paths: dict[int, str] = {}  # the file that a code stands for, where files say whose bars they hold
    left: dict[str, int] = {}
    parts = _read(files, names, paths, left)
    readable = files.groups
    code, naive, state, hour, rows, bits = (np.concatenate(column) for column in zip(*parts, strict=True))
    good = state == BAR
    _refuse_mixed(code[good], bits[good], names, paths)
    for number, why in _WHY.items():
        some = int(rows[state == number].sum())
        if some:
            left[why] = left.get(why, 0) + some
    bars = int(rows[good].sum())

    def blamed(number: int) -> str:
        """The files with such rows, and how their times were read."""
        alike = [one for one, why in _WHY.items() if why == _WHY[number]]
        shown, group = _holders(readable, parts, paths, lambda _, states: np.isin(states, alike))
        return f"{files.where(shown)} (time: {group.reading.said})"

    _refuse_none(files, bars, left, blamed)
    fruitful = set(code[good].tolist())
    _skip_barren(files, {paths[one] for one in fruitful if one in paths})
    barren = ~good & (hour > 0)
    barren &= ~np.isin(code, [one for one in paths if one not in fruitful])
    zoned, naives, without, without_zone = (
        Words.merged(names, code[part], hour[part], bits[part], rows[part])
        for part in (good & ~naive, good & naive, barren & ~naive, barren & naive)
    )
    if bars > _STILL * (distinct := zoned.bars + naives.bars):
        raise BadInput(
            f"{files.where()}: {bars:,} rows say no more than {distinct:,} minute{'s' if distinct > 1 else ''} (time: "
            f"{files.groups[0].reading.said}): --minute-column would name another column of times, if there is one"
        )
    clocks, _ = _holders(readable, parts, paths, lambda naives, states: naives & (states == BAR))
    unplaced = (
        f"{blamed(number)}: {count(left[_WHY[number]], what)} {_WHY[number]}: not known where they belong"
        for number, what in (*((one, "bar") for one in (NO_TIME, NO_SYMBOL)), *((one, "row") for one in _DAMAGED))
        if _WHY[number] in left
    )
    off = {"off": np.isin(state, (OFF_MINUTE, AT_SECONDS)), "marked": state == AT_SECONDS}
    seconds = of_seconds(code, rows, good=good, **off, named=lambda one: paths.get(one) or names[one])
    return Scan(zoned, naives, without, without_zone, left, int(rows.sum()), tuple(clocks), (*unplaced, *seconds))


def _read(
    files: BarFiles, names: list[str], paths: dict[int, str], left: dict[str, int]
) -> list[tuple[np.ndarray, ...]]:
    """The words of each group. `files` keeps those that could be read, `left` gets the rows that could not.

    Raises BadInput where a file breaks off that was named itself, or none is left.
    """
    parts: list[tuple[np.ndarray, ...]] = []
    looked: dict[str, Member] = {}
    waiting, files.groups = files.groups[::-1], []
    while waiting:
        group = waiting.pop()
        try:
            part = meanwhile(group.members, looked, partial(_scanned, files.connection, group, names, paths))
        except duckdb.InterruptException:
            raise
        except duckdb.Error as broken:
            if len(group.members) > 1:
                waiting += group.halves()[::-1]
            else:
                files.skip(group.members[0], unreadable(broken))
            continue
        proved = [looked[one.path] for one in group.members]
        for member in proved:
            if member.flaw is not None:
                files.skip(member, member.flaw)
        members = tuple(one for one in proved if one.flaw is None)
        if members != group.members:  # read again, as they proved
            waiting += [replace(group, members=members)] if members else []
            continue
        parts.append(part)
        _allow_short(part, by_file=group.reading.symbol is None)
        files.groups.append(group)
        if "store_rejects" in group.reader:
            lost = files.connection.execute("SELECT count(*) FROM reject_errors").fetchall()[0][0]
            zeros = any(one.torn == "\0" for one in members) and not (part[2] == TORN).any()  # too many for a line
            for number, rows in ((LOST, lost), (TORN, int(zeros and not lost))):
                if rows:
                    left[_WHY[number]] = left.get(_WHY[number], 0) + rows
    if not parts:
        raise files.nothing()
    return parts


def _allow_short(part: tuple[np.ndarray, ...], *, by_file: bool) -> None:
    """Count rows that end in a price as bars where they are many in a file (or in all that name their symbols): it is
    written so."""
    code, _, state, _, rows, _ = part
    file = code if by_file else np.zeros_like(code)
    often = np.bincount(file, rows * (state == CUT)) > _HABIT * np.bincount(file, rows)
    state[(state == CUT) & often[file]] = BAR


def _holders(
    groups: Sequence[Group],
    parts: Sequence[tuple[np.ndarray, ...]],
    paths: dict[int, str],
    which: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[list[str], Group]:
    """The files with rows of a kind, by `which` (naive, state), and the first group that has any."""
    shown: list[str] = []
    first = groups[0]
    for group, (code, naive, state, *_) in zip(groups, parts, strict=True):
        found = which(naive, state)
        if found.any():
            first = first if shown else group
            by_file = group.reading.symbol is None
            shown += [paths[one] for one in set(code[found].tolist())] if by_file else [m.shown for m in group.members]
    return shown, first


def _skip_barren(files: BarFiles, fruitful: set[str]) -> None:
    """Note the files of which no row is a bar, where files say whose bars they hold: that symbol was not looked at."""
    members = {one.shown: one for group in files.groups if group.reading.symbol is None for one in group.members}
    for shown, member in members.items():
        if shown not in fruitful:
            files.skip(member, Broken("no row of it is a bar, with a time and a price"))


def _refuse_none(files: BarFiles, bars: int, left: dict[str, int], blamed: Callable[[int], str]) -> None:
    seconds, unread = left.get(_WHY[OFF_MINUTE], 0), left.get(_WHY[NO_TIME], 0)
    if unread > max(bars, 20) and bars:
        raise BadInput(
            f"{blamed(NO_TIME)}: {unread:,} rows have no time that can be read, {bars:,} have: each row with its date "
            "and time, written as the others, would be right"
        )
    if seconds > bars:
        raise BadInput(
            f"{blamed(OFF_MINUTE)}: {seconds:,} times are off the whole minute, {bars:,} are on it: these are "
            "seconds, ticks or the last moments of minutes; bars named by their edges, whole minutes, would be right"
        )
    if not bars:
        why = "; ".join(f"{count(number, 'row')} {what}" for what, number in left.items()) or "no rows"
        raise BadInput(f"{files.where()}: no bars in it ({why}), so there is nothing to check")


def _refuse_mixed(code: np.ndarray, bits: np.ndarray, names: list[str], paths: dict[int, str]) -> None:
    """Raises BadInput where one symbol has files of several cadences: a bar of five minutes is no minute's bar."""
    order = np.argsort(code, kind="stable")
    codes, bits = code[order], bits[order]
    first = np.flatnonzero(np.r_[True, np.diff(codes) != 0][: len(codes)])
    if not len(first):
        return
    places = np.bitwise_count(np.bitwise_or.reduceat(bits, first)).astype(np.int64)  # minutes of the hour that it uses
    bars = np.add.reduceat(np.bitwise_count(bits).astype(np.int64), first)
    coarsest: dict[str, tuple[int, int]] = {}
    finest: dict[str, tuple[int, int]] = {}
    for one, used, bars_of in zip(codes[first].tolist(), places.tolist(), bars.tolist(), strict=True):
        if one in paths:
            finest[names[one]] = max(finest.get(names[one], (0, one)), (used, one))
            if used <= 30 and bars_of >= max(6, 3 * used):
                coarsest[names[one]] = min(coarsest.get(names[one], (61, one)), (used, one))
    for name, (used, one) in coarsest.items():
        if finest[name][0] > 2 * used:
            raise BadInput(
                f"{paths[one]} holds a bar every {60 // used} minutes and {paths[finest[name][1]]} more often, and "
                f"both are {name}: files of one cadence would be right"
            )


def _refuse_spans(connection: duckdb.DuckDBPyConnection, group: Group) -> None:
    """Raises BadInput where a column says that the rows are bars of several lengths."""
    if (span := group.reading.span) is None:
        return
    rows = connection.execute(f"SELECT DISTINCT {span} FROM {group.reader} LIMIT 12").fetchall()  # noqa: S608
    found = sorted(text for (text,) in rows if text)
    if 1 < len(found) <= 10 and all(map(says_no_symbol, found)):
        raise BadInput(
            f"{group.members[0].shown}: its rows are bars of several lengths ({', '.join(found)}): those of one would "
            "be right"
        )


def _scanned(
    connection: duckdb.DuckDBPyConnection, group: Group, names: list[str], paths: dict[int, str]
) -> tuple[np.ndarray, ...]:
    """The words of one group, as arrays (code, naive, state, hour, rows, bits); `names` gets the new symbols, one for
    each file where files say them, with the file in `paths`."""
    reading = group.reading
    by_file = reading.symbol is None
    _refuse_spans(connection, group)
    who = FILE if by_file else reading.symbol
    cut_off = "false" if by_file else "cut AND us >= 0"  # perhaps in its symbol
    nul, open_quote = torn(group.table, group.members)
    query = f"""
        SELECT who, coalesce(naive, false) AS naive, state,
               CASE WHEN us >= 0 AND who IS NOT NULL AND state NOT IN ({NO_SYMBOL}, {TORN}, {UNCLOSED})
                    THEN us // 3600000000 ELSE 0 END AS hour,
               count(*) AS rows,
               bit_or(CAST(1 AS UBIGINT) << CAST((greatest(us, 0) // 60000000) % 60 AS UBIGINT)) AS bits
        FROM (SELECT who, us, naive,
              CAST(CASE WHEN torn THEN {TORN} WHEN unclosed THEN {UNCLOSED}
                   WHEN NOT priced THEN CASE WHEN {cut_off} THEN {NO_SYMBOL} ELSE {NO_PRICE} END
                   WHEN us IS NULL OR us < 0 THEN {NO_TIME}
                   WHEN who IS NULL THEN {NO_SYMBOL} WHEN us % 60000000 <> 0
                   THEN CASE WHEN us % 5000000 = 0 THEN {AT_SECONDS} ELSE {OFF_MINUTE} END
                   WHEN cut THEN {CUT} ELSE {BAR} END AS UTINYINT) AS state
              FROM (SELECT {who} AS who, {reading.at} AS us, {reading.naive} AS naive, {reading.priced} AS priced,
                    {behind(group.table, reading.last_price)} IS NULL AS cut,
                    {nul} AS torn, {open_quote} AS unclosed
                    FROM {group.reader}))
        GROUP BY ALL"""  # noqa: S608 (names are quoted by the reader)
    connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")  # of earlier looks
    connection.execute(f"CREATE OR REPLACE TEMP TABLE scanned AS {query}")
    whos = [who for (who,) in connection.execute("SELECT DISTINCT who FROM scanned").fetchall()]
    place = {name: number for number, name in enumerate(names)}
    shown = {member.path: member.shown for member in group.members}
    codes = []
    for one in whos:
        name = (group.symbols.get(one) if by_file else one) or ""
        if by_file:
            paths[len(names)] = shown.get(one, "")
        if by_file or name not in place:
            place[name] = len(names)
            names.append(name)
        codes.append(place[name])
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE whos AS SELECT unnest(?::VARCHAR[]) AS who, unnest(?::BIGINT[]) AS code",
        [whos, codes],
    )
    found = connection.execute(
        "SELECT code, naive, CAST(state AS BIGINT) AS state, hour, rows, coalesce(bits, 0::UBIGINT) AS bits "
        "FROM scanned JOIN whos ON scanned.who IS NOT DISTINCT FROM whos.who"
    ).fetchnumpy()
    return tuple(np.asarray(found[name]) for name in ("code", "naive", "state", "hour", "rows", "bits"))
