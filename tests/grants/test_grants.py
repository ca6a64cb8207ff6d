"""Judged after the integration tests, on what they left: every grant is needed, and no call was denied.

`make grants` runs these, the last of `make test`; without a record they fail, because then nothing was looked at. A
record is of the stages that the tests start themselves.
"""

from __future__ import annotations

import re

import pytest

from local.aws.grants import Findings, Grant, judge, plain, read_record
from tests.integration.records import FOLDER, LACKING

# Grants that nothing local uses: whose, what and on what (as `plain` and the grant say it), and why all the same.
REASONS: tuple[tuple[str, str, str, str], ...] = (
    (r"AuditMachineRole|SchedulesRole", r"lambda:InvokeFunction", r".*:\*", "the CDK's tasks grant versions, too"),
    (r"AuditMachineRole", r"logs:.*", r"\*", "asked for when the machine is made, which the emulator does not check"),
    (r"AuditMachineRole", r"xray:.*", r"\*", "the machine's traces, which the emulator does not make"),
    (r"BackfillRole", r"(logs|xray):.*", r"\*", "as for the audit's machine"),
    (
        r"BackfillRole",
        r"states:(DescribeExecution|StopExecution)|events:(DescribeRule|PutRule|PutTargets)",
        r".*",
        "AWS' own way to wait for what it started, and to stop it; the emulator calls itself",
    ),
    (r".*Role", r"sqs:(ChangeMessageVisibility|GetQueueUrl)", r".*", "the CDK's event source grants these, too"),
    (
        r"FunctionsCaptureBarsRole",
        r"sqs:SendMessage",
        r".*",
        "for a vendor's pause or refusal: ProcessRepairs' own path",
    ),
    (
        r"Functions(CheckDataHealth|ReviewValues)Role",
        r"athena:StopQueryExecution",
        r".*",
        "for a query that outruns the step's time",
    ),
    (
        r"Functions(CheckDataHealth|RequestCaptures)Role",
        r"s3:(GetObject|PutObject)",
        r".*/(sessions|hours|symbols|settings)/.*",
        "seeds of a new stage, put by whichever runs first; `mend local up` has put them already",
    ),
    (
        r"Functions(CheckDataHealth|RequestCaptures)Role",
        r"ssm:GetParameter",
        r".*/symbols",
        "at times: the first list of a new stage is taken over once, by whichever runs first",
    ),
    (
        r"FunctionsPublishHoursRole",
        r"s3:DeleteObject",
        r".*",
        "at times: retired objects outlive the tests by `retire_after`",
    ),
    (
        r"FunctionsPublishHoursRole",
        r"s3:PutObject",
        r".*/superseded/.*",
        "at times: where a minute had two bars when it was compacted",
    ),
    (
        r"FunctionsAwaitRepairsRole",
        r"states:SendTaskSuccess",
        r".*",
        "at times: the workers were quicker than the token",
    ),
    (
        r"Functions(CheckDataHealth|ReviewValues)Role",
        r"s3:GetObject",
        r".*/athena/.*",
        "at times: a result of more than one page",
    ),
    (
        r"FunctionsRequestCapturesRole",
        r"s3:ListBucket",
        r".*",
        "at times: to be told that a new stage has no seeds yet",
    ),
    (r"SchedulesRole", r"sqs:SendMessage", r".*-schedules-dlq", "for a target that cannot be started"),
    (r"policy of arn:aws:s3:.*", r"s3:\*", r".*", "the TLS version, which the emulator does not know of a request"),
    (
        r"policy of arn:aws:s3:.*",
        r"s3:PutObject",
        r".*/access-logs/\*",
        "S3's own logs, which the emulator never writes",
    ),
)


def _meets(reason: tuple[str, str, str, str], grant: Grant) -> bool:
    told = (plain(grant.owner), grant.action, grant.resource)
    return all(re.fullmatch(pattern, word) for pattern, word in zip(reason[:3], told, strict=True))


def _without_reason(grants: list[Grant]) -> list[str]:
    return [str(grant) for grant in grants if not any(_meets(reason, grant) for reason in REASONS)]


@pytest.fixture(scope="module")
def findings() -> Findings:
    policies, calls, _ = read_record(FOLDER)
    assert calls, f"nothing was recorded in {FOLDER}: run `make integration` first"
    if (lacking := FOLDER / LACKING).exists():
        pytest.skip(f"{lacking.read_text()}: of a run without the tests that want them no grant can be called unused")
    return judge(policies, calls)


def test_every_grant_is_used(findings: Findings) -> None:
    """What no call needed is taken away, or has its reason above."""
    assert _without_reason(findings.unused) == []


def test_taking_any_grant_away_is_noticed(findings: Findings) -> None:
    """No call is allowed twice: each grant has a call that would have been judged otherwise without it."""
    assert _without_reason(findings.doubled) == []


def test_no_reason_is_left_over(findings: Findings) -> None:
    """A reason whose grants are gone, or are all used, goes too; "at times" is for what a run may need or not."""
    left = [*findings.unused, *findings.doubled]
    lasting = [reason for reason in REASONS if not reason[3].startswith("at times")]
    assert [reason for reason in lasting if not any(_meets(reason, grant) for grant in left)] == []


def test_nothing_was_denied() -> None:
    """But for the tests that are about denial, which say so."""
    _, _, strange = read_record(FOLDER)
    assert [f"{call.who} {call.action} on {call.resource}" for call in strange] == []
