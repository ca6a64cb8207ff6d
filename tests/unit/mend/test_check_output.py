"""What `mend check` prints fits the terminal, whatever its symbols are called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from mend.commands.check import command

LONG = "ESTX50 EUR INDEX FUTURE DEC 2024"
OPEN = datetime(2024, 3, 12, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_wide_symbols_fit_and_are_told_apart(tmp_path: Path, columns: int) -> None:
    """A name that does not fit keeps its beginning and its end: of contracts they say which; the gaps stay in full."""
    path = tmp_path / "bars.csv"
    rows = [
        f"{OPEN + timedelta(minutes=n):%Y-%m-%dT%H:%MZ},1,1,1,1,1,{name}"
        for n in range(390)
        for name in (LONG, LONG.replace("DEC 2024", "MAR 2025"), "M&M")
        if n not in (10, 11)
    ]
    path.write_text("time,open,high,low,close,volume,symbol\n" + "\n".join(rows))
    done = CliRunner(env={"COLUMNS": str(columns)}).invoke(command, [str(path), "--calendar", "XNYS"])
    assert done.exit_code == 1, done.output
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    named = [line.split("2024-03-12")[0].strip() for line in lines if "13:40Z" in line or "13:40 " in line]
    assert len(named) == 3, done.stdout
    assert len(set(named)) == 3, "two contracts look alike"
    assert all("13:42" in line for line in lines if "13:40" in line)
