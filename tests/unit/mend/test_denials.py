"""A denial names who, what, on what, and where it is granted."""

from __future__ import annotations

import pytest

from local.deployment import ROOT
from mend import denials
from mend.denials import explain_denial
from mend.problems import explain

TASK = "User: arn:aws:sts::111111111111:assumed-role/minutemend-dev-Functions{role}Role73E5704E-98592AD7CE048/{session}"
NO_POLICY = (
    "is not authorized to perform: {action} on resource: {on} "
    "because no identity-based policy allows the {action} action"
)
TABLE = "arn:aws:dynamodb:us-east-1:111111111111:table/minutemend-dev-board"


def _said(who: str, action: str, on: str) -> str:
    return f"{who} {NO_POLICY.format(action=action, on=on)}"


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        (
            "An error occurred (AccessDeniedException) when calling the UpdateItem operation: "
            + _said(
                TASK.format(role="ProcessRepairs", session="minutemend-dev-process-repairs"),
                "dynamodb:UpdateItem",
                TABLE,
            ),
            f"the function minutemend-dev-process-repairs may not dynamodb:UpdateItem on {TABLE}",
            f"allow dynamodb:UpdateItem in {denials.FUNCTIONS}, _process_repairs, and deploy",
        ),
        (
            _said(TASK.format(role="Q", session="minutemend-dev-alice-queue-repairs"), "sqs:SendMessage", "arn:q"),
            "the function minutemend-dev-alice-queue-repairs may not sqs:SendMessage on arn:q",
            f"allow sqs:SendMessage in {denials.FUNCTIONS}, _queue_repairs, and deploy",
        ),
        (
            _said(TASK.format(role="Machine", session="minutemend-prod-audit"), "lambda:InvokeFunction", "arn:f"),
            "the state machine minutemend-prod-audit may not lambda:InvokeFunction on arn:f",
            f"allow lambda:InvokeFunction in {denials.MACHINES['audit']}, and deploy",
        ),
        (
            _said("User: arn:aws:iam::111111111111:user/jane", "s3:GetObject", '"arn:aws:s3:::lake/bars/x"'),
            "user jane may not s3:GetObject on arn:aws:s3:::lake/bars/x",
            "an administrator allows s3:GetObject to it, or set AWS_PROFILE to another profile",
        ),
        (
            _said(
                "User: arn:aws:sts::111111111111:assumed-role/Reader/jane", "sts:AssumeRole", "arn:aws:iam::2:role/R"
            ),
            "the role Reader (session jane) may not sts:AssumeRole on arn:aws:iam::2:role/R",
            "an administrator allows sts:AssumeRole to it, or take on another role",
        ),
        (
            "User: arn:aws:iam::1:user/x is not authorized to perform: sqs:sendmessage on resource: arn:q "
            "with an explicit deny in a resource-based policy",
            "user x may not sqs:sendmessage on arn:q: an explicit deny in a resource-based policy",
            "find the policy that denies it; no grant helps",
        ),
        (
            "User: arn:aws:iam::1:user/x is not authorized to perform: s3:ListAllMyBuckets because no policy allows it",
            "user x may not s3:ListAllMyBuckets on its resource",
            "an administrator allows s3:ListAllMyBuckets to it, or set AWS_PROFILE to another profile",
        ),
    ],
)
def test_a_denial_is_explained(text: str, what: str, where: str) -> None:
    """For a function with the place in the code."""
    assert explain_denial(text) == (what, where)


def test_other_words_are_no_denial() -> None:
    assert explain_denial("The specified bucket does not exist") is None


def test_the_places_that_are_named_are_there() -> None:
    """Each step has its method where the message sends its reader."""
    functions = (ROOT / denials.FUNCTIONS).read_text()
    handlers = [path.stem for path in (ROOT / "runtime" / "handlers").glob("*.py") if path.stem != "__init__"]
    assert [name for name in handlers if f"def _{name}(" not in functions] == []
    assert sorted(handlers) == sorted(denials.HANDLERS)
    assert [place for place in denials.MACHINES.values() if not (ROOT / place).exists()] == []


def test_the_command_line_says_it_so() -> None:
    """With AWS' own code."""
    from botocore.exceptions import ClientError

    text = _said("User: arn:aws:iam::111111111111:user/jane", "s3:GetObject", "arn:aws:s3:::lake/x")
    problem = ClientError({"Error": {"Code": "AccessDenied", "Message": text}}, "GetObject")
    assert explain(problem) == (
        "user jane may not s3:GetObject on arn:aws:s3:::lake/x (AccessDenied)\n"
        "  next: an administrator allows s3:GetObject to it, or set AWS_PROFILE to another profile"
    )
