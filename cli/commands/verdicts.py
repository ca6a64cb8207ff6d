"""`mend verdicts`: what is known of every expected minute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cli.options import format_option, range_options, split_symbols, stage_option, symbols_option

if TYPE_CHECKING:
    from minutemend.services.verdicts import Span


@click.command()
@stage_option
@range_options
@symbols_option
@click.option("--all", "everything", is_flag=True, help="List the present minutes too, not only count them.")
@format_option
@click.pass_context
def command(
    ctx: click.Context, *, stage: str, start: str, end: str | None, symbols: str | None, everything: bool, style: str
) -> None:
    """What is known of every expected minute: present, repaired, absent, failed or missing, with the evidence.

    Exit code 1 when a minute is failed or missing.

    \b
    Examples:
      mend verdicts --stage dev --start yesterday
      mend verdicts --stage dev --start 2013-10-04 --symbols IBM,AIG --format json
    """
    from minutemend.core.verdicts import Verdict
    from minutemend.services.verdicts import verdicts

    from cli.stage import open_stage
    from cli.times import parse_range

    window = parse_range(start, end, now=datetime.now(UTC))
    wanted = split_symbols(symbols)
    opened = open_stage(stage)
    counts = dict.fromkeys(Verdict, 0)
    shown = []
    for span in verdicts(opened.lake, window, wanted, cadence=opened.settings.cadence):
        counts[span.verdict] += span.minutes
        if everything or span.verdict is not Verdict.PRESENT:
            shown.append(span)
    _print(counts, shown, style, str(window))
    ctx.exit(1 if counts[Verdict.MISSING] or counts[Verdict.FAILED] else 0)


def _print(counts: dict[Any, int], spans: list[Span], style: str, window: str) -> None:
    from cli.console import count, show, show_json, show_rows

    if style == "json":
        rows: list[dict[str, Any]] = [
            {
                "symbol": span.symbol,
                "start": span.range.start,
                "end": span.range.end,
                "minutes": span.minutes,
                "verdict": str(span.verdict),
                "reason": span.reason,
                "evidence": _evidence(span.evidence, style),
            }
            for span in spans
        ]
        show_json({"expected": sum(counts.values()), **{str(key): n for key, n in counts.items()}, "ranges": rows})
        return
    if not sum(counts.values()):
        show(f"no minute is expected in {window}: no session of a symbol of interest lies in it")
        return
    show_rows(_grouped(spans), style=style, empty="every expected minute is present")
    told = ", ".join(f"{number:,} {verdict}" for verdict, number in counts.items() if number)
    show(f"{count(sum(counts.values()), 'minute')} expected: {told}")


def _grouped(spans: list[Span]) -> list[dict[str, Any]]:
    """For people: one row for all that one symbol owes to one cause, with its first and last minute."""
    groups: dict[tuple[str, str, str, str], list[Span]] = {}
    for span in spans:
        groups.setdefault((span.symbol, str(span.verdict), span.reason, span.evidence), []).append(span)
    return [
        {
            "symbol": symbol,
            "verdict": verdict,
            "minutes": sum(span.minutes for span in group),
            "ranges": len(group),
            "from": group[0].range.start,
            "to": group[-1].range.end,
            "reason": reason,
            "evidence": _evidence(evidence, "table"),
        }
        for (symbol, verdict, reason, evidence), group in groups.items()
    ]


def _evidence(text: str, style: str) -> Any:
    """Evidence as JSON stays JSON; in a table it is who said so, and when."""
    import json

    try:
        told = json.loads(text)
    except ValueError:
        return text
    if style == "json" or not isinstance(told, list):
        return told
    return "; ".join(
        f"{one.get('vendor')} {one.get('kind', 'left it out')} {str(one.get('observed_at'))[:19]}Z" for one in told
    )
