"""The vendors, by name. How to add one in one sitting: docs/vendors.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from minutemend.adapters.http import Http
from minutemend.adapters.vendors.alpaca import Alpaca
from minutemend.adapters.vendors.base import Credentials, HttpVendor, MissingCredentials
from minutemend.adapters.vendors.binance import Binance
from minutemend.adapters.vendors.finnhub import Finnhub
from minutemend.core.errors import BadInput
from minutemend.ports.vendor import Limits, Vendor

VENDORS: dict[str, type[HttpVendor]] = {vendor.name: vendor for vendor in (Alpaca, Binance, Finnhub)}

__all__ = ["VENDORS", "Credentials", "MissingCredentials", "limits_of", "make_vendor"]


def _known(name: str) -> type[HttpVendor]:
    if name not in VENDORS:
        raise BadInput(f"{name!r} is not a vendor: one of {', '.join(sorted(VENDORS))} would be right")
    return VENDORS[name]


def make_vendor(
    name: str,
    *,
    url: str,
    timeout: timedelta,
    per_minute: int,
    credentials: Credentials,
    http: Http,
    clock: Callable[[], datetime],
    symbols: Mapping[str, str] | None = None,
    per_second: int | None = None,
) -> Vendor:
    """The adapter of a vendor, ready to fetch. Raises BadInput that lists the known vendors.

    `credentials` is this vendor's entry of the vendor secret: Finnhub's token, Alpaca's `{"key", "secret"}`,
    None for Binance. None where one is needed is no error here: each fetch then gives up and says what to do.
    `symbols` maps our symbols to the vendor's where they differ; all others pass through.
    """
    return _known(name)(
        url=url,
        timeout=timeout,
        per_minute=per_minute,
        credentials=credentials,
        http=http,
        clock=clock,
        symbols=symbols,
        per_second=per_second,
    )


def limits_of(name: str, *, per_minute: int) -> Limits:
    """What one request to a vendor may ask, without a connection to it. Raises BadInput as `make_vendor`."""
    vendor = _known(name)
    return Limits(rows=vendor.rows, symbols=vendor.symbols, per_minute=per_minute)
