"""A report opened in a browser, for the tests that look at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mend.report.model import ReportData
from mend.report.page import write_page


@dataclass
class Opened:
    """A report in a page, and everything that the browser said of it."""

    page: Any
    data: Any  # the ReportData that it shows, where the test knows it
    devtools: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def busy(self) -> float:
        """Seconds of a processor that the page's own thread has used: a busy machine adds little to them."""
        metrics = self.devtools.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    def reading(self) -> str:
        return str(self.page.text_content("#map-reading"))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


def open_report(chromium: Any, folder: Path, data: ReportData, **context: Any) -> Opened:
    """Write the report, open it from disk, and wait until all of it is drawn."""
    file = folder / "report.html"
    write_page(file, data)
    return look_at(chromium, file, data, **context)


def look_at(chromium: Any, file: Path, data: ReportData | None = None, **context: Any) -> Opened:
    """Open a report that is there already; `data` is what the test knows of it."""
    page = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}).new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-state=complete]")
    return Opened(page, data, devtools, said, asked)
