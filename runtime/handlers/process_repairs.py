"""ProcessRepairs: the worker on the repair queue. Answers with the messages that are to come again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from minutemend.adapters.sqs import received
from minutemend.contract import Metric
from minutemend.services.worker import Received, Tally
from minutemend.wiring import compose
from minutemend.wiring.telemetry import emit, emit_vendors, logger

# Writing what the last answer holds, after the vendor has taken all of its time.
RESERVE = timedelta(seconds=4)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`event`: SQS records. Returns a partial batch response."""
    settings = compose.settings_of("process_repairs")
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    slowest = max(vendor.timeout for vendor in settings.vendors)
    service = compose.process_repairs(lease=left + RESERVE)
    batch = [Received(*record) for record in received(event["Records"])]
    tally = service.run(batch, deadline=compose.utc_now() + max(left - slowest - RESERVE, left / 4))
    for line in tally.events:
        logger.info(line["event"], extra=line)
    measure(settings.stage, tally)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in tally.failed]}


def measure(stage: str, tally: Tally) -> None:
    """One line for the minutes, one for each vendor."""
    if tally.bars:
        emit(stage, {Metric.REPAIRED: tally.bars})
    emit_vendors(stage, requests=tally.requests, errors=tally.errors, throttles=tally.throttles)
