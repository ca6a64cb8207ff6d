"""The report in a real browser: what it shows, that the keyboard alone is enough, that it makes no request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mend.main import mend
from mend.report.page import write_page
from mend.report.picture import HEADLESS, find_browser, take_picture
from tests.fakes.report_data import minutes_by_verdict, report_data
from tests.integration.report_page import Opened, look_at, open_report

BROWSER = find_browser()
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on this machine (apt-get install chromium): the report is not looked at"
)
YEAR = {"first": date(2025, 1, 1), "last": date(2025, 12, 31)}
DECEMBER = {"first": date(2025, 12, 1), "last": date(2025, 12, 31)}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One headless Chromium for the module."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=list(HEADLESS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def eleven(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """A month of 11 symbols with every cause in it."""
    return open_report(
        chromium, tmp_path_factory.mktemp("eleven"), report_data(symbols=11, holed=0.2, seed=7, **DECEMBER)
    )


@pytest.fixture(scope="module")
def year(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """A year of 500 symbols, 2% of whose symbol-days are not whole."""
    return open_report(chromium, tmp_path_factory.mktemp("year"), report_data(symbols=500, **YEAR))


@pytest.fixture(params=["eleven", "year"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Each size in turn, with the map as it first was."""
    report: Opened = request.getfixturevalue(request.param)
    report.page.keyboard.press("Escape")
    report.page.select_option("#order", "name")
    report.page.fill("#filter", "")
    report.page.focus("#map")
    for _ in range(60):
        report.page.keyboard.press("PageUp")
    report.page.keyboard.press("Home")
    return report


def test_it_says_nothing_on_the_console_and_asks_for_nothing(opened: Opened) -> None:
    """One request: the file itself."""
    assert opened.said == []
    assert [address.split("/")[-1] for address in opened.asked] == ["report.html"]


def test_a_year_of_500_symbols_opens_within_three_seconds(chromium: Any, tmp_path: Path, year: Opened) -> None:
    """Everything drawn, the lists below included; of a processor's time, because the machine may be busy."""
    again = open_report(chromium, tmp_path, year.data)
    assert 0.01 < again.busy() < 3


def test_the_totals_are_those_of_the_data(opened: Opened) -> None:
    """The page decodes the blobs by itself; the test counts the runs by itself."""
    shown = opened.page.eval_on_selector_all(
        "#totals dd", "nodes => Object.fromEntries(nodes.map(n => [n.dataset.verdict, Number(n.dataset.minutes)]))"
    )
    assert shown == minutes_by_verdict(opened.data)


def test_the_first_page_of_gaps_names_the_unmended_first(opened: Opened) -> None:
    """Every row carries its verdict in words, and its evidence or that there is none."""
    rows = opened.page.eval_on_selector_all(
        "#gap-table tbody tr", "rows => rows.map(row => row.cells[4].innerText.trim())"
    )
    total = len(opened.data.runs)
    assert len(rows) == min(50, total)
    assert rows == sorted(rows, key=["missing", "failed", "absent", "repaired"].index)


def test_arrows_walk_the_map_and_the_cell_is_spoken(opened: Opened) -> None:
    """The active cell's text is what the map says of it, for those who hear it instead."""
    symbols = [listing.symbol for listing in opened.data.listings]
    dates = [session.dt.isoformat() for session in opened.data.sessions["XNYS"]]
    assert opened.reading().startswith(f"{symbols[0]}, {dates[0]}: ")
    opened.press("ArrowDown", "ArrowDown", "ArrowRight")
    assert opened.reading().startswith(f"{symbols[2]}, {dates[1]}: ")
    opened.press("End", "ArrowRight")
    assert opened.reading().startswith(f"{symbols[2]}, {dates[-1]}: ")
    assert opened.page.text_content("#map-cell") == opened.reading()
    assert opened.page.get_attribute("#map-row", "aria-rowindex") == "3"
    assert opened.page.get_attribute("#map-cell", "aria-colindex") == str(len(dates))


