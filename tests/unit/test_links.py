"""Every link in the docs leads somewhere: to a file, and to a heading that it has. And pages stay short."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GENERATED = {ROOT / "docs" / name for name in ("commands.md", "benchmarks.md", "cost.md")}
MOST_WORDS = 9_000  # of all pages that people write
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
_IMAGE = re.compile(r"<(?:img|source|a)\s[^>]*?(?:src|srcset|href)=\"([^\"]+)\"")


def without_code(text: str) -> str:
    """Blocks and spans of code hold no links."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The headings' anchors, as GitHub makes them."""
    found: list[str] = []
    text = re.sub(r"^(```|~~~).*?^\1", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", text, flags=re.MULTILINE):
        plain = re.sub(r"[*`]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return frozenset([*found, *re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text)])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """Links within the repository; the outside is not asked."""
    text = without_code(page.read_text())
    broken = []
    for target in [*_LINK.findall(text), *_IMAGE.findall(text)]:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_file_named_in_code_is_there(page: Path) -> None:
    """`runtime/layer/minutemend/core/gaps.py` in a page is a promise too."""
    rooms = "runtime|infra|mend|market|local|bench|tests|docs|requirements|core|ports|services|adapters|wiring"
    named = set(
        re.findall(rf"`((?:{rooms})/[\w./-]+\.(?:py|md|js|html|toml|txt|sh|yml|svg|png|json))`", page.read_text())
    )
    missing = {
        name for name in named if not (ROOT / name).exists() and not (ROOT / "runtime/layer/minutemend" / name).exists()
    }
    assert missing == set()


def test_the_pages_that_people_write_stay_short() -> None:
    """What is too much is said twice somewhere, or better by the code or a --help. Tables count but for their lines, so
    that a vendor's column is a dozen words."""
    words = {
        str(page.relative_to(ROOT)): sum(bool(word.strip("|-:")) for word in page.read_text().split())
        for page in PAGES
        if page not in GENERATED
    }
    assert sum(words.values()) <= MOST_WORDS, words


def test_a_page_that_code_names_is_there() -> None:
    """A docstring that sends its reader to a page is a promise too."""
    rooms = ("runtime", "infra", "mend", "market", "local", "bench", "tests", "examples")
    files = [file for room in rooms for file in (ROOT / room).rglob("*.py")]
    named = {name for file in files for name in re.findall(r"\bdocs/[\w/-]+\.md", file.read_text())}
    assert "docs/runbook.md" in named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
