"""Which expected minutes are neither stored nor proven absent. Athena in AWS, DuckDB in `mend check`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from minutemend.core.gaps import Gap
from minutemend.core.minutes import Range


@dataclass(frozen=True, slots=True)
class Gaps:
    """What an audit's query found. `gaps` sorted by symbol, start; counts are of minutes."""

    gaps: tuple[Gap, ...]
    expected: int
    scanned_bytes: int | None = None

    @property
    def missing(self) -> int:
        return sum(gap.minutes for gap in self.gaps)


class GapFinder(ABC):
    """Looks at the rows themselves, never at a book of what ought to be there."""

    @abstractmethod
    def find(self, window: Range, symbols: Sequence[str] | None, *, token: str) -> Gaps:
        """The gaps of `window` for `symbols` (None: every symbol of interest). `token` names the question:
        asked again with the same token, a running query is found and not started anew. Raises QueryError."""
