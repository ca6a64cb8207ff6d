"""Files from seeds, against an oracle of sets: the right answer or a refusal that helps; never another answer."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from minutemend.core.errors import BadInput
from minutemend.core.minutes import epoch_minute

from mend.check.check_files import CheckRequest, check_files
from tests.fakes.bar_files import STYLES, Made, make

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def outcome(made: Made) -> str | None:
    """None where the answer is right; `refused: …` for a refusal that names an option or what would be right.

    Anything else fails.
    """
    given = {made.options[n][2:].replace("-", "_"): made.options[n + 1] for n in range(0, len(made.options), 2)}
    try:
        with duckdb.connect() as connection:
            found = check_files(CheckRequest((str(made.path),), **given), now=NOW, connection=connection)
    except BadInput as refusal:
        if "would" not in str(refusal) and "--" not in str(refusal):
            raise AssertionError(f"{made.about}: {refusal}") from refusal
        return f"refused: {made.about}: {refusal}"
    gaps = [(gap.symbol, epoch_minute(gap.start), gap.minutes) for gap in found.gaps]
    told = (found.expected, found.present, found.duplicates, found.unexpected, gaps)
    right = (made.expected, made.present, made.duplicates, made.unexpected, sorted(made.gaps))
    assert told == right, f"{made.about} {made.options}: {told} is not {right}; {found.said}"
    return None


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_each_way_to_write_a_time(style: object, tmp_path: Path) -> None:
    """Each with its seed: delimiter, order, packing and noise."""
    assert outcome(make(STYLES.index(style), tmp_path, style=style)) is None  # type: ignore[arg-type]


@pytest.mark.chaos
@pytest.mark.parametrize("block", range(20))
def test_two_thousand_files(block: int, tmp_path: Path) -> None:
    """New seeds each time; a failure names its seed."""
    first = random.SystemRandom().randrange(10**9)
    refused = [said for seed in range(first, first + 100) if (said := outcome(make(seed, tmp_path)))]
    print(f"block {block}: {len(refused)} of 100 refused", *refused[:5], sep="\n  ")
    assert len(refused) <= 10
