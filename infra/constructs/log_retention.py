"""The CDK's names for the days that CloudWatch may keep logs (infra/rules.py)."""

from __future__ import annotations

from aws_cdk.aws_logs import RetentionDays

from infra.rules import RETENTION_DAYS

# fmt: off
_NAMES = (
    "ONE_DAY", "THREE_DAYS", "FIVE_DAYS", "ONE_WEEK", "TWO_WEEKS", "ONE_MONTH", "TWO_MONTHS", "THREE_MONTHS",
    "FOUR_MONTHS", "FIVE_MONTHS", "SIX_MONTHS", "ONE_YEAR", "THIRTEEN_MONTHS", "EIGHTEEN_MONTHS", "TWO_YEARS",
    "THREE_YEARS", "FIVE_YEARS", "SIX_YEARS", "SEVEN_YEARS", "EIGHT_YEARS", "NINE_YEARS", "TEN_YEARS",
)
# fmt: on
RETENTION = {days: RetentionDays[name] for days, name in zip(RETENTION_DAYS, _NAMES, strict=True)}
