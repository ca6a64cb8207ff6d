"""What mypy looks at: of the CDK the modules that infra names, each of which it has to follow."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _named(source: Path) -> set[str]:
    """The services of the CDK that a file imports, as `aws_cdk.aws_…`."""
    imported = [one for one in ast.walk(ast.parse(source.read_text())) if isinstance(one, ast.ImportFrom)]
    from_the_cdk = {f"aws_cdk.{one.name}" for found in imported if found.module == "aws_cdk" for one in found.names}
    modules = {found.module for found in imported if found.module}
    return {name for name in from_the_cdk | modules if name.startswith("aws_cdk.aws_")}


def test_every_service_that_infra_names_is_followed() -> None:
    """And none besides: of a module that is not followed every type is Any, and nothing said of it is checked."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    [followed] = [one["module"] for one in overrides if one.get("follow_imports") == "normal"]
    named = set().union(*(_named(source) for source in [ROOT / "app.py", *(ROOT / "infra").rglob("*.py")]))
    assert len(named) > 10
    assert {name for name in followed if name.startswith("aws_cdk.aws_")} == named
