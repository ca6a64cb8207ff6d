"""Rows of a vendor's answer, from JSON to an `Answer`: what of them can be believed, symbol by symbol.

Whole columns are checked at a time; a row becomes no object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minutemend.core.answers import Answer, AnswerKind, Garbage, VendorRequest
from minutemend.core.columns import Bars, Minutes
from minutemend.core.intervals import merge, subtract
from minutemend.core.minutes import EPOCH, Range, edges, epoch_minute, format_instant, ranges_of


def parse_body(body: bytes) -> object:
    """The JSON value of an answer's body. Raises Garbage for HTML, truncated JSON, or what is no UTF-8.

    NaN and Infinity, which are no JSON, come through: the one symbol that has them is then not believed.
    """
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        if body.lstrip()[:1] == b"<":
            raise Garbage("the body is HTML or XML, not JSON") from None
        raise Garbage(f"the body of {len(body)} bytes is no JSON: {type(error).__name__}") from None


class Rows(NamedTuple):
    """One symbol's rows of an answer as a vendor adapter found them, in its order. Nothing of it is believed yet.

    `at` (int64) are microseconds since 1970-01-01T00:00Z, `values` (float64, rows by 5) open, high, low, close,
    volume. `trades` (int64) are the counts of trades where the vendor is a venue that gives them: a row of no
    trades is no bar, but the venue's statement. `flaw` says why this symbol's rows could not be read at all.
    """

    symbol: str
    at: NDArray[np.int64]
    values: NDArray[np.float64]
    trades: NDArray[np.int64] | None = None
    flaw: str | None = None

    @classmethod
    def unreadable(cls, symbol: str, flaw: str) -> Rows:
        return cls(symbol, np.empty(0, np.int64), np.empty((0, 5)), flaw=flaw)

    def take(self, chosen: NDArray[np.bool_]) -> Rows:
        """Those where the mask is true."""
        trades = None if self.trades is None else self.trades[chosen]
        return self._replace(at=self.at[chosen], values=self.values[chosen], trades=trades)


MICROSECOND = timedelta(microseconds=1)
_LAST = int((datetime.max.replace(tzinfo=UTC) - EPOCH) / MICROSECOND)


def whole_numbers(values: Iterable[object]) -> NDArray[np.int64]:
    """JSON values as int64. Raises Garbage, naming the first that is no whole number of 64 bits."""
    listed = list(values)
    for value in listed:
        if type(value) is not int or not -(2**63) <= value < 2**63:
            raise Garbage(f"a value is {_quoted(value)}, which is no whole number")
    return np.array(listed, dtype=np.int64)


def instants(counts: Iterable[object], *, unit: timedelta) -> NDArray[np.int64]:
    """Microseconds since 1970-01-01T00:00Z of whole counts of `unit`. Raises Garbage for what is no time."""
    numbers, scale = whole_numbers(counts), unit // MICROSECOND
    wild = (numbers > _LAST // scale) | (numbers < -(_LAST // scale))
    if wild.any():
        raise Garbage(f"a time is {_quoted(int(numbers[wild][0]))}, which is no time")
    return numbers * scale


def numbers(values: Iterable[object]) -> NDArray[np.float64]:
    """JSON numbers as the float64 that they mean. Raises Garbage for text, null, true and what is not finite."""
    listed = list(values)
    for value in listed:
        if type(value) is not float and type(value) is not int:
            raise Garbage(f"a value is {_quoted(value)}, which is no number")
    try:
        found = np.array(listed, dtype=np.float64)
    except OverflowError:
        found = np.array([np.inf])
    if not np.isfinite(found).all():
        raise Garbage("a value is not finite")
    return found


DECIMAL = re.compile(r"\d{1,30}(?:\.\d{1,30})?")


def decimal(value: object) -> float:
    """A decimal as text, without sign or exponent, as the nearest float64. Raises Garbage for anything else."""
    if not isinstance(value, str) or not DECIMAL.fullmatch(value):
        raise Garbage(f"a value is {_quoted(value)}, which is no decimal as text")
    return float(value)


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def flaw_of(rows: Rows, window: Range) -> str | None:
    """Why the rows cannot be believed, naming the first that cannot; None when all can.

    A believable row is on a whole minute of `window`, later than the row before it (so none comes twice), with
    finite prices above zero, `low` at most and `high` at least each of the others, and a volume that is not
    negative; a row of no trades has a volume of zero.
    """
    if rows.flaw is not None:
        return f"{rows.symbol[:24]}: {rows.flaw}"
    minute = 60_000_000
    at, (opened, high, low, close, volume) = rows.at, rows.values.T
    trades = np.ones(len(at), np.int64) if rows.trades is None else rows.trades
    step = np.diff(at, prepend=at[:1] - 1)
    outside = (at < epoch_minute(window.start) * minute) | (at >= epoch_minute(window.end) * minute)
    with np.errstate(invalid="ignore"):
        checks: tuple[tuple[Any, str], ...] = (
            (at % minute != 0, "not on a whole minute"),
            (outside, "{window}"),
            (step == 0, "comes twice"),
            (step < 0, "is out of order"),
            (~np.isfinite(rows.values).all(axis=1), "a value is not finite"),
            (
                (rows.values[:, :4] <= 0).any(axis=1) | (volume < 0),
                "a price is not above zero or the volume is negative",
            ),
            ((low > np.minimum(opened, close)) | (high < np.maximum(opened, close)), "{enclose}"),
            (trades < 0, "a negative number of trades"),
            ((trades == 0) & (volume != 0), "no trades, but a volume"),
        )
    bad = np.any([mask for mask, _ in checks], axis=0)
    if not bad.any():
        return None
    row = int(bad.argmax())
    why = next(words for mask, words in checks if mask[row]).format(
        window=f"outside the range {window}",
        enclose=f"low {low[row]} and high {high[row]} do not enclose open {opened[row]} and close {close[row]}",
    )
    return f"{rows.symbol[:24]} {format_instant(EPOCH + int(at[row]) * MICROSECOND)}: {why}"


def _joined(symbol: str, parts: Sequence[Rows]) -> Rows:
    """A symbol's rows of all pages, in the order of the pages."""
    flaw = next((part.flaw for part in parts if part.flaw is not None), None)
    counts = [part.trades for part in parts if part.trades is not None]
    return Rows(
        symbol,
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate(counts) if len(counts) == len(parts) else None,
        flaw,
    )


