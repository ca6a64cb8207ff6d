"""What holds for every test: no deadline of Hypothesis decides, for a slow machine breaks no property."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("minutemend", deadline=None)
settings.load_profile("minutemend")
