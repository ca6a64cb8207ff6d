"""How an invariant is stated."""

from __future__ import annotations

from tests.unit.simulation.world import Violation


def hold(condition: bool, otherwise: str) -> None:
    """Raise Violation unless the condition holds."""
    if not condition:
        raise Violation(otherwise)
