"""The composition root of capture; the loop's is `compose`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minutemend.wiring import compose

if TYPE_CHECKING:
    from minutemend.services.capture import CaptureBars, RequestCaptures

# Requests that a capture worker has under way together: as many as `UrllibHttp` keeps connections for. A vendor that
# answers in 0.15 s is then asked for a chunk of 50 symbols in a second, not in eight.
AT_ONCE = 8


def request_captures() -> RequestCaptures:
    from minutemend.adapters.parameters import read_parameter
    from minutemend.adapters.sqs import SqsJobQueue
    from minutemend.core.captures import DropRule
    from minutemend.services.capture import RequestCaptures

    settings = compose.settings_of("request_captures")
    return RequestCaptures(
        lake=compose.lake(settings.data_bucket),
        queue=SqsJobQueue(compose.clients().sqs, queue_url=settings.capture_queue_url, dead_letter_url=""),
        parameter=lambda: read_parameter(ssm=compose.clients().ssm, name=settings.symbols_parameter),
        shipped_sessions=compose.shipped_sessions,
        settling=settings.settling_delay,
        vendors=settings.vendors,
        flaw=DropRule(settings.flaw_rate, settings.flaw_seed or 0) if settings.flaw_rate else None,
    )


def capture_bars() -> CaptureBars:
    """The capture worker; a minute is asked of the first vendor that serves its symbol's calendar."""
    from minutemend.adapters.sqs import SqsJobQueue
    from minutemend.services.capture import CaptureBars

    settings = compose.settings_of("capture_bars")
    return CaptureBars(
        lake=compose.lake(settings.data_bucket),
        board=compose.board(settings.board_table),
        queue=SqsJobQueue(
            compose.clients().sqs, queue_url=settings.capture_queue_url, dead_letter_url=settings.capture_dlq_url
        ),
        vendors=compose.vendors(settings.vendors, settings.vendor_secret),
        clock=compose.utc_now,
        max_receives=settings.max_receives,
        at_once=AT_ONCE,
    )
