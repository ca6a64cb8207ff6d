"""Trino's statement protocol, as much of it as the tests need: POST the text, follow `nextUri` to the end."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import date, datetime
from typing import Any

CATALOG = "hive"
Row = tuple[Any, ...]


class TrinoError(RuntimeError):
    """Trino refused the statement or failed at it; the message is its own."""


class Trino:
    """A server on 127.0.0.1. Sessions are in UTC, as Athena's are."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ready(self) -> bool:
        """Whether the server takes statements."""
        try:
            with urllib.request.urlopen(f"{self.url}/v1/info", timeout=5) as answer:  # noqa: S310 (our own server)
                return json.load(answer)["starting"] is False
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def run(self, sql: str, *, schema: str = "default") -> list[Row]:
        """The rows of a statement, as Python values: timestamps without zone as naive datetimes."""
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}/v1/statement",
            data=sql.encode(),
            headers={
                "X-Trino-User": "minutemend",
                "X-Trino-Catalog": CATALOG,
                "X-Trino-Schema": schema,
                "X-Trino-Time-Zone": "UTC",
                "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
            },
        )
        kinds: list[str] = []
        rows: list[Row] = []
        page = _open(request)
        while True:
            kinds = [column["type"] for column in page.get("columns", [])] or kinds
            rows += [tuple(map(_value, row, kinds)) for row in page.get("data", [])]
            if "error" in page:
                raise TrinoError(f"{page['error']['errorName']}: {page['error']['message']}")
            if "nextUri" not in page:
                return rows
            page = _open(page["nextUri"])


def _open(request: urllib.request.Request | str) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        page: dict[str, Any] = json.load(answer)
        return page


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind.startswith("timestamp(") and "zone" not in kind:
        return datetime.fromisoformat(value)
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "double":
        return float(value)  # "NaN" and "Infinity" come as text
    return value
