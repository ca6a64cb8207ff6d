"""The names that infrastructure and runtime share. Standard library only: `infra` imports this and no more.

Environment variables, table and column names, key prefixes, payload keys, metric names: each stands here once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any


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
    VENDORS = "VENDORS"  # JSON, by `vendors_to_json`
    MAX_RECEIVES = "MAX_RECEIVES"
    PROOF_APART_SECONDS = "PROOF_APART_SECONDS"
    SETTLING_DELAY_SECONDS = "SETTLING_DELAY_SECONDS"
    RETIRE_AFTER_SECONDS = "RETIRE_AFTER_SECONDS"  # how long compaction keeps the files that it replaced
    SWEEP_DAYS = "SWEEP_DAYS"
    LOOK_SHARE = "LOOK_SHARE"
    RECHECK_REQUESTS = "RECHECK_REQUESTS"  # a night
    ACCEPT_DAYS = "ACCEPT_DAYS"  # not there: nothing is accepted unasked
    FLAW_RATE = "FLAW_RATE"  # dev alone: the share of captures dropped on purpose
    FLAW_SEED = "FLAW_SEED"


class Table(StrEnum):
    """Glue tables; each is also the key prefix of its files in the data bucket."""

    BARS = "bars"
    SUPERSEDED = "superseded"
    LOOKS = "looks"
    SESSIONS = "sessions"
    HOURS = "hours"
    SYMBOLS = "symbols"
    ABSENCES = "absences"
    REVOCATIONS = "revocations"
    ANSWERS = "answers"
    FAILURES = "failures"
    FLAGS = "flags"
    HOURLY = "hourly"


PARTITION = "dt"  # the UTC date of the minute, as `dt=YYYY-MM-DD/`

_BAR = (
    ("symbol", "string"),
    ("minute", "timestamp"),  # its left edge
    ("open", "double"),
    ("high", "double"),
    ("low", "double"),
    ("close", "double"),
    ("volume", "double"),
    ("source", "string"),  # the vendor's name, or what `mend load` was told
    # The repair job; null for a captured or loaded bar; for an accepted one ACCEPTED and what it supersedes.
    ("repair_id", "string"),
    ("captured_at", "timestamp"),  # when our worker had it in hand
)
# Columns in Glue's types. Timestamps have no zone and are UTC. Partitioned tables carry `dt string` besides.
COLUMNS: dict[Table, tuple[tuple[str, str], ...]] = {
    Table.BARS: _BAR,
    # Bars that vendors sent beside the minutes that were asked for: seen, and read as bars by no reader. `repair_id` is
    # the job that was answered, `captured_at` when.
    Table.LOOKS: _BAR,
    # Bars that lost to another of their minute, kept by compaction for readers of the past: with since when readers
    # could get it.
    Table.SUPERSEDED: (*_BAR, ("known_since", "timestamp")),
    Table.SESSIONS: (
        ("calendar", "string"),
        ("dt", "string"),
        ("open", "timestamp"),
        ("close", "timestamp"),
        ("minutes", "int"),
    ),
    # What the sessions expect of each clock hour, made from them (core/hours.py): the audit's statement joins it.
    Table.HOURS: (
        ("calendar", "string"),
        ("dt", "string"),
        ("hour", "timestamp"),
        ("bars", "int"),
        ("word", "bigint"),
        ("low", "bigint"),  # null since 2026-11-29, and `high`: the statement asks for neither
        ("high", "bigint"),
        ("made_of", "string"),  # names the sessions that all rows were made of
    ),
    # The interested symbols in force, mirrored from the newest list by its last reader.
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
        ("proof", "string"),  # venue_statement, two_sources, two_looks
        ("plausible", "double"),
        ("rule", "int"),  # of an older rule (null): counts for nothing, and is asked for anew
    ),
    # What a person said against proofs: those up to `revoked_at`, and the answers up to it, count no more.
    Table.REVOCATIONS: (
        ("symbol", "string"),
        ("start", "timestamp"),
        ("end", "timestamp"),
        ("who", "string"),
        ("why", "string"),
        ("revoked_at", "timestamp"),
    ),
    Table.ANSWERS: (
        ("symbol", "string"),
        ("start", "timestamp"),
        ("end", "timestamp"),
        ("observed_at", "timestamp"),
        ("vendor", "string"),
        ("kind", "string"),
        ("omitted", "string"),  # JSON: [[first epoch minute, minutes, bar shown before, bar shown after], …]
        ("rows", "int"),
        ("status", "int"),
        ("detail", "string"),
        ("job_id", "string"),
        ("audit_id", "string"),
        ("attempt", "int"),
        ("stated", "string"),  # JSON: [[first epoch minute, minutes], …]: the venue says that it had no trade
        ("shown", "string"),  # base64: a bit for each minute of the range of which it told
        ("barred", "string"),  # base64: a bit for each minute of the range of which it showed a bar
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
    # Bars whose values cannot be right, found by the nights: by the date of `start`. They change no verdict.
    Table.FLAGS: (
        ("symbol", "string"),
        ("start", "timestamp"),
        ("end", "timestamp"),
        ("rule", "string"),  # core/value_rules.py
        ("bars", "int"),
        ("said", "string"),
        ("found_at", "timestamp"),
    ),
    Table.HOURLY: (
        ("symbol", "string"),
        ("hour", "timestamp"),  # its start
        ("open", "double"),
        ("high", "double"),
        ("low", "double"),
        ("close", "double"),
        ("volume", "double"),
        ("minutes_present", "int"),
        ("minutes_expected", "int"),
        ("minutes_absent", "int"),  # proven; expected - present - absent are missing
    ),
}
UNPARTITIONED = frozenset({Table.SESSIONS, Table.HOURS, Table.SYMBOLS})

ACCEPTED = "accepted:"  # begins the repair id of a bar that was accepted in another's place
FEWEST_SESSION_DAYS = 60  # a followed calendar with fewer left is an alarm
FIRST_DT = "2010-01-01"  # where partition projection and the shipped sessions begin

SESSIONS_KEY = "sessions/sessions.parquet"
HOURS_KEY = "hours/hours.parquet"
SYMBOLS_KEY = "symbols/symbols.parquet"

# What people and packages set, in the data bucket and outside every table: services/calendars.py, services/interest.py.
SETTINGS_PREFIX = "settings/"
EDITIONS_KEY = f"{SETTINGS_PREFIX}sessions.parquet"
CLOSURES_KEY = f"{SETTINGS_PREFIX}closures.json"
RECHECKS_KEY = f"{SETTINGS_PREFIX}rechecks.json"  # services/rechecks.py
SYMBOL_LISTS_PREFIX = f"{SETTINGS_PREFIX}symbols/"
INTEREST_KEYS = (SESSIONS_KEY, HOURS_KEY, SYMBOLS_KEY, SETTINGS_PREFIX)  # kept in step by each reader of the symbols

# The results bucket: Athena's output and the audits' working files. Everything in it expires.
ATHENA_PREFIX = "athena/"
AUDITS_PREFIX = "audits/"
BACKFILLS_PREFIX = "backfills/"

# A backfill is cut into windows, each an ordinary audit. A window holds at most a calendar month of one calendar's
# sessions and this many expected minutes, so that its plan takes half of QueueRepairs' memory when every other minute
# is missing, the worst of cases: a month of 130 symbols of XNYS, or of 25 around the clock.
WINDOW_MINUTES = 1_150_000
WINDOW_SYMBOL_BYTES = 6_000  # of a window's symbols as JSON, where they are named: the state stays under 10 KB
MOST_WINDOWS = 20_000
# Of a vendor's budget a backfill takes only while less than this share of it is used: the rest is always free for what
# is captured and audited today.
BACKFILL_SHARE = 0.75

# Symbols of one capture message. A vendor of one symbol a request answers 50 in well under the worker's timeout; a
# vendor of many gets them in one request; 5,000 symbols are 100 messages, ten batches of SQS.
CAPTURE_TOGETHER = 50


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
    GAPS_KEY = "gaps_key"  # results bucket: the needs of the newest look (core/evidence.py), Parquet
    REPORT_KEY = "report_key"  # results bucket: the failure report
    ATTEMPT = "attempt"  # repairs queued so far
    ATTEMPTS = "attempts"
    MISSING = "missing"  # minutes
    REPAIRABLE = "repairable"  # minutes that no vendor has refused in this audit
    EXPECTED = "expected"  # minutes
    BACKFILL = "backfill"  # the run of a backfill whose window this audit is; not there for others
    FOUND = "found"  # minutes that were missing at the first look
    QUEUED = "queued"  # requests of all attempts so far
    UNKNOWN = "unknown"  # why some symbols were not looked at: their calendars' sessions are not known
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
    EXHAUSTED = "exhausted"  # something is missing, or not known, and nothing more can be done
    KNOWN = "known"  # a night asked again, and what is still missing are suspected holes that were reported before
    NOTHING = "nothing"  # a scheduled range in which known sessions expect no minute: nothing was looked at
    REFUSED = "refused"  # the input is unusable; `reason` says why
    STOPPED = "stopped"  # somebody stopped the backfill whose window this is


class Metric(StrEnum):
    """CloudWatch metrics (EMF), namespace `minutemend`, dimension `stage` and where it says so one more."""

    COMPLETENESS = "Completeness"  # percent of expected minutes that are present or proven absent
    MISSING = "MissingMinutes"
    ABSENT = "AbsentMinutes"
    REPAIRED = "RepairedMinutes"
    FAILED = "FailedMinutes"
    OLDEST_GAP = "OldestGapAge"  # seconds
    VENDOR_REQUESTS = "VendorRequests"  # dimension vendor
    VENDOR_ERRORS = "VendorErrors"  # dimension vendor
    VENDOR_THROTTLES = "VendorThrottles"  # dimension vendor
    BARS_CAPTURED = "BarsCaptured"
    LEFT_TO_AUDIT = "BarsLeftToAudit"  # of captures: what the vendor had not, however often it was asked
    SYMBOLS_REFUSED = "SymbolListRefused"
    SESSION_DAYS = "SessionDaysLeft"  # of the followed calendar whose sessions end first
    REVISIONS = "OpenRevisions"  # bars of the nights that are swept which disagree with what is stored
    FLAGS = "FlaggedValues"  # of the nights that are swept: values that cannot be right, by the rules
    FLAGS_FAILED = "FlagsNotLookedFor"  # nights whose values were not looked at, by an error


NAMESPACE = "minutemend"
EVENT_SOURCE = "minutemend"
RANGE_READY, BARS_DISAGREE = "Range Ready", "Bars Disagree"  # EventBridge detail-types
_FETCHES = (Env.DATA_BUCKET, Env.BOARD_TABLE, Env.VENDORS, Env.VENDOR_SECRET, Env.MAX_RECEIVES)
_QUERIES = (Env.DATA_BUCKET, Env.BOARD_TABLE, Env.DATABASE, Env.WORKGROUP, Env.VENDORS, Env.SWEEP_DAYS)
# The functions, by their handlers, in the order in which a minute meets them, and which variables each reads besides
# the stage's name.
READS: Mapping[str, tuple[Env, ...]] = {
    "request_captures": (
        Env.DATA_BUCKET, Env.SYMBOLS_PARAMETER, Env.CAPTURE_QUEUE_URL, Env.SETTLING_DELAY_SECONDS, Env.VENDORS,
        Env.FLAW_RATE, Env.FLAW_SEED,
    ),
    "capture_bars": (*_FETCHES, Env.CAPTURE_QUEUE_URL, Env.CAPTURE_DLQ_URL),
    "check_data_health": (
        *_QUERIES, Env.RESULTS_BUCKET, Env.SYMBOLS_PARAMETER, Env.PROOF_APART_SECONDS, Env.SETTLING_DELAY_SECONDS,
    ),
    "queue_repairs": (
        Env.RESULTS_BUCKET, Env.BOARD_TABLE, Env.REPAIR_QUEUE_URL, Env.VENDORS, Env.PROOF_APART_SECONDS,
    ),
    "await_repairs": (Env.BOARD_TABLE,),
    "process_repairs": (*_FETCHES, Env.REPAIR_QUEUE_URL, Env.REPAIR_DLQ_URL),
    "publish_hours": (Env.DATA_BUCKET, Env.RESULTS_BUCKET, Env.RETIRE_AFTER_SECONDS, Env.EVENT_BUS),
    "report_failure": (Env.DATA_BUCKET, Env.RESULTS_BUCKET, Env.ALARM_TOPIC_ARN),
    "review_values": (*_QUERIES, Env.REPAIR_QUEUE_URL, Env.EVENT_BUS, Env.LOOK_SHARE, Env.ACCEPT_DAYS),
    "request_rechecks": (
        Env.DATA_BUCKET, Env.RESULTS_BUCKET, Env.VENDORS, Env.SWEEP_DAYS, Env.RECHECK_REQUESTS,
    ),
}  # fmt: skip
HANDLERS = tuple(READS)
OPTIONAL = frozenset({Env.FLAW_RATE, Env.FLAW_SEED, Env.ACCEPT_DAYS})  # not every stage gives them


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownVendor:
    """A vendor by its documentation: one row of `VENDORS`. docs/vendors.md has what it refuses and how to add one.

    `kind` is what it draws on (venue, feed or unknown) and `source` that one's name: two vendors of one feed have one.
    `lag` is how long after a minute's end its bars are complete (None: not documented), `newest` how far back it goes
    (None: as far as a plan asks). `archive` is how many minutes its largest file of an archive holds (None: it
    publishes none). `secret` are the fields of its entry in the vendor secret: none of them for a single
    token, None for a vendor that wants no credentials.
    """

    name: str
    rows: int  # bars in one answer, over all its symbols and pages
    symbols: int  # symbols in one request
    kind: str
    source: str
    lag: timedelta | None
    newest: timedelta | None = None
    archive: int | None = None
    secret: tuple[str, ...] | None = None

    def entry(self, value: str = "…") -> Any:
        """Its entry in the vendor secret, with the same text in each field."""
        if self.secret is None:
            return None
        return dict.fromkeys(self.secret, value) or value


_KNOWN = (
    # The free plan withholds 15 minutes of SIP data. No limit of symbols is documented; 200 make a URL of 5 KB.
    KnownVendor(
        name="alpaca",
        rows=10_000,
        symbols=200,
        kind="feed",
        source="sip",
        lag=timedelta(minutes=15),
        secret=("key", "secret"),
    ),
    # A kline is final when its minute ends; the stream publishes it within 2 s ("x": true).
    # Its archive has zips of a day and of a month: 31 days, and the margin that a plan keeps free (core/cover.py).
    KnownVendor(
        name="binance",
        rows=1000,
        symbols=1,
        kind="venue",
        source="binance",
        lag=timedelta(minutes=1),
        archive=31 * 1440 + 20,
    ),
    # "Historical rate data may be incomplete": no word on how late.
    KnownVendor(name="coinbase", rows=300, symbols=1, kind="venue", source="coinbase", lag=None),
    # Documented as a month of intraday bars at most; a user got 2,953 of a longer range, the newest ones
    # (finnhubio/Finnhub-API issue 491). Two days of 24/7 are safe, and hold seven XNYS sessions. Neither the feed
    # behind its candles nor their lag is documented.
    KnownVendor(name="finnhub", rows=2880, symbols=1, kind="unknown", source="finnhub", lag=None, secret=()),
)
VENDORS: Mapping[str, KnownVendor] = MappingProxyType({vendor.name: vendor for vendor in _KNOWN})


@dataclass(frozen=True, slots=True)
class VendorSettings:
    """One vendor as a stage uses it. `url` is its base URL, `per_minute` our share of its rate limit.

    `per_second`, where the vendor limits the second too, is half of what it allows: our seconds are the clock's, and
    two of them may be spent around the stroke. `symbols` are the names that this vendor has for ours, where they
    differ (docs/vendors.md). `archive` is the base URL of its archive, where it is to be asked first for whole days of
    the past. `calendars` are those whose symbols it is asked for; none: all.
    """

    name: str
    url: str
    per_minute: int
    timeout: timedelta = timedelta(seconds=5)
    symbols: Mapping[str, str] = field(default_factory=dict)
    per_second: int | None = None
    calendars: tuple[str, ...] = ()
    archive: str | None = None

    def serves(self, calendar: str) -> bool:
        """Whether it is asked for the symbols of this calendar."""
        return not self.calendars or calendar in self.calendars


def first_serving(vendors: Sequence[VendorSettings], calendar: str) -> VendorSettings:
    """Whom a capture, and the first attempt, asks for symbols of a calendar; for one that no vendor serves, the first
    of all."""
    return next((vendor for vendor in vendors if vendor.serves(calendar)), vendors[0])


def vendors_to_json(vendors: Iterable[VendorSettings]) -> str:
    """The value of `Env.VENDORS`."""
    entries = [asdict(vendor) for vendor in vendors]
    entries = [{name: value for name, value in one.items() if (name, value) != ("archive", None)} for one in entries]
    return json.dumps([{"timeout_seconds": entry.pop("timeout").total_seconds(), **entry} for entry in entries])


def vendors_from_json(text: str) -> tuple[VendorSettings, ...]:
    """The vendors in a value of `Env.VENDORS`. Raises ValueError, KeyError or TypeError for another shape."""
    return tuple(
        VendorSettings(
            name=entry["name"],
            url=entry["url"],
            per_minute=int(entry["per_minute"]),
            timeout=timedelta(seconds=float(entry["timeout_seconds"])),
            symbols=dict(entry.get("symbols", {})),
            per_second=entry.get("per_second"),
            calendars=tuple(entry.get("calendars", ())),
            archive=entry.get("archive"),
        )
        for entry in json.loads(text)
    )
