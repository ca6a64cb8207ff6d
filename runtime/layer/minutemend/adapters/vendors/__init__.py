"""The vendors, by name. How to add one in one sitting: docs/vendors.md."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module

from minutemend.adapters.http import Http
from minutemend.adapters.vendors.base import Credentials, HttpVendor, MissingCredentials, known_vendor, limits_of
from minutemend.contract import VendorSettings
from minutemend.ports.vendor import Vendor

__all__ = ["Credentials", "MissingCredentials", "adapter_of", "limits_of", "make_vendor"]


def adapter_of(name: str) -> type[HttpVendor]:
    """The adapter of a vendor of the registry: the class of that name in the module of that name. Raises BadInput."""
    known_vendor(name)
    module = import_module(f"{__name__}.{name}")
    return next(one for one in vars(module).values() if isinstance(one, type) and getattr(one, "name", "") == name)


def make_vendor(
    settings: VendorSettings,
    *,
    credentials: Credentials,
    http: Http,
    clock: Callable[[], datetime],
    reread: Callable[[], Credentials] | None = None,
) -> Vendor:
    """The adapter of a vendor, ready to fetch. Raises BadInput that lists the known vendors.

    `credentials` is this vendor's entry of the vendor secret: Finnhub's token, Alpaca's `{"key", "secret"}`, None for
    public data. None where one is needed is no error here: each fetch then gives up and says what to do.
    `reread` reads it anew, for a vendor that answers 401.
    """
    return adapter_of(settings.name)(settings, credentials=credentials, http=http, clock=clock, reread=reread)
