"""ExecuteDataTask: compact the range, write its hourly facts, say which of its symbols are ready."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from minutemend.contract import Key, Status
from minutemend.core.audit_state import AuditState
from minutemend.core.audits import AuditRequest
from minutemend.services import working_files
from minutemend.wiring import compose
from minutemend.wiring.telemetry import logger


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`event`: the state. Returns it; what was published lies in the results bucket.

    No date is begun in the second half of the time that there is: the state then says where to go on.
    """
    half = context.get_remaining_time_in_millis() / 2
    results = compose.store(compose.settings_of("publish_hours").results_bucket)
    request = AuditRequest.from_json(working_files.get_json(results, event[Key.REQUEST_KEY]))
    state = AuditState.of(event)
    lacks = state.status in (Status.EXHAUSTED, Status.KNOWN)  # what is whole is published all the same
    begin = date.fromisoformat(state.publish_from) if state.publish_from else None
    published = compose.publish().run(
        request.range,
        request.symbols,
        audit_id=state.audit_id,
        now=compose.utc_now(),
        missing=working_files.missing_minutes(results, event[Key.GAPS_KEY]) if lacks else {},
        begin=begin,
        out_of_time=lambda: context.get_remaining_time_in_millis() < half,
    )
    working_files.put_json(results, working_files.published_key(state.audit_id, begin), published.as_json())
    logger.info(
        "published", extra={"audit_id": state.audit_id, "hours": published.hours, "changed": len(published.changed)}
    )
    goes_on = None if published.goes_on is None else published.goes_on.isoformat()
    return replace(state, publish_from=goes_on).as_json()
