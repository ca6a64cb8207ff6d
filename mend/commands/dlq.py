"""`mend dlq`: what the workers gave up, another chance for it, or none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mend.console import in_words, show, show_json, show_rows
from mend.options import AtStage, format_option, stage_option
from mend.problems import Problem

if TYPE_CHECKING:
    from mend.aws.dead_letters import DeadLetter

QUEUES = {"repair": ("RepairDlqUrl", "RepairQueueUrl"), "capture": ("CaptureDlqUrl", "CaptureQueueUrl")}
queue_option = click.option(
    "--queue", type=click.Choice(list(QUEUES)), default="repair", show_default=True, help="Whose dead letters."
)


@click.group()
def command() -> None:
    """List, redrive and discard dead letters: jobs that the workers gave up, each with its reason.

    \b
    Examples:
      mend dlq list --stage dev
      mend dlq redrive --stage dev --queue repair
      mend dlq discard --stage dev --message-id 6f1c…
    """


@command.command("list")
@stage_option
@queue_option
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many at most.")
@format_option
def list_(stage: AtStage, queue: str, limit: int, style: str) -> None:
    """Show dead letters with the reasons beside them; they stay where they are."""
    from mend.aws.dead_letters import dead_letters

    opened = stage.opened
    letters = dead_letters(opened.clients.sqs, opened.output(QUEUES[queue][0]), limit=limit)
    rows = [_row(letter, style) for letter in letters]
    show_rows(rows, style=style, empty=f"no dead letters in the {queue} queue")


@command.command()
@stage_option
@queue_option
@format_option
def redrive(stage: AtStage, queue: str, style: str) -> None:
    """Send the dead letters back to their queue. Work that was done already is not done twice."""
    from mend.aws.dead_letters import redrive as redrive_letters

    opened = stage.opened
    dead, alive = (opened.output(key) for key in QUEUES[queue])
    moved = redrive_letters(opened.clients.sqs, dead_letter_url=dead, queue_url=alive, now=datetime.now(UTC))
    if style == "json":
        show_json({"queue": queue, "redriven": moved})
    elif moved:
        show(f"{moved} sent back to the {queue} queue; next: mend dlq list --stage {opened.option} --queue {queue}")
    else:
        show(f"no dead letters in the {queue} queue: nothing to redrive")


@command.command()
@stage_option
@queue_option
@click.option("--message-id", "ids", multiple=True, metavar="ID", help="This letter, as `mend dlq list` names it.")
@click.option("--all", "every", is_flag=True, help="Every letter that is there now.")
@format_option
def discard(stage: AtStage, queue: str, ids: tuple[str, ...], every: bool, style: str) -> None:
    """Throw dead letters away: poison that no redrive mends. Minutes that they stood for stay missing."""
    from mend.aws.dead_letters import discard as discard_letters

    if bool(ids) == every:
        raise click.UsageError("name letters by --message-id, or give --all: one of the two")
    opened = stage.opened
    wanted = None if every else set(ids)
    gone = discard_letters(opened.clients.sqs, opened.output(QUEUES[queue][0]), wanted=wanted)
    show_rows([_row(letter, style) for letter in gone], style=style, empty=f"no dead letters in the {queue} queue")
    unknown = sorted((wanted or set()) - {letter.message_id for letter in gone})
    if unknown:
        raise Problem(
            f"the {queue} queue has no dead letter {', '.join(unknown)}",
            hint=f"mend dlq list --stage {opened.option} --queue {queue}",
        )


def _row(letter: DeadLetter, style: str) -> dict[str, Any]:
    """One letter, whole where a script reads it."""
    return {
        "message_id": letter.message_id,
        "sent_at": letter.sent_at,
        "reason": letter.attributes.get("reason", "received too often"),
        "audit_id": letter.attributes.get("audit_id"),
        "job": _job(letter.body) if style == "table" else letter.body,
    }


def _job(body: str) -> str:
    """A job in a few words; a poison body as it is, cut short."""
    try:
        job = json.loads(body)
        return in_words(f"{','.join(job['symbols'])} {job['start']} to {job['end']} from {job['vendor']}")
    except (ValueError, KeyError, TypeError):
        return body[:80]
