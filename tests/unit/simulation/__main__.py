"""Replay one run: `python -m tests.unit.simulation SEED "death=0.02, audits=2"` tells its story.

SEED and the profile are what a failed schedule names.
"""

from __future__ import annotations

import sys

import pytest

from tests.unit.simulation.invariants import run_and_check
from tests.unit.simulation.memory import MEMORY
from tests.unit.simulation.world import Profile


def main(seed: str, faults: str = "") -> None:
    given = (part.split("=") for part in faults.removeprefix("Profile(").removesuffix(")").split(",") if part)
    values = {name.strip(): value.strip() for name, value in given}
    kinds = {name: type(value) for name, value in Profile().as_dict().items()}
    profile = Profile(**{name: _read(value, kinds[name]) for name, value in values.items()})
    with pytest.MonkeyPatch.context() as patch:
        MEMORY.install(patch)
        run = run_and_check(int(seed), profile)
    for when, what in run.world.log:
        print(f"{when:%H:%M:%S} {what}")


def _read(text: str, kind: type) -> object:
    return text == "True" if kind is bool else kind(text.strip("'\""))


if __name__ == "__main__":
    main(*sys.argv[1:])
