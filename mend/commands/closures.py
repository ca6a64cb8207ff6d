"""`mend closures`: what people know of calendars and symbols, and no calendar package and no vendor shows."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from minutemend.core.closures import Closure, Kind, parse_closure, parse_closures

from mend.console import count, say, show_json, show_rows
from mend.expecting import expecting
from mend.options import AtStage, a_file, format_option, stage_option
from mend.problems import Problem

if TYPE_CHECKING:
    from mend.stage import Stage


@click.group()
def command() -> None:
    """Record closures, special hours, daily breaks, halts and listings, with who says so and why.

    Closures and hours change the sessions of a calendar; in a halt, and outside the listings, nothing is expected of a
    symbol. In force with the next audit, whatever range it has, and in the hourly facts at once. `mend check
    --closures FILE` reads the same records.

    \b
    Examples:
      mend closures add --stage dev --why 'typhoon Saola' closed calendar=XHKG start=2023-09-01
      mend closures add --stage dev --why 'daily break' break calendar=CMES from=16:00 to=17:00 zone=America/Chicago
      mend closures add --stage dev --why LULD halt symbol=GME start=2021-01-28T14:35:00Z end=2021-01-28T14:40:00Z
      mend closures add --stage dev --file closures.json
      mend closures list --stage dev
    """


@command.command()
@stage_option
@click.option("--why", metavar="TEXT", help="Why it is so.")
@click.option("--by", metavar="NAME", help="Who says so. Default: who is signed in here.")
@click.option("--file", type=a_file, help="A JSON list of records, instead.")
@click.argument("kind", required=False, type=click.Choice(["closed", "hours", "break", "halt", "listing"]))
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]...")
def add(
    *, stage: AtStage, why: str | None, by: str | None, file: Path | None, kind: str | None, fields: tuple[str, ...]
) -> None:
    """Record something. What is recorded already stays as it is.

    \b
    The fields of each kind; dates are session dates, ends are excluded:
      closed   calendar, start and end: dates, or instants; without an end the one date
      hours    calendar, date, open, close: the only hours of that date; twice for a lunch break
      break    calendar, from, to, zone: local times, each day; start and end bound the dates
      halt     symbol, start, end: instants
      listing  symbol, listed, delisted: dates; once for each interval
    """
    if (file is None) == (kind is None):
        raise Problem("a kind with its fields or --file is needed, and not both", hint="mend closures add --help")
    if file is not None:
        new = parse_closures(file.read_text(errors="replace"), name=str(file))
    else:
        new = [_from_fields(str(kind), fields, why, by)]
    opened = stage.opened
    _require_known(opened, new)
    before: set[str] = set()

    def added(there: list[Closure]) -> list[Closure]:
        before.update(one.id for one in there)
        return [*there, *(one for one in new if one.id not in before)]

    with expecting(opened):
        opened.lake.calendars.change_closures(added)
        opened.interest(write=True)
    fresh = [one.id for one in new if one.id not in before]
    say(f"{count(len(fresh), 'record')} added to {opened.name}" + (f": {', '.join(fresh)}" if fresh else ""))


@command.command("list")
@stage_option
@format_option
def list_(stage: AtStage, style: str) -> None:
    """What is recorded, with the id of each; JSON in the form in which `add --file` takes it."""
    found = stage.opened.lake.calendars.closures()
    if style == "json":
        show_json([one.as_json() for one in found])
        return
    rows = []
    for one in found:
        said = one.as_json()
        fields = [f"{name}={said[name]}" for name in said if name not in ("kind", "calendar", "symbol", "by", "why")]
        about = {"id": one.id, "kind": str(one.kind), "of": one.of, "fields": " ".join(fields)}
        rows.append(about | {"by": one.by, "why": one.why})
    show_rows(rows, style=style, empty="nothing is recorded")


@command.command()
@stage_option
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def remove(stage: AtStage, ids: tuple[str, ...]) -> None:
    """Take records back, by their ids in `mend closures list`: the sessions are again what the packages say."""
    opened = stage.opened
    hint = f"mend closures list --stage {opened.option}"
    there = {one.id for one in opened.lake.calendars.closures()}
    if lacking := [one for one in ids if one not in there]:
        raise Problem(f"nothing is recorded as {', '.join(lacking)}", hint=hint)
    with expecting(opened):
        opened.lake.calendars.change_closures(lambda held: [one for one in held if one.id not in ids])
        opened.interest(write=True)
    say(f"{count(len(set(ids)), 'record')} taken back from {opened.name}")


def _from_fields(kind: str, fields: tuple[str, ...], why: str | None, by: str | None) -> Closure:
    if why is None:
        raise Problem("--why is missing: a record without a reason is one that no person dares to remove")
    if bad := [field for field in fields if "=" not in field]:
        raise Problem(f"{bad[0]!r} is no FIELD=VALUE: calendar=XHKG would be right, for example")
    given = dict(field.split("=", 1) for field in fields)
    return parse_closure({**given, "kind": kind, "why": why, "by": by or getpass.getuser()})


def _require_known(opened: Stage, closures: list[Closure]) -> None:
    """Raises Problem for a record of a calendar that the stage does not know: it would count for nothing."""
    known = opened.lake.calendars.known()
    named = {one.of for one in closures if one.kind not in (Kind.HALT, Kind.LISTING)}
    if unknown := sorted(named - set(known)):
        raise Problem(
            f"{opened.name} knows no session of {', '.join(unknown)}; it knows {', '.join(sorted(known)) or 'none'}",
            hint=f"mend sessions refresh --stage {opened.option} --calendar {unknown[0]}",
        )
