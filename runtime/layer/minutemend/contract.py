"""The names that infrastructure and runtime share. Standard library only: `infra` imports this and no more.

Environment variables, table and column names, key prefixes, payload keys, metric names: each stands here once.
"""

from __future__ import annotations

from enum import StrEnum


class Env(StrEnum):
    """Environment variables of the functions. Each function is given those it needs and no more."""

    STAGE = "STAGE"
    DATA_BUCKET = "DATA_BUCKET"
    RESULTS_BUCKET = "RESULTS_BUCKET"
    DATABASE = "GLUE_DATABASE"
    WORKGROUP = "ATHENA_WORKGROUP"
    BOARD_TABLE = "BOARD_TABLE"
    REPAIR_QUEUE_URL = "REPAIR_QUEUE_URL"
    REPAIR_DLQ_URL = "REPAIR_DLQ_URL"
    CAPTURE_QUEUE_URL = "CAPTURE_QUEUE_URL"
    CAPTURE_DLQ_URL = "CAPTURE_DLQ_URL"
    ALARM_TOPIC_ARN = "ALARM_TOPIC_ARN"
    EVENT_BUS = "EVENT_BUS"
    SYMBOLS_PARAMETER = "SYMBOLS_PARAMETER"
    VENDOR_SECRET = "VENDOR_SECRET"  # noqa: S105 (the secret's ARN, not the secret)
    # JSON: [{"name": "finnhub", "url": "https://…", "per_minute": 60, "timeout_seconds": 5.0,
    # "symbols": {"BTCUSD": "COINBASE:BTC-USD"}}, …]: `symbols` are the vendor's names where they differ. Attempt n
    # asks vendor (n - 1) modulo their number.
    VENDORS = "VENDORS"
    MAX_RECEIVES = "MAX_RECEIVES"
    PROOF_APART_SECONDS = "PROOF_APART_SECONDS"
    SETTLING_DELAY_SECONDS = "SETTLING_DELAY_SECONDS"
    CADENCE_MINUTES = "CADENCE_MINUTES"
    RETIRE_AFTER_SECONDS = "RETIRE_AFTER_SECONDS"  # how long compaction keeps the files that it replaced
    SWEEP_DAYS = "SWEEP_DAYS"
    FLAW_RATE = "FLAW_RATE"  # dev alone: the share of captures dropped on purpose
    FLAW_SEED = "FLAW_SEED"


class Table(StrEnum):
    """Glue tables; each is also the key prefix of its files in the data bucket."""

    BARS = "bars"
    SESSIONS = "sessions"
    SYMBOLS = "symbols"
    ABSENCES = "absences"
    ANSWERS = "answers"
    FAILURES = "failures"
    HOURLY = "hourly"


PARTITION = "dt"  # the UTC date of the minute, as `dt=YYYY-MM-DD/`

# Columns in Glue's types. Timestamps have no zone and are UTC. Partitioned tables carry `dt string` besides.
COLUMNS: dict[Table, tuple[tuple[str, str], ...]] = {
    Table.BARS: (
        ("symbol", "string"),
        ("minute", "timestamp"),
        ("open", "double"),
        ("high", "double"),
        ("low", "double"),
        ("close", "double"),
        ("volume", "double"),
        ("source", "string"),
        ("repair_id", "string"),
        ("captured_at", "timestamp"),
    ),
    Table.SESSIONS: (
        ("calendar", "string"),
        ("dt", "string"),
        ("open", "timestamp"),
        ("close", "timestamp"),
        ("minutes", "int"),
    ),
    # The interested symbols in force, mirrored from the parameter by whoever read it last.
    Table.SYMBOLS: (
        ("symbol", "string"),
        ("calendar", "string"),
        ("listed", "string"),  # YYYY-MM-DD, null: always
        ("delisted", "string"),  # exclusive, null: never
    ),
    Table.ABSENCES: (
        ("symbol", "string"),
        ("start", "timestamp"),
        ("end", "timestamp"),
        ("reason", "string"),
        ("evidence", "string"),
        ("observations", "int"),
        ("proven_at", "timestamp"),
    ),
    Table.ANSWERS: (
        ("symbol", "string"),
        ("start", "timestamp"),
        ("end", "timestamp"),
        ("observed_at", "timestamp"),
        ("vendor", "string"),
        ("kind", "string"),
        ("omitted", "string"),  # JSON: [[first epoch minute, minutes], …]
        ("rows", "int"),
        ("status", "int"),
        ("detail", "string"),
        ("job_id", "string"),
        ("audit_id", "string"),
        ("attempt", "int"),
    ),
    Table.FAILURES: (
        ("symbol", "string"),
        ("start", "timestamp"),
        ("end", "timestamp"),
        ("reason", "string"),
        ("evidence", "string"),
        ("attempts", "int"),
        ("audit_id", "string"),
        ("failed_at", "timestamp"),
    ),
    Table.HOURLY: (
        ("symbol", "string"),
        ("hour", "timestamp"),
        ("open", "double"),
        ("high", "double"),
        ("low", "double"),
        ("close", "double"),
        ("volume", "double"),
        ("minutes_present", "int"),
        ("minutes_expected", "int"),
        ("minutes_absent", "int"),
    ),
}
UNPARTITIONED = frozenset({Table.SESSIONS, Table.SYMBOLS})
FIRST_DT = "2010-01-01"  # where partition projection and the shipped sessions begin

