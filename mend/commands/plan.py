"""`mend plan`: what a repair would do, without doing it."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from minutemend.contract import WINDOW_MINUTES

from mend.commands.sessions import followed, told
from mend.console import cell, count, show, show_json, show_rows, tell
from mend.options import Asked, asked, format_option

if TYPE_CHECKING:
    from mend.planning import Nightly, Outlook
    from mend.stage import Stage

SHOWN = 50  # gaps and requests in a table: years of many symbols have hundreds of thousands
PATIENCE_SECONDS = 300.0  # for Athena


@click.command()
@asked
@click.option("--attempts", type=click.IntRange(1, 10), default=3, show_default=True, help="As for `mend repair`.")
@format_option
@click.pass_context
def command(ctx: click.Context, asked: Asked, *, attempts: int, style: str) -> None:
    """What a repair would ask of whom, how long that takes, and what it costs. Starts and writes nothing.

    Looks once, with the query of the audit; the requests are exactly those that the state machine would queue for its
    first attempt. Exit code 1 when something is missing.

    \b
    Examples:
      mend plan --stage dev --start yesterday
      mend plan --stage dev --start 2013-10-04 --symbols IBM --format json
    """
    window, wanted, opened = asked.past, asked.wanted, asked.opened
    followed(opened, wanted)
    told(opened, window, wanted)
    planning, now = _planning(opened), asked.now
    outlook = planning.look(window, wanted, token=f"plan-{secrets.token_hex(8)}", now=now)
    nightly = planning.nightly(opened.settings, now=now)
    _print(outlook, nightly, style, attempts=attempts, opened=opened, chosen=asked.again())
    for vendor, until in opened.pauses(now=datetime.now(UTC)).items():
        tell(f"{vendor} wants to be let alone until {cell(until)}: nothing is asked before")
    ctx.exit(1 if outlook.gaps else 0)


def _planning(opened: Stage) -> Any:
    from minutemend.adapters.athena_gaps import AthenaGapFinder
    from minutemend.adapters.vendors import limits_of
    from minutemend.wiring.compose import proof_rule

    from mend.planning import Planning

    finder = AthenaGapFinder(
        athena=opened.clients.athena,
        s3=opened.clients.s3,
        workgroup=opened.output("Workgroup"),
        database=opened.output("Database"),
        deadline=time.monotonic() + PATIENCE_SECONDS,
    )
    return Planning(
        lake=opened.lake,
        finder=finder,
        vendors=[limits_of(vendor) for vendor in opened.vendors],
        rule=proof_rule(opened.settings.proof_apart, settling=opened.settings.settling_delay),
    )


def _print(outlook: Outlook, nightly: Nightly, style: str, *, attempts: int, opened: Stage, chosen: str) -> None:
    most = None if style == "json" else SHOWN
    scanned = outlook.scanned_bytes or 0
    estimate = outlook.estimate
    looks = attempts + 1  # at most: one before the first attempt and one after each
    found: dict[str, Any] = {
        "expected": outlook.expected,
        "missing": outlook.missing,
        "gaps": outlook.gaps.take(slice(most)).as_json(),
        "requests": [_request(job) for job in outlook.jobs[:most]],
        "estimated_seconds": estimate.time.total_seconds(),
        "athena_bytes_a_look": scanned,
        "looks_at_most": looks,
        "athena_dollars_at_most": round(looks * athena_dollars(scanned), 6),
        "nightly": nightly.as_json(),
    }
    if style == "json":
        show_json(found)
        return
    show_rows(found["gaps"], style=style, title="missing", empty="nothing is missing")
    if outlook.jobs:
        rows = [{**row, "symbols": ",".join(row["symbols"])} for row in found["requests"]]
        show_rows(rows, style=style, title="requests of the first attempt")
    if max(len(outlook.gaps), len(outlook.jobs)) > SHOWN:
        show(f"the first {SHOWN} of each are shown; --format json has all")
    is_are = "is" if outlook.missing == 1 else "are"
    show(
        f"{outlook.missing:,} of {count(outlook.expected, 'expected minute')} {is_are} missing, "
        f"in {count(len(outlook.gaps), 'gap')}; {count(estimate.requests, 'request')}, "
        f"at least {estimate.time.total_seconds():.0f} s by the vendors' rate limits; "
        f"Athena reads {scanned:,} bytes a look, at most {looks} looks: ${found['athena_dollars_at_most']:.4f}"
    )
    tonight = [f"{count(nightly.looks, 'request')} to look again at bars of the day before"] if nightly.looks else []
    if nightly.rechecks:
        due = f"for {count(nightly.dates, 'date')} due to be asked again"
        tonight.append(f"{nightly.rechecks:,} of at most {nightly.most:,} {due}")
    if tonight:
        show(f"besides, tonight: {', and '.join(tonight)}")
    if outlook.gaps:
        command = "repair" if outlook.expected <= WINDOW_MINUTES else "backfill"
        show(f"next: mend {command} --stage {opened.option} {chosen} --wait")


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
        "minutes_missing": job.gaps.minutes,
    }
