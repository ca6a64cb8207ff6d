"""Whose bars a file holds, by its name: `EURUSD_M1_2024.csv` is EURUSD, `ETH_BTC-1m.feather` is ETH/BTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from urllib.parse import unquote

from mend.bars.shapes import SURE, SYMBOL, plain, rank

_SUFFIXES = re.compile(
    r"(?i)(\.(csv|tsv|txt|psv|asc|dat|scid_bardata|gz|zip|zst|zstd|bz2|xz|tar|tgz|parquet|parq|pq|feather|arrows?|ipc|jsonl?|ndjson|jsonlines))+$"
)
# Tokens that say how, when or from whom, and not which symbol.
_SPAN = re.compile(
    r"(?i)\d{1,4}|\d{1,3} ?(s|sec|secs?|m|min|mins?|minutes?|t|h|hr|hours?|d|days?)|[mh]\d{1,3}|\d{6,14}|\d+y|d1|w1"
)
_WORDS = frozenset("""
    minute minutes min mins hour hourly daily day bar bars ohlc ohlcv data dataset candle candles candlestick kline
    klines price prices quote quotes history historical hist export exported output out download downloads sample test
    train file full adjusted unadjusted adjsplit adjsplitdiv split raw clean cleaned all part chunk trade trades spot
    futures perp perpetual swap intraday market bid ask mid firstrate dat ascii mt mt4 mt5 table results result
    response backtest final new old merged combined stock stocks crypto forex fx etf index input source copy of the utc
    est gmt local eod archive tick ticks standard stdin binance bitstamp bitfinex bitmex bybit coinbase coinbasepro
    gdax gemini kraken kucoin okx okex huobi poloniex hitbtc deribit ftx nasdaq nyse amex arca bats cme cboe nse bse
    lse oanda fxcm dukascopy polygon alpaca kibot histdata stooq yahoo yfinance iex tiingo databento tradingview
    capitalcom dly dl mini xnas xnys arcx xase iexg edgx edga xbos xphl xtks xhkg xlon xpar xetr xams xses xasx xtse
    xcme xcbt glbx ifus
    """.split())  # fmt: skip  # noqa: SIM905
_QUOTES = frozenset(
    """USDT USDC BUSD FDUSD TUSD DAI USD EUR GBP JPY AUD NZD CAD CHF KRW TRY BRL SEK NOK MXN ZAR SGD HKD CNH PLN
    XAU XAG BTC ETH BNB XBT UST""".split()  # noqa: SIM905
)
# Names that hold spaces: indices (`NIFTY 50`, `NIFTY BANK`), and contracts (`ES 03-24`).
_SPACED = re.compile(r"[A-Z][A-Z&]*(?: [A-Z][A-Z&]*)*(?: (?!15|30|60|120|240|19\d\d|20\d\d)\d{2,4})?(?=[_.-]|$)")
_CONTRACT = re.compile(r"[A-Z0-9]{1,4} (?:0[1-9]|1[0-2])-\d\d(?=[ .]|$)")
# Contracts on a symbol are no bars of it: `BTC-PERPETUAL`, `BTC-USDT-SWAP`, `BTC-29MAR24`, `BTCUSDT_240329`.
_DERIVED = re.compile(
    r"(?<![A-Za-z0-9])[A-Z0-9]{2,15}(?:[-_][A-Z]{3,5})?(?:[-_](?:PERP(?:ETUAL)?|SWAP)|-\d{1,2}[A-Z]{3}\d\d(?:-\d+-[CP])?"
    r"|(?<=USDT|USDC)_\d{6}|(?<=USD)_(?:\d{6}|PERP))(?=[-_., ]|$)"
)
_PAIR_AND_MINUTES = re.compile(r"([A-Z]{3})([A-Z]{3})(?:1|5|15|30|60|240|1440)")  # MetaTrader 4: EURUSD1.csv
# Names of files that a program numbered: they say no symbol.
_NUMBERED = re.compile(r"(?i)part[-_.]?\d.*|[0-9a-f]{8}-[0-9a-f]{4}-.*|[0-9a-f]{16,}.*")
CODE = re.compile(r"\d{4,6}")  # Tokyo, Hong Kong, Seoul and Shanghai name shares by numbers
_LIKE = re.compile(r"[$^#@]?[A-Z0-9][A-Z0-9.&!=]{0,14}")
_SHARE = re.compile(r"[A-Z]{1,5}")
_PARTITION = re.compile(r"(?i)([a-z_]\w*)=(.*)")
# Names of partitions that are symbols' before what a file is called, and only where it says none.
_SURE = (*SYMBOL[:SURE], "asset", "code")
_WEAK = (*(name for name in SYMBOL[SURE:] if name not in ("market", "product")), "instrument_id")
_NONE = "__HIVE_DEFAULT_PARTITION__"
DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


def symbols_of(paths: Sequence[str], *, upper: bool = False) -> dict[str, str | None]:
    """The symbol of each path. Of those that lie beside files named by symbols a word in capitals is one: ALL, CME."""
    named = {PurePath(path).parent for path in paths if symbol_of(PurePath(path).name)}
    stems = {path: _SUFFIXES.sub("", PurePath(path).name) for path in paths}
    words = {path for path in paths if PurePath(path).parent in named and _SHARE.fullmatch(stems[path])}
    return {path: stems[path] if path in words else symbol_of(path, upper=upper) for path in paths}


def symbol_of(path: str, *, upper: bool = False) -> str | None:
    """The symbol that a file's name says, else a folder's `symbol=AAPL` or `AAPL`; None where neither says one."""
    pure = PurePath(path)
    if sure := _partition(pure.parts[:-1], _SURE):
        return None if sure == _NONE else sure
    stem = _SUFFIXES.sub("", pure.name)
    folders = [part for part in pure.parts[:-1] if not _PARTITION.fullmatch(part)]
    # What lies in partitions is named by programs, but for what begins as a symbol does.
    partitioned = len(folders) + 1 < len(pure.parts) and not stem[:1].isupper()
    named = None if partitioned or _NUMBERED.fullmatch(stem) else _of_stem(stem, upper=upper)
    if named is not None:
        return named
    if (weak := _partition(pure.parts[:-1], _WEAK)) and weak != _NONE and not says_no_symbol(weak):
        return weak
    for part in reversed(folders[-3:]):
        bare = _SUFFIXES.sub("", part.upper() if upper else part)  # an archive's suffix
        if _LIKE.fullmatch(bare) and bare.lower() not in _WORDS and not _SPAN.fullmatch(bare):
            return bare
    return None


def _partition(parts: Sequence[str], keys: tuple[str, ...]) -> str | None:
    """The value of the partition (`symbol=AAPL`) whose key comes first in `keys`, None where there is none."""
    found = [match.groups() for part in reversed(parts) if (match := _PARTITION.fullmatch(part))]
    known = [(rank(plain(key), keys), value) for key, value in found if value]
    place, value = min(known, key=lambda one: one[0], default=(len(keys), ""))
    return unquote(value) if place < len(keys) else None


def symbol_partition(part: str) -> bool:
    """Whether a folder is one symbol's by its name: `symbol=AAPL`."""
    value = _partition([part], (*_SURE, *_WEAK))
    return value is not None and value != _NONE and not says_no_symbol(value)


