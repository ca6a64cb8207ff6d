"""`mend plan`: what a repair would do, without doing it."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cli.options import format_option, range_options, split_symbols, stage_option, symbols_option

if TYPE_CHECKING:
    from minutemend.services.planning import Outlook

    from cli.stage import Stage

PATIENCE_SECONDS = 300.0  # for Athena


@click.command()
@stage_option
@range_options
@symbols_option
@click.option("--attempts", type=click.IntRange(1, 10), default=3, show_default=True, help="As for `mend repair`.")
@format_option
@click.pass_context
def command(
    ctx: click.Context, *, stage: str, start: str, end: str | None, symbols: str | None, attempts: int, style: str
) -> None:
    """What a repair would ask of whom, how long that takes, and what it costs. Starts and writes nothing.

    Looks once, with the query of the audit; the requests are exactly those that the state machine would queue for its
    first attempt. Exit code 1 when something is missing.

    \b
    Examples:
      mend plan --stage dev --start yesterday
      mend plan --stage dev --start 2013-10-04 --symbols IBM --format json
    """
    from cli.problems import Problem
    from cli.stage import open_stage
    from cli.times import parse_range

    window = parse_range(start, end, now=datetime.now(UTC))
    wanted = split_symbols(symbols)
    opened = open_stage(stage)
    if not opened.lake.has_sessions() or not opened.lake.symbols():
        raise Problem(
            f"no audit has run in {opened.name} yet, so that its lake has no sessions",
            hint=f"mend sessions refresh --stage {opened.option}",
        )
    known = {listing.symbol for listing in opened.lake.symbols()}
    unknown = [symbol for symbol in wanted or () if symbol not in known]
    if unknown:
        raise Problem(
            f"{opened.name} does not follow {', '.join(unknown)}", hint=f"mend symbols show --stage {opened.option}"
        )
    outlook = _planning(opened).look(window, wanted, token=f"plan-{secrets.token_hex(8)}")
    chosen = f"--start {start}" + (f" --end {end}" if end else "") + (f" --symbols {symbols}" if symbols else "")
    _print(outlook, attempts, style, opened, chosen)
    ctx.exit(1 if outlook.gaps else 0)


def _planning(opened: Stage) -> Any:
    from minutemend.adapters.athena_gaps import AthenaGapFinder
    from minutemend.adapters.stacks import function_environment
    from minutemend.contract import Env
    from minutemend.core.verdicts import ProofRule
    from minutemend.services.planning import Planning
    from minutemend.wiring.compose import vendor_limits
    from minutemend.wiring.environment import vendor_settings

    # The deployed function knows whom it asks and how often: the settings here may have moved on since.
    deployed = function_environment(opened.clients.functions, opened.output("QueueRepairsFunction"))
    finder = AthenaGapFinder(
        athena=opened.clients.athena,
        s3=opened.clients.s3,
        workgroup=opened.output("Workgroup"),
        database=opened.output("Database"),
        cadence=int(opened.settings.cadence.total_seconds()) // 60,
        deadline=time.monotonic() + PATIENCE_SECONDS,
    )
    return Planning(
        lake=opened.lake,
        finder=finder,
        vendors=vendor_limits(vendor_settings(deployed[Env.VENDORS])),
        rule=ProofRule(opened.settings.proof_apart),
    )


def _print(outlook: Outlook, attempts: int, style: str, opened: Stage, chosen: str) -> None:
    from cli.console import count, show, show_json, show_rows

    scanned = outlook.scanned_bytes or 0
    estimate = outlook.estimate
    looks = attempts + 1  # at most: one before the first attempt and one after each
    found: dict[str, Any] = {
        "expected": outlook.expected,
        "missing": outlook.missing,
        "gaps": [gap.as_json() for gap in outlook.gaps],
        "requests": [_request(job) for job in outlook.jobs],
        "estimated_seconds": estimate.time.total_seconds(),
        "athena_bytes_a_look": scanned,
        "looks_at_most": looks,
        "athena_dollars_at_most": round(looks * athena_dollars(scanned), 6),
    }
    if style == "json":
        show_json(found)
        return
    show_rows(found["gaps"], style=style, title="missing", empty="nothing is missing")
    if outlook.jobs:
        rows = [{**row, "symbols": ",".join(row["symbols"])} for row in found["requests"]]
        show_rows(rows, style=style, title="requests of the first attempt")
    is_are = "is" if outlook.missing == 1 else "are"
    show(
        f"{outlook.missing:,} of {count(outlook.expected, 'expected minute')} {is_are} missing, "
        f"in {count(len(outlook.gaps), 'gap')}; {count(estimate.requests, 'request')}, "
        f"at least {estimate.time.total_seconds():.0f} s by the vendors' rate limits; "
        f"Athena reads {scanned:,} bytes a look, at most {looks} looks: ${found['athena_dollars_at_most']:.4f}"
    )
    if outlook.gaps:
        show(f"next: mend repair --stage {opened.option} {chosen} --wait")


def athena_dollars(scanned: int) -> float:
    """What one query costs: it is billed at 10 MB at least."""
    from infra.prices import ATHENA_BYTE

    return max(scanned, 10_000_000) * ATHENA_BYTE


def _request(job: Any) -> dict[str, Any]:
    return {
        "vendor": job.request.vendor,
        "symbols": list(job.request.symbols),
        "start": job.request.range.start,
        "end": job.request.range.end,
        "minutes_missing": sum(gap.minutes for _, gap in job.gaps),
    }
