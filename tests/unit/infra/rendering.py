"""A template as a person would review it: a text for each construct, references as words, no hashes of assets."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from infra.constructs.function import HANDLERS

# The stack's own constructs by the beginning of their logical ids, longest first, and whose snapshot shows them.
CONSTRUCTS = {
    "Alarms": "alarms",
    "Alarm": "alarm_topic",
    "Athena": "catalog",
    "Audit": "audit_machine",
    "Backfill": "backfill_machine",
    "Board": "board",
    "Buckets": "buckets",
    "Capture": "job_queue",
    "Catalog": "catalog",
    "Functions": "functions",
    "Layers": "layers",
    "Operations": "dashboard",
    "Parameters": "parameters",
    "Repair": "job_queue",
    "Schedules": "schedules",
}
STEPS = {
    path.stem: "".join(word.capitalize() for word in path.stem.split("_"))
    for path in sorted(HANDLERS.glob("*.py"))
    if path.stem != "__init__"
}
_ASSET = re.compile(r"[0-9a-f]{64}")


def construct_of(logical_id: str) -> str:
    """Whose snapshot shows the resource. Raises KeyError for a construct that CONSTRUCTS does not list."""
    name = next((name for name in CONSTRUCTS if logical_id.startswith(name)), logical_id)
    if name == "Functions":  # a text for each function: together they would be too long to review
        step = next(step for step in STEPS if logical_id.removeprefix(name).startswith(STEPS[step]))
        return f"functions.{step}"
    return CONSTRUCTS[name]


def render(templates: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """By construct: the YAML of the first stage's resources, then what differs in each other stage, as a diff.

    `templates` are by the name of their stage, which stands as STAGE in the text. Logical ids are whole: another id is
    another resource.
    """
    by_stage = {stage: _by_construct(template, stage) for stage, template in templates.items()}
    first, *others = by_stage
    shown = {}
    for construct, text in by_stage[first].items():
        parts = [f"# {first}\n{text}"]
        for stage in others:
            lines = text.splitlines(), by_stage[stage].get(construct, "").splitlines()
            diff = [
                line for line in difflib.unified_diff(*lines, n=0, lineterm="") if not line.startswith(("---", "+++"))
            ]
            parts.append("\n".join([f"# {stage} differs:", *(f"# {line}" for line in diff)]) + "\n")
        shown[construct] = "".join(parts)
    return shown


def _by_construct(template: dict[str, Any], stage: str) -> dict[str, str]:
    found: dict[str, dict[str, Any]] = {"stage": {"Outputs": template["Outputs"]}}
    for logical_id, resource in template["Resources"].items():
        found.setdefault(construct_of(logical_id), {})[logical_id] = _reviewed(resource)
    own = re.compile(rf"\b{stage}\b")
    return {construct: own.sub("STAGE", _ASSET.sub("ASSET", _yaml(part))) for construct, part in found.items()}


def _reviewed(resource: dict[str, Any]) -> dict[str, Any]:
    shown = {key: plain(value) for key, value in resource.items() if key != "Metadata"}
    properties = shown.get("Properties", {})
    if resource["Type"] == "AWS::CloudWatch::Dashboard":
        properties["DashboardBody"] = _widgets(properties["DashboardBody"])
    if resource["Type"] == "AWS::StepFunctions::StateMachine":
        properties["DefinitionString"] = json.loads(properties["DefinitionString"])
    tags = properties.pop("Tags", None)
    if isinstance(tags, list):  # of the tags the concern alone differs from resource to resource
        properties["Tags"] = {tag["Key"]: tag["Value"] for tag in tags if tag["Key"] == "concern"}
    return shown


def _yaml(part: dict[str, Any]) -> str:
    return yaml.dump(plain(part), width=150, sort_keys=True, default_flow_style=None, Dumper=_NoAliases)


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def plain(value: Any) -> Any:  # noqa: PLR0911 (a case each)
    """The value with references as `<LogicalId>` and joins and substitutions as one string."""
    match value:
        case {"Ref": str() as name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str() as name, str() as attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [str() as glue, list() as parts]}:
            return glue.join(str(plain(part)) for part in parts)
        case {"Fn::Sub": str() as text}:
            return text
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
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