def said_by(path: str) -> str:
    """What would say the symbol of a file: where folders are partitions (`date=2024-03-12`), no column's name."""
    partitioned = any(map(_PARTITION.fullmatch, PurePath(path).parts[:-1]))
    other = "a folder such as symbol=NAME" if partitioned else "--symbol-column NAME"
    return f"--symbol NAME would say it, or {other}"


def _of_stem(stem: str, *, upper: bool) -> str | None:
    stem = DAY.sub(" ", stem)
    if found := _whole(stem):
        return found
    tokens = [token for token in re.split(r"[\s,;()\[\]_-]+", stem) if token]
    kept = [token for token in tokens if not _noise(token)]
    if not kept:
        # A year alone is no share.
        number = tokens[0] if tokens else ""
        return number if CODE.fullmatch(number) and not re.match(r"19\d\d|20\d\d", number) else None
    joined = stem[stem.find(kept[0]) :]
    parted = joined[len(kept[0]) : len(kept[0]) + 1]
    if len(kept) >= 2 and kept[1].upper() in _QUOTES and joined.startswith(f"{kept[0]}{parted}{kept[1]}"):
        settled = f":{kept[2]}" if len(kept) > 2 and kept[2] in _QUOTES else ""
        if parted in "_-":
            return f"{kept[0]}/{kept[1]}{settled}" if parted == "_" else f"{kept[0]}-{kept[1]}"
    if len(kept) == 1 or _LIKE.fullmatch(kept[0]):
        if len(kept) == 2 and len(kept[1]) == 1 and kept[1].isupper():
            return f"{kept[0]}{joined[len(kept[0])]}{kept[1]}"  # a class of shares: BRK_B, BRK-B
        return kept[0].upper() if upper else kept[0]
    return None


def _whole(stem: str) -> str | None:
    """The symbol of a name that only makes sense whole, or None."""
    if found := _DERIVED.search(stem):
        return found[0]
    if found := _CONTRACT.match(stem) or _SPACED.match(stem):
        words = found[0].split(" ")
        return found[0] if len(words) > 1 and not any(word.lower() in _WORDS for word in words) else None
    found = _PAIR_AND_MINUTES.fullmatch(stem)
    return found[1] + found[2] if found and {found[1], found[2]} <= _QUOTES else None


def may_be_symbol(text: str) -> bool:
    """Whether a text is written as symbols are, and says nothing else."""
    parts = re.split(r"[/_-]", text)
    lettered = any(letter.isalpha() for letter in text)
    return lettered and all(map(_LIKE.fullmatch, parts)) and not all(map(_noise, parts))


def is_currency(text: str) -> bool:
    """Whether a text is what prices are counted in: a column of it stands beside that of the symbols."""
    return text in _QUOTES


def says_no_symbol(text: str) -> bool:
    """Whether all the words of a text say how, when or from whom: `MINUTE_1`, `1m`."""
    return all(map(_noise, re.split(r"[\s_-]+", text)))


def _noise(token: str) -> bool:
    return token.lower() in _WORDS or _SPAN.fullmatch(token) is not None


def day_of(path: str) -> str | None:
    """The one date that a path names, as `2024-03-12`, or None: in the name of the file or its archive, or a folder
    that is nothing but a date. Another folder may say when it was made: `backup_2024-03-14`."""
    *folders, name = PurePath(path).parts
    said = [part for part in folders if _SUFFIXES.search(part) or DAY.fullmatch(part.rpartition("=")[2])]
    found = {"-".join(match) for part in (*said, name) for match in DAY.findall(part)}
    return found.pop() if len(found) == 1 else None
