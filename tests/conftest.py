"""What holds for every test: no deadline of Hypothesis decides, for a slow machine breaks no property; and its examples
are the same each time, so that a change is refused for what it does. `make chaos` draws new ones."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("minutemend", deadline=None, derandomize=True)
settings.register_profile("new", deadline=None, max_examples=1000)
settings.load_profile("minutemend")
