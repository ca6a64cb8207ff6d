"""The sessions that ship with minutemend: every calendar as a table in one small file, read with numpy alone.

Layers, the market simulator and `mend` all take them from here. `python -m mend.calendars.known` makes the file anew
(`make calendars`); the same golden days are asked of it and of exchange_calendars.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from minutemend.core.errors import BadInput
from minutemend.core.minutes import from_epoch_minute
from minutemend.core.sessions import Session

FILE = Path(__file__).with_name("sessions.npz")
FIRST = "1990-01-01"
_EPOCH = date(1970, 1, 1).toordinal()
_NINETY = date(1990, 1, 1).toordinal() - _EPOCH
# What people call an exchange or a market, in small letters; exchange_calendars has no such name, or another meaning.
ALIASES = {
    "crypto": "24/7", "24x7": "24/7", "247": "24/7", "binance": "24/7", "coinbase": "24/7", "kraken": "24/7",
    "always": "24/7", "fx": "forex", "currencies": "forex", "currency": "forex", "oanda": "forex", "nse": "XBOM",
    "xnse": "XBOM", "india": "XBOM", "nyse": "XNYS", "nasdaq": "XNYS", "xnas": "XNYS", "amex": "XNYS", "us": "XNYS",
    "us equities": "XNYS", "us_equities": "XNYS", "stocks": "XNYS", "lse": "XLON", "london": "XLON", "tse": "XTKS",
    "jpx": "XTKS", "tokyo": "XTKS", "tsx": "XTSE", "toronto": "XTSE", "hkex": "XHKG", "sehk": "XHKG",
    "hong kong": "XHKG", "sse": "XSHG", "szse": "XSHG", "xshe": "XSHG", "shanghai": "XSHG", "shenzhen": "XSHG",
    "krx": "XKRX", "kospi": "XKRX", "kosdaq": "XKRX", "xkos": "XKRX", "asx": "XASX", "sgx": "XSES", "twse": "XTAI",
    "xetra": "XETR", "frankfurt": "XFRA", "eurex": "XEUR", "euronext": "XPAR", "paris": "XPAR", "amsterdam": "XAMS",
    "brussels": "XBRU", "lisbon": "XLIS", "milan": "XMIL", "borsa italiana": "XMIL", "six": "XSWX", "bme": "XMAD",
    "b3": "BVMF", "bovespa": "BVMF", "jse": "XJSE", "moex": "XMOS", "idx": "XIDX", "set": "XBKK", "bmv": "XMEX",
    "nzx": "XNZE", "cme": "CMES", "cbot": "CMES", "nymex": "CMES", "comex": "CMES", "globex": "CMES",
    "cme globex": "CMES", "futures": "us_futures", "ice": "IEPA", "cboe": "XCBF", "cfe": "XCBF",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calendar:
    """Sessions of one calendar, or the parts of them that a lunch break leaves, sorted by `open`.

    `day`: the label of each, days since 1970; `open` and `close`: epoch minutes, half-open. `zone`: the calendar's own.
    """

    name: str
    zone: str
    day: npt.NDArray[np.int64]
    open: npt.NDArray[np.int64]
    close: npt.NDArray[np.int64]

    @property
    def first(self) -> date:
        return _date(self.day[0])

    @property
    def last(self) -> date:
        return _date(self.day[-1])

    def date_of(self, part: int) -> date:
        """The session date of a part."""
        return _date(self.day[part])

    def sessions(self, first: date, last: date, *, name: str | None = None) -> list[Session]:
        """The sessions (or parts) of the dates `[first, last]`, under the calendar's name or another that it has."""
        begin = int(np.searchsorted(self.day, first.toordinal() - _EPOCH))
        end = int(np.searchsorted(self.day, last.toordinal() - _EPOCH, "right"))
        spans = zip(*(column[begin:end].tolist() for column in (self.day, self.open, self.close)), strict=True)
        return [
            Session(name or self.name, _date(day), from_epoch_minute(opened), from_epoch_minute(closed))
            for day, opened, closed in spans
        ]


