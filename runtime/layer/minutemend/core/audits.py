"""What an audit is asked: the state machine's input, checked before anything is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from minutemend.core.errors import BadInput
from minutemend.core.jobs import valid_name
from minutemend.core.minutes import Range, format_instant, parse_instant, parse_moment
from minutemend.core.symbols import valid_symbols

MAX_ATTEMPTS = 10
DEFAULT_ATTEMPTS = 3
_KEYS = ("start", "end", "symbols", "attempts", "recheck")
_BACKFILL = "backfill"  # only a backfill's state machine sends it
DUE = "due"  # as `recheck`, which the night's rechecks alone send: what is due, and quietly
_SCHEDULE_KEYS = ("scheduled_at", "sweep")  # only a schedule sends these


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """A range, the symbols to look at (None: every symbol of interest), and how often to try.

    `recheck`: proofs that rest on one vendor, and suspected holes, are asked again (core/recheck.py). `sweep`: those
    that are due, and holes that were reported before are no news. `backfill` is the run of a backfill, or of a night's
    rechecks, whose window this is.
    """

    range: Range
    symbols: tuple[str, ...] | None = None
    attempts: int = DEFAULT_ATTEMPTS
    recheck: bool = False
    sweep: bool = False
    backfill: str | None = None

    @classmethod
    def from_input(
        cls,
        given: object,
        *,
        scheduled_at: datetime,
        due: datetime,
        settling: timedelta = timedelta(0),
        sweep_days: int = 1,
    ) -> AuditRequest:
        """The request in an execution's input. Raises BadInput.

        `due` is the first instant whose minutes may not be there yet. An input without a range asks for the
        last whole hour that had settled at its scheduled time (`scheduled_at`, unless the input names one), so
        that a schedule asks for each hour once, whenever it is really run; with `sweep` for the last
        `sweep_days` whole UTC days.
        """
        if not isinstance(given, dict):
            raise BadInput(f"the input is {given!r}: an object with {', '.join(_KEYS)} would be right, or {{}}")
        unknown = sorted(set(given) - {*_KEYS, *_SCHEDULE_KEYS, _BACKFILL})
        if unknown:
            raise BadInput(f"the input has unknown keys {', '.join(unknown)}: {', '.join(_KEYS)} are known")
        if ("start" in given) != ("end" in given):
            raise BadInput("the input has only one of start and end: both or none would be right")
        due_alone = given.get("recheck") == DUE
        sweep = _flag(given.get("sweep", False), "sweep")
        recheck = not due_alone and _flag(given.get("recheck", False), "recheck")
        if "start" in given:
            both = [key for key in _SCHEDULE_KEYS if key in given]
            if both:
                raise BadInput(
                    f"the input has start and end and {', '.join(both)} besides: a range or a schedule's keys"
                )
            window = Range(parse_instant(given["start"], name="start"), parse_instant(given["end"], name="end"))
        else:
            if "scheduled_at" in given:
                scheduled_at = parse_moment(given["scheduled_at"], name="scheduled_at")
            window = _scheduled_range(scheduled_at - settling, sweep_days=sweep_days if sweep else 0)
        if window.end > due:
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
        backfill = _run(given.get(_BACKFILL))
        return cls(window, symbols, attempts, recheck=recheck, sweep=sweep or due_alone, backfill=backfill)

    def to_json(self) -> dict[str, object]:
        """The working file of the audit, which `from_json` reads back."""
        return {
            "start": format_instant(self.range.start),
            "end": format_instant(self.range.end),
            "symbols": list(self.symbols) if self.symbols is not None else None,
            "attempts": self.attempts,
            "recheck": self.recheck,
            "sweep": self.sweep,
            **({_BACKFILL: self.backfill} if self.backfill else {}),
        }

    @classmethod
    def from_json(cls, given: dict[str, object]) -> AuditRequest:
        """The request of `to_json`. Raises BadInput for anything else."""
        window = Range(parse_instant(given["start"], name="start"), parse_instant(given["end"], name="end"))
        symbols, attempts = given["symbols"], given["attempts"]
        if type(attempts) is not int or not isinstance(symbols, list | None):
            raise BadInput(f"the audit's request is {given!r}, which no audit wrote")
        return cls(
            range=window,
            symbols=valid_symbols(symbols) if symbols is not None else None,
            attempts=attempts,
            recheck=given.get("recheck") is True,  # an audit that began before there was such a thing asks for none
            sweep=given.get("sweep") is True,
            backfill=_run(given.get(_BACKFILL)),
        )


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise BadInput(f"{name} is {value!r}: true or false would be right")
    return value


def _run(value: object) -> str | None:
    if value is not None:
        valid_name(value, name=_BACKFILL)
    return None if value is None else str(value)


def _scheduled_range(settled: datetime, *, sweep_days: int) -> Range:
    """The last whole hour before `settled`, or that many whole UTC days."""
    if sweep_days:
        midnight = settled.replace(hour=0, minute=0, second=0, microsecond=0)
        return Range(midnight - timedelta(days=sweep_days), midnight)
    hour = settled.replace(minute=0, second=0, microsecond=0)
    return Range(hour - timedelta(hours=1), hour)
