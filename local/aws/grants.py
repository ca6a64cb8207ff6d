"""Which grants of a stage a run has used, and whose removal it would have noticed: recorded calls against policies.

Nothing is deployed anew for it: a grant is one action of one statement on one resource, and it is noticed when a
call was allowed that no other grant of the same owner allows (or denied, for a grant's opposite).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.ledger import Call


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource, as a policy of `owner` allows or denies it."""

    owner: str  # "role/NAME", "trust of NAME", "policy of ARN"
    effect: str
    action: str
    resource: str
    statement: str  # the statement with this action and resource alone, as JSON

    def __str__(self) -> str:
        verb = "may" if self.effect == "Allow" else "keeps others from"
        return f"{plain(self.owner)} {verb} {self.action} on {self.resource}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What the calls say of the grants."""

    unused: list[Grant]  # no call needed it
    doubled: list[Grant]  # calls used it, but another grant allows each of them, too
    noticed: list[Grant]  # without it a call of this run would have been judged otherwise


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document with its owner; `calls` are told apart by `who` for a role, by the resource otherwise."""

    owner: str
    document: dict[str, Any]

    def grants(self) -> Iterator[Grant]:
        """Every action on every resource of every statement."""
        statements = self.document.get("Statement", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            for action in _many(statement.get("Action")):
                for resource in _many(statement.get("Resource", "*")):
                    alone = {**statement, "Action": action}
                    if "Resource" in statement:
                        alone["Resource"] = resource
                    told = json.dumps(alone, sort_keys=True)
                    yield Grant(self.owner, statement["Effect"], action, resource, told)


def judge(policies: Iterable[Policy], calls: Iterable[Call]) -> Findings:
    """Compare the grants of the policies with the calls that were made under them."""
    found: dict[str, list[Grant]] = {"unused": [], "doubled": [], "noticed": []}
    by_subject: dict[str, list[Call]] = {}
    for call in calls:
        for subject in {call.who, f"trust of {call.resource}", f"policy of {_bucket_or_all(call.resource)}"}:
            by_subject.setdefault(subject, []).append(call)
    for policy in policies:
        grants = list(policy.grants())
        used: set[Grant] = set()
        needed: set[Grant] = set()
        for call in by_subject.get(policy.owner, ()):
            matching = [grant for grant in grants if _decides(grant, call)]
            used.update(matching)
            if len(matching) == 1:
                needed.update(matching)
        for grant in grants:
            found["noticed" if grant in needed else "doubled" if grant in used else "unused"].append(grant)
    return Findings(**found)


def _decides(grant: Grant, call: Call) -> bool:
    """Whether the grant by itself would have led to how the call was judged."""
    from ministack.core import iam_evaluator as iam

    if call.allowed != (grant.effect == "Allow"):
        return False
    conditions = dict(call.conditions)
    secure = conditions.pop("aws:securetransport", "true") != "false"
    kind, _, name = call.who.partition("/")
    arn = "*" if kind == "service" else f"arn:aws:iam::000000000000:{call.who}"
    context = iam.EvalContext(
        principal_arn=arn,
        principal_type="Service" if kind == "service" else "AssumedRole",
        principal_account=_account(call.resource),
        action=call.action,
        resource_arn=call.resource,
        region="us-east-1",
        secure_transport=secure,
        service_context=conditions,
    )
    document = {"Statement": [json.loads(grant.statement)]}
    if grant.owner.startswith("role/"):
        result = iam.evaluate(context, [iam.parse_policy_document(document)])
    else:
        result = iam.evaluate_resource_policy(document, context, service=f"{name}.amazonaws.com")
    return bool(result.decision == grant.effect)


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 and parts[4] else "000000000000"


def _bucket_or_all(arn: str) -> str:
    """The resource whose policy is asked: an object's bucket, else the resource itself."""
    return arn.partition("/")[0] if arn.startswith("arn:aws:s3:::") else arn


def _many(value: Any) -> Sequence[str]:
    return value if isinstance(value, list) else [value] if value else []


def plain(owner: str) -> str:
    """A role's name without what CloudFormation adds.

    >>> plain("role/minutemend-dev-FunctionsProcessRepairsRole73E5704E-98592AD7CE048")
    'FunctionsProcessRepairsRole'
    """
    return re.sub(r"(?:role/|arn:\S+:role/)?minutemend-[a-z]+-(\w+?)[0-9A-F]{8}\S*$", r"\1", owner)


def read_record(folder: Path) -> tuple[list[Policy], list[Call], list[Call]]:
    """Policies, calls and the denied calls that were not meant, of every stage of a run.

    Each stage left `NAME.json`: {"policies": [{"owner", "document"}], "calls": […], "meant": ["role/NAME ACTION"]}.
    """
    policies: dict[tuple[str, str], Policy] = {}
    calls: list[Call] = []
    strange: list[Call] = []
    for file in sorted(folder.glob("*.json")):
        record: Mapping[str, Any] = json.loads(file.read_text())
        for one in record["policies"]:
            policies[one["owner"], json.dumps(one["document"], sort_keys=True)] = Policy(**one)
        made = [Call(**one) for one in record["calls"]]
        meant = set(record["meant"])
        strange += [call for call in made if not call.allowed and not {call.who, f"{call.who} {call.action}"} & meant]
        calls += made
    return list(policies.values()), calls, strange
