"""The functions of the stage, each of them the real service over mortal ports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from minutemend.contract import Status
from minutemend.core.minutes import MINUTE, Range, epoch_minute
from minutemend.core.verdicts import ProofRule
from minutemend.services import working_files
from minutemend.services.await_repairs import AwaitRepairs
from minutemend.services.capture import CaptureBars, RequestCaptures
from minutemend.services.check_data_health import CheckDataHealth
from minutemend.services.lake import Lake
from minutemend.services.process_repairs import ProcessRepairs
from minutemend.services.publish import Publish
from minutemend.services.queue_repairs import QueueRepairs
from minutemend.services.report_failure import ReportFailure
from minutemend.services.worker import Received

from mend.aws.dead_letters import redrive
from tests.fakes.gap_finder import FakeGapFinder
from tests.fakes.sql_finder import SqlGapFinder
from tests.unit.simulation.ports import Remembering
from tests.unit.simulation.queue import DeadLettersClient
from tests.unit.simulation.world import Mortal

if TYPE_CHECKING:
    from tests.unit.simulation.scenario import Scenario

APART = timedelta(seconds=30)
SETTLING = MINUTE
WORKER_LIFE = timedelta(seconds=20)
RESERVE = timedelta(seconds=4)
MAX_RECEIVES = 4

State = dict[str, Any]


class Functions:
    """What the machine, the queues, the schedules and a person may call. Every call of a port is an effect."""

    def __init__(self, run: Scenario) -> None:
        self._run = run

    def steps(self) -> dict[str, Any]:
        """By the machine's states."""
        return {
            "CheckDataHealth": self.check,
            "QueueRepairs": self.queue_repairs,
            "WaitForRepairs": lambda state: self._waiter().run(state),
            "CheckProgress": lambda state: self._waiter().check_progress(state),
            "ExecuteDataTask": self.publish,
            "ReportFailure": self.report,
        }

    def check(self, state: State) -> State:
        run = self._run
        attempt = state["audit_id"], state.get("attempt", 0)
        run.looked[attempt] = min(run.world.steps, run.looked.get(attempt, run.world.steps))
        service = CheckDataHealth(
            lake=self._lake(),
            results=self._mortal(run.results),
            finder=self._mortal((SqlGapFinder if run.profile.sql else FakeGapFinder)(run.lake)),
            board=run.board,
            parameter=run.market.parameter,
            shipped_sessions=lambda: b"",
            vendors=sorted(run.vendors),
            rule=self._rule(),
            settling=SETTLING,
            sweep_days=2,
        )
        found = service.check(state, now=run.world.clock()).state
        if found["status"] == Status.READY:
            self._whole(found)
        return found

    def _whole(self, state: State) -> None:
        """No audit is ready while a minute that was traded is not there."""
        run = self._run
        window = Range(datetime.fromisoformat(state["start"]), datetime.fromisoformat(state["end"]))
        (given,) = (one.given for one in run.executions if one.name == state["audit_id"])
        for symbol, minute in run.truth:
            if symbol not in given.get("symbols", [symbol]):
                continue
            known = (symbol, epoch_minute(minute) * 60_000) in run.store.born
            if minute in window and not known and run.sure((symbol, minute)):
                raise run.world.wrong(f"{state['audit_id']} is ready, and {symbol} at {minute} was traded")

    def _rule(self) -> ProofRule:
        vendors = self._run.vendors
        sources = {name: vendor.source for name, vendor in vendors.items()}
        return ProofRule(APART, SETTLING, sources, {name: vendor.lag for name, vendor in vendors.items()})

    def queue_repairs(self, state: State) -> State:
        run = self._run
        vendors = [one.limits for _, one in sorted(run.vendors.items())]
        service = QueueRepairs(
            results=self._mortal(run.results),
            board=self._mortal(run.board),
            queue=self._mortal(Remembering(run)),
            vendors=vendors,
            rule=self._rule(),
        )
        return service.run(state, now=run.world.clock())

    def work(self, records: list[Received]) -> list[str]:
        run = self._run
        service = ProcessRepairs(
            lake=self._lake(),
            board=self._mortal(run.board),
            queue=self._mortal(run.queue),
            signals=self._mortal(run.signals),
            vendors={name: self._mortal(vendor) for name, vendor in run.vendors.items()},
            clock=run.world.clock,
            lease=WORKER_LIFE + RESERVE,
            max_receives=MAX_RECEIVES,
        )
        return service.run(records, deadline=run.world.clock() + WORKER_LIFE / 2).failed

    def publish(self, state: State) -> State:
        run = self._run
        if run.profile.publish:
            service = Publish(lake=self._lake(), signals=self._mortal(run.signals), retire_after=timedelta(0))
            window = Range(datetime.fromisoformat(state["start"]), datetime.fromisoformat(state["end"]))
            lacks = state.get("status") in (Status.EXHAUSTED, Status.KNOWN)  # what is whole is published all the same
            missing = working_files.missing_minutes(self._mortal(run.results), state["gaps_key"]) if lacks else {}
            service.run(window, None, audit_id=state["audit_id"], now=run.world.clock(), missing=missing)
        return state

    def report(self, state: State) -> State:
        run = self._run
        run.reported.setdefault(state["audit_id"], run.world.steps)
        service = ReportFailure(
            lake=self._lake(), results=self._mortal(run.results), signals=self._mortal(run.signals), stage="dev"
        )
        return service.run(state, now=run.world.clock()).state

    def request_captures(self, scheduled_at: datetime) -> None:
        run = self._run
        service = RequestCaptures(
            lake=self._lake(),
            queue=self._mortal(run.capture_queue),
            parameter=run.market.parameter,
            shipped_sessions=lambda: b"",
            settling=SETTLING,
        )
        service.run(scheduled_at)

    def capture(self, records: list[Received]) -> list[str]:
        run = self._run
        service = CaptureBars(
            lake=self._lake(),
            board=self._mortal(run.board),
            queue=self._mortal(run.capture_queue),
            vendors={run.captured_from: self._mortal(run.vendors[run.captured_from])},
            clock=run.world.clock,
            max_receives=MAX_RECEIVES,
            sleep=run.world.sleep,
        )
        return service.run(records, deadline=run.world.clock() + WORKER_LIFE / 2).failed

    def redrive(self, client: DeadLettersClient) -> int:
        """`mend dlq redrive`."""
        return redrive(self._mortal(client), dead_letter_url="dead", queue_url="queue", now=self._run.world.clock())

    def _waiter(self) -> AwaitRepairs:
        return AwaitRepairs(board=self._mortal(self._run.board), signals=self._mortal(self._run.signals))

    def _lake(self) -> Lake:
        return Lake(self._mortal(self._run.store))

    def _mortal(self, port: Any) -> Any:
        return Mortal(self._run.world, port)
