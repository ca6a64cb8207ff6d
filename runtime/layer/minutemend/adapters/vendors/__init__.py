"""The vendors, by name. How to add one in one sitting: docs/vendors.md."""

from __future__ import annotations

from importlib import import_module

from minutemend.adapters.vendors.base import Credentials, HttpVendor, MissingCredentials, known_vendor, limits_of

__all__ = ["Credentials", "MissingCredentials", "adapter_of", "limits_of"]


def adapter_of(name: str) -> type[HttpVendor]:
    """The adapter of a vendor of the registry: the class of that name in the module of that name. Raises BadInput."""
    known_vendor(name)
    module = import_module(f"{__name__}.{name}")
    return next(one for one in vars(module).values() if isinstance(one, type) and getattr(one, "name", "") == name)
