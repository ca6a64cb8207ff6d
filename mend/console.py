"""How `mend` speaks: one table style, JSON for programs, progress with rate and time left.

What was asked for goes to standard output; progress and remarks go to standard error, so that a pipe carries data
alone. Colour and movement only on a terminal; everything works at 60 columns. `rich` is imported when it prints.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

# Colour never stands alone: each mark or word differs too, for the colour-blind and for pipes.
PIPE_WIDTH = 160
GOOD, BAD, MEND, QUIET = "green", "red", "yellow", "dim"
NO_BREAK = "\u00a0"  # keeps a value with its name; printed, it is a space
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|\+00:00)")
_SHOWN_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d) (?=\d\d:\d\d)")
LONG = 10_000  # rows of a document that is read by programs alone


def console(*, stderr: bool = False) -> Console:
    """The rich console of a stream; no colour where the stream is no terminal or NO_COLOR is set."""
    stream = sys.stderr if stderr else sys.stdout
    columns = os.environ.get("COLUMNS", "")
    # A pipe has no width: lines stay whole for grep and less.
    width = int(columns) if columns.isdigit() else None if stream.isatty() else PIPE_WIDTH
    return _console(stderr, width)


@cache
def _console(stderr: bool, width: int | None) -> Console:
    """One for each stream, because what is said while a progress bar runs has to go through the bar's own."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=False, width=width)


def say(text: str) -> None:
    """One remark on standard error."""
    console(stderr=True).print(text, soft_wrap=True, markup=False)


def tell(text: str) -> None:
    """One line on standard output, as it is: for a command whose course is what was asked for."""
    console().print(text, soft_wrap=True, markup=False)


def show(renderable: Any) -> None:
    """Text with rich markup, a table or any rich renderable, on standard output."""
    console().print(renderable)


def as_json(value: Any) -> str:
    """JSON with instants as `2013-10-04T13:00:00Z`; on one line, which takes a third of the time, where it is long."""
    lists = value.values() if isinstance(value, dict) else [value]
    long = any(isinstance(one, list) and len(one) > LONG for one in lists)
    return json.dumps(value, default=_plain, indent=None if long else 2)


def show_json(value: Any) -> None:
    """The value as JSON on standard output."""
    sys.stdout.write(as_json(value) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        from minutemend.core.minutes import format_instant

        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def show_rows(
    rows: Iterable[Mapping[str, Any]],
    *,
    style: str,
    title: str | None = None,
    empty: str = "nothing there",
    below: str | None = None,
) -> None:
    """Rows with equal keys as one table, or as a JSON list. Numbers are right-aligned, None is a dash, and a column
    without a value is left out; `below` names one whose long text has a line of its own below its row."""
    rows = list(rows)
    if style == "json":
        show_json(rows)
        return
    if not rows:
        show(empty)
        return
    from rich.markup import escape

    first, *names = (name for name in rows[0] if name != below)
    names = [first, *(name for name in names if any(_said(row[name]) for row in rows))]
    table = new_table(*names, title=title, numbers=[name for name in names if _numeric(rows, name)])
    for row in rows:
        table.add_row(*(escape(cell(row[name])) for name in names))
    # Columns of three letters are no table: where it does not fit, each row becomes a paragraph.
    wide = console().options.update(max_width=10_000)
    if console().measure(table, options=wide).maximum > console().width:
        show(_paragraphs(rows, names, below, title=title))
    elif below is None:
        show(table)
    else:
        show(_with_lines(table, [row[below] for row in rows]))


def _said(value: Any) -> bool:
    return value is not None and value not in ("", [], ())


def _with_lines(table: Any, texts: Sequence[Any]) -> Any:
    """The table, whose rows take one line each, with a text below each row that has one."""
    from rich.console import Group
    from rich.text import Text

    lines = [
        Text.assemble(*((part.text, part.style or "") for part in line), no_wrap=True, overflow="ignore")
        for line in console().render_lines(table, pad=False)
    ]
    top = len(lines) - len(texts) - 1  # what stands above the rows; below them is an empty line
    parts = lines[:top]
    for line, text in zip(lines[top:-1], texts, strict=True):
        parts += [line, *_wrapped(cell(text) if _said(text) else "")]
    return Group(*parts, lines[-1])


def _paragraphs(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], below: str | None, *, title: str | None
) -> Any:
    from rich.console import Group
    from rich.text import Text

    parts: list[Any] = [Text(title, style="bold")] if title else []
    for row in rows:
        parts.append(Text(cell(row[names[0]]), style="bold"))
        # A value stays together with its name; lines break between the pairs.
        pairs = [
            f"{name.replace('_', ' ')} {cell(row[name])}".replace(" ", NO_BREAK)
            for name in names[1:]
            if _said(row[name])
        ]
        parts += _wrapped("  ".join(pairs))
        parts += _wrapped(cell(row[below]) if below and _said(row[below]) else "")
    return Group(*parts)


