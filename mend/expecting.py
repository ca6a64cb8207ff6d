"""Changing what a stage expects: the stored facts that rest on it follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from minutemend.core.minutes import format_instant

from mend.console import count, say

if TYPE_CHECKING:
    from minutemend.core.in_force import InForce
    from minutemend.services.lake import Lake

    from mend.stage import Stage


@contextmanager
def expecting(opened: Stage) -> Iterator[None]:
    """Within it sessions, halts or symbols are changed; then the facts that were published by the old ones are made
    anew. What to run is said first: a command that is cut off finds no change when it is run again."""
    from minutemend.core.in_force import expected_otherwise
    from minutemend.services.facts import facts_anew, stored_facts

    before = _in_force(opened.lake)
    yield
    spans = expected_otherwise(before, _in_force(opened.lake))
    stored = stored_facts(opened.lake, spans)
    if not stored:
        return
    edges = f"--start {format_instant(min(stored))} --end {format_instant(max(stored) + timedelta(hours=1))}"
    say(f"the facts of {count(len(stored), 'hour')} that rest on this are made anew")
    say(f"next: mend repair --stage {opened.option} {edges} --wait")
    facts_anew(opened.lake, spans)


def _in_force(lake: Lake) -> InForce:
    from minutemend.core.in_force import InForce

    listings = lake.symbols()
    sessions = lake.calendars.sessions(None, {one.calendar for one in listings})
    return InForce(listings, sessions, lake.calendars.halted())
