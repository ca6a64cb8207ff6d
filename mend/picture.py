"""A day at a glance: one line a symbol, one cell a few minutes, in the terminal and as an SVG file.

A cell shows the worst verdict among its minutes, so that a single missing minute is never averaged away. Verdicts
differ in their marks as well as in their colours (Okabe and Ito's, which the colour-blind tell apart).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from minutemend.core.minutes import Range
from minutemend.core.verdicts import Verdict

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

Minutes = Sequence[Verdict]  # one verdict for each minute of a session, in order

# From best to worst: mark, terminal style, colour of the picture.
LOOKS: dict[Verdict, tuple[str, str, str]] = {
    Verdict.PRESENT: ("█", "bright_black", "#c8c8c8"),
    Verdict.REPAIRED: ("▓", "green", "#009e73"),
    Verdict.ABSENT: ("░", "cyan", "#56b4e9"),
    Verdict.FAILED: ("×", "magenta", "#cc79a7"),
    Verdict.MISSING: ("·", "bold red", "#d55e00"),
}
_WORST = {verdict: place for place, verdict in enumerate(LOOKS)}


def verdicts_of(session: Range, spans: Mapping[Verdict, Sequence[Range]], *, otherwise: Verdict) -> list[Verdict]:
    """The verdict of each minute of the session: that of the span which it lies in, else `otherwise`."""
    minutes = [otherwise] * session.minutes
    for verdict, ranges in spans.items():
        for whole in ranges:
            if part := session.intersect(whole):
                first = Range(session.start, part.start).minutes if part.start > session.start else 0
                minutes[first : first + part.minutes] = [verdict] * part.minutes
    return minutes


def strip(minutes: Minutes, width: int) -> Text:
    """One symbol's session in `width` cells."""
    from rich.text import Text

    line = Text()
    for verdict in _cells(minutes, width):
        mark, style, _ = LOOKS[verdict]
        line.append(mark, style=style)
    return line


def _cells(minutes: Minutes, width: int) -> list[Verdict]:
    width = min(width, len(minutes))
    edges = [place * len(minutes) // width for place in range(width + 1)]
    return [max(minutes[first:last], key=_WORST.__getitem__) for first, last in pairwise(edges)]


def strips(title: str, session: Range, rows: Mapping[str, Minutes], *, width: int) -> RenderableType:
    """The strips of all symbols under one title, with the share of minutes that are accounted for and a legend."""
    from rich.table import Table
    from rich.text import Text

    names = max(len(symbol) for symbol in rows)
    cells = max(10, width - names - 9)
    grid = Table.grid(padding=(0, 1))
    for symbol, minutes in rows.items():
        open_ = sum(verdict in (Verdict.MISSING, Verdict.FAILED) for verdict in minutes)
        share = f"{100 * (len(minutes) - open_) / len(minutes):5.1f}%" if open_ else " whole"
        grid.add_row(symbol, strip(minutes, cells), Text(share, style="bold red" if open_ else "green"))
    legend = Text("  ").join(
        Text(f"{mark} {verdict}", style=style)
        for verdict, (mark, style, _) in LOOKS.items()
        if any(verdict in minutes for minutes in rows.values())
    )
    head = Text(f"{title}  {session.start:%Y-%m-%d %H:%M} to {session.end:%H:%M} UTC", style="bold")
    outer = Table.grid()
    for part in (head, grid, legend):
        outer.add_row(part)
    return outer


def svg(pictures: Sequence[tuple[str, Range, Mapping[str, Minutes]]]) -> str:
    """Pictures (title, session, symbol -> minutes) under one another as one SVG, readable without anything else."""
    left, right, line, wide = 90, 70, 22, 780
    parts: list[str] = []
    top = 16
    for title, session, rows in pictures:
        parts.append(
            f'<text x="10" y="{top + 12}" font-weight="bold">{escape(title)} '
            f"{session.start:%Y-%m-%d %H:%M} to {session.end:%H:%M} UTC</text>"
        )
        top += 24
        for symbol, minutes in rows.items():
            parts.append(f'<text x="10" y="{top + 13}">{escape(symbol)}</text>')
            for verdict, first, last in _runs(minutes):
                x, x2 = (left + place * wide / len(minutes) for place in (first, last))
                parts.append(
                    f'<rect x="{x:.2f}" y="{top}" width="{max(x2 - x, 1):.2f}" height="16" '
                    f'fill="{LOOKS[verdict][2]}"><title>{escape(symbol)} {verdict}, {last - first} min</title></rect>'
                )
            open_ = sum(verdict in (Verdict.MISSING, Verdict.FAILED) for verdict in minutes)
            share = f"{100 * (len(minutes) - open_) / len(minutes):.1f}%" if open_ else "whole"
            parts.append(f'<text x="{left + wide + 8}" y="{top + 13}">{share}</text>')
            top += line
        top += 14
    x = 10
    for verdict, (_, _, colour) in LOOKS.items():
        parts.append(f'<rect x="{x}" y="{top}" width="14" height="14" fill="{colour}"/>')
        parts.append(f'<text x="{x + 20}" y="{top + 12}">{verdict}</text>')
        x += 110
    width, height = left + wide + right, top + 30
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _runs(minutes: Minutes) -> list[tuple[Verdict, int, int]]:
    """Runs of one verdict, as (verdict, first, after last). Worse ones come last and are drawn on top."""
    runs: list[tuple[Verdict, int, int]] = []
    for place, verdict in enumerate(minutes):
        if runs and runs[-1][0] == verdict:
            runs[-1] = (verdict, runs[-1][1], place + 1)
        else:
            runs.append((verdict, place, place + 1))
    return sorted(runs, key=lambda run: _WORST[run[0]])
