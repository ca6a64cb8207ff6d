"""The options that commands share, each defined once: same name, same meaning, same help everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from mend.problems import refuse_folder, refuse_other

if TYPE_CHECKING:
    from minutemend.core.minutes import Range

    from mend.stage import Stage

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class AtStage:
    """The stage that `--stage` names, opened when it is first asked for: it may be far away."""

    stage: str

    @cached_property
    def opened(self) -> Stage:
        """Raises Problem."""
        from mend.stage import open_stage

        return open_stage(self.stage)


stage_option = click.option(
    "--stage",
    type=AtStage,
    metavar="dev|prod|local[:NAME]",
    required=True,
    help="Which stage. `local` is dev's template on this machine, started with `mend local up`; "
    "dev and prod are in AWS, or wherever AWS_ENDPOINT_URL points.",
)
format_option = click.option(
    "--format",
    "style",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A table for people, or JSON for programs.",
)
a_file = click.Path(exists=True, dir_okay=False, path_type=Path)


class NewFile(click.Path):
    """A file to write: refused before the work, whose result would be lost, where it cannot be written, or where
    another file than one with these `marks` (`refuse_other`) is there, which would be lost."""

    def __init__(self, *marks: bytes) -> None:
        super().__init__(dir_okay=False, path_type=Path)
        self._marks = marks

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Raises Problem."""
        path = cast(Path, super().convert(value, param, ctx))
        option = param.opts[-1] if param else ""
        refuse_folder(option, path)
        if self._marks:
            refuse_other(option, path, self._marks)
        return path


new_report = NewFile(b"<!doctype html>", b"minutemend")
new_picture = NewFile(b"\x89PNG")
symbols_option = click.option(
    "--symbols", metavar="A,B,…", help="Only these symbols. Default: every symbol of interest."
)


def together(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Options as one decorator, in the order in which help shows them."""

    def decorated(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


# What a person can say of files of bars where `mend.bars` does not find it out.
bar_options = together(
    click.option("--symbol", metavar="NAME", help="Whose bars these are, where the files do not say it."),
    click.option("--zone", metavar="ZONE", help="The zone of times that carry none: UTC, America/New_York, …"),
    click.option(
        "--label",
        type=click.Choice(["left", "right"]),
        help="Which edge names a bar. Default: left, unless the bars show otherwise.",
    ),
    click.option("--dates", type=click.Choice(["day-first", "month-first"]), help="How 03/04/2024 is meant."),
    click.option("--symbol-column", metavar="NAME", help="The column with the symbol. Default: by its name."),
    click.option("--minute-column", metavar="NAME", help="The column with the time. Default: by its values."),
)
# `mend.times.parse_range` turns them into a range.
range_options = together(
    click.option(
        "--start",
        metavar="TIME",
        required=True,
        help="Where the range starts: 2013-10-04T13:00:00Z, 2013-10-04, today, yesterday or last-week (UTC).",
    ),
    click.option(
        "--end",
        metavar="TIME",
        help="Where the range ends, excluded: the same forms. Default: the end of the day or week that --start names.",
    ),
)
# What a person decides stands there with a name and a reason.
decided = together(
    click.option("--who", required=True, help="Who says so: a name that others can ask."),
    click.option("--why", required=True, help="Why, in a sentence."),
)


@dataclass(frozen=True)
class Asked(AtStage):
    """A stage, a range and symbols, as the options of a command name them. Each is looked at when it is first asked
    for, the stage last."""

    start: str
    end: str | None
    symbols: str | None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def window(self) -> Range:
        """The range. Raises BadInput."""
        from mend.times import parse_range

        return parse_range(self.start, self.end, now=self.now)

    @cached_property
    def wanted(self) -> tuple[str, ...] | None:
        """The symbols, None for all. Raises BadInput."""
        return split_symbols(self.symbols)

    @cached_property
    def opened(self) -> Stage:
        """The stage. Raises Problem, and first what is wrong with the other two."""
        _ = self.window, self.wanted
        return super().opened

    @cached_property
    def past(self) -> Range:
        """The range as far as its minutes are due: `today` and `now` end there. Raises BadInput for a later end."""
        from minutemend.core.errors import BadInput
        from minutemend.core.minutes import Range, format_instant

        window = self.window
        if window.end <= self.now - timedelta(days=1):  # no stage waits so long
            return window
        begun = window.start < self.now
        due = (self.now - (self.opened.settings.settling_delay if begun else timedelta())).replace(
            second=0, microsecond=0
        )
        if window.start < due < window.end and (self.end is None or self.end.strip().lower() == "now"):
            return Range(window.start, due)
        if window.end > due:
            raise BadInput(
                f"the range {window} reaches into the future: an end of at most {format_instant(due)} would be right"
            )
        return window

    def again(self, *, symbols: bool = True) -> str:
        """The range, and the symbols, as options of a command that comes next."""
        end = f" --end {self.end}" if self.end else ""
        return f"--start {self.start}{end}" + (f" --symbols {self.symbols}" if symbols and self.symbols else "")


def asked(command: F) -> F:
    """`--stage`, `--start`, `--end` and `--symbols`, as one `Asked`: the command's argument after its context."""

    @stage_option
    @range_options
    @symbols_option
    @wraps(command)
    def run(*args: Any, stage: AtStage, start: str, end: str | None, symbols: str | None, **options: Any) -> Any:
        return command(*args, Asked(stage.stage, start, end, symbols), **options)

    return cast(F, run)


def split_symbols(text: str | None) -> tuple[str, ...] | None:
    """The value of `--symbols`, checked, sorted, each once; None stays None. Raises BadInput."""
    if text is None:
        return None
    from minutemend.core.errors import BadInput
    from minutemend.core.symbols import valid_symbols

    symbols = valid_symbols(part.strip() for part in text.split(",") if part.strip())
    if not symbols:
        raise BadInput("--symbols names no symbol: a list like AAPL,IBM would be right")
    return symbols
