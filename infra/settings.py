"""One frozen settings object per stage. Standard library only, so that `mend` can read it without aws_cdk."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta

from minutemend.contract import VendorSettings, first_serving

from infra.layer.target import Target
from infra.rules import MARKET, UnknownStage, UnsafeSettings, problems_among, problems_of


@dataclass(frozen=True, slots=True)
class Flaw:
    """The intentional flaw: this share of captures is dropped, the same ones for the same seed."""

    rate: float
    seed: int = 20260101

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise UnsafeSettings(f"the flaw's rate is {self.rate}; a share from 0 to 1 would be right")


@dataclass(frozen=True, slots=True)
class StageSettings:
    """Everything in which stages differ. `emulated` is the one flag for local AWS: see `for_local_aws`."""

    name: str
    region: str
    account: str | None  # None: whichever the credentials belong to; a protected stage names its own
    symbols: dict[str, tuple[str, ...]]  # calendar -> symbols: the first list; `mend symbols set` sets others
    vendors: tuple[VendorSettings, ...]  # by calendar; attempt n asks vendor (n - 1) modulo those that serve it
    proof_apart: timedelta  # two observations of an absence are at least this far apart; at most 15 min (SQS)
    settling_delay: timedelta  # a minute is due this long after its end
    retire_after: timedelta  # how long compaction keeps what it replaced; longer than a query that reads it may run
    repair_timeout: timedelta  # how long one attempt may wait without one of its jobs being settled
    worker_timeout: timedelta
    worker_concurrency: int
    max_receives: int
    scan_cutoff_bytes: int
    results_expire: timedelta
    log_retention_days: int
    sweep_days: int  # how many trailing days the nightly audit looks at
    schedules_enabled: bool
    look_share: float = 0.05  # each night, of a session's symbols; all, where no lag of the vendor is documented
    recheck_requests: int = 500  # a night's budget for what is due to be asked again of dates before the sweep's
    accept_days: int | None = None  # what a bar's own vendor restates within so many days is accepted; None: never
    revisions_alarm: int | None = None  # so many open revisions are an alarm; None: none are
    flaw: Flaw | None = None
    task_arn: str | None = None  # the user's own task: a Lambda function or a state machine
    task_timeout: timedelta = timedelta(hours=1)  # for the user's own task
    alarm_emails: tuple[str, ...] = ()  # who is told of alarms; each has to confirm the message that SNS sends first
    gap_alarm_after: timedelta = timedelta(hours=3)  # a gap older than this is somebody's business
    allow_data_deletion: bool = False  # first switch: deleting the stack may delete the data …
    delete_data: bool = False  # … the second: and this time it shall (`-c delete-data=yes`)
    protected: bool = True  # what safety hangs on: termination protection, data that stays, no flaw, a named account
    shares_account: bool = False  # a protected stage may be in one account with other stages
    developer: str | None = None  # whose own copy of a stage it is: see `for_developer`
    architecture: str = "arm64"  # arm64 or x86_64
    python: str = "3.13"
    emulated: bool = False
    endpoint: str | None = None  # of local AWS: there a Function URL lies below it
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if problems := problems_of(self):
            raise UnsafeSettings("\n".join(f"{self.name}: {problem}" for problem in problems))

    @property
    def first_list(self) -> str:
        """The list of symbols that the stage begins with, as `mend symbols set` takes it."""
        return json.dumps({calendar: list(symbols) for calendar, symbols in self.symbols.items()})

    @property
    def stack_name(self) -> str:
        return f"minutemend-{self.name}"

    @property
    def deploy_command(self) -> str:
        """What deploys it: a developer's own stage is in no list, and has to be asked for."""
        return f"npx cdk deploy {self.stack_name}" + (f" -c developer={self.developer}" if self.developer else "")

    @property
    def calendars(self) -> tuple[str, ...]:
        """The calendars whose sessions ship with the stage; `mend sessions refresh` can add others later."""
        return tuple(sorted(self.symbols))

    @property
    def layer_target(self) -> Target:
        """What the stage's layers are built for."""
        return Target(self.python, self.architecture, self.calendars)

    def vendor_of(self, calendar: str) -> VendorSettings:
        """Whom a capture, and the first attempt, asks for symbols of a calendar."""
        return first_serving(self.vendors, calendar)

    @property
    def market(self) -> str | None:
        """The vendor for which the market simulator stands, if it does for one."""
        return next((vendor.name for vendor in self.vendors if vendor.url == MARKET), None)

    def for_developer(self, name: str) -> StageSettings:
        """This stage once more, for one developer in a shared account: dev-alice in the stack minutemend-dev-alice."""
        if not re.fullmatch(r"[a-z][a-z0-9]{0,15}", name):
            raise UnsafeSettings(f"developer={name}: small letters and digits, like developer=alice, would be right")
        return replace(self, name=f"{self.name}-{name}", developer=name)

    def for_local_aws(
        self, *, python: str, architecture: str, vendor: VendorSettings | None = None, endpoint: str | None = None
    ) -> StageSettings:
        """The same stage on local AWS: what the emulator's process needs, and `emulated` for what it lacks.

        `python` ("3.11") and `architecture` are those of the interpreter that runs the emulator, because it
        runs the functions too.
        """
        return replace(
            self,
            account="000000000000",
            region="us-east-1",
            python=python,
            architecture=architecture,
            vendors=(vendor,) if vendor else self.vendors,
            emulated=True,
            endpoint=endpoint,
        )


