"""Texts as systems write and pack them: line ends, headers of several lines, other encodings, and archives."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from minutemend.core.errors import BadInput
from pyarrow import feather

from mend.check.api import check

OPEN = datetime(2024, 3, 12, 13, 30, tzinfo=UTC)
NAMES = ["time", "open", "high", "low", "close", "volume"]
CELLS = [
    [f"{OPEN + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ}", "100.1", "100.9", "99.7", "100.3", str(n * 7919 % 9973)]
    for n in range(390)
]


def text(end: str = "\n", mark: str = ",", names: list[str] = NAMES) -> str:
    return "".join(mark.join(row) + end for row in [names, *CELLS])


def whole(path: Path, body: bytes) -> bool:
    path.write_bytes(body)
    return check(path, calendar="XNYS").whole


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_no_line_end_costs_a_bar(end: str, packed: type[bytes], tmp_path: Path) -> None:
    """`\r\r\n` is what a text becomes that is written as text twice."""
    assert whole(tmp_path / "AAPL.csv", packed(text(end).encode()))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("within", ["\n", "\r\n"])
def test_a_header_may_have_cells_of_several_lines(end: str, within: str, tmp_path: Path) -> None:
    """Excel's Alt+Enter; a line above it, and a blank one, change nothing."""
    names = [f'"{name}{within}(x)"' for name in NAMES]
    assert whole(tmp_path / "AAPL.csv", text(end, names=names).encode())
    assert whole(tmp_path / "IBM.csv", f"A download,of bars{end}{end}{text(end, names=names)}".encode())


def spaced() -> str:
    return text(mark="   ")


def zstandard(path: Path, body: str) -> None:
    """Packed by DuckDB: Python 3.11 cannot."""
    with duckdb.connect() as connection:
        connection.register("lines", pa.table({"line": body.splitlines()}))
        options = "DELIM '\x01', QUOTE '', ESCAPE '', HEADER false, COMPRESSION zstd"
        connection.execute(f"COPY lines TO '{path}' ({options})")


def test_columns_parted_by_spaces_may_be_packed(tmp_path: Path) -> None:
    assert whole(tmp_path / "AAPL.txt.gz", gzip.compress(spaced().encode()))
    zstandard(tmp_path / "IBM.txt.zst", spaced())
    assert check(tmp_path / "IBM.txt.zst", calendar="XNYS").whole
    found = check(tmp_path, calendar="XNYS")
    assert (found.whole, found.totals["symbols"]) == (True, 2)


def test_damage_in_columns_parted_by_spaces_costs_its_file(tmp_path: Path) -> None:
    """Cut off, or with bytes far down that are no UTF-8."""
    (tmp_path / "AAPL.txt.gz").write_bytes(gzip.compress(spaced().encode()))
    rows = spaced() * 40
    (tmp_path / "IBM.txt.gz").write_bytes(gzip.compress(rows.encode(), 0)[:-4000])
    found = check(tmp_path, calendar="XNYS")
    assert ([Path(name).name for name, _ in found.unread], found.totals["symbols"]) == (["IBM.txt.gz"], 1)
    (tmp_path / "MSFT.txt").write_bytes(rows.encode() + spaced().splitlines()[-1].encode() + b"\xe9\n")
    found = check(tmp_path / "MSFT.txt", calendar="XNYS")
    assert (found.whole, "left out: 1 row of no text, or too long" in found.said) == (False, True)


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("place", [60, 200, 900])
def test_a_damaged_zip_costs_itself(kind: int, place: int, tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", kind) as archive:
        archive.writestr("AAPL.csv", text())
    body = bytearray(made.getvalue())
    body[place : place + 40] = bytes(40)
    (tmp_path / "AAPL.zip").write_bytes(body)
    with pytest.raises(BadInput, match=r"AAPL\.zip: it cannot be unpacked: "):
        check(tmp_path / "AAPL.zip", calendar="XNYS")
    (tmp_path / "IBM.csv").write_text(text())
    found = check(tmp_path, calendar="XNYS")
    assert (found.whole, found.totals["present"], len(found.unread)) == (False, 390, 1)


@pytest.mark.parametrize("zeros", [10, 500, 100_000])
def test_zeros_may_follow_a_gzip_stream(zeros: int, tmp_path: Path) -> None:
    """Tapes and blocks of storage leave them, and gzip passes over them."""
    assert whole(tmp_path / "AAPL.csv.gz", gzip.compress(text().encode()) + bytes(zeros))


def test_gzip_streams_may_follow_each_other(tmp_path: Path) -> None:
    """Some of them empty, as bgzip ends with one."""
    body = text().encode()
    assert whole(tmp_path / "AAPL.csv.gz", gzip.compress(body[:9000]) + gzip.compress(body[9000:]) + gzip.compress(b""))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_wide_text_is_called_so(encoding: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"it is text in UTF-16 that does not say so, or in UTF-32: saved as UTF-8"):
        whole(tmp_path / "AAPL.csv", text().encode(encoding))
    assert whole(tmp_path / "IBM.csv", text().encode("utf-16"))
    with pytest.raises(BadInput, match="it is neither text nor Parquet"):
        whole(tmp_path / "MSFT.csv", text().encode()[:2000] + bytes(5000))


def test_a_column_that_parquet_cannot_hold_costs_no_bars(tmp_path: Path) -> None:
    columns = {name: pa.array([row[place] for row in CELLS]) for place, name in enumerate(NAMES)}
    columns["empty"] = pa.array([{}] * 390, pa.struct([]))
    columns["span"] = pa.array([(0, 1, 0)] * 390, pa.month_day_nano_interval())
    feather.write_feather(pa.table(columns), tmp_path / "AAPL.feather")
    assert check(tmp_path / "AAPL.feather", calendar="XNYS").whole
