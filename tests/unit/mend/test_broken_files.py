"""A broken file beside good ones costs itself, and nothing is whole then; a foreign one costs nothing."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from minutemend.core.errors import BadInput
from pyarrow import feather

from mend.bars.recognise import BarOptions
from mend.check.api import check
from mend.commands.check import command
from mend.load_files import LoadFiles

OPEN = datetime(2024, 3, 12, 13, 30, tzinfo=UTC)
HEAD = "time,open,high,low,close,volume\n"
BARS = HEAD + "".join(
    f"{OPEN + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},{100 + n % 7},120,80,{100 + n % 3},{n}\n" for n in range(390)
)
ROWS = [line.split(",") for line in BARS.splitlines()[1:]]
TABLE = pa.table({name: [row[place] for row in ROWS] for place, name in enumerate(HEAD.strip().split(","))})
PARQUET, FEATHER, ZIP, TAR = (io.BytesIO() for _ in range(4))
pq.write_table(TABLE, PARQUET)
feather.write_feather(TABLE, FEATHER)
with zipfile.ZipFile(ZIP, "w") as packed:
    packed.writestr("MSFT.csv", BARS)
with tarfile.open(fileobj=TAR, mode="w") as tar:
    entry = tarfile.TarInfo("MSFT.csv")
    entry.size = len(BARS)
    tar.addfile(entry, io.BytesIO(BARS.encode()))
NO_ROWS, NO_BARS = io.BytesIO(), io.BytesIO()
pq.write_table(TABLE.slice(0, 0), NO_ROWS)
pq.write_table(pa.table({"symbol": ["MSFT"], "sector": ["tech"]}), NO_BARS)


ARRAYS, SHEET = io.BytesIO(), io.BytesIO()
np.savez(ARRAYS, close=np.arange(390.0))
with zipfile.ZipFile(SHEET, "w") as packed:
    packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    packed.writestr("content.xml", "<?xml version='1.0'?><office:document-content/>")
CELLS = [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in [HEAD.strip().split(","), *ROWS]]
MONTHS = "".join(f"12. Maerz 2024 {9 + n // 60}h{n % 60:02}{{0}}1{{0}}5\n" for n in range(30, 400))


def zstd() -> bytes:
    """Packed by DuckDB: Python 3.11 cannot."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "bars.csv.zst"
        connection.register("bars", TABLE)
        connection.execute(f"COPY bars TO '{path}' (FORMAT csv, COMPRESSION zstd)")
        return path.read_bytes()


