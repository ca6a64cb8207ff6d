"""What no general rule can know: the names that people give to columns, and the shapes of files that say nothing.

A contributor adds a name to a tuple, or a row to `SHAPES`, and a golden file to the tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# In the order of preference, each in the form of `plain`. The first seven mean a symbol wherever they stand.
SYMBOL = (
    "symbol", "ticker", "sym", "raw_symbol", "instrument", "instrument_name", "pair", "asset", "code", "secid", "stock",
    "security", "product", "product_id", "market", "contract", "ric", "epic", "figi", "isin", "symbol_id",
    "trading_pair", "ts_code", "stock_code", "ticker_symbol", "tic", "currency_pair", "s",
)  # fmt: skip
SURE = 7
MINUTE = (
    "minute", "datetime", "date_time", "timestamp", "ts_event", "window_start", "open_time", "opentime", "start_time",
    "starttime", "start", "bar_start", "begin", "begins_at", "time_period_start", "time", "ts", "t", "unix", "epoch",
    "unix_timestamp", "unix_time", "timestamp_ms", "startedat", "started_at", "index", "index_level_0", "bar_time",
    "tradetime", "date", "dt", "time_utc", "timestamp_utc", "datetime_utc", "gmt_time", "local_time", "trade_time",
    "time_key", "utc_time", "utc_datetime", "utc", "from", "kline_open_time", "price_datetime", "day_time", "ticks",
)  # fmt: skip
# Instants that are not the bar's beginning: chosen only where there is no other.
LATE = re.compile(
    r"close|end|recv|_out|captured|updated|created|ingest|loaded|received|expir|last_trade|insert|fetched"
)
DATE = ("date", "day", "dt", "dtyyyymmdd", "trade_date", "tradedate", "trading_date", "session", "datum")
TIME = ("time", "time_of_day", "hour", "clock", "trade_time", "tradetime", "minute", "uhrzeit", "timestamp")
WHEN = (*MINUTE, *DATE, *TIME)
# Columns that say how long a bar is.
SPANS = ("interval", "timeframe", "time_frame", "granularity", "resolution", "bar_size", "freq", "frequency", "tf",
         "period")  # fmt: skip
OWN = frozenset({"captured_at", "repair_id"})  # columns of a minutemend lake, whose naive minutes are UTC by contract

VALUES = ("open", "high", "low", "close", "volume")
_SHORT = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "vol": "volume", "max": "high",
          "min": "low", "first": "open", "last": "close", "price": "close", "tickvol": "volume", "settle": "close",
          "quantity": "volume", "size": "volume"}  # fmt: skip
# Words in the names of columns: of prices, which are no symbols; of what is no price; of what tells rows apart.
_PRICES = frozenset("""
    open high low close price px last mid bid ask vwap twap wap avg average mean adj adjusted settle settlement max min
    first mark index value rate ltp nav quote prev previous kurs schluss fair oracle ref reference strike theoretical
    """.split())  # fmt: skip  # noqa: SIM905
_NO_PRICES = frozenset("""
    volume vol volumen umsatz count trades trade num number n qty quantity size amount turnover interest openint oi
    spread time date year month second change chg pct percent return returns interval period flag status exchange
    split splits dividend dividends ticks transactions
    """.split())  # fmt: skip  # noqa: SIM905
_ROWS = frozenset("id index idx row no nr seq line unnamed rtype".split())  # noqa: SIM905
_NOT_A_PRICE = re.compile(r"interest|openint|time|date|adj|change|vwap|percent|pct")


@dataclass(frozen=True, slots=True)
class Shape:
    """A file without a header that the general rules cannot read alone.

    `columns` are the names that its columns have, `width` their number, `names` the pattern that the file's path
    must match. `clock`: the first column is milliseconds since midnight of the date in the file's name.
    """

    name: str
    columns: tuple[str, ...]
    path: re.Pattern[str]
    clock: bool = False
    upper: bool = False  # symbols are written in small letters


SHAPES = (
    Shape(
        "QuantConnect Lean, minutes",
        ("time", "open", "high", "low", "close", "volume"),
        re.compile(r"(?i)(?:^|[/_])\d{8}_(?:[\w.]+_minute_)?(?:trade|quote)(?:\.csv|\.zip|$)"),
        clock=True,
        upper=True,
    ),
)
# Prices in a row without names: the order in which high is the highest and low the lowest.
ORDERS = (
    ("open", "high", "low", "close"),
    ("low", "high", "open", "close"),  # Coinbase
    ("open", "close", "high", "low"),  # KuCoin
    ("volume", "close", "high", "low", "open"),  # Gate
)


def plain(name: str) -> str:
    """A column's name without what people decorate it with: `<OPEN>`, `1. open` and `Open ` are much the same."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip().lstrip("\ufeff"))
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def rank(name: str, names: tuple[str, ...]) -> int:
    """How early a name comes in a list of names; past its end where it is in none."""
    joined = name.replace("_", "")
    for place, one in enumerate(names):
        if name == one or joined == one.replace("_", ""):
            return place
    return len(names)


def among(name: str, names: tuple[str, ...]) -> bool:
    """Whether a name is one of a list of names."""
    return rank(name, names) < len(names)


def value_roles(names: list[str]) -> dict[str, int]:
    """Which of the columns (in the form of `plain`) are open, high, low, close and volume: the first of each."""
    found: dict[str, int] = {}
    for exact in (True, False):
        for place, name in enumerate(names):
            role = role_of(name) if exact else _loosely(name)
            if role and role not in found and place not in found.values():
                found[role] = place
    return found


def role_of(name: str) -> str | None:
    """What a column of just this name (in the form of `plain`) is of a bar, or None."""
    return name if name in VALUES else _SHORT.get(name)


def _loosely(name: str) -> str | None:
    if _NOT_A_PRICE.search(name):
        return None
    parts = name.split("_")
    for role in VALUES:
        if role in parts or any(part.endswith(role) for part in parts):
            return role
    return None


def names_a_bar(roles: Mapping[str, str]) -> bool:
    """Whether columns, by their roles, are those of a bar: LOW alone, or C, may be a share."""
    return len(roles.get("close", "")) > 1 or {"high", "low"} <= {*roles}


def says_price(name: str) -> bool:
    """Whether a column's name says a price, and no symbol: `last_price`, `closeprice`."""
    words = plain(name).split("_")
    return not _PRICES.isdisjoint(words) or any(
        word.startswith(one) or word.endswith(one) for word in words for one in ("open", "close", "price")
    )


def says_no_price(name: str) -> bool:
    """Whether a column's name says what is no price: `trade_count`, `Volume BTC`."""
    words = plain(name).split("_")
    volume = role_of(plain(name)) == "volume" or any(word.endswith(("volume", "vol")) for word in words)
    return volume or not (_NO_PRICES | _ROWS).isdisjoint(words)


def numbers_rows(name: str) -> bool:
    """Whether a column's name says that it tells rows apart: `id`, `Unnamed: 0`."""
    return not _ROWS.isdisjoint(plain(name).split("_"))


def says_utc(name: str) -> bool:
    """Whether a column's own name says that its times are UTC: `Time (UTC)`, and not `Time (UTC-5)`."""
    if re.search(r"(?i)(?:utc|gmt)\s*[+-]\s*\d", name):
        return False
    return bool({"utc", "gmt"} & set(plain(name).split("_"))) or name.lower().endswith("utc")