# Who gives minute bars without a fee, by calendar: docs/deploy.md, step 4. Alpaca withholds the newest 15 minutes then.
FREE_PLANS = (
    VendorSettings("alpaca", "https://data.alpaca.markets", per_minute=180, calendars=("XNYS",)),
    VendorSettings(
        "coinbase",
        "https://api.exchange.coinbase.com",
        per_minute=300,
        per_second=5,
        calendars=("24/7",),
        symbols={"BTCUSD": "BTC-USD", "LTCUSD": "LTC-USD"},
    ),
)
_ELEVEN = ("AAPL", "AIG", "AMZN", "BAC", "GOOG", "IBM", "JPM", "MSFT", "SPY", "TSLA", "XOM")

DEV = StageSettings(
    name="dev",
    region="us-east-1",
    account=None,
    symbols={"XNYS": _ELEVEN, "24/7": ("BTCUSD", "LTCUSD")},
    vendors=(  # the market simulator, as two vendors; FREE_PLANS, with settling_delay=timedelta(minutes=16), are real
        VendorSettings("finnhub", MARKET, per_minute=6000, calendars=("XNYS",)),
        VendorSettings("coinbase", MARKET, per_minute=6000, calendars=("24/7",)),
    ),
    proof_apart=timedelta(seconds=3),
    settling_delay=timedelta(minutes=1),
    retire_after=timedelta(minutes=15),
    repair_timeout=timedelta(minutes=15),
    worker_timeout=timedelta(seconds=20),
    worker_concurrency=4,
    max_receives=4,
    scan_cutoff_bytes=10 * 1024**3,
    results_expire=timedelta(days=7),
    log_retention_days=7,
    sweep_days=3,
    schedules_enabled=False,
    accept_days=3,
    revisions_alarm=1,
    flaw=Flaw(rate=0.02),
    allow_data_deletion=True,
    protected=False,
)

PROD = StageSettings(
    name="prod",
    region="us-east-1",
    account="111122223333",  # AWS's example number: put yours here. A deploy with credentials of another is refused.
    symbols={"XNYS": _ELEVEN},
    vendors=(
        VendorSettings("alpaca", "https://data.alpaca.markets", per_minute=180, calendars=("XNYS",)),
        VendorSettings("finnhub", "https://finnhub.io", per_minute=50, per_second=15, calendars=("XNYS",)),
    ),
    proof_apart=timedelta(minutes=10),
    settling_delay=timedelta(minutes=16),
    retire_after=timedelta(hours=1),
    repair_timeout=timedelta(hours=1),
    worker_timeout=timedelta(seconds=60),
    worker_concurrency=10,
    max_receives=5,
    scan_cutoff_bytes=100 * 1024**3,
    results_expire=timedelta(days=30),
    log_retention_days=90,
    sweep_days=7,
    schedules_enabled=True,
    revisions_alarm=100,
    alarm_emails=("you@example.com",),  # put yours here: `mend dashboard check` fails until one is confirmed
)

_ALL = (DEV, PROD)  # a further stage is one more block above and its name here: all else takes it from STAGES
if _problems := problems_among(_ALL):
    raise UnsafeSettings("\n".join(_problems))
STAGES = {stage.name: stage for stage in _ALL}


def stage_settings(name: str | None) -> StageSettings:
    """The settings of a stage, or of a developer's own (dev-alice). There is no default.

    Raises UnknownStage that lists the known ones.
    """
    if name is not None and name in STAGES:
        return STAGES[name]
    for stage in STAGES.values():
        if name is not None and name.startswith(f"{stage.name}-") and not stage.protected:
            return stage.for_developer(name.removeprefix(f"{stage.name}-"))
    given = "no stage was given" if name is None else f"{name!r} is not a stage"
    raise UnknownStage(f"{given}: one of {', '.join(sorted(STAGES))} would be right")


def guarded_accounts() -> dict[str, str]:
    """The accounts into which only a protected stage may be deployed, with its name."""
    guarded = [stage for stage in STAGES.values() if stage.protected and not stage.shares_account]
    return {stage.account: stage.name for stage in guarded if stage.account}