def whole_zip_with(name: str, body: bytes) -> bytes:
    """An archive of a good file and another."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("IBM.csv", BARS)
        archive.writestr(name, body)
    return made.getvalue()


BROKEN: dict[str, bytes] = {
    "MSFT.parquet": PARQUET.getvalue()[:2000],
    "MSFT.pq": PARQUET.getvalue()[:2000] + b"PAR1",
    "no rows/MSFT.parquet": NO_ROWS.getvalue(),
    "zeros/MSFT.parquet": bytes(4000),
    "MSFT.feather": FEATHER.getvalue()[:3000],
    "MSFT.csv.gz": gzip.compress(BARS.encode())[:-20],
    "half/MSFT.csv.gz": gzip.compress(BARS.encode())[:900],
    "MSFT.csv.bz2": bz2.compress(BARS.encode())[:-20],
    "MSFT.csv.xz": lzma.compress(BARS.encode())[:-20],
    "MSFT.csv.zst": zstd()[:-5],
    "MSFT.zip": ZIP.getvalue()[:-60],
    "MSFT.tar": TAR.getvalue()[:900],
    "in it/both.zip": whole_zip_with("MSFT.csv", b""),
    "MSFT.csv": b"",
    "MSFT": b"",
    "blank/MSFT.csv": b"\n\n",
    "header/MSFT.csv": HEAD.encode(),
    "cut/MSFT.csv": (HEAD + "2024-03-").encode(),
    "header/MSFT.txt": b"Date;Time;Open;High;Low;Close\n",
    "refused/MSFT.csv": b"Thank you for using our API! Your rate limit is 5 a minute.\n",
    "page/MSFT.csv": b"<!DOCTYPE html><html>Too many requests</html>",
    "pointer/MSFT.parquet": b"version https://git-lfs.github.com/spec/v1\n",
    "unread/MSFT.h5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    **{f"protocol {n}/MSFT.pkl": pickle.dumps(OPEN, protocol=n) for n in range(6)},
    "MSFT.npz": ARRAYS.getvalue(),
    "MSFT.npy": b"\x93NUMPY\x01\x00" + bytes(100),
    "MSFT.ods": SHEET.getvalue(),
    "MSFT.csv.lz4": b"\x04\x22\x4d\x18" + bytes(100),
    "MSFT.csv.Z": b"\x1f\x9d" + bytes(100),
    "MSFT.dbn": b"DBN\x01" + bytes(100),
    "MSFT.duckdb": bytes(8) + b"DUCK\x40" + bytes(100),
    "MSFT.rds.gz": gzip.compress(b"X\n" + bytes(100)),
    "some program's/MSFT.bin": b"bars" + bytes(100),
    "without an ending/MSFT": b"bars" + bytes(100),
    "page/MSFT.xls": f"<table>{''.join(CELLS)}</table>".encode(),
    "page/MSFT.html": f"<!DOCTYPE html><html><body><table>{''.join(CELLS)}</table>".encode(),
    "failed/MSFT.txt": b"<html>Too many requests</html>",
    "MSFT.xml": b"<?xml version='1.0'?><bars><bar time='2024-03-12T13:30:00Z' open='1' high='1' low='1'/></bars>",
    "excel/MSFT.xml": b"<?xml version='1.0'?>\n<?mso-application progid='Excel.Sheet'?><Workbook/>",
    "odd times/MSFT.csv": MONTHS.format(";").encode(),
    "odd times/MSFT.txt": ("Datum,Schluss,Umsatz\n" + MONTHS.format(",")).encode(),
    "odd times, many columns/MSFT.csv": "".join(f"12/3/24 {n}m,1,1,1,1,1\n" for n in range(390)).encode(),
    "MSFT.json": json.dumps([dict(zip(HEAD.strip().split(","), row, strict=True)) for row in ROWS]).encode()[:-900],
    "none/MSFT.json": b"[]",
    "no data/MSFT.json": b'{"s": "no_data"}',
    "no prices/MSFT.csv": (HEAD + "".join(f"{row[0]},,,,,\n" for row in ROWS)).encode(),
    "no times/MSFT.csv": (HEAD + "".join(f"{45363.5 + n / 1440:.5f},1,1,1,1,1\n" for n in range(390))).encode(),
}
FOREIGN: dict[str, bytes] = {
    "README.txt": b"These bars are from a vendor.\nThey are adjusted, and in UTC.\n",
    "plot.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "plot.jpg": b"\xff\xd8\xff\xe0" + bytes(100),
    "page.html": b"<!DOCTYPE html><html></html>",
    "settings.json": b'{"vendor": "x", "tags": []}',
    "settings.ini": b"[vendor]\nname = x\n",
    "README.md": b'<p align="center"><img src="plot.png"></p>\n\nBars: 2024-03-12.\n',
    "LICENSE": b"",
    "Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(100),
    "plot.webp": b"RIFF" + bytes(100),
    "load.cpython-311.pyc": b"\xa7\r\r\n" + bytes(100),
    "pom.xml": b"<?xml version='1.0'?><project><name>load</name></project>",
    "phones.csv": b"name,phone,shares\nMicrosoft,+1 425 882 8080,7\nIBM,+1 914 499 1900,8\n",
    "symbols.csv": b"symbol,name,sector\nMSFT,Microsoft,Technology\nIBM,IBM,Technology\n",
    "symbols.parquet": NO_BARS.getvalue(),
    "daily.csv": b"date,open,high,low,close\n" + b"".join(b"2024-03-%02d,1,1,1,1\n" % day for day in range(1, 28)),
    "fetched.done": b"",
    "load.py": b"import pandas as pd\n\nprint(pd.read_csv('AAPL.csv'))\n",
    "in it/both.zip": whole_zip_with("README.txt", b"hello"),
}


def beside(folder: Path, name: str, body: bytes) -> Path:
    """A folder with a whole file and another one, whose place in it does not matter."""
    (folder / "AAPL.csv").write_text(BARS)
    path = folder / "more" / Path(name).name
    path.parent.mkdir()
    path.write_bytes(body)
    return folder


def run(folder: Path, *options: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(command, [str(folder), "--calendar", "XNYS", *options])


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_is_whole_beside_a_broken_file(name: str, tmp_path: Path) -> None:
    """In the table and as JSON, whatever share would be enough."""
    folder = beside(tmp_path, name, BROKEN[name])
    done = run(folder)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (1, "1 file could not be read: its bars are not counted")
    assert "whole" not in done.stdout
    assert "390 of 390" in done.stdout or "780 of 780" in done.stdout
    done = run(folder, "--format", "json", "--fail-under", "1")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    (unread,) = told["unread"]
    assert Path(name).name in unread["file"] or "both.zip" in unread["file"]
    assert unread in told["skipped"]


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_costs_nothing(name: str, tmp_path: Path) -> None:
    """It is named on standard error."""
    done = run(beside(tmp_path, name, FOREIGN[name]))
    assert done.exit_code == 0, done.output
    assert "whole: " in done.stdout
    assert "could not be read" not in done.output
    assert done.stderr.count("skipped: ") == 1


def link_to_nothing(folder: Path) -> None:
    (folder / "MSFT.csv").symlink_to("nowhere.csv")


def link_to_itself(folder: Path) -> None:
    (folder / "MSFT.csv").symlink_to("MSFT.csv")


@pytest.mark.parametrize("spoil", [link_to_nothing, link_to_itself])
def test_a_link_that_leads_nowhere_costs_itself(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    """In a folder or for a pattern; named itself, it is refused as what it is."""
    (tmp_path / "AAPL.csv").write_text(BARS)
    spoil(tmp_path)
    for place in (tmp_path, tmp_path / "*.csv"):
        done = run(place)
        assert (done.exit_code, "its bars are not counted" in done.stdout) == (1, True), done.output
    refused = CliRunner().invoke(command, [str(tmp_path / "MSFT.csv"), "--calendar", "XNYS"]).exception
    assert isinstance(refused, BadInput)
    assert "it is a link to" in str(refused)
    assert "did you mean" not in str(refused)


def test_a_name_that_is_no_text_costs_its_file(tmp_path: Path) -> None:
    """A byte that is no UTF-8, as of an old disk. (Found by a stranger: a traceback.)"""
    for name in ("AAPL.csv", "MSFT_\udce9.csv"):
        (tmp_path / name).write_text(BARS)
    done = run(tmp_path)
    assert (done.exit_code, "its bars are not counted" in done.stdout) == (1, True), done.output
    refused = CliRunner().invoke(command, [str(tmp_path / "MSFT_\udce9.csv"), "--calendar", "XNYS"]).exception
    assert isinstance(refused, BadInput)
    assert "another name would be right" in str(refused)


def test_without_permission_nothing_is_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file, or a folder in the folder."""
    inner = beside(tmp_path, "MSFT.csv", BARS.encode()) / "more"
    real_open, real_scan = open, os.scandir

    def denied(path: object, *more: object, **options: object) -> object:
        if str(path).endswith("MSFT.csv"):
            raise PermissionError(13, "Permission denied", str(path))
        return real_open(path, *more, **options)  # type: ignore[call-overload]

    with monkeypatch.context() as patched:
        patched.setattr("builtins.open", denied)
        assert "1 file could not be read" in run(tmp_path).stdout

    def closed(path: object = ".") -> object:
        if str(path) == str(inner):
            raise PermissionError(13, "Permission denied", str(path))
        return real_scan(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", closed)
    done = run(tmp_path)
    assert (done.exit_code, "1 file could not be read" in done.stdout) == (1, True)
    assert f"{inner}: it cannot be read: Permission denied" in done.stderr


def test_a_folder_that_is_a_link_is_looked_into(tmp_path: Path) -> None:
    """Its bars would be missed in silence; one that leads back is entered once."""
    there = tmp_path / "there"
    there.mkdir()
    (there / "MSFT.csv").write_text(BARS)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "AAPL.csv").write_text(BARS)
    (folder / "linked").symlink_to(there)
    (folder / "back").symlink_to(folder)
    assert "780 of 780" in run(folder).stdout


