"""A template as a person would review it: no hashes, references as text, one line for what fits on one."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

_HASH = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"(?<=[a-z])[0-9A-F]{8}\b")


def render(template: dict[str, Any]) -> str:
    """YAML of the template's resources and outputs, stable under changes that mean nothing."""
    shown = {"Resources": template["Resources"], "Outputs": template["Outputs"]}
    plain = _plain(shown)
    for resource in plain["Resources"].values():
        resource.pop("Metadata", None)
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::CloudWatch::Dashboard":
            properties["DashboardBody"] = _widgets(properties["DashboardBody"])
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            properties["DefinitionString"] = json.loads(properties["DefinitionString"])
        _drop_tags(properties)
    text = yaml.dump(plain, width=150, sort_keys=True, default_flow_style=None, Dumper=_NoAliases)
    return _HASH.sub("HASH", _SUFFIX.sub("", text))


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _drop_tags(properties: dict[str, Any]) -> None:
    """Of the tags the concern alone differs from resource to resource."""
    tags = properties.pop("Tags", None)
    if isinstance(tags, list):
        properties["Tags"] = {tag["Key"]: tag["Value"] for tag in tags if tag["Key"] == "concern"}


def _plain(value: Any) -> Any:  # noqa: PLR0911 (a case each)
    match value:
        case {"Ref": str() as name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str() as name, str() as attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [str() as glue, list() as parts]}:
            return glue.join(str(_plain(part)) for part in parts)
        case {"Fn::Sub": str() as text}:
            return text
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value


def _widgets(body: str) -> list[str]:
    """One line a widget: its title and the metrics on it."""
    lines = []
    for widget in json.loads(body)["widgets"]:
        shown = widget["properties"]
        metrics = [m[1] if len(m) > 1 else "expression" for m in shown.get("metrics", [])]
        named = ", ".join(sorted(set(metrics))) or f"{len(shown.get('alarms', []))} alarms"
        lines.append(f"{shown['title']}: {named}")
    return lines
