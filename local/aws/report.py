"""`python -m local.aws.report`: what the last integration run used of what is granted, and what it was denied."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from local.aws.grants import Grant, judge, read_record
from local.deployment import ROOT

FOLDER = ROOT / ".build" / "calls"


def main() -> int:
    """Print the report; 2 when nothing was recorded."""
    policies, calls, strange = read_record(FOLDER) if FOLDER.exists() else ([], [], [])
    if not calls:
        print(f"nothing was recorded in {FOLDER}: `make integration` first", file=sys.stderr)
        return 2
    findings = judge(policies, calls)
    print(f"{len(calls)} kinds of calls, {len(findings.noticed)} grants that they would miss")
    _list("granted and never used", findings.unused)
    _list("granted twice: no call would miss one of them", findings.doubled)
    print(f"denied without being meant: {len(strange)}")
    for call in strange:
        print(f"  {call.who} {call.action} on {call.resource}")
    return 0


def _list(title: str, grants: Sequence[Grant]) -> None:
    print(f"{title}: {len(grants)}")
    for grant in sorted(grants, key=str):
        print(f"  {grant}")


if __name__ == "__main__":
    sys.exit(main())
