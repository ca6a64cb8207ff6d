"""Binance's public archive over the simulator's bars: zips of klines by day and month, with their checksums."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from minutemend.core.minutes import epoch_minute

from market.dialects.base import Response
from market.dialects.binance import kline
from market.sources import Source

ZIP = "application/zip"
PUBLISHED_AFTER = timedelta(hours=6)  # after the end of its day or month
MICROSECONDS_FROM = datetime(2025, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_PATH = re.compile(r"/data/spot/(daily|monthly)/klines/([A-Z0-9]+)/1m/\2-1m-(\d{4}-\d{2}(?:-\d{2})?)\.zip(\.CHECKSUM)?")


@dataclass(frozen=True, slots=True)
class Archived:
    """A file of the archive that somebody asks for."""

    symbol: str
    first: datetime
    end: datetime
    name: str  # without .zip
    checksum: bool

    @classmethod
    def at(cls, path: str) -> Archived | None:
        """The file at a path; None for another route."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        kind, symbol, when, checksum = found.groups()
        try:
            first = datetime.fromisoformat(when if kind == "daily" else f"{when}-01").replace(tzinfo=UTC)
        except ValueError:
            return None
        end = first + _DAY if kind == "daily" else (first + 32 * _DAY).replace(day=1)
        return cls(symbol, first, end, f"{symbol}-1m-{when}", checksum is not None)

    def response(self, source: Source, now: datetime) -> Response:
        """The file or its checksum; 404 for a symbol that is not known, and before it is published."""
        if now < self.end + PUBLISHED_AFTER or not source.knows(self.symbol):
            return Response(404, b"<Error><Code>NoSuchKey</Code></Error>", content_type="application/xml")
        body = self._zip(source)
        if self.checksum:
            line = f"{hashlib.sha256(body).hexdigest()}  {self.name}.zip\n"
            return Response(200, line.encode(), content_type="text/plain")
        return Response(200, body, content_type=ZIP)

    def _zip(self, source: Source) -> bytes:
        scale = 1 if self.first < MICROSECONDS_FROM else 1000
        lines = []
        for minute, *values in source.rows(self.symbol, epoch_minute(self.first), epoch_minute(self.end)):
            at, *rest = kline([minute * 60_000, *values])
            closes = int(rest[5]) * scale + (scale - 1)  # type: ignore[call-overload]
            fields = [int(at) * scale, *rest[:5], closes, *rest[6:]]  # type: ignore[call-overload]
            lines.append(",".join(map(str, fields)))
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as whole:  # dated 1980: the same bytes whenever it is asked for
            whole.writestr(zipfile.ZipInfo(f"{self.name}.csv"), "\n".join(lines) + "\n", zipfile.ZIP_DEFLATED)
        return made.getvalue()