def test_the_keyboard_alone_drills_down_to_a_minute_and_back(opened: Opened) -> None:
    """N finds a session that is not whole, Enter opens it at its first lost minute, Escape returns to the map."""
    opened.press("n")
    where = opened.reading()
    name, rest = where.split(", ", 1)
    opened.press("Enter")
    opened.page.wait_for_selector("#session:not([hidden])")
    assert opened.page.text_content("#h-session") == f"{name}, {rest[:10]}"
    row = [listing.symbol for listing in opened.data.listings].index(name)
    session = next(each for each in opened.data.sessions["XNYS"] if each.dt.isoformat() == rest[:10])
    first, last = (int(edge.timestamp()) // 60 for edge in (session.open, session.close))
    runs = opened.data.runs
    mine = [
        (int(start), opened.data.causes[cause].verdict.value)
        for symbol, start, cause in zip(runs.symbol.tolist(), runs.start.tolist(), runs.cause.tolist(), strict=True)
        if symbol == row and first <= start < last
    ]
    minute, verdict = next(((at, what) for at, what in mine if what in {"missing", "failed"}), mine[0])
    assert opened.page.text_content("#minute-reading").startswith(
        f"{minute // 60 % 24:02}:{minute % 60:02} {verdict} ("
    )
    assert len(opened.page.query_selector_all("#session-runs tbody tr")) == len(mine)
    opened.press("Home")
    assert opened.page.text_content("#minute-reading").startswith(session.open.strftime("%H:%M "))
    opened.press("ArrowRight", "ArrowDown")
    hour_later = (first + 61) // 60 % 24, (first + 61) % 60
    assert opened.page.text_content("#minute-reading").startswith(f"{hour_later[0]:02}:{hour_later[1]:02} ")
    opened.press("Escape")
    assert opened.page.is_hidden("#session")
    assert opened.page.evaluate("document.activeElement.id") == "map"
    assert opened.reading() == where


def test_the_next_session_of_the_symbol_is_a_key_away(eleven: Opened) -> None:
    """Page Down steps through the sessions while the minutes have the focus."""
    eleven.page.focus("#map")
    eleven.press("Home", "Enter")
    dates = [session.dt.isoformat() for session in eleven.data.sessions["XNYS"]]
    eleven.page.wait_for_selector(f"#h-session:has-text('{dates[0]}')")
    eleven.press("PageDown")
    eleven.page.wait_for_selector(f"#h-session:has-text('{dates[1]}')")
    assert eleven.page.evaluate("document.activeElement.id") == "minutes"
    eleven.press("Escape")


def test_every_control_can_be_reached_with_tab(eleven: Opened) -> None:
    """Tab visits the controls and the map in the order of the page; nothing swallows it."""
    eleven.page.focus(".skip")
    seen = []
    for _ in range(5):
        eleven.press("Tab")
        seen.append(eleven.page.evaluate("document.activeElement.id"))
    assert seen == ["theme", "filter", "order", "touched", "map"]


def test_moving_stays_quick_at_500_symbols(year: Opened) -> None:
    """Of fifty steps, each drawn, one takes less than 100 ms of a processor's time."""
    year.page.focus("#map")
    before = year.busy()
    for _ in range(50):
        year.press("ArrowDown")
        year.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert 0.001 < (year.busy() - before) / 50 < 0.1


def test_the_filter_and_the_order_choose_rows(year: Opened) -> None:
    """A symbol is found by a part of its name; the worst come first when asked for."""
    year.page.fill("#filter", "ibm")
    assert year.page.get_attribute("#map", "aria-rowcount") == "1"
    assert year.reading().startswith("IBM, ")
    year.page.fill("#filter", "")
    year.page.select_option("#order", "worst")
    year.page.focus("#map")
    runs, causes = year.data.runs, year.data.causes
    lost = [0] * 500
    for symbol, minutes, cause in zip(runs.symbol.tolist(), runs.minutes.tolist(), runs.cause.tolist(), strict=True):
        if causes[cause].verdict.value in {"missing", "failed"}:
            lost[symbol] += minutes
    for _ in range(60):
        year.press("PageUp")
    assert year.reading().startswith(year.data.listings[lost.index(max(lost))].symbol + ", ")


def test_the_map_is_drawn_in_the_colours_of_the_verdicts(eleven: Opened) -> None:
    """The canvas holds present, repaired and missing pixels; the letters stand in the legend too."""
    found = eleven.page.evaluate(
        """() => {
          const canvas = document.querySelector('#map canvas');
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const seen = new Set();
          for (let i = 0; i < data.length; i += 4) seen.add([data[i], data[i + 1], data[i + 2]].join());
          return [...seen];
        }"""
    )
    assert {"207,224,220", "40,115,179", "17,17,17"} <= set(found)
    assert eleven.page.eval_on_selector_all("#key .verdict", "nodes => nodes.map(n => n.textContent)") == [
        "present",
        "repaired",
        "absent",
        "failed",
        "missing",
    ]


def test_text_of_the_data_stays_text(eleven: Opened) -> None:
    """A vendor's detail and a note with tags in them run nothing and mark nothing up."""
    assert eleven.page.text_content("#notes li") == "<b>Nothing</b> in a note is markup."
    eleven.page.click("#answer-details summary")
    eleven.page.wait_for_selector("#answer-table td")  # the table is made when it is opened
    assert "<script>alert(1)</script>" in eleven.page.text_content("#answer-table")
    assert eleven.page.query_selector("#answer-table script") is None


def test_it_follows_the_reader_to_the_dark_and_can_be_switched(chromium: Any, tmp_path: Path) -> None:
    """The system's preference decides first, the button afterwards."""
    dark = open_report(chromium, tmp_path, report_data(symbols=11, **DECEMBER), color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert dark.page.evaluate(paper) == "rgb(16, 21, 26)"
    dark.page.click("#theme")
    assert dark.page.evaluate(paper) == "rgb(251, 250, 247)"


@pytest.mark.parametrize("width", [320, 768])
def test_a_narrow_window_scrolls_inside_and_never_sideways(chromium: Any, tmp_path: Path, width: int) -> None:
    """The page is as wide as the window; tables and the map scroll in their own boxes."""
    viewport = {"width": width, "height": 700}
    narrow = open_report(chromium, tmp_path, report_data(symbols=11, holed=0.2, **DECEMBER), viewport=viewport)
    narrow.page.focus("#map")
    narrow.press("n", "Enter")
    narrow.page.wait_for_selector("#session:not([hidden])")
    assert narrow.page.evaluate("document.documentElement.scrollWidth") <= width
    assert narrow.said == []


def test_a_single_day_is_drawn_along_its_clock(chromium: Any, tmp_path: Path) -> None:
    """With room to spare a session is as wide as the page, and Enter still opens it."""
    day = open_report(
        chromium, tmp_path, report_data(symbols=11, holed=0.9, first=date(2025, 12, 22), last=date(2025, 12, 22))
    )
    assert day.page.evaluate("document.querySelector('#map .reach').offsetWidth") > 1000
    day.page.focus("#map")
    day.press("n", "Enter")
    day.page.wait_for_selector("#session:not([hidden])")
    assert day.said == []


def test_a_report_without_holes_says_so(chromium: Any, tmp_path: Path) -> None:
    """Nothing to list is a sentence, not an empty table."""
    whole = open_report(chromium, tmp_path, report_data(symbols=11, holed=0, **DECEMBER))
    assert "Every one of" in whole.page.text_content("#headline")
    assert "There is no gap" in whole.page.text_content("#gap-table")


def test_mend_check_writes_the_same_page_for_plain_files(chromium: Any, tmp_path: Path) -> None:
    """A day of one symbol in CSV, less three minutes: the page has the hole, and the command for another."""
    minutes = [minute for minute in range(13 * 60 + 30, 20 * 60) if minute not in {900, 901, 950}]
    rows = [f"IBM,2013-10-04T{minute // 60:02}:{minute % 60:02}:00Z" for minute in minutes]
    (tmp_path / "bars.csv").write_text("\n".join(["symbol,minute", *rows, ""]))
    out = tmp_path / "report.html"
    arguments = ["check", str(tmp_path / "bars.csv"), "--calendar", "XNYS", "--report", str(out)]
    done = CliRunner().invoke(mend, arguments)
    assert done.exit_code == 1, done.output
    files = look_at(chromium, out)
    assert files.page.get_attribute("[data-verdict=missing]", "data-minutes") == "3"
    gaps = files.page.eval_on_selector_all("#gap-table tbody tr", "rows => rows.map(row => row.cells[1].innerText)")
    assert gaps == ["2013-10-04T15:00Z", "2013-10-04T15:50Z"]
    assert files.said == []


def test_the_picture_shows_the_whole_map(tmp_path: Path) -> None:
    """A PNG, 1280 wide and higher than the screen that it was taken on."""
    file, png = tmp_path / "report.html", tmp_path / "report.png"
    write_page(file, report_data(symbols=11, **DECEMBER))
    take_picture(file, png)
    head = png.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(head[16:20], "big") == 1280
    assert int.from_bytes(head[20:24], "big") > 800
