"""One HTML file that needs nothing else: styles, scripts and data inside, and a policy that forbids the rest."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from mend.report.encode import encode
from mend.report.model import ReportData

_SCRIPTS = (
    "data.js",
    "dom.js",
    "paint.js",
    "strip.js",
    "map.js",
    "session.js",
    "gaps.js",
    "course.js",
    "answers.js",
    "main.js",
)


def render(data: ReportData) -> str:
    """The whole page. Every text of the data is inside a compressed blob or escaped."""
    static = files("mend.report") / "static"
    scripts = "\n".join((static / name).read_text() for name in _SCRIPTS)
    blobs = "\n".join(
        f'<script type="text/plain" id="blob-{name}">{blob}</script>' for name, blob in encode(data).items()
    )
    return Template((static / "page.html").read_text()).substitute(
        title=escape(data.title), style=(static / "page.css").read_text(), blobs=blobs, scripts=scripts
    )


def write_page(path: Path, data: ReportData) -> int:
    """Write the report to `path` and return its size in bytes."""
    return path.write_bytes(render(data).encode())
