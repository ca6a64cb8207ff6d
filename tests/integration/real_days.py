"""Both files of real bars as one market, with both calendars trading at once, and what is to come of it.

The files share no date: whole days of the crypto file are moved beside the stocks' days, minute for minute, so that
hours hold both calendars. The stocks keep their dates, or everything moves together. Nothing is left out: every bar
of both files is in the market, those of extended hours too, which are not to be asked for.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
from minutemend.core.minutes import MINUTE, Range

from mend.calendars.exchange_sessions import session_table
from tests.integration.replay import HOUR

# A day of the crypto file, and the first day that it and those that follow it without a gap are replayed on.
MOVED = {
    date(2016, 10, 7): date(2013, 10, 4),  # BTCUSD, three days
    date(2017, 9, 3): date(2013, 10, 7),  # BTCUSD, two
    date(2018, 4, 5): date(2013, 10, 9),  # LTCUSD, one
}
SymbolMinute = tuple[str, datetime]


@dataclass(frozen=True)
class RealDays:
    """The replayed days. `bars` are all bars of both files (symbol, minute, values, calendar) at their new places;
    `expected` is the calendar's every symbol-minute, with the `calendar`, whether it traded or not."""

    bars: pd.DataFrame
    expected: pd.DataFrame

    @classmethod
    def read(cls, folder: Path, *, later: timedelta = timedelta(0)) -> RealDays:
        """The two files of the folder; everything `later`, when other tests have the days for themselves."""
        crypto = pd.read_parquet(folder / "crypto-24x7.parquet")
        crypto["minute"] += crypto["minute"].map(_shift)
        both = pd.concat([pd.read_parquet(folder / "xnys.parquet"), crypto], ignore_index=True)
        both["minute"] += later
        both = both.sort_values(["symbol", "minute"], ignore_index=True)
        return cls(both, _expected(both))

    def hours(self) -> list[datetime]:
        """Every hour of every UTC date that holds a bar."""
        return [at + n * HOUR for at in self.dates() for n in range(24)]

    def dates(self) -> list[datetime]:
        """The UTC midnights that the dates begin with."""
        return [at.to_pydatetime().astimezone(UTC) for at in sorted(self.bars["minute"].dt.floor("D").unique())]

    def parameter(self) -> str:
        """The parameter of interested symbols: each listed for as long as the files have it."""
        first_last = self.bars.groupby(["calendar", "symbol"])["minute"].agg(["min", "max"])
        listed: dict[str, list[dict[str, str]]] = {}
        for (calendar, symbol), (first, last) in first_last.iterrows():
            until = last + timedelta(days=1)
            listed.setdefault(calendar, []).append(
                {"symbol": symbol, "listed": f"{first:%Y-%m-%d}", "delisted": f"{until:%Y-%m-%d}"}
            )
        return json.dumps(listed)

    def expected_in(self, hours: Collection[datetime]) -> pd.DataFrame:
        """The symbol-minutes that the calendars expect in these hours, sorted."""
        return self.expected[self.expected["minute"].dt.floor("h").isin(list(hours))].reset_index(drop=True)

    def traded_in(self, hours: Collection[datetime]) -> pd.DataFrame:
        """The bars of those symbol-minutes, sorted: what is to be in the lake, and nothing else."""
        return self.expected_in(hours)[["symbol", "minute"]].merge(self.bars, on=["symbol", "minute"])


def symbol_minutes(frame: pd.DataFrame) -> set[SymbolMinute]:
    """The symbol and minute of each row."""
    return set(zip(frame["symbol"], frame["minute"].to_list(), strict=True))


def _shift(minute: pd.Timestamp) -> timedelta:
    """How far a minute of the crypto file is moved: as far as the block of days that it belongs to."""
    first = max(day for day in MOVED if day <= minute.date())
    return MOVED[first] - first


def _expected(bars: pd.DataFrame) -> pd.DataFrame:
    """Every minute of every session of each symbol's calendar, from its first day in the files to its last."""
    rows = []
    for (calendar, symbol), minutes in bars.groupby(["calendar", "symbol"])["minute"]:
        days = {"first": f"{minutes.min():%Y-%m-%d}", "last": f"{minutes.max():%Y-%m-%d}"}
        for session in session_table([calendar], **days).to_pylist():
            whole = Range(session["open"].replace(tzinfo=UTC), session["close"].replace(tzinfo=UTC))
            rows += [(symbol, whole.start + n * MINUTE, calendar) for n in range(whole.minutes)]
    found = pd.DataFrame(rows, columns=["symbol", "minute", "calendar"])
    return found.sort_values(["symbol", "minute"], ignore_index=True)
