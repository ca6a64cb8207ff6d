"""Sessions from exchange_calendars, or around the clock. Build and development time only: never in the layer.

`python -m minutemend.adapters.exchange_sessions --calendars XNYS,24/7 --out FILE` writes the file that seeds
the `sessions` table; the same calendars and dates give the same bytes.
"""

from __future__ import annotations

import argparse
import difflib
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from minutemend.contract import FIRST_DT
from minutemend.core.errors import BadInput

AROUND_THE_CLOCK = "24/7"
SESSIONS = pa.schema(
    [
        pa.field("calendar", pa.string(), nullable=False),
        pa.field("dt", pa.string(), nullable=False),  # the session's label, YYYY-MM-DD
        pa.field("open", pa.timestamp("ms"), nullable=False),  # UTC
        pa.field("close", pa.timestamp("ms"), nullable=False),  # UTC, exclusive
        pa.field("minutes", pa.int32(), nullable=False),
    ]
)


def calendar_names() -> list[str]:
    """Every name that `session_table` takes, sorted."""
    import exchange_calendars

    return sorted({*exchange_calendars.get_calendar_names(include_aliases=True), AROUND_THE_CLOCK})


def session_table(calendars: Sequence[str], *, first: str, last: str) -> pa.Table:
    """The sessions whose labels lie in `[first, last]` (both inclusive, YYYY-MM-DD), as a table of `SESSIONS`.

    Sorted by calendar, open. A session with a lunch break is two rows with one `dt`. Dates outside a
    calendar's bounds have no rows. Raises BadInput for an unknown calendar, naming the nearest.
    """
    parts = [_table(name, *_rows(name, first, last)) for name in sorted(set(calendars))]
    return pa.concat_tables(parts) if parts else SESSIONS.empty_table()


def known_calendar(name: str) -> str:
    """`name` itself. Raises BadInput that offers the nearest names when there is no such calendar."""
    if name == AROUND_THE_CLOCK:
        return name  # and exchange_calendars, slow to import, is not needed
    names = calendar_names()
    if name in names:
        return name
    upper = {known.upper(): known for known in names}
    near = [upper[match] for match in difflib.get_close_matches(name.upper(), upper, n=5, cutoff=0.4)]
    offer = f"did you mean {', '.join(near)}?" if near else "XNYS, XLON, XTKS or 24/7 would be right, for example"
    raise BadInput(f"there is no calendar {name!r}: {offer}")


def calendar_zone(name: str) -> str:
    """The calendar's own time zone, by its IANA name: in it a bar has the date that a session is labelled with."""
    if known_calendar(name) == AROUND_THE_CLOCK:
        return "UTC"
    import exchange_calendars

    with _not_our_deprecations():
        return str(exchange_calendars.get_calendar(name).tz)


def default_last(today: date) -> str:
    """The last day of the year after `today`'s: how far ahead sessions are written down."""
    return f"{today.year + 1}-12-31"


def _rows(name: str, first: str, last: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Labels, opens and closes (datetime64[m], UTC) of one calendar, lunch breaks split."""
    if known_calendar(name) == AROUND_THE_CLOCK:
        days = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
        return days.astype(str).tolist(), days.astype("M8[m]"), (days + 1).astype("M8[m]")
    import exchange_calendars
    import pandas as pd

    with _not_our_deprecations():
        calendar = exchange_calendars.get_calendar(name)
    # Outside its bounds a calendar refuses to be made, so the dates are clipped to them first.
    lowest, highest = calendar.bound_min(), calendar.bound_max()
    if lowest is not None:
        first = max(first, lowest.date().isoformat())
    if highest is not None:
        last = min(last, highest.date().isoformat())
    # It also refuses fewer than two dates and dates without a session: ask wider, then cut.
    wide_first = (date.fromisoformat(first) - timedelta(days=30)).isoformat()
    wide_last = (date.fromisoformat(last) + timedelta(days=30)).isoformat()
    if lowest is not None:
        wide_first = max(wide_first, lowest.date().isoformat())
    if highest is not None:
        wide_last = min(wide_last, highest.date().isoformat())
    if first > last:
        return [], np.empty(0, "M8[m]"), np.empty(0, "M8[m]")
    with _not_our_deprecations():
        schedule = exchange_calendars.get_calendar(name, start=wide_first, end=wide_last).schedule.loc[first:last]
    labels: list[str] = []
    opens: list[datetime] = []
    closes: list[datetime] = []
    columns = (schedule[column].tolist() for column in ("open", "break_start", "break_end", "close"))
    for label, opened, lunch, back, closed in zip(schedule.index.strftime("%Y-%m-%d"), *columns, strict=True):
        has_lunch = isinstance(lunch, datetime) and not pd.isna(lunch)
        for begin, end in ((opened, lunch), (back, closed)) if has_lunch else ((opened, closed),):
            labels.append(label)
            opens.append(begin.tz_localize(None))
            closes.append(end.tz_localize(None))
    return labels, np.array(opens, dtype="M8[m]"), np.array(closes, dtype="M8[m]")


@contextmanager
def _not_our_deprecations() -> Iterator[None]:
    """Keeps quiet what pandas says to exchange_calendars of pandas 4, dozens of times for each calendar: it is theirs
    to mend, and nobody who reads our output can. Our own use of pandas is outside, and heard."""
    from pandas.errors import Pandas4Warning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Pandas4Warning)
        yield


def _table(name: str, labels: list[str], opens: np.ndarray, closes: np.ndarray) -> pa.Table:
    columns = {
        "calendar": pa.array([name] * len(labels), pa.string()),
        "dt": pa.array(labels, pa.string()),
        "open": opens.astype("M8[ms]"),
        "close": closes.astype("M8[ms]"),
        "minutes": (closes - opens).astype(np.int32),
    }
    return pa.table(columns, schema=SESSIONS).sort_by("open")


def write(calendars: Sequence[str], out: Path, *, first: str, last: str) -> int:
    """Write the sessions as Parquet and return how many rows; the same input gives the same bytes."""
    import pyarrow.parquet as pq

    table = session_table(calendars, first=first, last=last)
    out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, out, compression="zstd")
    return int(table.num_rows)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `python -m minutemend.adapters.exchange_sessions`."""
    parser = argparse.ArgumentParser(description="Write the sessions of calendars as one Parquet file.")
    parser.add_argument("--calendars", required=True, help="names, separated by commas: XNYS,24/7")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--first", default=FIRST_DT, help="first session date")
    parser.add_argument("--last", help="last session date (default: the end of next year)")
    given = parser.parse_args(argv)
    last = given.last or default_last(datetime.now(UTC).date())
    try:
        rows = write(given.calendars.split(","), given.out, first=given.first, last=last)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{rows} sessions of {given.calendars} from {given.first} to {last} in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
