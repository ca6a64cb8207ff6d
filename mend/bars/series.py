"""What the names of files say of their bars: that they are another series of the same symbol, and how far apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from mend.bars.reader import Group

Key = TypeVar("Key")
# Words that tell several series of one symbol from each other, by kind: files that differ in one are no parts of one.
_SERIES = tuple(
    frozenset(words.split())
    for words in (
        "bid ask mid",
        "spot futures perp perpetual swap",
        "adjusted unadjusted adjsplit adjsplitdiv",
        "raw clean cleaned",
        "binance bitstamp bitfinex bitmex bybit coinbase coinbasepro gdax gemini kraken kucoin okx okex huobi poloniex "
        "hitbtc deribit ftx nasdaq nyse amex arca bats cme cboe nse bse lse oanda fxcm dukascopy polygon alpaca kibot "
        "histdata stooq yahoo yfinance iex tiingo databento tradingview capitalcom firstrate",
    )
)
# How many minutes apart a name says that bars are: `1m`, `5min`, `1-minute`, `M15`; `1M` may be a month.
_APART = re.compile(r"(?<![A-Za-z0-9])(?:([1-9]\d?)[ _-]?(?:m|(?i:mins?|minutes?))|M([1-9]\d?))(?![A-Za-z0-9])")


def kept_apart(groups: Sequence[Group]) -> list[Group]:
    """The groups, with other symbols for files that are of one by their names, and of several series of it: they are no
    parts of one."""
    shown = {one.path: one.shown for group in groups for one in group.members}
    named = {(path, name) for group in groups for path, name in group.symbols.items() if name}
    found = apart({one: (shown[one[0]], one[1]) for one in sorted(named)})
    return [
        replace(one, symbols={path: found.get((path, name or ""), name) for path, name in one.symbols.items()})
        for one in groups
    ]


def apart(names: Mapping[Key, tuple[str, str]]) -> dict[Key, str]:
    """By key (each with its path, and its symbol) another symbol for files that are of several series of one, as their
    paths say: of `EURUSD_BID.csv` and `EURUSD_ASK.csv`, EURUSD_BID and EURUSD_ASK."""
    words = {key: frozenset(re.split(r"[^a-z0-9]+", path.lower())) for key, (path, _) in names.items()}
    by_symbol: dict[str, list[Key]] = defaultdict(list)
    for key, (_, symbol) in names.items():
        by_symbol[symbol].append(key)
    found: dict[Key, str] = {}
    for symbol, keys in by_symbol.items():
        for kind in _SERIES:
            shared = frozenset.intersection(kind, *(words[key] for key in keys))
            own = {key: "_".join(sorted(words[key] & kind - shared)).upper() for key in keys}
            if len({*own.values()} - {""}) > 1:
                found |= {key: f"{found.get(key, symbol)}_{word}" for key, word in own.items() if word}
    return found


def minutes_apart(path: str) -> int | None:
    """How many minutes lie between bars, as a file's name says; the most, where it says several. None: it does not."""
    said = [int(one[1] or one[2]) for one in _APART.finditer(PurePath(path).name)]
    return max(said, default=None)


def told_apart(paths: Iterable[str]) -> int | None:
    """How many minutes lie between bars, as the files' names say, at most; None where one of them does not."""
    told = {minutes_apart(path) for path in paths}
    return None if None in told else max((one for one in told if one), default=None)
