"""`mend dlq`: what the workers gave up, and another chance for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from cli.options import format_option, stage_option

QUEUES = {"repair": ("RepairDlqUrl", "RepairQueueUrl"), "capture": ("CaptureDlqUrl", "CaptureQueueUrl")}
queue_option = click.option(
    "--queue", type=click.Choice(list(QUEUES)), default="repair", show_default=True, help="Whose dead letters."
)


@click.group()
def command() -> None:
    """List and redrive dead letters: jobs that the workers gave up, each with its reason.

    \b
    Examples:
      mend dlq list --stage dev
      mend dlq redrive --stage dev --queue repair
    """


@command.command("list")
@stage_option
@queue_option
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many at most.")
@format_option
def list_(stage: str, queue: str, limit: int, style: str) -> None:
    """Show dead letters with the reasons beside them; they stay where they are."""
    from minutemend.adapters.dead_letters import dead_letters

    from cli.console import show_rows
    from cli.stage import open_stage

    opened = open_stage(stage)
    letters = dead_letters(opened.clients.sqs, opened.output(QUEUES[queue][0]), limit=limit)
    rows: list[dict[str, Any]] = [
        {
            "message_id": letter.message_id,
            "sent_at": letter.sent_at,
            "reason": letter.attributes.get("reason", "received too often"),
            "audit_id": letter.attributes.get("audit_id"),
            "job": _job(letter.body) if style == "table" else letter.body,
        }
        for letter in letters
    ]
    show_rows(rows, style=style, empty=f"no dead letters in the {queue} queue")


@command.command()
@stage_option
@queue_option
@format_option
def redrive(stage: str, queue: str, style: str) -> None:
    """Send the dead letters back to their queue. Work that was done already is not done twice."""
    from minutemend.adapters.dead_letters import redrive as redrive_letters

    from cli.console import show, show_json
    from cli.stage import open_stage

    opened = open_stage(stage)
    dead, alive = (opened.output(key) for key in QUEUES[queue])
    moved = redrive_letters(opened.clients.sqs, dead_letter_url=dead, queue_url=alive, now=datetime.now(UTC))
    if style == "json":
        show_json({"queue": queue, "redriven": moved})
    elif moved:
        show(f"{moved} sent back to the {queue} queue; next: mend dlq list --stage {opened.option} --queue {queue}")
    else:
        show(f"no dead letters in the {queue} queue: nothing to redrive")


def _job(body: str) -> str:
    """A job in a few words; a poison body as it is, cut short."""
    try:
        job = json.loads(body)
        return f"{','.join(job['symbols'])} {job['start']} to {job['end']} from {job['vendor']}"
    except (ValueError, KeyError, TypeError):
        return body[:80]
