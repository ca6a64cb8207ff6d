"""A picture of a report, taken by whichever Chromium this machine has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from minutemend.core.errors import BadInput

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
# Nothing but the page: no first-run pages, no updates, no network of its own.
HEADLESS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDTH = 1280
_TIMEOUT_SECONDS = 90


def find_browser() -> str | None:
    """The first of `BROWSERS` on the PATH, or what MINUTEMEND_BROWSER names."""
    return os.environ.get("MINUTEMEND_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)


def require_browser() -> str:
    """The browser of `find_browser`. Raises BadInput that says which would do."""
    browser = find_browser()
    if browser is None:
        raise BadInput(
            f"--png needs a browser to draw the report, and none of {', '.join(BROWSERS)} is on the PATH: "
            "install one (apt-get install chromium), or name it in MINUTEMEND_BROWSER; the HTML file needs none"
        )
    return browser


def take_picture(page: Path, png: Path) -> None:
    """Draw the report `page` into `png`, 1280 pixels wide and as high as it needs.

    Raises BadInput where there is no browser, or where it does not draw.
    """
    browser = require_browser()
    address = page.resolve().as_uri() + "#picture"
    # Twice: the page first says how high it is, and a screenshot is as high as its window.
    height = re.search(r'data-height="(\d+)"', _browse(browser, WIDTH, 800, "--dump-dom", address))
    if height is None:
        raise BadInput(f"{browser} did not draw the report: try another browser in MINUTEMEND_BROWSER")
    png.unlink(missing_ok=True)
    _browse(browser, WIDTH, int(height[1]), f"--screenshot={png.resolve()}", address)
    if not png.exists():
        raise BadInput(f"{browser} took no picture: try another browser in MINUTEMEND_BROWSER")


def _browse(browser: str, width: int, height: int, *what: str) -> str:
    """What the browser prints. Its virtual clock lets the page's own work end before the look."""
    with tempfile.TemporaryDirectory(prefix="minutemend-") as profile:
        command = [
            browser,
            *HEADLESS,
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            "--hide-scrollbars",
            "--virtual-time-budget=15000",
            *what,
        ]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise BadInput(
                f"{browser} could not draw the report ({problem}): try another in MINUTEMEND_BROWSER"
            ) from None
    return done.stdout
