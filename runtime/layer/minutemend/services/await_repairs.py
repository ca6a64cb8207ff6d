"""WaitForRepairs: leave the state machine's token where the worker that settles the last job finds it.

CheckProgress: a wait that timed out has cost no attempt as long as jobs are settled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from minutemend.contract import MOST_WAITS, Key
from minutemend.core.audit_state import AuditState
from minutemend.ports import Board, Progress, Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitRepairs:
    """Two steps of the loop: event-driven, no poll and no fixed sleep."""

    board: Board
    signals: Signals

    def run(self, state: Mapping[str, Any]) -> None:
        """Wait, or go on at once when every job is settled already."""
        token = state[Key.TASK_TOKEN]
        progress = self.board.wait(state[Key.AUDIT_ID], state[Key.ATTEMPT], token=token)
        resume_when_done(self.signals, progress, audit_id=state[Key.AUDIT_ID], attempt=state[Key.ATTEMPT])

    def check_progress(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """After a wait that timed out: `moving` says whether to wait on.

        A plan may need longer than one wait under its vendor's rate limit, and how long is not known beforehand:
        other audits take from the same budget, and a vendor may ask for a pause. So what counts is whether a job was
        settled since the last time. When none was, or the audit has waited on MOST_WAITS times, the attempt is over.
        """
        state = AuditState.of(given)
        progress = self.board.progress(state.audit_id, state.attempt)
        moving = not progress.done and progress.settled > state.settled and state.waits < MOST_WAITS
        return replace(state, settled=progress.settled, waits=state.waits + moving, moving=moving).as_json()


def resume_when_done(signals: Signals, progress: Progress, *, audit_id: str, attempt: int) -> None:
    """Let the execution go on when its attempt is done and it waits. Saying so twice does no harm."""
    if progress.done and progress.token is not None:
        output = {Key.AUDIT_ID: audit_id, Key.ATTEMPT: attempt, Key.JOBS: progress.jobs}
        signals.resume(progress.token, {str(key): value for key, value in output.items()})
