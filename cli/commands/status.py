"""`mend status`: how a stage is, on one screen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from cli.options import format_option, stage_option

QUEUES = {
    "repair": "RepairQueueUrl",
    "repair dead letters": "RepairDlqUrl",
    "capture": "CaptureQueueUrl",
    "capture dead letters": "CaptureDlqUrl",
}


@click.command()
@stage_option
@click.option("--limit", type=click.IntRange(1, 100), default=8, show_default=True, help="How many audits.")
@format_option
@click.pass_context
def command(ctx: click.Context, stage: str, limit: int, style: str) -> None:
    """How a stage is: its newest audits, its queues, its symbols.

    Exit code 1 when the newest audit that ended has failed, or there are dead letters.

    \b
    Examples:
      mend status --stage dev
      mend status --stage local --format json
    """
    from minutemend.adapters.dead_letters import depth
    from minutemend.adapters.executions import newest
    from minutemend.adapters.parameters import get_interested_stocks

    from cli.stage import open_stage

    opened = open_stage(stage)
    clients = opened.clients
    queues = {name: asdict(depth(clients.sqs, opened.output(key))) for name, key in QUEUES.items()}
    audits = newest(clients.stepfunctions, opened.output("StateMachineArn"), limit=limit)
    listings = get_interested_stocks(ssm=clients.ssm, parameter=opened.output("SymbolsParameter"))
    calendars: dict[str, int] = {}
    for listing in listings:
        calendars[listing.calendar] = calendars.get(listing.calendar, 0) + 1
    found: dict[str, Any] = {
        "stage": opened.name,
        "where": opened.where,
        "vendors": [vendor.name for vendor in opened.settings.vendors],
        "symbols": calendars,
        "queues": queues,
        "audits": [
            {"name": one.name, "status": one.status, "started": one.started, "stopped": one.stopped} for one in audits
        ],
    }
    _print(found, style)
    ended = [one for one in audits if not one.running]
    dead = any(queues[name]["waiting"] for name in queues if name.endswith("dead letters"))
    ctx.exit(1 if dead or (ended and ended[0].status != "SUCCEEDED") else 0)


def _print(found: dict[str, Any], style: str) -> None:
    from cli.console import show, show_json, show_rows

    if style == "json":
        show_json(found)
        return
    symbols = ", ".join(f"{number} {calendar}" for calendar, number in found["symbols"].items())
    show(f"{found['stage']} at {found['where']}\nsymbols of interest: {symbols}")
    show_rows([{"queue": name, **depth} for name, depth in found["queues"].items()], style=style)
    show_rows(found["audits"], style=style, empty="no audit has run yet; `mend repair` starts one")
