"""The gap finder over files: the local counterpart of Athena's."""

from __future__ import annotations

from collections.abc import Sequence

from minutemend.adapters.duckdb_lake import DuckDbLake
from minutemend.core.minutes import Range
from minutemend.ports.gap_finder import GapFinder, Gaps


class DuckDbGapFinder(GapFinder):
    """Asks the same SQL text as Athena's finder, of the views of a `DuckDbLake`."""

    def __init__(self, lake: DuckDbLake) -> None:
        self._lake = lake

    def find(self, window: Range, symbols: Sequence[str] | None, *, token: str) -> Gaps:  # noqa: ARG002
        """See the port; the token does not matter, for nothing runs on after us. Raises duckdb.Error."""
        found = self._lake.check(window, symbols)
        return Gaps(found.gaps, found.expected_minutes)
