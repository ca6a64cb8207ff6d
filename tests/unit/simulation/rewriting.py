"""Bugs that are written into the text of a function, as a slip of the hand would."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest


def rewritten(function: Callable[..., Any], old: str, new: str) -> Callable[..., Any]:
    """The function with `old`, which stands in its text exactly once, replaced by `new`."""
    text = textwrap.dedent(inspect.getsource(function))
    if text.count(old) != 1:
        raise LookupError(f"{function.__qualname__} has {text.count(old)} times {old!r}: seed this bug anew")
    made: dict[str, Any] = {}
    exec(compile(text.replace(old, new), f"<{function.__qualname__}>", "exec"), function.__globals__, made)  # noqa: S102
    found: Callable[..., Any] = made[function.__name__]
    return found


def slip(owner: Any, name: str, old: str, new: str) -> Callable[[pytest.MonkeyPatch], None]:
    """A bug to seed: `owner.name` (of a module or a class) with this slip in its text."""

    def seed_bug(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(owner, name, rewritten(getattr(owner, name), old, new))

    return seed_bug
