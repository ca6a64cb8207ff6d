"""Damage inside a text is seen wherever it lies: NUL bytes that a crash leaves, and bits that flipped when packed."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner
from minutemend.core.errors import BadInput

from mend.check.api import check
from mend.commands.check import command

START = datetime(2024, 3, 10, tzinfo=UTC)
HEAD = "time,open,high,low,close,volume\n"
DAY = 1440
ROWS = [
    f"{START + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},100.1,100.9,{99 + n % 97 / 100:.2f},100.3,{n * 7919 % 9973}\n"
    for n in range(3 * DAY)
]
TORN = "with NUL bytes, as a crash leaves them"


def zeroed(text: str, begin: int, end: int) -> bytes:
    """What a crash makes of it: the file is as long as it was, and nothing is written there."""
    body = bytearray(text.encode())
    body[begin:end] = bytes(end - begin)
    return bytes(body)


def plain(path: Path, body: bytes) -> Path:
    path.write_bytes(body)
    return path


def gzipped(path: Path, body: bytes) -> Path:
    return plain(path.with_name(f"{path.name}.gz"), gzip.compress(body))


def zstandard(path: Path, body: bytes) -> Path:
    """Packed by DuckDB: Python 3.11 cannot."""
    packed = path.with_name(f"{path.name}.zst")
    with duckdb.connect() as connection:
        connection.register("lines", pa.table({"line": body.decode().splitlines()}))
        connection.execute(
            f"COPY lines TO '{packed}' (DELIM '\x01', QUOTE '', ESCAPE '', HEADER false, COMPRESSION zstd)"
        )
    return packed


TEXT = HEAD + "".join(ROWS)
LAST_DAY = len(HEAD + "".join(ROWS[: 2 * DAY]))


@pytest.mark.parametrize("packed", [plain, gzipped, zstandard])
def test_a_day_of_nul_bytes_is_not_forgotten(packed: object, tmp_path: Path) -> None:
    """The rows before it are there; which came after them nothing says."""
    found = check(packed(tmp_path / "BTC.csv", zeroed(TEXT, LAST_DAY, len(TEXT))), calendar="24/7")  # type: ignore[operator]
    assert (found.whole, found.totals["missing"], found.totals["present"]) == (False, 0, 2 * DAY)
    assert f"left out: 1 row {TORN}" in found.said


@pytest.mark.parametrize("cell", [b"T00:", b"100.9", b"100.3,", b"5\n"])
def test_nul_bytes_in_any_cell_are_damage(cell: bytes, tmp_path: Path) -> None:
    """Also in one that no verdict rests on: what follows them may be of another row."""
    body = bytearray(TEXT.encode())
    place = body.index(cell, len(body) * 2 // 3)
    body[place : place + 2] = bytes(2)
    found = check(plain(tmp_path / "BTC.csv", bytes(body)), calendar="24/7")
    assert (found.whole, f"left out: 1 row {TORN}" in found.said) == (False, True)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (bytes(3 << 20), "of no text, or too long"),
        (bytes(40 << 20), TORN),
        (b'"' + TEXT.encode() * 15, "of no text, or too long"),
        (b"2024-03-13T00:00:00Z,1,1,1,1,\xff\n", "of no text, or too long"),
    ],
    ids=["zeros", "more zeros", "quote", "bytes"],
)
def test_a_row_that_cannot_be_read_is_not_forgotten(more: bytes, why: str, tmp_path: Path) -> None:
    """It is a bar, or hides some: a line may be too long to be one."""
    found = check(plain(tmp_path / "BTC.csv", TEXT.encode() + more), calendar="24/7")
    assert (found.whole, found.totals["missing"], f"left out: 1 row {why}" in found.said) == (False, 0, True)


def test_nul_bytes_in_json_lines_are_damage(tmp_path: Path) -> None:
    names = HEAD.strip().split(",")
    lines = "".join(json.dumps(dict(zip(names, row.strip().split(","), strict=True))) + "\n" for row in ROWS)
    found = check(plain(tmp_path / "BTC.ndjson", zeroed(lines, len(lines) - 90 * DAY, len(lines))), calendar="24/7")
    assert (found.whole, "1 line of no JSON, which may have been bars" in "".join(found.unplaced)) == (False, True)


def test_nul_bytes_cost_their_rows_alone(tmp_path: Path) -> None:
    """The file beside it is audited, and a file with nothing else is named."""
    plain(tmp_path / "BTC.csv", zeroed(TEXT, LAST_DAY, len(TEXT)))
    plain(tmp_path / "ETH.csv", TEXT.encode())
    done = CliRunner(env={"COLUMNS": "300"}).invoke(command, [str(tmp_path), "--calendar", "24/7"])
    assert (done.exit_code, "not all looked at: 7,200 of 7,200" in done.stdout) == (1, True), done.output
    told = " ".join(done.stdout.split())
    assert told.endswith(f"BTC.csv (time: time: ISO times): 1 row {TORN}: not known where they belong")


@pytest.mark.parametrize("packed", [plain, gzipped, zstandard])
@pytest.mark.parametrize("cell", [0, 2, 5])
def test_a_quote_that_does_not_end_hides_no_rows(cell: int, packed: object, tmp_path: Path) -> None:
    """What follows it is one cell, to the end of the file: a day of bars, or more."""
    row = ROWS[2 * DAY].split(",")
    row[cell] = f'"{row[cell]}'
    text = HEAD + "".join([*ROWS[: 2 * DAY], ",".join(row), *ROWS[2 * DAY + 1 :]])
    found = check(packed(tmp_path / "BTC.csv", text.encode()), calendar="24/7")  # type: ignore[operator]
    assert (found.whole, found.totals["present"]) == (False, 2 * DAY)
    assert "left out: 1 row with a quote that does not end" in found.said


def test_quotes_may_begin_far_down(tmp_path: Path) -> None:
    """A price passes 1,000, and is quoted from then on."""
    rows = [row.replace("100.9", '"1,000.90"') if n > 2 * DAY else row for n, row in enumerate(ROWS)]
    assert check(plain(tmp_path / "BTC.csv", (HEAD + "".join(rows)).encode()), calendar="24/7").whole
    sized = [f'{row.strip()},"size 5"""\n' if n == 4000 else f"{row.strip()},\n" for n, row in enumerate(ROWS)]
    head = HEAD.replace("\n", ",note\n")
    assert check(plain(tmp_path / "ETH.csv", (head + "".join(sized)).encode()), calendar="24/7").whole


