"""What documents of JSON say that they lack: bars of a symbol, pages that follow, and lines that were cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mend.bars.reader import BarFiles
from mend.bars.rows import select_group, select_rows
from mend.bars.unpack import Member
from mend.console import count

_SHOWN = 5  # symbols
_REACH = "SELECT symbol, min(minute), max(minute) FROM ({rows}) GROUP BY symbol"
# The symbol of a document's last row, and its first and last minute there.
_LAST = """\
SELECT symbol, arg_min(minute, place), arg_max(minute, place)
FROM (SELECT symbol, minute, row_number() OVER () AS place FROM ({rows}))
GROUP BY symbol ORDER BY max(place) DESC LIMIT 1"""


def lacks(files: BarFiles, chosen: Sequence[str] | None) -> Iterator[str]:
    """A line for each thing that is known to be lacking; of symbols, those that are `chosen` (None: all)."""
    broken = [(member.shown, besides.broken) for member, besides in files.documents.items() if besides.broken]
    if broken:
        lines = count(sum(number for _, number in broken), "line")
        yield f"{files.where([shown for shown, _ in broken])}: {lines} of no JSON, which may have been bars"
    empty: dict[str, list[str]] = {}
    for member, besides in files.documents.items():
        for symbol in besides.empty:
            if chosen is None or symbol in chosen:
                empty.setdefault(symbol, []).append(member.shown)
    for symbol in list(empty)[:_SHOWN]:
        yield f"{symbol}: {files.where(empty[symbol])} names it and has no bar of it"
    if len(empty) > _SHOWN:
        yield f"{count(len(empty) - _SHOWN, 'more symbol')} without a bar in a file that names them"
    if last := list(_last_pages(files)):
        key = next(key for key in files.documents[last[0]].more.values() if key)
        shown = files.where([member.shown for member in last])
        yield f"{shown}: more pages follow ({key}), and no bar here goes on where it ends: all pages would be right"


def _last_pages(files: BarFiles) -> Iterator[Member]:
    """The pages that say that more follow, where the last symbol of one goes on in none of the files."""
    pages = [member for member, besides in files.documents.items() if any(besides.more.values())]
    if not pages:
        return
    db = files.connection
    db.execute("SET preserve_insertion_order = true")
    found = db.execute(_REACH.format(rows=select_rows(files, partly=True))).fetchall()
    reach = {symbol: (first, last) for symbol, first, last in found}
    for page in pages:
        own = [replace(group, members=(page,)) for group in files.groups if page in group.members]
        rows = " UNION ALL ".join(select_group(one, partly=True) for one in own)
        for symbol, first, last in db.execute(_LAST.format(rows=rows)).fetchall() if own else ():
            down = last < first  # the newest come first
            if not (reach[symbol][0] < last if down else last < reach[symbol][1]):
                yield page
