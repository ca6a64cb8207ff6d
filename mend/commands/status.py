"""`mend status`: how a stage is, on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from minutemend.contract import FEWEST_SESSION_DAYS
from minutemend.core.errors import BadInput
from minutemend.core.value_rules import RULES

from mend.captures import by_calendar, too_many
from mend.console import in_words, show, show_json, show_rows, tell
from mend.options import AtStage, format_option, stage_option

if TYPE_CHECKING:
    from mend.aws.executions import Execution
    from mend.stage import Stage

QUEUES = {
    "repair": "RepairQueueUrl",
    "repair dead letters": "RepairDlqUrl",
    "capture": "CaptureQueueUrl",
    "capture dead letters": "CaptureDlqUrl",
}
FLAGGED_DAYS = 7


@click.command()
@stage_option
@click.option("--limit", type=click.IntRange(1, 100), default=8, show_default=True, help="How many audits.")
@format_option
@click.pass_context
def command(ctx: click.Context, stage: AtStage, limit: int, style: str) -> None:
    """The state of a stage: its newest audits, its queues, its symbols and how long their sessions are known.

    Exit code 1 when the newest audit that ended has failed, there are dead letters, the list of symbols is refused, or
    a calendar has less than 60 days of sessions left.

    \b
    Examples:
      mend status --stage dev
      mend status --stage local --format json
    """
    from mend.aws.dead_letters import depth
    from mend.aws.executions import describe, newest

    opened = stage.opened
    clients = opened.clients
    queues = {name: asdict(depth(clients.sqs, opened.output(key))) for name, key in QUEUES.items()}
    machine = clients.stepfunctions
    audits = [describe(machine, one.arn) for one in newest(machine, opened.output("StateMachineArn"), limit=limit)]
    symbols, refused = _interest(opened)
    found: dict[str, Any] = {
        "stage": opened.name,
        "where": opened.where,
        "vendors": _vendors(opened, now=datetime.now(UTC)),
        "captures": too_many(opened.vendors, symbols),
        "symbols": symbols,
        "symbols_refused": refused,
        "sessions": _sessions(opened, symbols, now=datetime.now(UTC)),
        "flags": _flags(opened, now=datetime.now(UTC)),
        "queues": queues,
        "audits": [_audit(one) for one in audits],
    }
    _print(found, style)
    ended = [one for one in audits if not one.running]
    dead = any(queues[name]["waiting"] for name in queues if name.endswith("dead letters"))
    failed = ended and ended[0].status != "SUCCEEDED"
    ctx.exit(1 if dead or failed or refused or any(one["ends_soon"] for one in found["sessions"]) else 0)


def _vendors(opened: Stage, *, now: datetime) -> list[dict[str, Any]]:
    """Whom the functions ask, for which calendars (none: for all), and until when each wants to be let alone."""
    paused = opened.pauses(now=now)
    return [
        {
            "vendor": one.name,
            "calendars": list(one.calendars),
            "per_minute": one.per_minute,
            "paused_until": paused.get(one.name),
        }
        for one in opened.vendors
    ]


def _audit(one: Execution) -> dict[str, Any]:
    """An audit: what it was asked, and how it went. A scheduled one was asked nothing: its state says the range."""
    said = {**(one.input or {}), **(one.output or {})}
    return {
        "name": one.name,
        "status": one.status,
        "start": said.get("start"),
        "end": said.get("end"),
        "symbols": (one.input or {}).get("symbols"),
        "missing": (one.output or {}).get("missing"),
        "started": one.started,
        "stopped": one.stopped,
        "error": one.error,
        "cause": one.cause,
    }


def _interest(opened: Stage) -> tuple[dict[str, int], str | None]:
    """By calendar how many symbols are followed, and why the newest list is refused (None: it is not)."""
    try:
        interest = opened.interest()
    except BadInput as reason:  # and there never was a good one: all the rest is to be seen nevertheless
        return {}, str(reason)
    return by_calendar(interest.listings), interest.refused


def _sessions(opened: Stage, calendars: Iterable[str], *, now: datetime) -> list[dict[str, Any]]:
    """How long the sessions of each followed calendar are known."""
    known = opened.lake.calendars.known()
    if not known:
        return []  # they come with the first audit
    ends = {name: known[name].end if name in known else None for name in calendars}
    left = {name: max((end - now).days, 0) if end else 0 for name, end in ends.items()}
    return [
        {"calendar": name, "known_until": end, "days_left": left[name], "ends_soon": left[name] < FEWEST_SESSION_DAYS}
        for name, end in ends.items()
    ]


def _flags(opened: Stage, *, now: datetime) -> dict[str, int]:
    """By rule how many values that cannot be right the nights have flagged in the newest days."""
    dates = [(now - timedelta(days=ago)).date() for ago in range(FLAGGED_DAYS)]
    rules = Counter(one.rule for one in opened.lake.flags.read(dates))
    return {rule: rules[rule] for rule in RULES if rules[rule]}


def _print(found: dict[str, Any], style: str) -> None:
    if style == "json":
        show_json(found)
        return
    symbols = ", ".join(f"{calendar}: {number:,}" for calendar, number in found["symbols"].items())
    show(f"{found['stage']} at {found['where']}\nsymbols of interest: {symbols or 'none'}")
    if found["symbols_refused"]:
        tell(f"the list of symbols is refused, and the last good one in force: {found['symbols_refused']}")
    for one in found["sessions"]:
        if one["ends_soon"]:
            until = one["known_until"].date() if one["known_until"] else "no day at all"
            tell(
                f"the sessions of {one['calendar']} are known until {until}, {one['days_left']} days from now; "
                f"next: mend sessions refresh --stage {found['stage']} --calendar {one['calendar']}"
            )
    for warning in found["captures"]:
        tell(warning)
    if found["flags"]:
        rules = ", ".join(f"{number:,} {rule}" for rule, number in found["flags"].items())
        since = f"{datetime.now(UTC) - timedelta(days=FLAGGED_DAYS - 1):%Y-%m-%d}"
        tell(
            f"values that cannot be right, in {FLAGGED_DAYS} days: {rules}; "
            f"next: mend verdicts --values --stage {found['stage']} --start {since} --end today"
        )
    show_rows([{**one, "calendars": ", ".join(one["calendars"]) or "all"} for one in found["vendors"]], style=style)
    show_rows([{"queue": name, **depth} for name, depth in found["queues"].items()], style=style)
    show_rows([_in_words(one) for one in found["audits"]], style=style, empty="no audit has run yet: mend repair")


def _in_words(audit: dict[str, Any]) -> dict[str, Any]:
    """An audit in the columns of a terminal."""
    symbols, why = audit["symbols"], f"{audit['error']}: {audit['cause']}"[:200] if audit["error"] else ""
    if audit["status"] == "SUCCEEDED" and audit["missing"]:  # a night asked again
        why = f"{audit['missing']:,} minutes are still missing, as was reported before: mend verdicts"
    return {
        "audit": audit["name"],
        "of": in_words(f"{audit['start']} to {audit['end']}") if audit["start"] else "",
        "symbols": "all" if symbols is None else ",".join(symbols[:3]) + ("…" if len(symbols) > 3 else ""),
        "status": audit["status"].lower(),
        "started": audit["started"],
        "why": why,
    }
