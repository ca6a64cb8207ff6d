"""The vendors' APIs as the simulator speaks them, each a module of this folder: what each route asks, what it
answers, how it refuses."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules
from urllib.parse import unquote

from market.dialects.base import Dialect, Query

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
DIALECTS: dict[str, Dialect] = {one.name: one() for one in Dialect.__subclasses__()}
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