def flipped(body: bytes, place: int) -> bytes:
    """One byte of a row that stands behind the first 64 KiB is another; the stream still unpacks."""
    stored = zlib.compressobj(0, zlib.DEFLATED, 31)  # stored: the bytes lie there as they are
    packed = bytearray(stored.compress(body) + stored.flush())
    found = packed.index(body[place : place + 20])
    packed[found + 15] ^= 1
    return bytes(packed)


def test_a_flipped_bit_in_what_is_packed_is_seen(tmp_path: Path) -> None:
    """One of a time makes a missing minute present: the checksum says that it is no word of the file's."""
    holed = HEAD + "".join(row for n, row in enumerate(ROWS) if n != 4001)
    place = holed.index("2024-03-12T18:40:00Z")
    packed = flipped(holed.encode(), place)
    assert b"2024-03-12T18:41:00Z" in packed
    broken = plain(tmp_path / "BTC.csv.gz", packed)
    with pytest.raises(BadInput, match=r"BTC\.csv\.gz: it cannot be unpacked: CRC check failed"):
        check(broken, calendar="24/7")
    plain(tmp_path / "ETH.csv", TEXT.encode())
    found = check(tmp_path, calendar="24/7")
    assert (found.whole, found.totals["symbols"], [Path(name).name for name, _ in found.unread]) == (
        False,
        1,
        ["BTC.csv.gz"],
    )
