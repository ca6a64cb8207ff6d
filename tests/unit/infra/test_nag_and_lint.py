"""What others have found to go wrong: cdk-nag's AwsSolutions, and cfn-lint."""

from __future__ import annotations

import json
from pathlib import Path

from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.unit.infra.conftest import Synthesized

# CDK lists a function's role in DependsOn beside its policy, on purpose (.cfnlintrc.yaml says it to the tool).
IGNORED = ["W3005"]


def test_cdk_nag_has_no_finding_without_a_reason(synthesized: Synthesized) -> None:
    """Each wildcard is a finding of its own: its reason stands where infra/constructs/grants.py is called."""
    assert synthesized.findings == []


def test_cfn_lint_finds_nothing_in_prod(synthesized: Synthesized) -> None:
    """Dev's is looked at by tests/integration/test_templates.py: cfn-lint takes seconds a template."""
    found = lint(
        json.dumps(synthesized.templates["prod"]),
        regions=["us-east-1"],
        config=ManualArgs(ignore_checks=IGNORED),
    )
    assert [str(match) for match in found] == []


def test_the_tool_alone_ignores_the_same() -> None:
    configured = (Path(__file__).resolve().parents[3] / ".cfnlintrc.yaml").read_text()
    assert all(rule in configured for rule in IGNORED)
