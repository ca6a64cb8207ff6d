"""`mend repair`: an audit that repairs what it finds missing."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from minutemend.core.minutes import format_instant

from mend.aws import executions
from mend.commands.sessions import refuse_unknown, told, untold
from mend.console import progress, say, show, show_json
from mend.denials import explain_denial
from mend.follow import Followed, describe_news, follow
from mend.options import Asked, asked, format_option

if TYPE_CHECKING:
    from mend.stage import Stage


@click.command()
@asked
@click.option("--attempts", type=int, default=3, show_default=True, help="How often to ask for what stays missing.")
@click.option("--recheck", is_flag=True, help="Ask again, at once, for what rests on one vendor's word.")
@click.option("--wait", is_flag=True, help="Follow the audit attempt by attempt, to its end.")
@format_option
@click.pass_context
def command(ctx: click.Context, asked: Asked, *, attempts: int, recheck: bool, wait: bool, style: str) -> None:
    """Audit a range and repair what is missing: starts the state machine.

    The same audit may be run again at any time. With --wait the exit code is 0 when every minute is accounted for, 1
    when some could not be repaired, 2 when the machine refused the range.

    With --recheck the vendor is asked once more for minutes that are absent on its word alone, and for those of which
    its hole is suspected: what it has loaded meanwhile is repaired. The stage does so by itself, at night, 1, 7 and 30
    days after the vendor's second answer.

    \b
    Examples:
      mend repair --stage dev --start yesterday --wait
      mend repair --stage dev --start 2013-10-04 --symbols IBM,AIG --attempts 5 --wait
    """
    from minutemend.core.audits import AuditRequest

    now, window = asked.now, asked.past
    given: dict[str, Any] = {"start": format_instant(window.start), "end": format_instant(window.end)}
    given["attempts"] = attempts
    if recheck:
        given["recheck"] = True
    if asked.wanted is not None:
        given["symbols"] = list(asked.wanted)
    # What the machine would refuse is refused here, before anything is started.
    AuditRequest.from_input(given, scheduled_at=now, due=now)
    opened = asked.opened
    followed = opened.interest().listings
    if asked.wanted is not None:
        refuse_unknown(opened, asked.wanted, followed)
    # Where the lake's own sessions do not tell, the audit may know newer ones.
    if not untold(opened, [one.symbol for one in followed], window):
        told(opened, window, asked.wanted)
    name = f"mend-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    arn = executions.start(opened.clients.stepfunctions, opened.output("StateMachineArn"), given, name=name)
    say(f"audit {name} of {window} in {opened.name} ({opened.where})")
    if wait:
        ctx.exit(_wait(opened, arn, style))
    _started(name, style, opened)


def _started(name: str, style: str, opened: Stage) -> None:
    if style == "json":
        show_json({"execution": name})
    else:
        show(f"started; next: mend status --stage {opened.option}")


def _wait(opened: Stage, arn: str, style: str) -> int:
    try:
        with progress("auditing", unit="requests") as bar:

            def watch(attempt: int, settled: int, jobs: int, paused: datetime | None) -> None:
                waits = f", the vendor wants us to wait until {paused:%H:%M:%S} UTC" if paused else ""
                bar.update(bar.task_ids[0], description=f"attempt {attempt}{waits}", completed=settled, total=jobs)

            followed = follow(opened, arn, tell=lambda news, so_far: say(describe_news(news, so_far)), watch=watch)
    except KeyboardInterrupt:
        say(f"the audit goes on; next: mend status --stage {opened.option}")
        say(f"         to stop it: {_towards(opened)}aws stepfunctions stop-execution --execution-arn {arn}")
        raise
    if style == "json":
        show_json(as_rows(followed))
    return conclude(opened, followed)


def _towards(opened: Stage) -> str:
    """What points the AWS command line at a local stage; nothing for one in AWS."""
    from mend.stage import LOCAL

    kind, _, name = opened.option.partition(":")
    named = f" --name {name}" if name else ""
    return f'eval "$(mend local status{named} --export)"; ' if kind == LOCAL else ""


def as_rows(followed: Followed) -> dict[str, Any]:
    """The course of an execution for programs."""
    execution = followed.execution
    return {
        "execution": execution.name,
        "status": execution.status,
        "error": execution.error,
        "cause": execution.cause,
        "started": execution.started,
        "stopped": execution.stopped,
        "looks": [
            {"attempt": look.attempt, "at": look.at, "expected": look.expected, "missing": look.missing}
            for look in followed.looks
        ],
        "requests": followed.jobs,
    }


def conclude(opened: Stage, followed: Followed) -> int:
    """Say how it ended and what to run next, and return the exit code."""
    from mend.aws.dead_letters import depth

    execution = followed.execution
    took = (execution.stopped - execution.started).total_seconds() if execution.stopped else 0.0
    if execution.status == "SUCCEEDED":
        say(f"whole, in {took:.1f} s")
        return 0
    if execution.error == "BadInput":
        say(f"mend: {execution.cause}")
        return 2
    if denial := explain_denial(execution.cause or ""):
        say(f"{execution.status.lower()} after {took:.1f} s: {denial[0]}\n  next: {denial[1]}")
        return 1
    say(f"{execution.status.lower()} after {took:.1f} s: {execution.error}: {execution.cause}")
    asked = execution.input or {}
    chosen = f"--start {asked.get('start')} --end {asked.get('end')}"
    if asked.get("symbols"):
        chosen += f" --symbols {','.join(asked['symbols'])}"
    say(f"  next: mend verdicts --stage {opened.option} {chosen}")
    if depth(opened.clients.sqs, opened.output("RepairDlqUrl")).waiting:
        say(f"        mend dlq list --stage {opened.option}")
    return 1
