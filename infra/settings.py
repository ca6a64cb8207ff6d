"""One frozen settings object per stage. Standard library only, so that `mend` can read it without aws_cdk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta


class UnknownStage(ValueError):
    """A stage that is not one of `STAGES`."""


class UnsafeSettings(ValueError):
    """Settings that a stage may not have; the message says which and why."""


@dataclass(frozen=True, slots=True)
class VendorSettings:
    """One vendor as a stage uses it. `url` is its base URL, `per_minute` our share of its rate limit.

    `per_second`, where the vendor limits the second too, is half of what it allows: our seconds are the clock's, and
    two of them may be spent around the stroke. `symbols` are the names that this vendor has for ours, where they
    differ (docs/vendors.md).
    """

    name: str
    url: str
    per_minute: int
    timeout: timedelta = timedelta(seconds=5)
    symbols: dict[str, str] = field(default_factory=dict)
    per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Flaw:
    """The intentional flaw: this share of captures is dropped, the same ones for the same seed."""

    rate: float
    seed: int = 20260101


@dataclass(frozen=True, slots=True)
class StageSettings:
    """Everything in which stages differ. `emulated` is the one flag for local AWS: see `for_local_aws`."""

    name: str
    region: str
    account: str | None  # None: whichever the credentials belong to
    symbols: dict[str, tuple[str, ...]]  # calendar -> symbols: the parameter's first value
    vendors: tuple[VendorSettings, ...]  # attempt n asks vendor (n - 1) modulo their number
    proof_apart: timedelta  # two observations of an absence are at least this far apart; at most 15 min (SQS)
    settling_delay: timedelta  # a minute is due this long after its end
    retire_after: timedelta  # how long compaction keeps the files that it replaced
    repair_timeout: timedelta  # how long one attempt may wait without one of its jobs being settled
    worker_timeout: timedelta
    worker_concurrency: int
    max_receives: int
    scan_cutoff_bytes: int
    results_expire: timedelta
    log_retention_days: int
    sweep_days: int  # how many trailing days the nightly audit looks at
    schedules_enabled: bool
    cadence: timedelta = timedelta(minutes=1)
    flaw: Flaw | None = None
    task_arn: str | None = None  # the user's own task: a Lambda function or a state machine
    task_timeout: timedelta = timedelta(hours=1)  # for the user's own task
    gap_alarm_after: timedelta = timedelta(hours=3)  # a gap older than this is somebody's business
    allow_data_deletion: bool = False  # first switch: deleting the stack may delete the data …
    delete_data: bool = False  # … the second: and this time it shall (`-c delete-data=yes`)
    protected: bool = True  # termination and deletion protection
    architecture: str = "arm64"  # arm64 or x86_64
    python: str = "3.13"
    emulated: bool = False
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.proof_apart <= timedelta(minutes=15):
            raise UnsafeSettings(
                f"{self.name}: proof_apart is {self.proof_apart}; SQS delays a message by at most 15 minutes"
            )
        if self.name == "prod" and self.flaw is not None:
            raise UnsafeSettings("prod: the intentional flaw is for dev; flaw=None would be right")
        if self.name == "prod" and self.allow_data_deletion:
            raise UnsafeSettings("prod: its data is never deleted; allow_data_deletion=False would be right")
        if self.delete_data and not self.allow_data_deletion:
            raise UnsafeSettings(f"{self.name}: its data is never deleted; leaving delete-data out would be right")
        if self.architecture not in ("arm64", "x86_64"):
            raise UnsafeSettings(f"{self.name}: architecture is {self.architecture!r}; arm64 or x86_64 would be right")

    @property
    def stack_name(self) -> str:
        return f"minutemend-{self.name}"

    @property
    def calendars(self) -> tuple[str, ...]:
        """The calendars whose sessions ship with the stage; `mend sessions refresh` can add others later."""
        return tuple(sorted(self.symbols))

    def for_local_aws(self, *, python: str, architecture: str, vendor: VendorSettings | None = None) -> StageSettings:
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
        )


_ELEVEN = ("AAPL", "AIG", "AMZN", "BAC", "GOOG", "IBM", "JPM", "MSFT", "SPY", "TSLA", "XOM")

DEV = StageSettings(
    name="dev",
    region="us-east-1",
    account=None,
    symbols={"XNYS": _ELEVEN, "24/7": ("BTCUSD", "LTCUSD")},
    vendors=(
        VendorSettings(
            "finnhub",
            "https://finnhub.io",
            per_minute=60,
            per_second=15,
            symbols={"BTCUSD": "COINBASE:BTC-USD", "LTCUSD": "COINBASE:LTC-USD"},
        ),
    ),
    proof_apart=timedelta(seconds=3),
    settling_delay=timedelta(minutes=1),
    retire_after=timedelta(minutes=1),  # longer than the longest query: an audit must not notice
    repair_timeout=timedelta(minutes=15),
    worker_timeout=timedelta(seconds=20),
    worker_concurrency=4,
    max_receives=4,
    scan_cutoff_bytes=10 * 1024**3,
    results_expire=timedelta(days=7),
    log_retention_days=7,
    sweep_days=3,
    schedules_enabled=False,
    flaw=Flaw(rate=0.02),
    allow_data_deletion=True,
    protected=False,
)

PROD = StageSettings(
    name="prod",
    region="us-east-1",
    account=None,
    symbols={"XNYS": _ELEVEN},
    vendors=(
        VendorSettings("alpaca", "https://data.alpaca.markets", per_minute=180),
        VendorSettings("finnhub", "https://finnhub.io", per_minute=50, per_second=15),
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
)

STAGES = {stage.name: stage for stage in (DEV, PROD)}


def stage_settings(name: str | None) -> StageSettings:
    """The settings of a stage. There is no default: raises UnknownStage that lists the known ones."""
    if name not in STAGES:
        given = "no stage was given" if name is None else f"{name!r} is not a stage"
        raise UnknownStage(f"{given}: one of {', '.join(sorted(STAGES))} would be right")
    return STAGES[name]
