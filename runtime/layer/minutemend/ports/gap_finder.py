"""Which expected minutes are not stored. Athena in AWS; DuckDB over files in tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from minutemend.core.data_check import Question
from minutemend.core.gaps import Gaps


@dataclass(frozen=True, slots=True)
class Found:
    """What one look found. `gaps` are expected and not stored, proven absent or not; `expected` counts minutes."""

    gaps: Gaps
    expected: int
    scanned_bytes: int | None = None


class GapFinder(ABC):
    """Looks at the rows themselves, never at a book of what ought to be there."""

    @abstractmethod
    def find(self, question: Question, *, token: str) -> Found:
        """The gaps that `question` asks for. `token` names the question: asked again with the same token, a running
        query is found and not started anew. Raises QueryError, TablesDiffer."""
