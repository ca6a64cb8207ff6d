"""WaitForRepairs: leave the state machine's token where the worker that settles the last job finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minutemend.contract import Key
from minutemend.ports import Board, Progress, Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitRepairs:
    """One step of the loop: event-driven, no poll and no fixed sleep."""

    board: Board
    signals: Signals

    def run(self, state: Mapping[str, Any]) -> None:
        """Wait, or go on at once when every job is settled already."""
        token = state[Key.TASK_TOKEN]
        progress = self.board.wait(state[Key.AUDIT_ID], state[Key.ATTEMPT], token=token)
        resume_when_done(self.signals, progress, audit_id=state[Key.AUDIT_ID], attempt=state[Key.ATTEMPT])


def resume_when_done(signals: Signals, progress: Progress, *, audit_id: str, attempt: int) -> None:
    """Let the execution go on when its attempt is done and it waits. Saying so twice does no harm."""
    if progress.done and progress.token is not None:
        output = {Key.AUDIT_ID: audit_id, Key.ATTEMPT: attempt, Key.JOBS: progress.jobs}
        signals.resume(progress.token, {str(key): value for key, value in output.items()})