def calendar_named(name: str) -> Calendar:
    """The calendar that a name means, in capital letters or small. Raises BadInput, with the nearest names."""
    known = _table()
    by_small = {one.lower(): one for one in known["names"]}
    small = name.strip().lower()
    meant = by_small.get(small) or ALIASES.get(small) or known["aliases"].get(small)
    if meant is None:
        offered = {**{alias: alias for alias in known["aliases"]}, **{alias: alias for alias in ALIASES}, **by_small}
        near = [offered[one] for one in get_close_matches(small, offered, n=5, cutoff=0.5)]
        offer = (
            f"did you mean {', '.join(near)}?"
            if near
            else "XNYS, XLON, XTKS, forex or 24/7 would be right, for example"
        )
        raise BadInput(f"there is no calendar {name!r}: {offer}")
    return _calendar(meant)


def calendar_names() -> list[str]:
    """Every calendar that ships, without other names for it."""
    return list(_table()["names"])


def edition() -> str:
    """The release of exchange_calendars that made them."""
    return str(_table()["edition"])


@cache
def _calendar(name: str) -> Calendar:
    known = _table()
    place = known["names"].index(name)
    part = slice(known["edges"][place], known["edges"][place + 1])
    if name == "24/7":  # it never ends
        day = np.arange(_NINETY, _NINETY + 200 * 366, dtype=np.int64)
        return Calendar(name, "UTC", day, day * 1440, day * 1440 + 1440)
    day = np.cumsum(known["step"][part], dtype=np.int64)
    opened = day * 1440 + known["open"][part]
    return Calendar(name, known["zones"][place], day, opened, opened + known["minutes"][part])


@cache
def _table() -> dict[str, Any]:
    with np.load(FILE) as file:
        table: dict[str, Any] = {name: file[name] for name in file.files}
    for name in ("names", "zones"):
        table[name] = table[name].tolist()
    table["aliases"] = dict(zip(table["alias"].tolist(), table["meaning"].tolist(), strict=True))
    table["edges"] = table["edges"].tolist()
    return table


def _date(day: int | np.int64) -> date:
    return date.fromordinal(int(day) + _EPOCH)


def made(last: str) -> dict[str, npt.NDArray[Any]]:
    """The table, made from exchange_calendars and our own calendars: what `sessions.npz` holds."""
    from exchange_calendars import calendar_utils

    from mend.calendars import exchange_sessions

    own = {**calendar_utils._default_calendar_aliases}
    names = sorted({*calendar_utils.get_calendar_names(include_aliases=False), *exchange_sessions.OURS})
    columns: dict[str, list[npt.NDArray[Any]]] = {"step": [], "open": [], "minutes": []}
    edges = [0]
    for name in names:
        table = exchange_sessions.session_table([name], first=FIRST, last=last)
        day = np.array(table["dt"].to_pylist(), "M8[D]").astype(np.int64)
        opened, closed = (table[column].to_numpy().astype("M8[m]").astype(np.int64) for column in ("open", "close"))
        columns["step"].append(np.diff(day, prepend=0).astype(np.int32))
        columns["open"].append((opened - day * 1440).astype(np.int16))
        columns["minutes"].append((closed - opened).astype(np.int16))
        edges.append(edges[-1] + len(day))
    aliases = {alias.lower(): name for alias, name in own.items()}
    return {
        "edition": np.array(version("exchange_calendars")),
        "names": np.array(names),
        "zones": np.array([exchange_sessions.calendar_zone(name) for name in names]),
        "edges": np.array(edges),
        "alias": np.array(list(aliases)),
        "meaning": np.array(list(aliases.values())),
        **{name: np.concatenate(parts) for name, parts in columns.items()},
    }


if __name__ == "__main__":
    columns = made(f"{datetime.now(UTC).year + 2}-12-31")
    np.savez_compressed(FILE, **columns)  # type: ignore[arg-type]
    with zipfile.ZipFile(FILE, "a") as held:
        held.writestr(zipfile.ZipInfo("names.txt"), "\n".join([*columns["names"], *columns["alias"]]))