def _wrapped(text: str) -> list[Any]:
    """The text as indented lines of the terminal's width, broken at spaces alone, and in no instant."""
    import textwrap

    from rich.text import Text

    text = _SHOWN_INSTANT.sub(rf"\1{NO_BREAK}", text)
    lines = textwrap.wrap(text, max(20, console().width - 2), break_on_hyphens=False)
    return [Text("  " + line.replace(NO_BREAK, " "), no_wrap=True, overflow="ignore") for line in lines]


def new_table(*columns: str, title: str | None = None, numbers: Sequence[str] = ()) -> Any:
    """An empty table in the one style; `numbers` are the columns to align at the right."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right" if name in numbers else "left", overflow="fold")
    return table


def cell(value: Any) -> str:
    """One value as people read it: thousands are set apart, instants in UTC, None is a dash."""
    match value:
        case None:
            text = "-"
        case bool():
            text = "yes" if value else "no"
        case int():
            text = f"{value:,}"
        case float():
            text = f"{value:,.0f}" if value == int(value) and abs(value) >= 1000 else f"{value:,.6g}"
        case datetime():
            text = value.strftime("%Y-%m-%d %H:%M:%SZ" if value.second else "%Y-%m-%d %H:%MZ")
        case list() | tuple():
            text = ", ".join(cell(part) for part in value)
        case _:
            text = str(value)
    return text


def in_words(text: str) -> str:
    """The text with its instants as a table shows them: `2025-11-04T14:30:00Z` is `2025-11-04 14:30Z`."""
    return _INSTANT.sub(
        lambda found: f"{found[1]} {found[2]}{'' if found[3] in (None, '00') else f':{found[3]}'}Z", text
    )


def count(number: float, what: str) -> str:
    """`1 gap`, `2 gaps`, `1,000 gaps`: the number and what it counts, named by its singular."""
    return f"{number:,.0f} {what}" if number == 1 else f"{number:,.0f} {what}s"


def _numeric(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    values = [row[name] for row in rows if row[name] is not None]
    return bool(values) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """A `say` for work whose steps have no measure: each stays as a line, and on a terminal the newest one moves."""
    if not sys.stderr.isatty():
        yield say
        return
    began = time.monotonic()
    with console(stderr=True).status(Waiting("…")) as status:

        def step(text: str) -> None:
            console(stderr=True).print(f"{time.monotonic() - began:4.0f} s  {text}", markup=False)
            status.update(Waiting(text))

        yield step


class Waiting:
    """The text beside a spinner, with the seconds since it was made: what moves is seen to go on."""

    def __init__(self, text: str) -> None:
        self.text, self._began = text, time.monotonic()

    def __rich__(self) -> Any:
        from rich.text import Text

        return Text.assemble(self.text, (f"  {time.monotonic() - self._began:.0f} s", QUIET))


@contextmanager
def progress(description: str, *, total: float | None = None, unit: str = "") -> Iterator[Progress]:
    """A progress bar on standard error with rate and time left: `bar.advance(task)` on its only task, 0.

    Nothing is drawn where standard error is no terminal, and nothing remains of it at the end.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    narrow = console(stderr=True).width < 80
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(bar_width=12 if narrow else 30)]
    columns += (
        [TaskProgressColumn(show_speed=True)] if narrow else [MofNCompleteColumn(), TextColumn(unit), _rate(unit)]
    )
    columns += [TimeElapsedColumn() if total is None else TimeRemainingColumn(compact=True, elapsed_when_finished=True)]
    with Progress(*columns, console=console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        bar.add_task(description, total=total)
        yield bar


def _rate(unit: str) -> Any:
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} {unit}/s" if task.speed else "", style=QUIET)

    return Rate()
