"""`mend dashboard`: whether the deployed dashboard and alarms show what they are there to show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
from minutemend.core.minutes import Range

from mend.console import count, say, show_json, show_rows
from mend.options import AtStage, format_option, stage_option

if TYPE_CHECKING:
    from mend.stage import Stage


@click.group()
def command() -> None:
    """The stage's dashboard and alarms."""


@command.command()
@stage_option
@click.option(
    "--hours",
    type=click.IntRange(1, 24 * 14),
    default=3,
    show_default=True,
    help="How far back data is looked for.",
)
@click.option("--all", "everything", is_flag=True, help="Every line, not only what is wrong and the alarms.")
@format_option
@click.pass_context
def check(ctx: click.Context, *, stage: AtStage, hours: int, everything: bool, style: str) -> None:
    """Verify the deployed dashboard, every metric on it, and every alarm.

    A metric has to exist, and to have data where something ran that emits it; each alarm has to be heard. Exit code 1
    when something of it is not so.

    \b
    Examples:
      mend dashboard check --stage prod
      mend dashboard check --stage dev --hours 24 --all
    """
    from mend.aws.cloudwatch import CloudWatchMonitoring
    from mend.dashboard_check import State, check_dashboard

    place = stage.opened
    now = datetime.now(UTC)
    _bridge(place, now)
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    monitoring = CloudWatchMonitoring(
        cloudwatch=place.clients.cloudwatch,
        sns=place.clients.sns,
        cloudformation=place.clients.cloudformation,
        stack_name=place.settings.stack_name,
        dashboard_name=place.output("Dashboard"),
    )
    rows = check_dashboard(monitoring, stage=place.name, window=Range(end - timedelta(hours=hours), end))
    wrong = [row for row in rows if not row.healthy]
    lines = [{"what": row.kind, "name": row.name, "state": row.state.value, "detail": row.detail} for row in rows]
    if style == "json":
        show_json(lines)
    else:
        shown = [
            line
            for line, row in zip(lines, rows, strict=True)
            if everything or row.kind in ("dashboard", "alarm") or not row.healthy
        ]
        show_rows(shown, style=style)
        ringing = sum(row.state is State.RINGING for row in rows)
        say(
            f"{len(rows)} looked at, {len(wrong)} wrong, {count(ringing, 'alarm')} ringing"
            + ("" if everything else "; --all shows every metric")
        )
        if wrong:
            again = f"{place.settings.deploy_command} --revert-drift"
            local = place.option.startswith("local")
            say(f"  next: {'mend local down, mend local up' if local else again}, for what was changed by hand")
    ctx.exit(1 if wrong else 0)


def _bridge(place: Stage, now: datetime) -> None:
    """Local AWS turns no log line into a metric: there, the bridge does first what CloudWatch does in AWS."""
    from local import emf_bridge
    from local.stack import running

    stack = next((one for one in running() if place.where.endswith(one.endpoint)), None)
    if stack is not None:
        put = emf_bridge.bridge(place.clients, outputs=place.outputs, memory=stack.home / "bridged.json", now=now)
        say(f"local AWS: {put:,} values from logs, executions and queues are metrics now (local/emf_bridge.py)")
