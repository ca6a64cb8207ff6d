"""What a stage costs a month: its own settings, the dated prices of infra/prices.py, and the assumptions below.

Every line is a quantity times a price, with what it stands for, so that it can be argued with. Free tiers are
left out. `original` is the design that minutemend replaces, over the same symbols and sessions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from minutemend.contract import CAPTURE_TOGETHER, VENDORS
from minutemend.services.flags import BEFORE

from infra import prices
from infra.settings import StageSettings
from mend.calendars.known import calendar_named
from mend.captures import capture_requests
from mend.console import count

CONCERNS = ("capture", "audit", "repair", "publish", "standing")  # standing: whether or not it runs
AT_ONCE = 8  # vendor requests that a capture worker has under way together (wiring/feed.py)
MONTH_DAYS = 365.25 / 12
MONTH_HOURS = MONTH_DAYS * 24
MONTH_MINUTES = MONTH_HOURS * 60
GB = 1e9

# GB of memory, as infra/constructs/functions.py has them (a test compares).
MEMORY = {
    "check_data_health": 2.0,
    "queue_repairs": 0.5,
    "await_repairs": 0.25,
    "process_repairs": 1.0,
    "publish_hours": 2.0,
    "report_failure": 0.5,
    "request_captures": 0.5,
    "capture_bars": 1.0,
    "review_values": 1.0,
    "request_rechecks": 0.5,
}
ALARMS = 19  # as prod's template has them (a test compares)

# Assumptions: what no price list says. Seconds are billed durations of warm functions.
SHARE_RESTATED = 0.001  # of bars that were superseded, and are kept
SHARE_MISSING = 0.005  # of expected minutes; each is taken for a hole of its own, which is the dearest way to lack them
VENDOR_SECONDS = 0.15  # one request to a vendor
REQUEST_SECONDS = 0.10  # request_captures: one parameter, two small objects
CAPTURE_SECONDS = 0.20  # capture_bars, besides its vendor requests
REPAIR_SECONDS = 0.30  # process_repairs, besides its vendor request
CHECK_SECONDS = 4.0  # check_data_health: mostly waiting for Athena
PUBLISH_SECONDS = 1.0  # publish_hours, and as much again for each 500 symbols
LOOKS, STEPS, FEWEST = 2, 11, 7  # of an audit that repairs once; one that finds nothing looks once, in 7 steps
BYTES_A_BAR = 8  # Parquet zstd, all columns, compacted (7.6 measured for 500 symbols: python -m bench.publish)
SCANNED_A_BAR = 0.3  # symbol and minute, before compaction
MONTHS_KEPT = 12
RECHECKED = 2  # dates a night that are due: of a week ago and of a month ago, each symbol of theirs
RECHECK_STEPS = 8  # of the machine that runs their audits
LOG_BYTES = 1500  # of an invocation, EMF included
POLLS = 15 * MONTH_MINUTES  # of Lambda's five long-polling readers of a queue, whatever it holds
METRICS = 6  # custom metrics written while nothing happens: the audits' four, captured bars, requests to a vendor
# The original design: a function of 256 MB for each symbol and minute, a second each (it imports pandas).
ORIGINAL_SECONDS, ORIGINAL_GB = 1.0, 0.25
ORIGINAL_STEPS = 12  # an audit with two waits of 90 s and their polls
ORIGINAL_SCANNED_A_BAR = 12  # gzip JSON: every query reads all of it
FIREHOSE_RECORD = 5000  # bytes that a record is rounded up to


@dataclass(frozen=True, slots=True)
class Load:
    """What is captured: symbols, and their calendar's sessions in a month."""

    symbols: int
    calendar: str
    minutes: float  # expected, of one symbol, a month
    sessions: float  # a month

    @property
    def bars(self) -> float:
        return self.symbols * self.minutes

    @property
    def hours(self) -> float:
        """Clock hours a month that have expected minutes; a session touches one more than it is long."""
        length = self.minutes / self.sessions / 60
        return self.sessions * min(24, math.ceil(length))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill. `quantity` a month, `price` of one."""

    concern: str  # one of CONCERNS, as the resources' tags
    service: str
    what: str
    quantity: float
    price: float

    @property
    def dollars(self) -> float:
        return self.quantity * self.price


def bill(settings: StageSettings, load: Load, *, vendor_symbols: int) -> list[Line]:
    """The stage's month. `vendor_symbols` is how many symbols the capture's vendor takes in one request."""
    memory_second = prices.LAMBDA_GB_SECOND[settings.architecture]
    chunks = math.ceil(load.symbols / CAPTURE_TOGETHER)
    messages = load.minutes * chunks
    requests = load.minutes * capture_requests(load.symbols, vendor_symbols)
    asking = math.ceil(requests / messages / AT_ONCE) * VENDOR_SECONDS
    jobs = load.bars * SHARE_MISSING
    nights = MONTH_DAYS
    audits = MONTH_HOURS + nights
    mended = load.hours if jobs else 0
    looks = audits + mended * (LOOKS - 1)
    steps = audits * FEWEST + mended * (STEPS - FEWEST)
    nightly = settings.sweep_days * load.bars / MONTH_DAYS * SCANNED_A_BAR
    flagged = (settings.sweep_days + BEFORE.days) * load.bars / MONTH_DAYS * BYTES_A_BAR
    publish_seconds = PUBLISH_SECONDS * (1 + load.symbols / 500)

    vendor = VENDORS[settings.vendor_of(load.calendar).name]
    session = load.minutes / load.sessions
    looked = math.ceil(load.symbols * (settings.look_share if vendor.lag is not None else 1))
    together = max(1, min(vendor_symbols, int(vendor.rows // session)))
    second = load.sessions * math.ceil(looked / together) * math.ceil(session / vendor.rows)
    each = RECHECKED * math.ceil(load.symbols / together) * math.ceil(session / vendor.rows)
    due = nights * min(settings.recheck_requests, each)
    again = nights * RECHECKED if due else 0
    kept = MONTHS_KEPT * SHARE_RESTATED * load.bars + 3 * load.sessions * looked * session  # looks: 90 days

    def run(concern: str, function: str, times: float, seconds: float) -> list[Line]:
        return [
            Line(
                concern,
                "Lambda",
                f"{function}, {seconds:g} s each",
                times * seconds * MEMORY[function.partition(",")[0]],
                memory_second,
            ),
            Line(concern, "Lambda", f"{function}, invocations", times, prices.LAMBDA_REQUEST),
            Line(
                concern,
                "CloudWatch",
                f"{function}, logs and metrics as logs, GB",
                times * LOG_BYTES / GB,
                prices.LOG_GB,
            ),
            Line(concern, "X-Ray", f"{function}, traces at most", times, prices.TRACE),
        ]

    def asked(what: str, requests: float) -> list[Line]:
        return [
            *run("repair", f"process_repairs, {what}", requests, REPAIR_SECONDS + VENDOR_SECONDS),
            Line("repair", "SQS", f"{what} sent, received, deleted", 3 * requests, prices.SQS_REQUEST),
            Line("repair", "DynamoDB", f"claim, budget, settle of {what}", 4 * requests, prices.DYNAMODB_WRITE),
            Line("repair", "S3", f"bars, looks and answers of {what}", 2 * requests, prices.S3_PUT),
        ]

    return [
        Line("capture", "EventBridge", "the schedule of each minute", MONTH_MINUTES, prices.SCHEDULE),
        *run("capture", "request_captures", MONTH_MINUTES, REQUEST_SECONDS),
        Line("capture", "S3", "reading sessions and symbols", 3 * MONTH_MINUTES, prices.S3_GET),
        Line("capture", "SQS", "messages sent, received, deleted", 3 * messages, prices.SQS_REQUEST),
        Line("capture", "SQS", "polling", POLLS, prices.SQS_REQUEST),
        *run("capture", "capture_bars", messages, CAPTURE_SECONDS + asking),
        Line("capture", "DynamoDB", "the vendor's rate budget, once a message", messages, prices.DYNAMODB_WRITE),
        Line("capture", "S3", "objects of bars written", messages, prices.S3_PUT),
        Line("audit", "EventBridge", "schedules of hour and night", audits, prices.SCHEDULE),
        Line("audit", "Step Functions", "transitions", steps, prices.STATE_TRANSITION),
        *run("audit", "check_data_health", looks, CHECK_SECONDS),
        Line("audit", "Athena", "hourly, the least that is billed", looks - nights, _scan(prices.ATHENA_LEAST)),
        Line("audit", "Athena", f"nightly, {count(settings.sweep_days, 'day')}", nights, _scan(nightly)),
        Line("audit", "S3", "objects that Athena reads, 3 requests each", 3 * LOOKS * messages, prices.S3_GET),
        *run("repair", "queue_repairs", mended, 0.5),
        *run("repair", "await_repairs", mended, 0.1),
        Line("repair", "SQS", "polling", POLLS, prices.SQS_REQUEST),
        *asked("jobs", jobs),
        *run("audit", "review_values", nights, CHECK_SECONDS),
        Line("audit", "EventBridge", "the schedule of the review", nights, prices.SCHEDULE),
        Line(
            "audit", "Athena", "the review: whole bars, twice", nights, _scan(2 * nightly * BYTES_A_BAR / SCANNED_A_BAR)
        ),
        Line(
            "audit", "Athena", "its flags: whole bars of these and the days before, twice", nights, _scan(2 * flagged)
        ),
        *asked("second looks", second),
        Line("repair", "EventBridge", "the schedule of the rechecks", nights, prices.SCHEDULE),
        *run("repair", "request_rechecks", nights, 1.0),
        Line("repair", "Step Functions", "rechecks", again * STEPS + nights * RECHECK_STEPS, prices.STATE_TRANSITION),
        *run("repair", "check_data_health, rechecks", again * LOOKS, CHECK_SECONDS),
        Line("repair", "Athena", "rechecks, the least that is billed", again * LOOKS, _scan(prices.ATHENA_LEAST)),
        *asked("rechecks", due),
        *run("publish", "publish_hours", audits, publish_seconds),
        Line("publish", "S3", "objects read to compact and to aggregate", 3 * messages, prices.S3_GET),
        Line("publish", "S3", "objects, facts, markers and listings", audits * 8 + load.hours * 4, prices.S3_PUT),
        Line("publish", "EventBridge", "ready events", load.hours + nights, prices.EVENT),
        _kept(load),
        Line(
            "standing", "S3", "superseded bars, and 90 days of looks, GB", kept * BYTES_A_BAR / GB, prices.S3_GB_MONTH
        ),
        Line("standing", "CloudWatch", "alarms", ALARMS, prices.ALARM_MONTH),
        Line("standing", "CloudWatch", "dashboard", 1, prices.DASHBOARD_MONTH),
        Line("standing", "CloudWatch", "metrics", METRICS, prices.METRIC_MONTH),
        Line("standing", "Secrets Manager", "the vendors' tokens", 1, prices.SECRET_MONTH),
        Line("standing", "KMS", "the alarm topic's key", 1, prices.KEY_MONTH),
    ]


def original(load: Load, *, architecture: str) -> list[Line]:
    """The original design's month: what it captured and audited with, over the same load."""
    memory_second = prices.LAMBDA_GB_SECOND[architecture]
    shards = max(1, math.ceil(load.symbols / 1000))  # a shard takes 1,000 records a second, and they come at once
    day = load.bars / load.sessions * ORIGINAL_SCANNED_A_BAR
    call, missing = ORIGINAL_SECONDS * ORIGINAL_GB, load.bars * SHARE_MISSING
    return [
        Line("capture", "EventBridge", "the schedule of each minute", MONTH_MINUTES, prices.SCHEDULE),
        Line("capture", "Lambda", "a function for each symbol and minute", load.bars * call, memory_second),
        Line("capture", "Lambda", "its invocations", load.bars, prices.LAMBDA_REQUEST),
        Line("capture", "CloudWatch", "its logs, GB", load.bars * LOG_BYTES / GB, prices.LOG_GB),
        Line("capture", "Kinesis", "shards, hours", shards * MONTH_HOURS, prices.KINESIS_SHARD_HOUR),
        Line("capture", "Kinesis", "records", load.bars, prices.KINESIS_PUT_UNIT),
        Line("capture", "Firehose", "records of 5 KB, GB", load.bars * FIREHOSE_RECORD / GB, prices.FIREHOSE_GB),
        Line("capture", "S3", "objects, one a minute", load.minutes, prices.S3_PUT),
        Line("audit", "Step Functions", "transitions", MONTH_HOURS * ORIGINAL_STEPS, prices.STATE_TRANSITION),
        Line("audit", "Athena", "two queries an hour, over the day", 2 * MONTH_HOURS, _scan(day)),
        Line("repair", "Lambda", "a function for each missing minute", missing * call, memory_second),
        Line("repair", "Kinesis", "the records of the missing minutes", missing, prices.KINESIS_PUT_UNIT),
        _kept(load),
    ]


