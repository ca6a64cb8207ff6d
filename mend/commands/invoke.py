"""`mend invoke`: a handler in this process, so that a breakpoint in the layer's code is hit."""

from __future__ import annotations

import json
import os
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from minutemend.contract import HANDLERS

from mend.commands.sessions import put_sessions
from mend.console import show_json
from mend.options import AtStage, stage_option
from mend.problems import Problem

EVENTS = Path(__file__).resolve().parents[2] / "examples" / "events"


class Context:
    """What a handler asks of the Lambda context: its name, its id, and how long it still has."""

    memory_limit_in_mb = 1024
    log_group_name = "mend-invoke"
    log_stream_name = "mend-invoke"

    def __init__(self, function_name: str, *, seconds: float) -> None:
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:local:000000000000:function:{function_name}"
        self.aws_request_id = "mend-invoke"
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the time that was given is over, at least 0."""
        return max(0, int((self._until - time.monotonic()) * 1000))


@click.command()
@click.argument("handler", type=click.Choice(HANDLERS))
@stage_option
@click.option(
    "--event",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A JSON file with the event, or - for standard input.",
)
@click.option("--seconds", type=float, default=900.0, show_default=True, help="How long the handler believes it has.")
def command(handler: str, *, stage: AtStage, event: Path, seconds: float) -> None:
    """Run a HANDLER in this process with the environment of the deployed function, and print what it returns.

    Set a breakpoint() anywhere in runtime/: it stops there, in your terminal or your editor's debugger. The handler
    works on the stage's real data.

    \b
    Examples:
      mend invoke check_data_health --stage local --event examples/events/check_data_health.json
      echo '{"Records": []}' | mend invoke process_repairs --stage local --event -
    """
    import sys

    from mend.aws.stacks import function_environment

    try:
        given: Any = json.loads(sys.stdin.read() if str(event) == "-" else event.read_text())
    except ValueError as broken:
        raise Problem(f"{event} is no JSON: {broken}") from None
    _fits(given, handler)
    opened = stage.opened
    if not opened.lake.calendars.known():
        put_sessions(opened)  # a deployed function has a file of them in its layer; here there is none
    function = opened.output("".join(word.capitalize() for word in handler.split("_")) + "Function")
    os.environ.update(function_environment(opened.clients.functions, function))
    os.environ.setdefault("AWS_REGION", opened.settings.region)
    os.environ["AWS_XRAY_SDK_ENABLED"] = "false"
    os.environ["POWERTOOLS_TRACE_DISABLED"] = "true"
    from minutemend.wiring import compose

    compose.shipped_sessions = bytes  # a layer ships sessions, a clone does not: none are renewed from here
    run = import_module(f"runtime.handlers.{handler}").handler
    show_json(run(given, Context(function, seconds=seconds)))


def _fits(given: Any, handler: str) -> None:
    """Raises Problem when the event lacks what the handler's example has."""
    example = EVENTS / f"{handler}.json"
    fields = json.loads(example.read_text())
    if handler == "check_data_health" and isinstance(given, dict) and "input" not in given:
        fields = json.loads((EVENTS / "queue_repairs.json").read_text())  # its own state, of a later look
    lacks = list(fields) if not isinstance(given, dict) else sorted(set(fields) - set(given))
    if lacks:
        raise Problem(
            f"an event of {handler} has {', '.join(fields)}; this one lacks {', '.join(lacks)}",
            hint=f"start from examples/events/{example.name}",
        )
