"""Kinds of files that are not read here, by their first bytes: those that may hold bars, and those that hold none."""

from __future__ import annotations

import re

from mend.bars.no_bars import meant_for_bars, named_as_bars, no_bars, plainly_no_data

_UNPACK = "unpacked, or packed by gzip or zstd, it would be right"
_ARCHIVE = "its files, or a zip or tar of them, would be right"
_PANDAS = "pandas' DataFrame.to_parquet writes what is read here"
_EXPORT = "export the table as CSV or Parquet"
# Kinds of files that may well hold bars, under any name.
_MAY_HOLD = tuple(
    (re.compile(magic, re.DOTALL), what)
    for magic, what in (
        (rb"\x89HDF", f"HDF5: {_PANDAS}"),
        (rb"SQLite format 3", "an SQLite database: export the table as CSV"),
        (rb".{8}DUCK.\x00", f"a DuckDB database: {_EXPORT}"),
        (rb"\x00\x01\x00\x00Standard (?:Jet|ACE) DB", f"an Access database: {_EXPORT}"),
        (rb"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as CSV"),
        (rb"\s*<\?xml.{0,2000}(?:Excel\.Sheet|office:spreadsheet|t\.spreadsheet)", "a spreadsheet: save it as CSV"),
        (rb"\x80[\x02-\x05]|c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n[(pq]|\([ld]p\d+\n|[\]}]q\x00", f"a pickle: {_PANDAS}"),
        (rb"\x93NUMPY", f"an array of numpy: {_PANDAS}"),
        (rb"ORC[^\n]*\x00", "an ORC file: Parquet would be right"),
        (rb"Obj\x01", "an Avro file: Parquet would be right"),
        (rb"DBN[\x01-\x09]", "a file of Databento: its `to_parquet`, or `dbn --csv`, writes what is read here"),
        (rb"RD[AX]\d\n|[XA]\n\x00\x00\x00", "a file of R: arrow's write_parquet writes what is read here"),
        (rb"MATLAB 5\.0|<stata_dta>|\$FL[23]", f"a file of a statistics program: {_EXPORT}"),
        (rb"CDF[\x01\x02\x05]", f"netCDF: {_PANDAS}"),
        (rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18", f"packed by lz4: {_UNPACK}"),
        (rb"\x1f\x9d", f"packed by compress: {_UNPACK}"),
        (rb"\xff\x06\x00\x00sNaPpY", f"packed by snappy: {_UNPACK}"),
        (rb"LZIP\x01|\x89LZO\x00|\x5d\x00\x00.\x00", f"packed by lzip, lzop or lzma: {_UNPACK}"),
        (rb"7z\xbc\xaf", f"a 7z archive: {_ARCHIVE}"),
        (rb"Rar!", f"a RAR archive: {_ARCHIVE}"),
    )
)
# Kinds that hold none; under a name for bars they stand where bars were meant to be.
_FOREIGN = ((b"%PDF", "a PDF"), (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"), (b"GIF8", "a picture"))
_POINTER = b"version https://git-lfs"
_XML = re.compile(rb"\s*<\?xml")
_PAGE = re.compile(rb"(?i)\s*<(?:!doctype html|!--|(?:html|head|body|meta|style|div|center|p|h\d|table)[\s>])")
_ROW = re.compile(r"(?is)<tr\b.*?</tr>")
_CELL = re.compile(r"(?is)<t[hd]\b[^>]*>\s*(?:<[^>]+>\s*)*([^<]*)")
_NAME = re.compile(r"[<\s]([A-Za-z_]+)(?==|>|/>)")


def refuse(first: bytes, shown: str) -> None:
    """Raises NoBars for the first bytes of a kind that is not read; Broken where it may hold bars."""
    plain = plainly_no_data(shown)
    for kind, what in _MAY_HOLD:
        if kind.match(first):
            raise no_bars(f"it is {what}", broken=not plain or shown.endswith(".xml"))
    for magic, what in _FOREIGN:
        if first.startswith(magic):
            raise no_bars(f"it is {what}", broken=meant_for_bars(shown))
    if first.startswith(_POINTER):
        raise no_bars("it is a pointer of Git LFS: `git lfs pull` would fetch the file", broken=not plain)
    text = first.removeprefix(b"\xef\xbb\xbf")
    if _XML.match(text):
        bars = shown.endswith(".xml") and named_as_bars(_NAME.findall(text.decode("latin-1")))
        raise no_bars("it is XML: CSV, JSON or Parquet would be right", broken=not plain or bars)
    if _PAGE.match(text):
        rows = _ROW.findall(text.decode("latin-1"))
        bars = any(named_as_bars(_CELL.findall(row)) for row in rows)
        what = "its table as CSV" if rows else "the file that its address gives to a browser"
        raise no_bars(f"it is a web page: {what} would be right", broken=not plain or bars)
