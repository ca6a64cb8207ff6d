"""What holds for every test: no deadline of Hypothesis decides, for a slow machine breaks no property; and its examples
are the same each time, so that a change is refused for what it does. `make chaos` draws new ones."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

from tests.sharing import Sharing

settings.register_profile("minutemend", deadline=None, derandomize=True)
settings.register_profile("new", deadline=None, max_examples=1000)
settings.load_profile("minutemend")


def pytest_xdist_make_scheduler(config: Any, log: Any) -> Sharing:
    """Who runs what, with `-n`."""
    return Sharing(config, log)
