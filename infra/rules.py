"""What the settings of a stage may be, each rule with what would be right. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from minutemend.contract import MOST_WINDOWS, VENDORS, VendorSettings

from infra.layer.sessions import calendar_names

if TYPE_CHECKING:
    from infra.settings import StageSettings


class UnknownStage(ValueError):
    """A stage that is not one of `STAGES`."""


class UnsafeSettings(ValueError):
    """Settings that a stage may not have; the message has a line for each, with what would be right."""


MARKET = "market"  # in place of a vendor's address: the stage's own market simulator
ARCHITECTURES = ("arm64", "x86_64")
RUNTIMES = ("3.12", "3.13", "3.14")  # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, on AL2023
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS: tuple[int, ...] = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
RETENTION_DAYS += (1096, 1827, 2192, 2557, 2922, 3288, 3653)
LONGEST_QUERY = timedelta(minutes=10)  # CheckDataHealth, which waits for it, runs no longer
MOST_PARAMETER_BYTES = 8_192  # an advanced SSM parameter; a standard one holds half of that
OUR_TAGS = ("app", "stage", "concern")
_SECOND, _MINUTE, _DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def problems_of(stage: StageSettings) -> list[str]:
    """Everything that is wrong with one stage's settings, each with what would be right; [] when nothing is."""
    rules = (_identity, _safety, _lambda, _spans, _limits, _symbols, _vendors)
    return [problem for rule in rules for problem in rule(stage)]


def problems_among(stages: Sequence[StageSettings]) -> list[str]:
    """What is wrong between stages: two of one name, or two in a protected one's account that does not say so."""
    found = [
        f"two stages are named {name!r}; another name would be right" for name in _twice(one.name for one in stages)
    ]
    for stage in stages:
        others = [one.name for one in stages if one is not stage and one.account == stage.account]
        if stage.protected and stage.account and not stage.shares_account and others:
            found.append(
                f"{stage.name}: its account {stage.account} is also that of {' and '.join(others)}; an account of its "
                "own, or shares_account=True, would be right"
            )
    return found


def _identity(stage: StageSettings) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", stage.name) or len(stage.name) > 30 or stage.name == "local":
        yield f"name is {stage.name!r}; small letters, digits and single hyphens, like 'prod-eu', would be right"
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", stage.region):
        yield f"region is {stage.region!r}; one like 'us-east-1' would be right"
    if stage.account is not None and not re.fullmatch(r"\d{12}", stage.account):
        yield f"account is {stage.account!r}; its 12 digits would be right"
    if stage.protected and stage.account is None:
        yield 'a protected stage names its account: account="111122223333", with your own number, would be right'
    if stage.protected and not stage.alarm_emails:
        yield 'a protected stage names who is told: alarm_emails=("you@example.com",) would be right'
    if taken := sorted(set(stage.tags) & set(OUR_TAGS)):
        yield f"the tags {', '.join(taken)} are made for every stage; other keys would be right"


def _safety(stage: StageSettings) -> Iterator[str]:
    if stage.protected and stage.flaw is not None:
        yield "the intentional flaw is not for a protected stage; flaw=None would be right"
    if stage.protected and stage.allow_data_deletion:
        yield "data of a protected stage is never deleted; allow_data_deletion=False would be right"
    if stage.delete_data and not stage.allow_data_deletion:
        yield "its data is never deleted; no delete-data, or -c stage=NAME for another stage alone, would be right"
    if stage.protected and stage.developer:
        yield "a developer's own stage is not protected; -c stage=dev would be right"


def _lambda(stage: StageSettings) -> Iterator[str]:
    if stage.architecture not in ARCHITECTURES:
        yield f"architecture is {stage.architecture!r}; {' or '.join(ARCHITECTURES)} would be right"
    if stage.python not in RUNTIMES and not stage.emulated:  # local AWS runs this machine's interpreter
        yield f"python is {stage.python!r}, no runtime of Lambda; one of {', '.join(RUNTIMES)} would be right"
    if not _SECOND <= stage.worker_timeout <= 15 * _MINUTE or stage.worker_timeout % _SECOND:
        yield f"worker_timeout is {stage.worker_timeout}; whole seconds, at most Lambda's 15 minutes, would be right"
    if not 2 <= stage.worker_concurrency <= 1000:
        yield f"worker_concurrency is {stage.worker_concurrency}; 2 to 1000, as SQS lets Lambda scale, would be right"
    if not 1 <= stage.max_receives <= 1000:
        yield f"max_receives is {stage.max_receives}; 1 to 1000, SQS's own bounds, would be right"
    if stage.log_retention_days not in RETENTION_DAYS:
        near = min(RETENTION_DAYS, key=lambda days: abs(days - stage.log_retention_days))
        yield f"log_retention_days is {stage.log_retention_days}, which CloudWatch has not; {near} would be right"
    if stage.task_arn is not None and not re.fullmatch(_TASK_ARN, stage.task_arn):
        yield f"task_arn is {stage.task_arn!r}; the ARN of a Lambda function or of a state machine would be right"


_TASK_ARN = r"arn:aws[a-z-]*:(lambda:[a-z0-9-]+:\d{12}:function|states:[a-z0-9-]+:\d{12}:stateMachine):[\w$:-]+"


