"""Revoking proofs of absence, on a person's word: only of minutes that are absent now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from minutemend.core.errors import BadInput
from minutemend.core.minutes import Range
from minutemend.core.revocations import Revocation
from minutemend.core.verdicts import Verdict
from minutemend.services.facts import facts_anew
from minutemend.services.lake import Lake

from mend.spans import REVOKED, verdicts


def revoke(lake: Lake, window: Range, symbols: Sequence[str], *, who: str, why: str, now: datetime) -> int:
    """Void the proofs of every expected minute of the symbols in `window`, and take them out of the hourly facts.
    Returns how many minutes that were.

    A revocation is as new as the newest word that it takes, even where `now` is by a slow clock. What is revoked
    already stays so, and is not counted. Raises BadInput, and writes nothing, for a symbol that is not followed, a
    minute that is neither absent nor revoked, and an empty `who` or `why`.
    """
    followed = {one.symbol for one in lake.symbols()}
    if unknown := sorted(set(symbols) - followed):
        known = ", ".join(sorted(followed)[:20])
        raise BadInput(f"{', '.join(unknown)} is no symbol of interest: one of {known} would be right")
    words = [(one.symbol, one.range, one.proven_at) for one in lake.absences(window)]
    words += [(one.symbol, one.range, one.observed_at) for one in lake.answers.read(window.dates(), symbols)]
    made = []
    seen = set()
    for span in verdicts(lake, window, symbols):
        seen.add(span.symbol)
        heard = [at for symbol, said, at in words if symbol == span.symbol and said.intersect(span.range)]
        one = Revocation(span.symbol, span.range, who.strip(), why.strip(), max([now, *heard]))
        if span.verdict is Verdict.ABSENT:
            made.append(one)
        elif (span.verdict, span.reason) != (Verdict.MISSING, REVOKED):
            raise BadInput(
                f"{span.symbol} {span.range} is {span.verdict}, not absent: there is no proof to revoke; "
                "`mend verdicts` lists the ranges that are absent"
            )
    if unseen := sorted(set(symbols) - seen):
        raise BadInput(f"no minute of {', '.join(unseen)} is expected in {window}: there is no proof to revoke")
    lake.put_revocations(made)
    facts_anew(lake, [window])
    return sum(one.range.minutes for one in made)
