"""Each thing that is lacking is a finding of its own, with what mends it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mend.aws.readiness import account
from mend.doctor import State, machine


def _clone(root: Path) -> Path:
    (root / "requirements").mkdir()
    for name in ("requirements/dev.txt", "pyproject.toml", "package-lock.json"):
        (root / name).touch()
        os.utime(root / name, (1, 1))
    for name in (".venv", "node_modules"):
        (root / name).mkdir()
        (root / name / ".installed").touch()
    return root


def test_a_clone_in_which_all_is_there_lacks_nothing(tmp_path: Path) -> None:
    found = {one.what: one for one in machine(_clone(tmp_path))}
    assert found["installed"].state is State.OK
    assert all(one.mend for one in found.values() if one.state is State.LACKING)


def test_a_lock_that_is_newer_than_what_is_installed_is_said(tmp_path: Path) -> None:
    os.utime(_clone(tmp_path) / "package-lock.json", None)
    os.utime(tmp_path / "node_modules/.installed", (2, 2))
    (found,) = (one for one in machine(tmp_path) if one.what == "installed")
    assert (found.state, found.mend) == (State.LACKING, "make setup")
    assert "node_modules" in found.said
    assert ".venv" not in found.said


def test_without_node_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {one.what: one for one in machine(_clone(tmp_path))}
    assert (found["Node.js"].state, found["Node.js"].mend) == (State.LACKING, "install Node.js 20 or newer")
    assert found["browser"].state is State.NOTE


def _clients(*, bootstrap: str | None, most: int) -> Any:
    def parameter(**_: Any) -> dict[str, Any]:
        if bootstrap is None:
            raise ClientError({"Error": {"Code": "ParameterNotFound"}}, "GetParameter")
        return {"Parameter": {"Value": bootstrap}}

    limits = {"AccountLimit": {"ConcurrentExecutions": most}}
    return SimpleNamespace(
        sts=SimpleNamespace(get_caller_identity=lambda: {"Account": "111122223333", "Arn": "arn:aws:iam::1:user/a"}),
        ssm=SimpleNamespace(get_parameter=parameter),
        functions=SimpleNamespace(get_account_settings=lambda: limits),
    )


def test_a_new_account_is_bootstrapped_by_the_command_that_it_names() -> None:
    found = {one.what: one for one in account(_clients(bootstrap=None, most=10), region="eu-west-1")}
    assert found["CDK bootstrap"].state is State.LACKING
    assert found["CDK bootstrap"].mend == "npx cdk bootstrap aws://111122223333/eu-west-1"
    assert found["Lambda quota"].state is State.NOTE


def test_an_account_that_is_ready_says_so() -> None:
    found = list(account(_clients(bootstrap="28", most=1000), region="eu-west-1"))
    assert {one.state for one in found} == {State.OK}
