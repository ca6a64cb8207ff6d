"""The live view: honest numbers, at any width."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from mend.live_view import Day, HourLine, bar, lines, problems, render

START = datetime(2025, 11, 12, 14, tzinfo=UTC)


def day():
    hours = [HourLine(START + n * timedelta(hours=1)) for n in range(3)]
    hours[0] = HourLine(START, 60, 765, 15, 780, 0, 15, 10, "whole, published", good=True)
    hours[1] = HourLine(START + timedelta(hours=1), 60, 770, 10, 780, 12, 12, 4, "repairing, attempt 1")
    return Day("Wednesday", hours, seconds=60)


def shown(width):
    console = Console(width=width, record=True, file=open("/dev/null", "w"), force_terminal=False)  # noqa: SIM115
    console.print(render(day(), width=width))
    return console.export_text()


@pytest.mark.parametrize("width", [60, 80, 110])
def test_no_line_is_wider_than_the_terminal(width):
    """Also at 60 columns, where some columns are left out."""
    text = shown(width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    assert "15 → 0" in text
    assert "repairing" in text


def test_the_day_is_as_whole_as_its_hours():
    """Minutes that the audit accounts for, of those that it expects; hours that have not begun do not count."""
    assert day().completeness == pytest.approx(100 * (780 + 768) / 1560)


def test_before_its_audit_an_hour_is_what_was_asked_for():
    """What was lost on purpose is known to be lacking before the first look."""
    line = HourLine(START, 30, asked=95, dropped=5)
    assert (line.accounted, line.of) == (95, 100)


@pytest.mark.parametrize(("share", "says"), [(100.0, "100%"), (99.999, "99.99%"), (0.0, "0.00%")])
def test_only_what_is_whole_is_said_to_be(share, says):
    """Nothing is rounded up to 100%, in the figure or in the bar."""
    text = bar(share, 10).plain
    assert text.endswith(f" {says}")
    assert ("░" in text) == (share < 100)


def test_a_pipe_gets_a_line_for_each_hour_and_the_reasons():
    """What the view shows, without a terminal; and why an hour did not become whole."""
    hours = day().hours
    assert lines(hours)[0] == "14:00 asked 765, lost 15, missing 15, then 0: whole, published"
    hours[1].good, hours[1].state, hours[1].cause = False, "MinutesMissing", "12 minutes, no_data"
    assert problems(hours[:2]) == ["the audit of 15:00 ended in MinutesMissing: 12 minutes, no_data"]
