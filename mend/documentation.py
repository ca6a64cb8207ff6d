"""`docs/commands.md` from the commands themselves: `make docs` writes it, a test fails when it is stale."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from mend.main import COMMANDS, mend

HEAD = """# The commands of `mend`

Made by `make docs` from the commands themselves; a test fails when this page is stale.

- **Stages**: `--stage dev` and `--stage prod` are in AWS, or wherever `AWS_ENDPOINT_URL` points. `--stage local` is
  dev's template on this machine, started with `mend local up` (`local:NAME` with `--name NAME`).
- **Ranges**: `--start` and `--end` take a time (`2013-10-04T13:00:00Z`), a date, `today`, `yesterday` or `last-week`,
  all in UTC. A range is half-open: its end is excluded. Without `--end` a date or word stands for the whole of it.
- **Output**: what was asked for goes to standard output (`--format table` or `json`), progress and remarks to standard
  error. Colour only on a terminal, and not with `NO_COLOR`.
- **Exit codes**: 0 it is well; 1 the data says no (holes, a failed audit, a failed check); 2 unusable input or
  environment, with one message that says what would be right; 130 stopped with Ctrl-C.
- **Completion**: `eval "$(_MEND_COMPLETE=bash_source mend)"` (or `zsh_source`, `fish_source`).
"""


def page() -> str:
    """The whole page as Markdown."""
    with click.Context(mend, info_name="mend") as top:
        index = "\n".join(f"- [`mend {name}`](#mend-{name}): {line}" for name, (_, line) in COMMANDS.items())
        sections: list[str] = []
        for name in COMMANDS:
            command = mend.get_command(top, name)
            if command is not None:
                sections += _sections(command, top)
    return f"{HEAD}\n{index}\n\n" + "\n".join(sections)


def _sections(command: click.Command, parent: click.Context) -> Iterator[str]:
    with click.Context(
        command, info_name=command.name, parent=parent, max_content_width=100, terminal_width=100
    ) as ctx:
        level = "#" * (1 + len(ctx.command_path.split()) - 1)
        usage = command.get_help(ctx)
        yield f"{level} {ctx.command_path}\n\n```text\n{usage}\n```\n"
        if isinstance(command, click.Group):
            for name in command.list_commands(ctx):
                inner = command.get_command(ctx, name)
                if inner is not None:
                    yield from _sections(inner, ctx)


if __name__ == "__main__":
    sys.stdout.write(page())
