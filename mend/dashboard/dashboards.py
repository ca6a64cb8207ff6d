"""Reading a CloudWatch dashboard's body: its widgets, their metrics, and how two bodies differ.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Metric = tuple[str, str, tuple[tuple[str, str], ...]]  # namespace, name, sorted dimensions


@dataclass(frozen=True, slots=True)
class Widget:
    """One widget. `problems` says in sentences what of it cannot be drawn; `alarms` are names."""

    title: str
    kind: str
    metrics: tuple[Metric, ...]
    problems: tuple[str, ...]
    alarms: tuple[str, ...] = ()


def parse_widgets(body: str) -> list[Widget]:
    """The widgets of a body, in its order. Raises ValueError for what is no dashboard body."""
    parsed = json.loads(body)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("widgets"), list):
        raise ValueError("the body has no list of widgets")
    return [_widget(number, widget) for number, widget in enumerate(parsed["widgets"], start=1)]


def _widget(number: int, widget: Any) -> Widget:
    kind = str(widget.get("type", "?")) if isinstance(widget, dict) else "?"
    properties = widget.get("properties") if isinstance(widget, dict) else None
    if not isinstance(properties, dict):
        return Widget(f"widget {number}", kind, (), ("it has no properties",))
    title = str(properties.get("title") or _heading(properties.get("markdown")) or f"widget {number}")
    metrics: tuple[Metric, ...] = ()
    problems: list[str] = []
    alarms: tuple[str, ...] = ()
    match kind:
        case "metric":
            metrics, problems = _metrics(properties)
        case "text":
            problems = [] if str(properties.get("markdown", "")).strip() else ["it has no text"]
        case "log":
            problems = [] if str(properties.get("query", "")).strip() else ["it has no query"]
        case "alarm":
            alarms = tuple(str(arn).rpartition(":alarm:")[2] for arn in properties.get("alarms", ()))
            problems = [] if alarms else ["it names no alarm"]
        case "explorer" | "custom":
            pass
        case _:
            problems = [f"its type {kind!r} is unknown"]
    return Widget(title, kind, metrics, tuple(problems), alarms)


def _heading(markdown: object) -> str:
    return str(markdown or "").strip().partition("\n")[0].lstrip("# ")


def _metrics(properties: Mapping[str, Any]) -> tuple[tuple[Metric, ...], list[str]]:
    """The metrics of a metric widget, and its problems. Rows may shorten: `.` repeats, `...` repeats the rest."""
    rows = properties.get("metrics", [])
    alarm = properties.get("annotations", {}).get("alarms")
    if not rows:
        return (), [] if alarm else ["it shows no metric"]
    found: list[Metric] = []
    problems: list[str] = []
    ids, used = set(), set()
    before: list[str] = []
    for row in rows:
        options = row[-1] if row and isinstance(row[-1], dict) else {}
        words = [word for word in row if not isinstance(word, dict)]
        ids |= {options["id"]} if "id" in options else set()
        if "expression" in options:
            text = re.sub(r"'[^']*'|\"[^\"]*\"", "", str(options["expression"]))
            used |= set(re.findall(r"\b[a-z][A-Za-z0-9_]*\b", text))
            continue
        words = _written_out([str(word) for word in words], before)
        before = words
        if len(words) < 2 or len(words) % 2 or not all(words):
            problems.append(f"{row!r} is no metric")
            continue
        found.append((words[0], words[1], tuple(sorted(zip(words[2::2], words[3::2], strict=True)))))
    if unknown := sorted(used - ids):
        problems.append(f"an expression uses {', '.join(unknown)}, which no row is called")
    return tuple(found), problems


def _written_out(words: list[str], before: list[str]) -> list[str]:
    if words[:1] == ["..."]:
        rest = words[1:]
        words = before[: len(before) - len(rest)] + rest
    return [before[place] if word == "." and place < len(before) else word for place, word in enumerate(words)]


def differences(deployed: str, intended: str, *, unknown: str) -> list[str]:
    """What of the deployed body is not as intended, one sentence a widget. `unknown` in the intended fits any text."""
    there, meant = json.loads(deployed), json.loads(intended)
    found = [
        f"its {key} was changed"
        for key in sorted({*there, *meant} - {"widgets"})
        if not _fits(there.get(key), meant.get(key), unknown)
    ]
    left = list(there.get("widgets", []))
    for number, widget in enumerate(meant.get("widgets", []), start=1):
        match = next((other for other in left if _fits(other, widget, unknown)), None)
        if match is not None:
            left.remove(match)
            continue
        title = _widget(number, widget).title
        same = next((other for other in left if _widget(0, other).title == title), None)
        if same is None:
            found.append(f"the widget {title!r} was removed")
            continue
        left.remove(same)
        found.append(f"the widget {title!r} was changed: {', '.join(_changed(same, widget, unknown))}")
    found += [f"the widget {_widget(0, extra).title!r} was added" for extra in left]
    return found


def _changed(there: Mapping[str, Any], meant: Mapping[str, Any], unknown: str) -> Iterator[str]:
    """The names of what differs between two widgets: `title`, `metrics`, `width`."""
    flat = [{**widget, **widget.get("properties", {})} for widget in (there, meant)]
    for key in sorted({*flat[0], *flat[1]} - {"properties"}):
        if not _fits(flat[0].get(key), flat[1].get(key), unknown):
            yield key


def _fits(there: Any, meant: Any, unknown: str) -> bool:
    match there, meant:
        case dict(), dict():
            return there.keys() == meant.keys() and all(_fits(there[key], meant[key], unknown) for key in meant)
        case list(), list():
            pairs = zip(there, meant, strict=False)
            return len(there) == len(meant) and all(_fits(left, right, unknown) for left, right in pairs)
        case str(), str():
            pattern = ".*".join(re.escape(part) for part in meant.split(unknown))
            return re.fullmatch(pattern, there, re.DOTALL) is not None
        case _:
            return bool(there == meant)
