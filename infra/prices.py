"""AWS list prices, us-east-1, in dollars. Standard library only, so that `mend cost` and the dashboard share them.

Written down in November 2026 from the pages named; check there before you rely on a cent.
"""

from __future__ import annotations

LAMBDA_GB_SECOND = {"arm64": 0.0000133334, "x86_64": 0.0000166667}  # https://aws.amazon.com/lambda/pricing/
LAMBDA_REQUEST = 0.20 / 1e6
ATHENA_BYTE = 5.00 / 1e12  # https://aws.amazon.com/athena/pricing/
STATE_TRANSITION = 0.025 / 1e3  # https://aws.amazon.com/step-functions/pricing/
SQS_REQUEST = 0.40 / 1e6  # https://aws.amazon.com/sqs/pricing/
ALARM_MONTH = 0.10  # https://aws.amazon.com/cloudwatch/pricing/
DASHBOARD_MONTH = 3.00
METRIC_MONTH = 0.30
SECRET_MONTH = 0.40  # https://aws.amazon.com/secrets-manager/pricing/
KEY_MONTH = 1.00  # https://aws.amazon.com/kms/pricing/
