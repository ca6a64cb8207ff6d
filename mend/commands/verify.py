"""`mend verify`: look again, on purpose, at what is stored."""

from __future__ import annotations

import re
import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING

import click
from minutemend.core.errors import BadInput

from mend.commands.sessions import followed, told
from mend.console import count, progress, say, show_json
from mend.options import Asked, asked, format_option

if TYPE_CHECKING:
    from minutemend.core.jobs import RepairJob

    from mend.stage import Stage

POLL_SECONDS = 1.0


@click.command()
@asked
@click.option("--sample", default="100%", show_default=True, metavar="PERCENT", help="Of the symbols of each session.")
@click.option("--seed", default="", metavar="TEXT", help="Draws another sample.")
@click.option("--vendor", metavar="NAME", help="Whom to ask. Default: the first that serves the symbol's calendar.")
@click.option(
    "--plan", "only_plan", is_flag=True, help="Say what would be asked, and how long it takes; start nothing."
)
@click.option("--wait", is_flag=True, help="Follow it to its end, and say how many bars disagree.")
@format_option
def command(
    asked: Asked, *, sample: str, seed: str, vendor: str | None, only_plan: bool, wait: bool, style: str
) -> None:
    """Ask for stored minutes again, and compare: no bar is written or changed.

    The stage's workers ask, within the vendor's rate limit and after captures and repairs. What they see is kept for 90
    days; where it disagrees with what is stored, `mend revisions` lists it.

    \b
    Examples:
      mend verify --stage dev --start yesterday --plan
      mend verify --stage dev --start 2013-10-04 --end 2013-10-12 --sample 5% --wait
    """
    from minutemend.adapters.vendors import limits_of
    from minutemend.core.looks import plan_looks
    from minutemend.core.plan import estimate

    now, window, wanted, share = asked.now, asked.past, asked.wanted, parse_sample(sample)
    opened = asked.opened
    followed(opened, wanted)
    told(opened, window, wanted)
    limits = [one for one in map(limits_of, opened.vendors) if vendor in (None, one.name)]
    if not limits:
        raise BadInput(f"{opened.name} does not ask {vendor}: {', '.join(one.name for one in opened.vendors)} is asked")
    listings = [one for one in opened.lake.symbols() if wanted is None or one.symbol in wanted]
    run = f"verify-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    sessions = opened.lake.calendars.sessions(window, {one.calendar for one in listings})
    jobs = plan_looks(window, listings, sessions, limits, run=run, share=share, seed=seed, now=now)
    taken = estimate(jobs, limits)
    plan = f"{count(len(jobs), 'request')}, at least {taken.time.total_seconds():.0f} s by the vendors' rate limits"
    if only_plan or not jobs:
        if style == "json":
            show_json({"requests": len(jobs), "estimated_seconds": taken.time.total_seconds()})
        else:
            say(plan if jobs else f"{plan}: the sample of {window} is empty; a larger --sample would be right")
        return
    _send(opened, run, jobs, now)
    say(f"{run}: {plan}")
    found = _follow(opened, run, len(jobs)) if wait else None
    if style == "json":
        show_json({"run": run, "requests": len(jobs), "settled": found})
    say(f"next: mend revisions list --stage {opened.option} {asked.again(symbols=False)}")


def parse_sample(text: str) -> float:
    """`5%` as 0.05. Raises BadInput."""
    match = re.fullmatch(r"\s*(\d{1,3}(?:\.\d+)?)\s*%?\s*", text)
    share = float(match[1]) / 100 if match else 0.0
    if not 0 < share <= 1:
        raise BadInput(f"--sample is {text!r}: a share of the symbols of each session, as 5% or 100%, would be right")
    return share


def _send(opened: Stage, run: str, jobs: list[RepairJob], now: datetime) -> None:
    from minutemend.adapters.sqs import SqsJobQueue
    from minutemend.services.queue_repairs import to_message

    opened.board.open_attempt(run, 1, jobs=len(jobs))  # first the count, then the jobs
    queue = SqsJobQueue(opened.clients.sqs, queue_url=opened.output("RepairQueueUrl"), dead_letter_url="")
    queue.send(to_message(job, now=now) for job in jobs)


def _follow(opened: Stage, run: str, jobs: int) -> int:
    """Wait until every request is settled; how many are. Ctrl-C stops the waiting, not the run."""
    board = opened.board
    with progress("looking", total=jobs, unit="requests") as bar:
        while True:
            settled = int(board.progress(run, 1).settled)
            bar.update(bar.task_ids[0], completed=settled)
            if settled >= jobs:
                return settled
            time.sleep(POLL_SECONDS)
