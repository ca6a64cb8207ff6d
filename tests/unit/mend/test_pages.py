"""What the pages tell people to type exists: each `mend` command with its options, each target of the Makefile."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from mend.main import mend

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_CODE = re.compile(r"^(?:```|~~~)\w*\n(.*?)^(?:```|~~~)|`([^`]+)`", flags=re.DOTALL | re.MULTILINE)
_MEND = re.compile(r"(?:^|[\s(])(?:\.venv/bin/)?mend ((?:[^\n`#|;&)]|\\\n)+)")
_MAKE = re.compile(r"(?:^|`|\n|[(\s])make ([a-z][a-z-]+)")


def typed(page: Path) -> list[str]:
    """The code of a page: its blocks, and its spans with their lines joined."""
    found = _CODE.findall(page.read_text())
    return [block.replace("\\\n", " ") or span.replace("\n", " ") for block, span in found]


def unknown_words(line: str) -> list[str]:
    """The words after `mend` that no command or option of it has."""
    command: click.Command = mend
    context = click.Context(mend)
    unknown = []
    for at, word in enumerate(shlex.split(line.replace("'", "").replace('"', ""))):
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(context, word)
            if found is not None:
                command = found
                continue
            if at == 0:
                return [word]
        names = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help"}
        if isinstance(command, click.Group) and "show" in command.commands:  # it may be left out: `mend verdicts`
            names |= {name for option in command.commands["show"].params for name in option.opts}
        option = word.partition("=")[0]
        if option.startswith("--") and option not in names:
            unknown.append(option)
    return unknown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_command_of_a_page_exists_with_its_options(page: Path) -> None:
    lines = [line for code in typed(page) for line in _MEND.findall(code) if re.match(r"[a-z]", line)]
    wrong = {line: words for line in lines if (words := unknown_words(line))}
    assert wrong == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_target_of_make_on_a_page_is_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {name for code in typed(page) for name in _MAKE.findall(f"\n{code}")}
    assert named - targets == set()


def test_a_wrong_option_and_a_wrong_command_are_seen() -> None:
    """So that the two tests above can fail."""
    assert unknown_words("repair --stage local --wiat") == ["--wiat"]
    assert unknown_words("repiar --wait") == ["repiar"]
    assert unknown_words("verdicts --stage S --start T --all") == []
