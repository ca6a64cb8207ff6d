"""How the tests are shared out to processes (`pytest -n`): what needs the same stage, or templates, stays together.

xdist has `--dist loadgroup` for that, which finds no group under pytest 9.2.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from xdist.scheduler import LoadScopeScheduling

# The files with tests of a deployed stage: each half in a process of its own, for about the same time.
FIRST = {
    "test_adapters", "test_backfill", "test_commands", "test_dashboard", "test_market", "test_on_aws",
    "test_permissions", "test_publish", "test_readme", "test_rechecks", "test_report_stage", "test_review",
    "test_waiting",
}  # fmt: skip
SECOND = {"test_athena", "test_faults", "test_local", "test_loop", "test_replay"}
# Of the other files the longest, which come first so that no process is left alone with one at the end.
LONGEST = ["test_first_deploy", "test_templates", "test_report_browser", "test_check_shell"]
ORDER = ["stage-1", "stage-2", *LONGEST]


def group_of(nodeid: str) -> str:
    """What runs in one process with a test: of the integration tests its file at least."""
    file = PurePath(nodeid.partition("::")[0])
    if "integration" not in file.parts:
        return "templates" if "infra" in file.parts else nodeid
    return "stage-1" if file.stem in FIRST else "stage-2" if file.stem in SECOND else file.stem


def place_of(nodeid: str) -> int:
    """Of a test's group, when the groups are given out one after the other."""
    return ORDER.index(group) if (group := group_of(nodeid)) in ORDER else len(ORDER)


class Sharing(LoadScopeScheduling):
    """Gives out group by group, in the order in which they were collected."""

    def __init__(self, config: Any, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
