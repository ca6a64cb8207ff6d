"""The rows of recognised files as one SELECT: symbol, minute (UTC, left edge), and the five values."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
from minutemend.core.columns import VALUES
from minutemend.core.errors import BadInput

from mend.bars.reader import BarFiles, Group
from mend.bars.tables import FILE, beside, quoted_text


def select_rows(
    files: BarFiles,
    *,
    zone: ZoneInfo | None = None,
    symbols: Sequence[str] | None = None,
    early: int = 0,
    partly: bool = False,
) -> str:
    """The SELECT of every bar: symbol, minute (TIMESTAMP), open, high, low, close, volume.

    `zone` is that of times that carry none, `symbols` the only ones wanted (None: all), `early` the minutes by which
    bars are named late (their right edge). A value that the files do not have is null where `partly`; else BadInput.
    """
    chosen = ""
    if symbols is not None:
        chosen = f" WHERE symbol IN ({', '.join(quoted_text(name) for name in symbols)})"
    parts = [select_group(group, zone, early, partly=partly) for group in files.groups]
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}){chosen}"  # noqa: S608 (names are quoted)


def select_group(group: Group, zone: ZoneInfo | None = None, early: int = 0, *, partly: bool) -> str:
    """The same of one group, unsorted as it lies there."""
    reading = group.reading
    lacking = [name for name in VALUES if name not in reading.values]
    if lacking and not partly:
        raise BadInput(
            f"{group.members[0].shown}: there is no column {lacking[0]}: a lake's bar has {', '.join(VALUES)}"
        )
    utc = "make_timestamp(us)"
    if zone is not None:
        local = f"make_timestamp(epoch_us(timezone('{zone.key}', make_timestamp(us))))"
        utc = f"CASE WHEN naive THEN {local} ELSE {utc} END"
    shifted = f" - INTERVAL {early} MINUTE" if early else ""
    who, reader = reading.symbol or "whose", group.reader
    if reading.symbol is None:
        reader = beside(reader, "whose", group.symbols)
    values = ", ".join(f"{reading.values.get(name, 'NULL::DOUBLE')} AS {name}" for name in VALUES)
    some = " OR ".join(f"{name} IS NOT NULL" for name in VALUES[:4])
    return (
        f"SELECT symbol, {utc}{shifted} AS minute, {', '.join(VALUES)} FROM (SELECT {who} AS symbol, "  # noqa: S608
        f"{reading.at} AS us, coalesce({reading.naive}, false) AS naive, {values} FROM {reader}) "
        f"WHERE us IS NOT NULL AND us >= 0 AND ({some})"
    )


def in_order(files: BarFiles, hours: np.ndarray) -> tuple[list[str], list[np.ndarray]]:
    """The naive bars of some clock hours, in the order of the files' rows: symbols, and as columns their codes, the
    minutes, the numbers of the files, and what stands for the values (0: there are none)."""
    names: dict[str, int] = {}
    paths: dict[str, int] = {}
    found = []
    files.connection.execute("SET preserve_insertion_order = true")
    listed = ", ".join(map(str, hours.tolist()))
    for group in files.groups:
        reading = group.reading
        who = FILE if reading.symbol is None else reading.symbol
        values = f"hash({', '.join(reading.values.values())}) // 2" if reading.values else "0"
        rows = files.connection.execute(
            f"""SELECT who, us // 60000000, path, said FROM (SELECT {who} AS who, {reading.at} AS us,
                {reading.naive} AS naive, {reading.priced} AS priced, {FILE} AS path, {values} AS said
                FROM {group.reader})
                WHERE naive AND priced AND us % 60000000 = 0 AND us // 3600000000 IN ({listed})"""  # noqa: S608
        ).fetchall()
        for one, minute, path, said in rows:
            name = (group.symbols.get(one) if reading.symbol is None else one) or ""
            found.append((names.setdefault(name, len(names)), minute, paths.setdefault(path, len(paths)), said))
    return [*names], list(np.array(found, np.int64).reshape(-1, 4).T)