SESSIONS_KEY = "sessions/sessions.parquet"
SYMBOLS_KEY = "symbols/symbols.parquet"

# The results bucket: Athena's output and the audits' working files. Everything in it expires.
ATHENA_PREFIX = "athena/"
AUDITS_PREFIX = "audits/"


class Key(StrEnum):
    """Keys of the state machine's state. Everything long lies in the results bucket under a pointer."""

    INPUT = "input"  # the execution's input, first step only
    AUDIT_ID = "audit_id"  # the execution's name
    STARTED_AT = "started_at"
    STATUS = "status"  # see Status
    REASON = "reason"
    START = "start"
    END = "end"
    REQUEST_KEY = "request_key"  # results bucket: the audit's request with its symbols
    GAPS_KEY = "gaps_key"  # results bucket: the gaps of the newest look, Parquet
    REPORT_KEY = "report_key"  # results bucket: the failure report
    ATTEMPT = "attempt"  # repairs queued so far
    ATTEMPTS = "attempts"
    MISSING = "missing"  # minutes
    REPAIRABLE = "repairable"  # minutes that no vendor has refused in this audit
    EXPECTED = "expected"  # minutes
    PUBLISH_FROM = "publish_from"  # the date at which publishing goes on; not there when all is published
    JOBS = "jobs"
    SETTLED = "settled"  # jobs of this attempt, when a wait for it timed out last
    WAITS = "waits"  # how often this audit has waited on after a timeout
    MOVING = "moving"  # whether it shall wait on once more
    TASK_TOKEN = "task_token"  # noqa: S105 (a payload key)


# An audit waits for `repair_timeout`, and on while its jobs make progress: this often in all its attempts.
# prod: a day, in which its vendors answer 259,200 and 72,000 requests.
MOST_WAITS = 24


class Status(StrEnum):
    """What CheckDataHealth found."""

    READY = "ready"  # nothing is missing
    REPAIR = "repair"  # something is missing, repairable, and attempts are left
    EXHAUSTED = "exhausted"  # something is missing and nothing more can be done
    REFUSED = "refused"  # the input is unusable; `reason` says why


class Metric(StrEnum):
    """CloudWatch metrics (EMF), namespace `minutemend`, dimension `stage` and where it says so one more."""

    COMPLETENESS = "Completeness"  # percent of expected minutes that are present or proven absent
    MISSING = "MissingMinutes"
    ABSENT = "AbsentMinutes"
    REPAIRED = "RepairedMinutes"
    FAILED = "FailedMinutes"
    OLDEST_GAP = "OldestGapAge"  # seconds
    AUDITS = "Audits"  # dimension outcome: ready, exhausted, refused
    AUDIT_SECONDS = "AuditSeconds"
    VENDOR_REQUESTS = "VendorRequests"  # dimension vendor
    VENDOR_ERRORS = "VendorErrors"  # dimension vendor
    VENDOR_THROTTLES = "VendorThrottles"  # dimension vendor
    BYTES_SCANNED = "BytesScanned"
    BARS_CAPTURED = "BarsCaptured"
    SYMBOLS_REFUSED = "SymbolListRefused"


NAMESPACE = "minutemend"
EVENT_SOURCE = "minutemend"
RANGE_READY = "Range Ready"  # EventBridge detail-type
