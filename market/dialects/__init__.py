"""The vendors' APIs as the simulator speaks them, a module for each, found by its name: what each route asks, what it
answers, how it refuses."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules
from urllib.parse import unquote

from market.dialects.base import Dialect, Query


def dialect_of(name: str) -> Dialect:
    """The dialect of a vendor: the class of that name in the module of that name."""
    module = import_module(f"{__name__}.{name}")
    kinds = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Dialect)]
    return next(one() for one in kinds if getattr(one, "name", "") == name)


DIALECTS = {one.name: dialect_of(one.name) for one in iter_modules(__path__) if one.name != "base"}
_ROUTES = [
    (re.compile(re.escape(path).replace(r"\{symbol\}", "(?P<symbol>.+)")), dialect)
    for dialect in DIALECTS.values()
    for path in dialect.routes
]


def route(path: str) -> tuple[Dialect | None, Query]:
    """Who answers a path, and the symbol that it names, as a parameter."""
    for known, dialect in _ROUTES:
        if (found := known.fullmatch(path)) is not None:
            return dialect, {name: unquote(value) for name, value in found.groupdict().items()}
    return None, {}
