"""A publisher that is overtaken, or that dies, at each of its effects in turn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

from minutemend.core.bars import to_table
from minutemend.core.columns import Bar, Bars
from minutemend.core.minutes import MINUTE, format_instant
from minutemend.services.lake import Lake

from tests.unit.simulation.beginnings import as_told
from tests.unit.simulation.holding import hold
from tests.unit.simulation.lake_invariants import check_facts
from tests.unit.simulation.memory import MEMORY
from tests.unit.simulation.scenario import Scenario
from tests.unit.simulation.world import Mortal, Process, Profile


def overtake_and_check(seed: int, profile: Profile) -> None:
    """Whenever it is overtaken, the facts say in the end what the bars say: no further publication is needed."""

    def overtake(run: Scenario, first: Process, publish: Callable[[], object]) -> None:
        _finish(run, _start(run, "a writer", partial(_write, run)))
        _finish(run, _start(run, "the second publisher", publish))
        _finish(run, first)

    _at_each_effect(overtake, seed, profile)


def die_and_check(seed: int, profile: Profile) -> None:
    """Whenever it dies, the one that is begun after it does the rest: the range, which is whole, is announced."""

    def die(run: Scenario, first: Process, publish: Callable[[], object]) -> None:
        first.ends = run.world.now
        _finish(run, first)
        _finish(run, _start(run, "the second publisher", publish))
        hold(bool(run.signals.announced), "the range was never announced")

    _at_each_effect(die, seed, profile, begin=_fill)


def _at_each_effect(
    happens: Callable[[Scenario, Process, Callable[[], object]], None],
    seed: int,
    profile: Profile,
    begin: Callable[[Scenario], None] = lambda _: None,
) -> None:
    for effects in count():
        MEMORY.forget()
        run = Scenario(seed, profile)
        window = run.market.window
        run.lake.put_symbols(run.market.listings)
        begin(run)
        state = {"start": format_instant(window.start), "end": format_instant(window.end), "audit_id": "audit-0"}
        publish = partial(run.functions.publish, state)
        first = _start(run, "the first publisher", publish)
        for _ in range(effects):
            if first not in run.world.processes:
                return
            run.world.run_one(first)
        happens(run, first, publish)
        check_facts(run)


def _fill(run: Scenario) -> None:
    """The bar of each minute that has none."""
    empty = sorted(run.market.expected() - {*run.stored})
    bars = Bars.of(Bar(symbol, minute, 1.0, 1.0, 1.0, 1.0, 1.0) for symbol, minute in empty)
    run.lake.put_bars(to_table(bars, source="one", repair_id=None, captured_at=run.world.now))


def _write(run: Scenario) -> None:
    """The bar of a minute that had none."""
    empty = sorted(key for key in run.truth if key[1] in run.market.window and key not in run.stored)
    bars = Bars.of(as_told(run.truth[key], "one") for key in empty[:1])
    table = to_table(bars, source="one", repair_id=None, captured_at=run.world.now)
    Lake(Mortal(run.world, run.store)).put_bars(table)


def _start(run: Scenario, name: str, work: Callable[[], object]) -> Process:
    run.world.start(name, work, life=60 * MINUTE, finished=lambda _: None, died=lambda: None)
    return run.world.processes[-1]


def _finish(run: Scenario, process: Process) -> None:
    while process in run.world.processes:
        run.world.run_one(process)
