"""AWS list prices, us-east-1, in dollars. Standard library only, so that `mend cost` and the dashboard share them.

As known in November 2026, without free tiers; the pages named are where to check before relying on a cent (the
project is built without a look at them).
"""

from __future__ import annotations

AS_OF = "November 2026"
REGION = "us-east-1"

LAMBDA_GB_SECOND = {"arm64": 0.0000133334, "x86_64": 0.0000166667}  # https://aws.amazon.com/lambda/pricing/
LAMBDA_REQUEST = 0.20 / 1e6
ATHENA_BYTE = 5.00 / 1e12  # https://aws.amazon.com/athena/pricing/
ATHENA_LEAST = 10_000_000  # bytes that a query is billed for at least
STATE_TRANSITION = 0.025 / 1e3  # https://aws.amazon.com/step-functions/pricing/
SQS_REQUEST = 0.40 / 1e6  # https://aws.amazon.com/sqs/pricing/
S3_PUT = 0.005 / 1e3  # PUT and LIST; https://aws.amazon.com/s3/pricing/
S3_GET = 0.0004 / 1e3
S3_GB_MONTH = 0.023
DYNAMODB_WRITE = 0.625 / 1e6  # on demand; https://aws.amazon.com/dynamodb/pricing/on-demand/
SCHEDULE = 1.00 / 1e6  # https://aws.amazon.com/eventbridge/pricing/
EVENT = 1.00 / 1e6
TRACE = 5.00 / 1e6  # https://aws.amazon.com/xray/pricing/
LOG_GB = 0.50  # https://aws.amazon.com/cloudwatch/pricing/
ALARM_MONTH = 0.10
DASHBOARD_MONTH = 3.00
METRIC_MONTH = 0.30
SECRET_MONTH = 0.40  # https://aws.amazon.com/secrets-manager/pricing/
KEY_MONTH = 1.00  # https://aws.amazon.com/kms/pricing/
KINESIS_SHARD_HOUR = 0.015  # https://aws.amazon.com/kinesis/data-streams/pricing/
KINESIS_PUT_UNIT = 0.014 / 1e6  # 25 KB
FIREHOSE_GB = 0.029  # each record rounded up to 5 KB; https://aws.amazon.com/firehose/pricing/
