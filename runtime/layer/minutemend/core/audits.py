"""What an audit is asked: the state machine's input, checked before anything is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from minutemend.core.errors import BadInput
from minutemend.core.minutes import MINUTE, Range, format_instant, parse_instant
from minutemend.core.symbols import valid_symbols

MAX_ATTEMPTS = 10
DEFAULT_ATTEMPTS = 3
_KEYS = ("start", "end", "symbols", "attempts")


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """A range, the symbols to look at (None: every symbol of interest), and how often to try."""

    range: Range
    symbols: tuple[str, ...] | None = None
    attempts: int = DEFAULT_ATTEMPTS

    @classmethod
    def from_input(cls, given: object, *, scheduled_at: datetime, due: datetime) -> AuditRequest:
        """The request in an execution's input; an empty input asks for the hour before `scheduled_at`.

        `due` is the first instant whose minutes may not be there yet. Raises BadInput.
        """
        if not isinstance(given, dict):
            raise BadInput(f"the input is {given!r}: an object with {', '.join(_KEYS)} would be right, or {{}}")
        unknown = sorted(set(given) - set(_KEYS))
        if unknown:
            raise BadInput(f"the input has unknown keys {', '.join(unknown)}: {', '.join(_KEYS)} are known")
        if ("start" in given) != ("end" in given):
            raise BadInput("the input has only one of start and end: both or none would be right")
        if "start" in given:
            window = Range(parse_instant(given["start"], name="start"), parse_instant(given["end"], name="end"))
        else:
            hour = scheduled_at.replace(minute=0, second=0, microsecond=0)
            window = Range(hour - timedelta(hours=1), hour)
        if window.end > due + MINUTE:
            raise BadInput(
                f"the range {window} reaches into the future: an end of at most {format_instant(due)} would be right"
            )
        symbols = given.get("symbols")
        if symbols is not None:
            if not isinstance(symbols, list) or not symbols:
                raise BadInput(f"symbols is {symbols!r}: a list of symbols would be right, or no symbols at all")
            symbols = valid_symbols(symbols)
        attempts = given.get("attempts", DEFAULT_ATTEMPTS)
        if type(attempts) is not int or not 1 <= attempts <= MAX_ATTEMPTS:
            raise BadInput(f"attempts is {attempts!r}: a whole number from 1 to {MAX_ATTEMPTS} would be right")
        return cls(range=window, symbols=symbols, attempts=attempts)
