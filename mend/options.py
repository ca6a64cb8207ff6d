"""The options that commands share, each defined once: same name, same meaning, same help everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

stage_option = click.option(
    "--stage",
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
symbols_option = click.option(
    "--symbols", metavar="A,B,…", help="Only these symbols. Default: every symbol of interest."
)


def bar_options(command: F) -> F:
    """What a person can say of files of bars where `mend.bars` does not find it out."""
    for option in reversed(
        (
            click.option("--symbol", metavar="NAME", help="Whose bars these are, where the files do not say it."),
            click.option("--zone", metavar="ZONE", help="The zone of times that carry none: UTC, America/New_York, …"),
            click.option(
                "--label", type=click.Choice(["left", "right"]), help="Which edge names a bar. Default: left, or seen."
            ),
            click.option("--dates", type=click.Choice(["day-first", "month-first"]), help="How 03/04/2024 is meant."),
            click.option("--symbol-column", metavar="NAME", help="The column with the symbol. Default: by its name."),
            click.option("--minute-column", metavar="NAME", help="The column with the time. Default: by its values."),
        )
    ):
        command = option(command)
    return command


def range_options(command: F) -> F:
    """`--start` and `--end`; `mend.times.parse_range` turns them into a range."""
    command = click.option(
        "--end",
        metavar="TIME",
        help="Where the range ends, excluded: the same forms. Default: the end of the day or week that --start names.",
    )(command)
    return click.option(
        "--start",
        metavar="TIME",
        required=True,
        help="Where the range starts: 2013-10-04T13:00:00Z, 2013-10-04, today, yesterday or last-week (UTC).",
    )(command)


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
