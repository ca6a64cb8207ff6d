"""What the stage cost in the period that is looked at, from usage and list prices: an expression on the dashboard.

It covers what grows with use; storage and requests of S3 are in the bill alone (its metrics are a day late).
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn

from infra import prices
from infra.constructs.function import Function
from infra.constructs.metrics import HOUR, scanned_by_athena
from infra.settings import StageSettings

# Steps of an audit that finds nothing are 6, of one that repairs once 10: the dearer one is assumed.
TRANSITIONS = 10


def month_so_far(
    settings: StageSettings, *, workgroup: str, machine: sfn.StateMachine, functions: Sequence[Function]
) -> cloudwatch.MathExpression:
    """Dollars: functions by duration and memory, queries by bytes, audits by transitions."""
    terms: list[str] = []
    used: dict[str, cloudwatch.IMetric] = {}
    gigabyte_second = prices.LAMBDA_GB_SECOND[settings.architecture]
    for index, step in enumerate(functions):
        used[f"d{index}"] = step.function.metric_duration(statistic="Sum", period=HOUR)
        used[f"i{index}"] = step.function.metric_invocations(statistic="Sum", period=HOUR)
        dollars_a_millisecond = step.memory / 1024 / 1000 * gigabyte_second
        terms.append(f"FILL(d{index}, 0) * {_decimal(dollars_a_millisecond)}")
        terms.append(f"FILL(i{index}, 0) * {_decimal(prices.LAMBDA_REQUEST)}")
    used["bytes"] = scanned_by_athena(workgroup, period=HOUR)
    used["audits"] = machine.metric_started(period=HOUR)
    terms.append(f"FILL(bytes, 0) * {_decimal(prices.ATHENA_BYTE)}")
    terms.append(f"FILL(audits, 0) * {_decimal(TRANSITIONS * prices.STATE_TRANSITION)}")
    return cloudwatch.MathExpression(
        expression=" + ".join(terms), using_metrics=used, period=HOUR, label="functions, queries, audits"
    )


def _decimal(dollars: float) -> str:
    """Without an exponent, which CDK takes for a metric's name."""
    return f"{dollars:.15f}".rstrip("0")
