"""A denial in AWS' words, made one that a person can act on: who may not do what, and where it is granted."""

from __future__ import annotations

import re

from minutemend.contract import HANDLERS

FUNCTIONS = "infra/constructs/functions.py"  # what each function may do
MACHINES = {"audit": "infra/constructs/audit_machine.py", "backfill": "infra/constructs/backfill_machine.py"}
_DENIED = re.compile(
    r"User: (?P<who>arn:\S+) is not authorized to perform: (?P<action>[\w-]+:\w+\*?)"
    r"(?: on resource: \"?(?P<resource>[^\s\"]+)\"?)?(?P<explicit> with an explicit deny in a[n]? [\w-]+ policy)?"
)


def explain_denial(text: str) -> tuple[str, str] | None:
    """What was denied to whom, and what to do; None when the text tells of no denial.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html has the words of AWS.
    """
    found = _DENIED.search(text)
    if found is None:
        return None
    who, where = _place(found["who"])
    what = f"{who} may not {found['action']} on {found['resource'] or 'its resource'}"
    if found["explicit"]:
        return f"{what}:{found['explicit'].removeprefix(' with')}", "find the policy that denies it; no grant helps"
    return what, where.format(action=found["action"])


def _place(arn: str) -> tuple[str, str]:
    """A principal for people, and where it is granted something."""
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    role, _, session = rest.rpartition("/")
    if kind != "assumed-role":
        return f"{kind} {rest}", "an administrator allows {action} to it, or set AWS_PROFILE to another profile"
    if session.startswith("minutemend-"):
        for machine, place in MACHINES.items():
            if session.endswith(f"-{machine}"):
                return f"the state machine {session}", f"allow {{action}} in {place}, and deploy"
        for step in HANDLERS:
            if session.endswith(f"-{step.replace('_', '-')}"):
                return f"the function {session}", f"allow {{action}} in {FUNCTIONS}, _{step}, and deploy"
    return f"the role {role} (session {session})", "an administrator allows {action} to it, or take on another role"