def test_one_broken_file_does_not_cost_those_of_its_kind(tmp_path: Path) -> None:
    """Parquet files of the same columns are read in one go, and a damaged page is seen only then."""
    for symbol in ("AAPL", "IBM", "MSFT", "SPY"):
        pq.write_table(TABLE, tmp_path / f"{symbol}.parquet", compression="none", use_dictionary=False)
    damaged = bytearray((tmp_path / "AAPL.parquet").read_bytes())
    damaged[4:3000] = b"\xff" * 2996
    (tmp_path / "AAPL.parquet").write_bytes(damaged)
    done = run(tmp_path)
    assert "1,170 of 1,170" in done.stdout, done.output
    assert done.stdout.splitlines()[-1] == "1 file could not be read: its bars are not counted"


def test_python_hears_of_it(tmp_path: Path) -> None:
    found = check(beside(tmp_path, "MSFT.csv", b""), calendar="XNYS")
    assert not found.whole
    assert found.unread == ((str(tmp_path / "more" / "MSFT.csv"), "it is empty (0 bytes)"),)


def test_the_report_names_what_was_not_read(tmp_path: Path) -> None:
    from mend.check.check_files import CheckRequest, check_files
    from mend.report.from_check import from_check

    folder = beside(tmp_path, "MSFT.csv", b"")
    with duckdb.connect() as connection:
        checked = check_files(CheckRequest((str(folder),), "XNYS"), now=OPEN + timedelta(days=9), connection=connection)
    notes = from_check(checked, command="mend check", written_at=OPEN).notes
    assert notes[0] == "1 file could not be read: its bars are not counted."
    assert "MSFT.csv: it is empty (0 bytes)." in notes[1]


def test_a_load_takes_no_part_for_the_whole(tmp_path: Path) -> None:
    """Nothing is loaded beside a broken file, and a foreign one is left out."""
    folder = beside(tmp_path, "MSFT.parquet", BROKEN["MSFT.parquet"])
    with pytest.raises(BadInput, match=r"truncated Parquet file.*nothing was loaded"):
        LoadFiles([str(folder)], BarOptions()).check()
    (folder / "more" / "MSFT.parquet").write_bytes(FOREIGN["plot.png"])
    (folder / "more" / "MSFT.parquet").rename(folder / "more" / "plot.png")
    assert LoadFiles([str(folder)], BarOptions()).check().rows == 390
