"""`mend check` against DuckDB counting distinct (symbol, minute) over the same CSV files, many small ones and a large.

Both are processes of their own; CPU is compared, as other work on the machine changes it least.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from bench.table import ROOT, Figure

DATA = ROOT / ".build" / "bench" / "csv"
MEND = str(Path(sys.executable).with_name("mend"))
HEADER = "minute,open,high,low,close,volume,symbol\n"
COUNT = "import duckdb; duckdb.sql(\"SELECT count(DISTINCT (symbol, minute)) FROM read_csv('{files}')\").fetchall()"


class Cost(NamedTuple):
    wall: float
    cpu: float
    megabytes: float


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
        ours = [_cost([MEND, "check", str(files), "--calendar", "24/7", "--format", "json"]) for _ in range(3)]
        bare = [_cost([sys.executable, "-c", COUNT.format(files=pattern)]) for _ in range(3)]
        cpu, least = min(one.cpu for one in ours), min(one.cpu for one in bare)
        figures.append(
            Figure(f"{what}, to DuckDB counting", cpu / least, "×", f"CPU {cpu:.1f} s, {least:.1f} s", limit)
        )
        if files is large:
            figures.append(Figure(f"{what}, peak memory", max(one.megabytes for one in ours), "MB", "", 500))
    single = [_cost([MEND, "check", str(_parquet()), "--calendar", "24/7"]) for _ in range(5)]
    figures.append(Figure("one Parquet file, from the shell", min(one.wall for one in single), "s", "", 0.6))
    help_ = [_cost([MEND, "--help"]) for _ in range(5)]
    figures.append(Figure("mend --help", min(one.wall for one in help_), "s", "", 0.25))
    return figures


def _cost(command: Sequence[str]) -> Cost:
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        raise RuntimeError(f"{command[:3]} ended with {child.returncode}")
    return Cost(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


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
