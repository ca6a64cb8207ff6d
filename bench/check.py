"""`mend check` against DuckDB counting distinct (symbol, minute) over the same CSV files, many small ones and a large.

Both are processes of their own; CPU is compared, as other work on the machine changes it least.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.process import MEND, took
from bench.table import ROOT, Figure

DATA = ROOT / ".build" / "bench" / "csv"
CHECK = (MEND, "check", "--calendar", "24/7")
HEADER = "minute,open,high,low,close,volume,symbol\n"
COUNT = "import duckdb; duckdb.sql(\"SELECT count(DISTINCT (symbol, minute)) FROM read_csv('{files}')\").fetchall()"


def run() -> list[Figure]:
    """Ratios by the least CPU of three runs each."""
    many = DATA / "many"
    if not many.exists():
        _write_many(many)
    large = DATA / "large.csv"
    if not large.exists():
        _write_large(large)
    figures = []
    size = f"a CSV of {large.stat().st_size / 1e9:.2f} GB"
    for what, files, limit in (("2,000 CSV files", many, 1.5), (size, large, 1.3)):
        pattern = files / "*.csv" if files.is_dir() else files
        ours = [took([*CHECK, str(files), "--format", "json"], codes=(0, 1)) for _ in range(3)]
        bare = [took([sys.executable, "-c", COUNT.format(files=pattern)]) for _ in range(3)]
        cpu, least = min(one.cpu for one in ours), min(one.cpu for one in bare)
        figures.append(
            Figure(f"{what}, to DuckDB counting", cpu / least, "×", f"CPU {cpu:.1f} s, {least:.1f} s", limit)
        )
        if files is large:
            figures.append(Figure(f"{what}, peak memory", max(one.megabytes for one in ours), "MB", "", 500))
    single = [took([*CHECK, str(_parquet())], codes=(0, 1)) for _ in range(5)]
    figures.append(Figure("one Parquet file, from the shell", min(one.seconds for one in single), "s", "", 0.6))
    help_ = [took([MEND, "--help"]) for _ in range(5)]
    figures.append(Figure("mend --help", min(one.seconds for one in help_), "s", "", 0.25))
    return figures


def _write_many(folder: Path) -> None:
    folder.mkdir(parents=True)
    for n in range(2000):
        symbol, day = f"S{n % 8:03d}", datetime(2020, 1, 6, tzinfo=UTC) + timedelta(days=n // 8)
        rows = (f"{day + timedelta(minutes=m):%Y-%m-%dT%H:%M:%S}Z,{_values(m)},{symbol}\n" for m in range(390))
        (folder / f"{symbol}_{day:%Y-%m-%d}.csv").write_text(HEADER + "".join(rows))


def _write_large(path: Path) -> None:
    days = [datetime(2020, 1, 6, tzinfo=UTC) + timedelta(days=n) for n in range(365)]
    with path.open("w") as file:
        file.write(HEADER)
        for day in days:
            times = [f"{day + timedelta(minutes=m):%Y-%m-%dT%H:%M:%S}Z,{_values(m)}," for m in range(1440)]
            for symbol in range(32):
                file.write("".join(f"{one}S{symbol:03d}\n" for one in times))


def _values(minute: int) -> str:
    price = 100 + minute / 100
    return f"{price:.2f},{price + 0.04:.2f},{price - 0.05:.2f},{price:.2f},{1000 + minute}"


def _parquet() -> Path:
    import duckdb

    path = DATA / "one.parquet"
    if not path.exists():
        first = next(iter(sorted((DATA / "many").glob("*.csv"))))
        duckdb.sql(f"COPY (SELECT * FROM read_csv('{first}')) TO '{path}'")
    return path
