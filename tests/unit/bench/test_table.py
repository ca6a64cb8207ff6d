"""The page of benchmarks: a run writes its own part and leaves the others as they are."""

from __future__ import annotations

from bench.__main__ import HEADINGS
from bench.table import PAGE, Figure, write_part

FOUND = [Figure("a year", 3.0, "x", "of 5", 2)]


def test_a_part_is_written_anew_and_every_other_stays() -> None:
    page = PAGE.read_text()
    written = write_part(page, "publish", HEADINGS, FOUND, today="2026-12-01")
    assert written.count("\n## Publishing\n") == 1
    assert "`python -m bench publish`, 2026-12-01, " in written
    assert "| a year | 3 x **over** | ≤ 2 | of 5 |" in written
    parts = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    again = dict(part.split("\n", 1) for part in written.split("\n## ")[1:])
    assert list(again) == list(parts)
    differs = {title for title in parts if parts[title].strip() != again[title].strip()}
    assert differs == {"Publishing"}
    assert write_part(written, "publish", HEADINGS, FOUND, today="2026-12-01") == written


def test_a_part_that_is_new_comes_at_its_place() -> None:
    page = "# Benchmarks\n\nHow.\n\n## The audit\n\nx\n\n## Publishing\n\ny\n"
    written = write_part(page, "years", HEADINGS, FOUND, today="2026-12-01")
    titles = [line for line in written.splitlines() if line.startswith("## ")]
    assert titles == ["## The audit", "## A history of years", "## Publishing"]
    assert written.startswith("# Benchmarks\n\nHow.\n\n## The audit\n\nx\n\n## A history")
    assert written.endswith("## Publishing\n\ny\n")


def test_a_first_part_makes_the_page() -> None:
    written = write_part("# Benchmarks\n\nHow.\n", "audit", HEADINGS, FOUND, today="2026-12-01")
    assert written.startswith("# Benchmarks\n\nHow.\n\n## The audit\n\n`python -m bench audit`")
