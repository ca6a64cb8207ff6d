"""`mend revisions`: bars of one minute that disagree, and what a person decides about them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click
from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range, format_instant

from mend.aws import executions
from mend.console import count, say, show_json, show_rows
from mend.options import Asked, asked, decided, format_option, together

if TYPE_CHECKING:
    from minutemend.services.revisions import Revision

SHOWN = 60
AUDITS = 20  # that one acceptance starts at most; Athena runs as many statements at once


@click.group()
def command() -> None:
    """Bars of one minute that disagree: list them, accept what was seen, or reject it. Nothing is taken over unasked.

    `revised`: the vendor of the stored bar said otherwise at another time. `disputed`: another vendor's prices differ,
    by more than a tick and --tolerance. Compared are late captures, repairs and loads that lost to the stored bar, and
    the bars that vendors send around the gaps that are repaired.

    \b
    Examples:
      mend revisions list --stage dev --start yesterday
      mend revisions accept --stage dev --start 2013-10-04 --symbols IBM --who "J. Doe" --why "restated by the exchange"
      mend revisions reject --stage dev --start 2013-10-04 --id 1f0c9a2b77d1 --who "J. Doe" --why "a bad print"
    """


_chosen = together(
    asked,
    click.option("--kind", type=click.Choice(["revised", "disputed"]), help="Only these. Default: both."),
    click.option("--vendor", metavar="NAME", help="Only what this vendor said."),
    click.option("--id", "ids", metavar="A,B,…", help="Only these, by the ids that `list` shows."),
    click.option(
        "--tolerance",
        type=click.FloatRange(0, 99),
        default=0.1,
        show_default=True,
        metavar="PERCENT",
        help="Between vendors: of the price.",
    ),
)


@command.command(name="list")
@_chosen
@click.option("--all", "rejected", is_flag=True, help="Also what was rejected.")
@format_option
def listed(asked: Asked, *, rejected: bool, style: str, **chosen: Any) -> None:
    """The revisions that are open, with both bars. Exit code 0, also when there are some."""
    found = _find(asked, rejected=rejected, **chosen)
    if style == "json":
        show_json({"revisions": [one.as_json() for one in found]})
        return
    show_rows([_row(one) for one in found[:SHOWN]], style=style, empty="no bars disagree")
    if found:
        say(f"{count(len(found), 'revision')}, the stored bar first; next: mend revisions accept or reject")


@command.command()
@_chosen
@decided
@click.option("--adjusted", is_flag=True, help="Also bars that are one multiple of the stored ones, as by a split.")
def accept(asked: Asked, *, who: str, why: str, adjusted: bool, **chosen: Any) -> None:
    """Put what was seen in the place of what is stored, and start audits by which the hours' facts are made anew.

    The stored bar is kept, and read `as_of` any time before. Run again it finds nothing left to accept.
    """
    from minutemend.services.revisions import accept as accept_in

    now, opened = asked.now, asked.opened
    found = _find(asked, rejected=False, **chosen)
    if not found:
        say("no open revision is chosen: nothing was accepted")
        return
    touched = _few(accept_in(opened.lake, found, who=who, why=why, now=now, adjusted=adjusted))
    say(f"{count(len(found), 'revision')} accepted")
    for hours in touched:
        given = {
            "start": format_instant(hours.start),
            "end": format_instant(min(hours.end, now.replace(second=0, microsecond=0))),
            "symbols": sorted({one.symbol for one in found if one.minute in hours}),
            "attempts": 1,
        }
        name = f"mend-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        executions.start(opened.clients.stepfunctions, opened.output("StateMachineArn"), given, name=name)
        say(f"audit {name} makes the facts of {hours} anew")
    say(f"next: mend status --stage {opened.option}")


def _few(hours: Sequence[Range]) -> list[Range]:
    """The hours as at most AUDITS ranges: those that lie nearest to each other are joined."""
    apart = sorted(range(1, len(hours)), key=lambda n: hours[n - 1].end - hours[n].start)  # the furthest first
    edges = [0, *sorted(apart[: AUDITS - 1]), len(hours)]
    return [Range(hours[first].start, hours[after - 1].end) for first, after in pairwise(edges)]


@command.command()
@_chosen
@decided
def reject(asked: Asked, *, who: str, why: str, **chosen: Any) -> None:
    """Note that what was seen is not believed: it is listed no more, until a vendor says something else."""
    from minutemend.services.revisions import note

    found = _find(asked, rejected=False, **chosen)
    note(asked.opened.lake, found, "rejected", who=who, why=why, now=asked.now)
    say(f"{count(len(found), 'revision')} rejected")


def _find(
    asked: Asked,
    *,
    kind: str | None,
    vendor: str | None,
    ids: str | None,
    tolerance: float,
    rejected: bool,
) -> list[Revision]:
    """The revisions that the options name. Raises BadInput for an id that is none of them."""
    from mend.revisions import find_revisions

    window = asked.window
    every = find_revisions(
        asked.opened.lake, window, asked.wanted, share=tolerance / 100, rejected=rejected or ids is not None
    )
    wanted = None if ids is None else {part.strip() for part in ids.split(",")}
    found = [
        one
        for one in every
        if (kind is None or one.kind == kind)
        and (vendor is None or one.vendor == vendor)
        and (wanted is None or one.id in wanted)
    ]
    if wanted is not None and (unknown := sorted(wanted - {one.id for one in found})):
        raise BadInput(
            f"{', '.join(unknown)}: no revision of {window} by that id is open; it may be accepted already: "
            "`mend revisions list` shows what is open"
        )
    return found


def _row(one: Revision) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "symbol": one.symbol,
        "minute": one.minute,
        "vendor": one.vendor,
        "stored": _values(one.stored),
        "seen": _values(one.seen),
        "times": one.times,
        "last seen": one.last_seen,
    }


def _values(bar: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in bar)