def ended_by(window: Range, now: datetime) -> Range | None:
    """The minutes of `window` that have ended by `now`: the bar of a running minute is not a whole bar yet."""
    end = min(window.end, now.astimezone(UTC).replace(second=0, microsecond=0))
    return Range(window.start, end) if window.start < end else None


def _left(
    request: VendorRequest, looked: Mapping[str, Range], ended: Range | None, refused: frozenset[str]
) -> tuple[VendorRequest, ...]:
    """What of the ended minutes was not looked at, as questions, each of the symbols that lack the same range."""
    parts: dict[Range, list[str]] = {}
    if ended is None or not looked:
        return ()
    for symbol in request.symbols:
        if symbol not in refused:
            seen = merge(*edges([looked[symbol]] if symbol in looked else []))
            for part in ranges_of(subtract(merge(*edges([ended])), seen)[0]):
                parts.setdefault(request.range if part == ended else part, []).append(symbol)
    return tuple(VendorRequest(request.vendor, tuple(symbols), part) for part, symbols in parts.items())


def answer_of(
    request: VendorRequest,
    rows: Iterable[Rows],
    *,
    looked: Mapping[str, Range],
    observed_at: datetime,
    requests: int = 1,
    refused: frozenset[str] = frozenset(),
) -> Answer:
    """The `Answer` of rows that came with status 200: BARS, NO_DATA, or GARBAGE when no symbol can be believed.

    `looked` is how far the vendor looked for each symbol. Bars of minutes that had not ended at `observed_at` are
    left out, and not covered. Rows of a symbol that was not asked for are a flaw of those that got none.
    """
    by_symbol: dict[str, list[Rows]] = {}
    for part in rows:
        by_symbol.setdefault(part.symbol, []).append(part)
    ended = ended_by(request.range, observed_at)
    until = epoch_minute(ended.end if ended else request.range.start)
    distrusted: dict[str, str] = {}
    bars: dict[str, tuple[Minutes, NDArray[np.float64]]] = {}
    stated: dict[str, Minutes] = {}
    for symbol in request.symbols:
        if symbol not in by_symbol:
            continue
        whole = _joined(symbol, by_symbol[symbol])
        flaw = flaw_of(whole, request.range)
        if flaw is not None:
            distrusted[symbol] = flaw
            continue
        minutes = whole.at // 60_000_000
        traded = minutes < until
        if whole.trades is not None:
            stated[symbol] = minutes[traded & (whole.trades == 0)]
            traded &= whole.trades > 0
        if traded.any():
            bars[symbol] = (minutes[traded], whole.values[traded])
    foreign = sorted(set(by_symbol) - set(request.symbols))
    if foreign:
        flaw = f"{foreign[0][:24]}: this symbol was not asked for"
        distrusted |= dict.fromkeys((each for each in request.symbols if each not in by_symbol), flaw)
    kind, covered = AnswerKind.BARS, {}
    detail = (
        f"{sum(len(minutes) for minutes, _ in bars.values())} bars of {len(bars)} of {len(request.symbols)} symbols"
    )
    if bars and ended:
        trusted = {symbol: window for symbol, window in looked.items() if symbol not in distrusted}
        detail += f"; {len(distrusted)} distrusted: {next(iter(distrusted.values()))}" if distrusted else ""
        covered = {symbol: both for symbol, window in trusted.items() if (both := window.intersect(ended))}
    elif len(distrusted) == len(request.symbols):
        kind, detail = AnswerKind.GARBAGE, next(iter(distrusted.values()))
    else:
        kind, detail = AnswerKind.NO_DATA, "a well-formed answer without a bar"
    return Answer(
        request,
        kind,
        observed_at,
        Bars.joined(bars),
        covered,
        {symbol: minutes for symbol, minutes in stated.items() if len(minutes)},
        distrusted,
        refused,
        _left(request, looked, ended, refused) if kind is not AnswerKind.NO_DATA else (),
        status=200,
        detail=detail,
        requests=requests,
    )
