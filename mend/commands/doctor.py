"""`mend doctor`: what is missing on this machine, or in a stage's account, and the command that mends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mend.console import cell, new_table, show, show_json
from mend.doctor import Finding, State, machine
from mend.options import format_option
from mend.problems import Problem


@click.command()
@click.option("--stage", metavar="NAME", help="Also this stage and its account: dev, prod, local or local:NAME.")
@format_option
@click.pass_context
def command(ctx: click.Context, stage: str | None, style: str) -> None:
    """What is missing on this machine, or in a stage's account, and the command that mends it; changes nothing.

    Exit code 1 when something is lacking.

    \b
    Examples:
      mend doctor
      mend doctor --stage dev
    """
    findings = list(machine(Path(__file__).resolve().parents[2]))
    if stage is not None:
        findings += _of_stage(stage)
    if style == "json":
        show_json([_row(one) for one in findings])
    else:
        table = new_table("", "what", "found", "what mends it")
        marks = {State.OK: "[green]✔[/]", State.NOTE: "[yellow]·[/]", State.LACKING: "[red]✘[/]"}
        for one in findings:
            table.add_row(marks[one.state], one.what, cell(one.said), cell(one.mend))
        show(table)
    ctx.exit(1 if any(one.state is State.LACKING for one in findings) else 0)


def _of_stage(option: str) -> list[Finding]:
    """The account's findings and the stage's; a stage that cannot be reached is one, too."""
    from minutemend.wiring.clients import Clients

    from infra.settings import stage_settings
    from mend.aws.readiness import account, stage
    from mend.stage import LOCAL, open_stage

    findings: list[Finding] = []
    try:
        opened = open_stage(option)
        findings += account(opened.clients, region=opened.settings.region)
        return [*findings, *stage(opened)]
    except Problem as problem:
        said, _, hint = problem.format_message().partition("\n  next: ")
        if not option.startswith(LOCAL):
            settings = stage_settings(option)
            clients = Clients(region=settings.region)
            if clients.has_credentials and "is not deployed" in said:
                findings += account(clients, region=settings.region)
        return [*findings, Finding("stack", State.LACKING, said, hint)]


def _row(one: Finding) -> dict[str, Any]:
    return {"what": one.what, "state": str(one.state), "found": one.said, "mend": one.mend}
