"""ExecuteDataTask: the range is healthy. Compact it, write its hourly facts, say that it is ready."""

from __future__ import annotations

from typing import Any

from minutemend.contract import Key
from minutemend.core.audits import AuditRequest
from minutemend.services import working_files
from minutemend.wiring import compose
from minutemend.wiring.environment import PublishSettings
from minutemend.wiring.telemetry import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
    """`event`: the state. Returns it; what was published lies in the results bucket."""
    results = compose.store(compose.settings_of(PublishSettings).results_bucket)
    request = AuditRequest.from_json(working_files.get_json(results, event[Key.REQUEST_KEY]))
    audit_id = event[Key.AUDIT_ID]
    published = compose.publish().run(request.range, request.symbols, audit_id=audit_id, now=compose.utc_now())
    working_files.put_json(results, working_files.published_key(audit_id), published.as_json())
    logger.info("published", extra={"audit_id": audit_id, "hours": published.hours, "changed": len(published.changed)})
    return event
