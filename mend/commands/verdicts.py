"""`mend verdicts`: what is known of every expected minute; and to revoke a proof that is not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from minutemend.core.minutes import format_instant
from minutemend.core.value_rules import Flag

from mend.console import count, in_words, say, show_json, show_rows
from mend.console import show as tell
from mend.options import Asked, AtStage, asked, decided, format_option, range_options, stage_option

if TYPE_CHECKING:
    from mend.spans import Span

STORED = ("present", "repaired")  # verdicts whose reason is the bar's source


class _Verdicts(click.Group):
    """A group whose command `show` needs no name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] in self.get_help_option_names(ctx))
        return super().parse_args(ctx, args if named else ["show", *args])


@click.group(cls=_Verdicts)
def command() -> None:
    """What is known of every expected minute (`show`, which may be left out), and `revoke`.

    \b
    Examples:
      mend verdicts --stage dev --start yesterday
      mend verdicts --stage dev --start 2013-10-04 --symbols IBM,AIG --format json
    """


@command.command()
@asked
@click.option("--all", "everything", is_flag=True, help="List the present minutes too, not only count them.")
@click.option("--values", is_flag=True, help="Also what is doubted of the values: flags, and bars that disagree.")
@format_option
@click.pass_context
def show(ctx: click.Context, asked: Asked, *, everything: bool, values: bool, style: str) -> None:
    """What is known of every expected minute: present, repaired, absent, failed or missing, with the evidence.

    An absent minute says how strong its proof is: the venue's own statement, two sources, or two looks of one vendor.
    --values adds the values that cannot be right, and those of which vendors say otherwise; no verdict changes by it.
    Exit code 1 when a minute is failed or missing.
    """
    from minutemend.core.verdicts import Verdict

    from mend.commands.sessions import followed, told
    from mend.spans import verdicts

    window, wanted, opened = asked.past, asked.wanted, asked.opened
    followed(opened, wanted)
    told(opened, window, wanted)
    counts = dict.fromkeys(Verdict, 0)
    shown = []
    for span in verdicts(opened.lake, window, wanted):
        counts[span.verdict] += span.range.minutes
        if everything or span.verdict is not Verdict.PRESENT:
            shown.append(span)
    flags = None
    if values:
        from mend.lake_values import doubted

        flags = list(doubted(opened.lake, window, wanted))
    _print(counts, shown, style, str(window), flags)
    ctx.exit(1 if counts[Verdict.MISSING] or counts[Verdict.FAILED] else 0)


@command.command()
@stage_option
@range_options
@click.option("--symbols", metavar="A,B,…", required=True, help="Of which symbols.")
@decided
def revoke(*, stage: AtStage, start: str, end: str | None, symbols: str, who: str, why: str) -> None:
    """Revoke the proofs of absent minutes: they are missing again, and the next audit asks for them anew.

    The proofs, and the answers that were heard so far, count no more for these minutes. Every expected minute of the
    range must be absent.

    \b
    Example:
      mend verdicts revoke --stage dev --symbols IBM --start 2013-10-04T14:00:00Z --end 2013-10-04T14:05:00Z \\
        --who "J. Doe" --why "the exchange's own tape has trades"
    """
    from mend.revoking import revoke as revoke_in

    asked = Asked(stage.stage, start, end, symbols)
    opened, window, wanted = asked.opened, asked.window, asked.wanted or ()
    minutes = revoke_in(opened.lake, window, wanted, who=who, why=why, now=asked.now)
    if not minutes:
        say("all of these minutes are revoked already, and are not proven anew")
    else:
        say(f"{count(minutes, 'absent minute')} revoked: missing again")
    edges = f"--start {format_instant(window.start)} --end {format_instant(window.end)}"
    say(f"next: mend repair --stage {opened.option} {edges} --symbols {','.join(wanted)} --wait")


def _print(counts: dict[Any, int], spans: list[Span], style: str, window: str, flags: list[Flag] | None) -> None:
    if style == "json":
        rows: list[dict[str, Any]] = [
            {
                "symbol": span.symbol,
                "start": span.range.start,
                "end": span.range.end,
                "minutes": span.range.minutes,
                "verdict": str(span.verdict),
                "reason": span.reason,
                "proof": span.proof or None,
                "plausible": span.plausible,
                "evidence": span.entries or span.evidence,
            }
            for span in spans
        ]
        doubts = {} if flags is None else {"values": [flag.as_json() for flag in flags]}
        totals = {"expected": sum(counts.values()), **{str(key): n for key, n in counts.items()}}
        show_json({**totals, "ranges": rows, **doubts})
        return
    if not sum(counts.values()):
        tell(f"no minute is expected in {window}: no session of a symbol of interest lies in it")
        return
    show_rows(_grouped(spans), style=style, empty="every expected minute is present", below="evidence")
    if flags is not None:
        names = {"value": "rule", "symbol": "symbol", "minute": "start", "bars": "bars", "said": "said"}
        doubted = [{name: getattr(one, of) for name, of in names.items()} for one in flags]
        show_rows(doubted, style=style, empty="no value is doubted")
    told = ", ".join(f"{number:,} {verdict}" for verdict, number in counts.items() if number)
    tell(f"{count(sum(counts.values()), 'minute')} expected: {told}")


def _grouped(spans: list[Span]) -> list[dict[str, Any]]:
    """For people: one row for all that one symbol owes to one cause, with its first and last minute."""
    groups: dict[tuple[str, str, str, str, str], list[Span]] = {}
    for span in spans:
        key = (span.symbol, str(span.verdict), span.reason, span.strength, span.evidence)
        groups.setdefault(key, []).append(span)
    return [
        {
            "symbol": symbol,
            "verdict": verdict,
            "minutes": sum(span.range.minutes for span in group),
            "ranges": len(group),
            "from": group[0].range.start,
            "to": group[-1].range.end,
            "source": reason if verdict in STORED else None,
            "reason": None if verdict in STORED else f"{reason} ({strength})" if strength else reason or None,
            "evidence": in_words(_told(group[0])),
        }
        for (symbol, verdict, reason, strength, _), group in groups.items()
    ]


def _told(span: Span) -> str:
    """Who said so, and when; or which repair it was."""
    told = "; ".join(_sentence(one) for one in span.entries)
    repaired = span.evidence and not span.evidence.startswith("accepted:")
    return told or (f"repair {span.evidence}" if repaired else span.evidence)


def _sentence(one: dict[str, Any]) -> str:
    from mend.spans import around

    if "revoked_at" in one:
        return f"{one['who']} {one['revoked_at']}: {one['why']}"
    said = f"{one.get('vendor')} {one.get('kind', 'left it out')} {one.get('observed_at')}"
    told = str(one.get("detail") or "").removeprefix(f"{one.get('vendor')}: ")  # a refusal, a time-out
    return said + around(one) + (f": {told}" if told else "")
