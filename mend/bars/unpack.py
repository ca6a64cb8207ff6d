"""From a file as it lies there to one that DuckDB reads: unpacked, decoded, and told apart by its first bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import duckdb

from mend.bars import kinds
from mend.bars.no_bars import Broken, NoBars, may_be_bars, no_bars, plainly_no_data
from mend.bars.paths import STANDARD_INPUT, Found
from mend.bars.zstd_frames import refuse_cut, zstd_lines

HEAD = 64 * 1024
_TEXT, _PARQUET, _JSON, _ARROW = "text", "parquet", "json", "arrow"
_OPENERS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
DAMAGED = (
    *(OSError, EOFError, NotImplementedError, RuntimeError),
    *(lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, zlib.error),
)
_ZSTD = b"\x28\xb5\x2f\xfd"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Member:
    """One table of rows. `path` is what DuckDB opens, `shown` the name that its user knows; `head` is text. `torn`:
    what a text may be torn by: NUL bytes, a quote that does not end, or (`?`) either. `flaw`: why what lies in an
    archive is no table."""

    path: str
    shown: str
    kind: str
    asked: bool
    compression: str = "none"
    head: str = ""
    torn: str = ""
    flaw: NoBars | None = None


def members(found: Found, room: Path) -> Iterator[Member]:
    """The tables that a file holds: itself, or what is packed in it. `room` is a folder for what must be unpacked.

    Raises NoBars for what cannot hold bars, and Broken for what should.
    """
    if found.path == STANDARD_INPUT:
        path = room / "standard input"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield from _members(str(path), "standard input", asked=True, room=room)
    else:
        yield from _members(found.path, found.path, asked=found.asked, room=room)


def _members(path: str, shown: str, *, asked: bool, room: Path) -> Iterator[Member]:
    if not path.isascii() and path != path.encode("utf-8", "replace").decode():
        raise Broken("its name is no text in UTF-8, as DuckDB wants it: another name would be right")
    with open(path, "rb") as file:
        first = file.read(8192)
    if not first:
        raise no_bars("it is empty (0 bytes)", broken=may_be_bars(shown))
    if first.startswith(b"PK\x03\x04") or _is_tar(first):
        yield from _archived(path, shown, _tarred if _is_tar(first) else _zipped, asked=asked, room=room)
        return
    for magic, opener in _OPENERS:
        if first.startswith(magic):
            yield from _unpacked(path, shown, opener, asked=asked, room=room)
            return
    if first.startswith(_ZSTD):
        refuse_cut(path)
        yield from _zstd(path, shown, asked=asked, room=room)
        return
    kind = _kind(first, shown)
    if kind == _PARQUET:
        _refuse_cut(path)
    if kind == _TEXT:
        if first.startswith(_UTF16):
            yield from _members(_decoded(path, shown, "utf-16", room), shown, asked=asked, room=room)
            return
        with open(path, "rb") as file:
            yield from _text(path, shown, file.read(HEAD), asked=asked, compression="none", room=room)
        return
    yield Member(path, shown, kind, asked)


def _unpacked(path: str, shown: str, opener: Callable[..., Any], *, asked: bool, room: Path) -> Iterator[Member]:
    try:
        with opener(path, "rb") as file:
            head = file.read(HEAD)
        text = not _is_tar(head) and _kind(head[:8192], shown) == _TEXT and not head.startswith(_UTF16)
        if opener is gzip.open and text and not _padded(path):
            yield from _text(path, shown, head, asked=asked, compression="gzip", room=room)  # DuckDB unpacks it
            return
        copy = _copy(opener(path, "rb"), room, shown)
    except DAMAGED as broken:
        raise Broken(f"it cannot be unpacked: {broken}") from None
    yield from _members(copy, shown, asked=asked, room=room)


def _padded(path: str) -> bool:
    """Whether zeros follow a gzip stream, as tapes and blocks of storage leave them: DuckDB takes them for another."""
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 10))
        return file.read() == bytes(10)  # a stream ends with 9 at most, where it is empty


def _kind(first: bytes, shown: str) -> str:
    if first.startswith(b"PAR1"):
        return _PARQUET
    if first.startswith((b"ARROW1", b"FEA1", b"\xff\xff\xff\xff")):
        return _ARROW
    kinds.refuse(first, shown)
    if first.startswith(_UTF16):
        return _TEXT
    if b"\x00" in first:
        what = "it is neither text nor Parquet, Arrow or an archive of them"
        letters = first.replace(b"\x00", b"")  # each with one NUL byte, or three
        if letters.isascii() and 2 * len(letters) <= len(first) + 2 and b"\x00" * 4 not in first:
            what = "it is text in UTF-16 that does not say so, or in UTF-32: saved as UTF-8, it would be right"
        raise no_bars(what, broken=not plainly_no_data(shown))
    if first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _JSON
    return _TEXT


def _text(path: str, shown: str, head: bytes, *, asked: bool, compression: str, room: Path) -> Iterator[Member]:
    whole = head if len(head) < HEAD else head[: head.rfind(b"\n") + 1] or head
    encoding = "utf-8-sig" if b"\r\r\n" in whole else None  # line ends that DuckDB counts otherwise
    try:
        text = whole.decode("utf-8-sig")
    except UnicodeDecodeError:
        encoding = "cp1252"
    if encoding is not None:
        if compression != "none":
            path = _copy(cast(IO[bytes], gzip.open(path, "rb")), room, shown)  # noqa: SIM115 (_copy closes it)
        decoded = _decoded(path, shown, encoding, room)
        with open(decoded, "rb") as file:
            yield from _text(decoded, shown, file.read(HEAD), asked=asked, compression="none", room=room)
        return
    yield Member(path, shown, _TEXT, asked, compression, text.replace("\r\n", "\n").replace("\r", "\n"))


def _archived(
    path: str, shown: str, inside: Callable[[str], Iterator[tuple[str, IO[bytes]]]], *, asked: bool, room: Path
) -> Iterator[Member]:
    try:
        copies = [(name, _copy(file, room, f"{shown}/{name}")) for name, file in inside(path) if not _hidden(name)]
    except DAMAGED as broken:
        raise Broken(f"it cannot be unpacked: {broken}") from None
    for name, copy in copies:
        try:
            yield from _members(copy, f"{shown}/{name}", asked=asked and len(copies) == 1, room=room)
        except NoBars as flaw:
            if len(copies) == 1:
                raise
            yield Member(copy, f"{shown}/{name}", "", False, flaw=flaw)


def _zipped(path: str) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        names = [one.filename for one in archive.infolist() if not one.is_dir()]
        said = archive.read("mimetype")[:99] if "mimetype" in names else b""
        if any(name.startswith("xl/") for name in names) or b"spreadsheet" in said:
            raise Broken("it is a spreadsheet: save it as CSV")
        if "[Content_Types].xml" in names or b"opendocument" in said:
            raise NoBars("it is a document of an office program")
        if names and all(name.endswith(".npy") for name in names):
            raise Broken("it holds arrays of numpy: pandas' DataFrame.to_parquet writes what is read here")
        for name in names:
            yield name, archive.open(name)


def _tarred(path: str) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(path) as archive:
        for one in archive:
            file = archive.extractfile(one) if one.isfile() else None
            if file is not None:
                yield one.name, file


def _is_tar(first: bytes) -> bool:
    return first[257:262] == b"ustar"


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _zstd(path: str, shown: str, *, asked: bool, room: Path) -> Iterator[Member]:
    """DuckDB unpacks zstd; Python does only from 3.14 on."""
    with duckdb.connect() as connection:
        try:
            rows = connection.execute(f"{zstd_lines(path)} LIMIT 1000").fetchall()
            head = "\n".join(line or "" for (line,) in rows) + "\n"
            if _kind(head[:100].encode(), shown) != _TEXT:
                copy = room_for(room, shown)
                with copy.open("w") as file:
                    for (line,) in connection.execute(zstd_lines(path)).fetchall():
                        file.write(f"{line}\n")
                yield from _members(str(copy), shown, asked=asked, room=room)
                return
        except duckdb.Error as broken:
            raise Broken(f"it cannot be unpacked: {str(broken).splitlines()[0]}") from None
    yield Member(path, shown, _TEXT, asked, "zstd", head, torn="?")


def _copy(source: IO[bytes], room: Path, shown: str) -> str:
    copy = room_for(room, shown)
    with source, copy.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    return str(copy)


def _decoded(path: str, shown: str, encoding: str, room: Path) -> str:
    copy = room_for(room, shown)
    with (
        open(path, encoding=encoding, errors="replace") as source,
        copy.open("w", encoding="utf-8", newline="") as file,
    ):
        shutil.copyfileobj(source, file, 1 << 20)
    return str(copy)


def room_for(room: Path, shown: str) -> Path:
    """A new file in the room, whose name still ends in what the user's file is called."""
    folder = room / str(len(os.listdir(room)))
    folder.mkdir()
    return folder / (Path(shown).name or "file")


def _refuse_cut(path: str) -> None:
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        file.seek(max(0, size - 4))
        if file.read(4) != b"PAR1" or size < 12:
            raise Broken(f"it is a truncated Parquet file ({size:,} bytes, and no footer): write or fetch it again")