def by_service(lines: Iterable[Line]) -> dict[str, dict[str, float]]:
    """Dollars by service, then concern; services by falling cost."""
    found: dict[str, dict[str, float]] = {}
    for line in lines:
        concerns = found.setdefault(line.service, {})
        concerns[line.concern] = concerns.get(line.concern, 0.0) + line.dollars
    return dict(sorted(found.items(), key=lambda entry: (-sum(entry[1].values()), entry[0])))


def total(lines: Iterable[Line]) -> float:
    """Dollars."""
    return sum(line.dollars for line in lines)


def table(lines: Sequence[Line]) -> list[dict[str, str | None]]:
    """The bill by service and concern, in dollars as people read them (None where nothing is spent), the sums last."""
    found = by_service(lines)
    sums = {concern: total(line for line in lines if line.concern == concern) for concern in CONCERNS}
    return [
        {"service": service}
        | {concern: f"{row[concern]:,.2f}" if concern in row else None for concern in CONCERNS}
        | {"total": f"{sum(row.values()):,.2f}"}
        for service, row in [*found.items(), ("total", sums)]
    ]


def load_of(symbols: int, calendar: str) -> Load:
    """The load of a calendar in an average month of 2025. Raises BadInput for an unknown calendar."""
    known = calendar_named(calendar)
    sessions = known.sessions(date(2025, 1, 1), date(2025, 12, 31))
    return Load(symbols, known.name, sum(one.minutes for one in sessions) / 12, len(sessions) / 12)


def _kept(load: Load) -> Line:
    kept = MONTHS_KEPT * load.bars * BYTES_A_BAR / GB
    return Line("standing", "S3", f"{MONTHS_KEPT} months of bars, GB", kept, prices.S3_GB_MONTH)


def _scan(scanned: float) -> float:
    """Dollars of one query; Athena bills at least 10 MB."""
    return max(scanned, prices.ATHENA_LEAST) * prices.ATHENA_BYTE
