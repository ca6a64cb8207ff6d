"""A transport that answers from a list: what a vendor adapter asks is kept, what it gets is given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from minutemend.adapters.http import Http, Reply


def reply(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply with `body` as it is (bytes, text) or as JSON."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return Reply(status, dict(headers or {}), raw)


@dataclass(frozen=True)
class Asked:
    """One GET."""

    url: str
    params: dict[str, str]
    headers: dict[str, str]
    timeout: float


class FakeHttp(Http):
    """Gives the replies in order; raises those that are errors. Asked more often, it fails."""

    def __init__(self, replies: Iterable[Reply | Exception]) -> None:
        self._replies = list(replies)
        self.asked: list[Asked] = []

    def get(self, url: str, *, params: Mapping[str, str], headers: Mapping[str, str], timeout: float) -> Reply:
        self.asked.append(Asked(url, dict(params), dict(headers), timeout))
        given = self._replies.pop(0)
        if isinstance(given, Exception):
            raise given
        return given
