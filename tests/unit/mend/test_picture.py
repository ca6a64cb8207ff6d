"""A day at a glance: no missing minute is averaged away."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from minutemend.core.minutes import MINUTE, Range
from minutemend.core.verdicts import Verdict
from rich.console import Console

from mend.picture import strip, strips, svg, verdicts_of

OPEN = datetime(2013, 10, 4, 13, 30, tzinfo=UTC)
SESSION = Range(OPEN, OPEN + 390 * MINUTE)
HOLE = Range(OPEN + 100 * MINUTE, OPEN + 101 * MINUTE)


def test_one_missing_minute_of_390_is_seen_in_20_cells() -> None:
    """A cell shows the worst of its minutes."""
    minutes = verdicts_of(SESSION, {Verdict.MISSING: [HOLE]}, otherwise=Verdict.PRESENT)
    assert minutes.count(Verdict.MISSING) == 1
    assert strip(minutes, 20).plain == "█████·██████████████"


def test_spans_beyond_the_session_are_cut_at_its_edges() -> None:
    """A range may begin before the session and end after it."""
    wide = Range(OPEN - 10 * MINUTE, OPEN + 5 * MINUTE)
    minutes = verdicts_of(SESSION, {Verdict.REPAIRED: [wide]}, otherwise=Verdict.PRESENT)
    assert minutes[:5] == [Verdict.REPAIRED] * 5
    assert len(minutes) == 390


def test_strips_fit_a_terminal_of_60_columns() -> None:
    """Nothing wraps at 60 columns."""
    rows = {name: verdicts_of(SESSION, {Verdict.MISSING: [HOLE]}, otherwise=Verdict.PRESENT) for name in ("IBM", "SPY")}
    console = Console(width=60, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(strips("before", SESSION, rows, width=60))
    lines = console.export_text().splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 60
    assert "99.7%" in lines[1]


def test_the_svg_is_well_formed_and_draws_the_hole() -> None:
    """One run for each side of the hole and one for the hole, in its own colour."""
    minutes = verdicts_of(SESSION, {Verdict.MISSING: [HOLE]}, otherwise=Verdict.PRESENT)
    root = ET.fromstring(svg([("before", SESSION, {"IBM": minutes})]))  # noqa: S314 (our own text)
    fills = [rect.get("fill") for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.find("./") is not None]
    assert sorted(map(str, fills)) == ["#c8c8c8", "#c8c8c8", "#d55e00"]
