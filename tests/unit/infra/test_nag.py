"""What others have found to go wrong: cdk-nag's AwsSolutions. cfn-lint takes seconds a template and looks at what
`cdk synth` writes in tests/integration/test_templates.py."""

from __future__ import annotations

from tests.unit.infra.conftest import Synthesized


def test_cdk_nag_has_no_finding_without_a_reason(synthesized: Synthesized) -> None:
    """Each wildcard is a finding of its own: its reason stands where infra/constructs/grants.py is called."""
    assert synthesized.findings == []
