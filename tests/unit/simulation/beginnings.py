"""What a run begins with: the truth of the vendors, the holes of the lake, other audits' ranges, and poison."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from minutemend.core.bars import Bar
from minutemend.core.minutes import MINUTE, Range

from tests.unit.simulation.world import World

OPEN = datetime(2026, 1, 5, 14, 52, tzinfo=UTC)  # the session crosses a full hour
MINUTES = 16
SESSION = Range(OPEN, OPEN + MINUTES * MINUTE)
OTHER_DAY = Range(OPEN - timedelta(days=3), OPEN - timedelta(days=3) + MINUTES * MINUTE)
SYMBOLS = ("AAA", "BBB", "CCC")


def truth_of(world: World) -> dict[tuple[str, datetime], Bar]:
    """A bar for every minute but for some in which nobody traded."""
    truth = {}
    for index, symbol in enumerate(SYMBOLS):
        for window in (OTHER_DAY, SESSION):
            silent = {world.dice.randrange(MINUTES) for _ in range(world.dice.choice([0, 0, 1, 2]))}
            for n in range(MINUTES):
                if n not in silent:
                    price = float(100 * index + n + 1)
                    minute = window.start + n * MINUTE
                    truth[symbol, minute] = Bar(symbol, minute, price, price + 1, price / 2, price, 10.0)
    return truth


def holes_of(world: World) -> set[tuple[str, datetime]]:
    """Single minutes, runs, edges, and now and then a whole symbol."""
    holes = set()
    for symbol in SYMBOLS:
        kind = world.dice.choice(["none", "single", "run", "edges", "many", "all"])
        minutes = {
            "none": [],
            "single": [world.dice.randrange(MINUTES)],
            "run": list(range(start := world.dice.randrange(MINUTES - 2), min(MINUTES, start + 6))),
            "edges": [0, MINUTES - 1],
            "many": [n for n in range(MINUTES) if world.dice.random() < 0.4],
            "all": list(range(MINUTES)),
        }[kind]
        holes |= {(symbol, OPEN + n * MINUTE) for n in minutes}
    return holes


def window_of(world: World) -> Range:
    """What another audit looks at: the same, or a part of it."""
    if world.dice.random() < 0.6:
        return SESSION
    first = world.dice.randrange(MINUTES - 1)
    return Range(OPEN + first * MINUTE, OPEN + world.dice.randrange(first + 1, MINUTES + 1) * MINUTE)


POISON = [
    "",
    "{nonsense",
    "[]",
    '{"audit_id": "audit-0", "attempt": 1}',
    json.dumps(
        {
            "audit_id": "audit-0",
            "attempt": 1,
            "vendor": "nobody",
            "symbols": ["AAA"],
            "start": "2026-01-05T14:52:00Z",
            "end": "2026-01-05T14:53:00Z",
            "gaps": [["AAA", 29461372, 1]],
            "not_before": None,
        }
    ),
]