def _spans(stage: StageSettings) -> Iterator[str]:
    if not timedelta(0) <= stage.proof_apart <= 15 * _MINUTE:
        yield f"proof_apart is {stage.proof_apart}; SQS delays a message by at most 15 minutes"
    if not timedelta(0) <= stage.settling_delay < 55 * _MINUTE:
        yield f"settling_delay is {stage.settling_delay}; less than 55 minutes, to audit each hour, would be right"
    for name in ("retire_after", "repair_timeout", "gap_alarm_after", "task_timeout"):
        span: timedelta = getattr(stage, name)
        if not _SECOND <= span <= 365 * _DAY:
            yield f"{name} is {span}; more than nothing, at most a year, would be right"
    if stage.retire_after <= LONGEST_QUERY:
        yield f"retire_after is {stage.retire_after}; longer than a query may run, {LONGEST_QUERY}, would be right"
    if stage.results_expire < _DAY or stage.results_expire % _DAY:
        yield f"results_expire is {stage.results_expire}; whole days would be right"


def _limits(stage: StageSettings) -> Iterator[str]:
    if stage.scan_cutoff_bytes < 10_000_000:
        yield f"scan_cutoff_bytes is {stage.scan_cutoff_bytes}; Athena takes no less than 10,000,000"
    if not 3 <= stage.sweep_days <= 366:  # what a night looks at again lies three days back when it is compared
        yield f"sweep_days is {stage.sweep_days}; 3 to 366 would be right"
    if not 0 <= stage.look_share <= 1:
        yield f"look_share is {stage.look_share}; a share from 0 to 1, like 0.05, would be right"
    if not 0 <= stage.recheck_requests <= MOST_WINDOWS:
        yield f"recheck_requests is {stage.recheck_requests}; 0 (none) to {MOST_WINDOWS:,} a night would be right"
    if stage.accept_days is not None and not 1 <= stage.accept_days <= stage.sweep_days:
        yield (
            f"accept_days is {stage.accept_days}; None (never), or 1 to sweep_days, {stage.sweep_days}, in which facts "
            "are made anew, would be right"
        )
    if stage.revisions_alarm is not None and stage.revisions_alarm < 1:
        yield f"revisions_alarm is {stage.revisions_alarm}; None (no alarm), or at least 1, would be right"


def _symbols(stage: StageSettings) -> Iterator[str]:
    if not any(stage.symbols.values()):
        yield 'symbols names none; {"XNYS": ("AAPL",)} would be right, for example'
    if (size := len(stage.first_list)) > MOST_PARAMETER_BYTES:
        yield (
            f"the first list of symbols has {size:,} bytes, and a parameter of SSM holds {MOST_PARAMETER_BYTES:,}; a "
            "shorter one, and `mend symbols set` for all of them, would be right"
        )
    for calendar in sorted(name for name in stage.symbols if not {name, name.lower()} & calendar_names()):
        yield f"there is no calendar {calendar!r}; XNYS, XLON, XTKS or 24/7 would be right, for example"
    for symbol in _twice(symbol for listed in stage.symbols.values() for symbol in listed):
        yield f"{symbol} is listed twice; once, under one calendar, would be right"


def _vendors(stage: StageSettings) -> Iterator[str]:
    if not stage.vendors:
        yield f"vendors is empty; at least one of {', '.join(sorted(VENDORS))} would be right"
    for name in _twice(vendor.name for vendor in stage.vendors):
        yield f"vendors holds {name} twice; once would be right"
    for calendar in stage.symbols:
        if stage.vendors and not any(vendor.serves(calendar) for vendor in stage.vendors):
            yield f"no vendor serves the calendar {calendar}; one whose `calendars` name it would be right"
    for vendor in stage.vendors:
        yield from (f"vendor {vendor.name!r}: {problem}" for problem in _vendor(vendor, stage))


def _vendor(vendor: VendorSettings, stage: StageSettings) -> Iterator[str]:
    if vendor.name not in VENDORS:
        yield f"there is no such vendor; one of {', '.join(sorted(VENDORS))} would be right"
    if vendor.url == MARKET:
        if stage.protected:
            yield "the market simulator makes bars up, never for a protected stage; its own https://… would be right"
    elif not re.fullmatch(r"https?://\S+" if stage.emulated else r"https://\S+", vendor.url):
        yield f"url is {vendor.url!r}; https://… would be right"
    elif not stage.emulated and stage.settling_delay < (late := _lag(vendor.name)):
        yield (
            f"it has a minute's bars {late} after the minute, and settling_delay is {stage.settling_delay}; "
            f"{late + _MINUTE} would be right"
        )
    if vendor.archive is not None:
        if vendor.name in VENDORS and VENDORS[vendor.name].archive is None:
            yield "it publishes no archive that is known here; archive=None would be right"
        elif not re.fullmatch(r"https?://\S+" if stage.emulated else r"https://\S+", vendor.archive):
            yield f"archive is {vendor.archive!r}; https://data.binance.vision would be right, for example"
    if vendor.per_minute < 1 or (vendor.per_second is not None and vendor.per_second < 1):
        yield "per_minute and per_second are at least 1"
    if not timedelta(0) < vendor.timeout < stage.worker_timeout:
        yield f"timeout is {vendor.timeout}; less than worker_timeout, {stage.worker_timeout}, would be right"


def _lag(name: str) -> timedelta:
    known = VENDORS.get(name)
    return (known and known.lag) or timedelta(0)


def _twice(names: Iterable[str]) -> list[str]:
    listed = list(names)
    return sorted({name for name in listed if listed.count(name) > 1})
