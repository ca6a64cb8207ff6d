"""The cost of a healed hour: what is added up from logs, and what stands beside what."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from minutemend.contract import HANDLERS

from bench.healed_hour import Hour, Invoked, _invoked, billed, figures
from bench.table import Figure

REPORT = "REPORT RequestId: {}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: 1024 MB\tMax Memory Used: 90 MB"


def log(*lines: str) -> list[dict[str, Any]]:
    return [{"message": line} for line in lines]


def test_each_report_counts_once_whatever_else_the_log_says() -> None:
    """AWS tells fractions of a duration and bills whole milliseconds; a cold start has a further duration."""
    reports = [REPORT.format("a", "120", "120"), REPORT.format("b", "80.4", "81") + "\tInit Duration: 300 ms"]
    noise = ["START RequestId: a Version: $LATEST", '{"message": "Billed Duration: 7 ms"}', "END RequestId: a"]
    assert billed(log(*noise, *reports)) == Invoked(2, 201)
    assert billed([]) == Invoked(0, 0)


def test_every_function_of_the_stage_is_looked_at_and_those_that_did_not_run_are_left_out() -> None:
    looked: list[tuple[str, int]] = []

    def pages(*, logGroupName: str, startTime: int) -> list[dict[str, Any]]:  # noqa: N803 (boto3 names its arguments so)
        looked.append((logGroupName, startTime))
        ran = logGroupName == "/aws/lambda/ProcessRepairsFunction"
        return [{"events": log(REPORT.format("a", "5", "5"))}, {"events": log(REPORT.format("b", "6", "6"))}] * ran

    logs = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=pages))
    stage = SimpleNamespace(output=lambda name: name, clients=SimpleNamespace(logs=logs))
    assert _invoked(stage, 17) == {"process_repairs": Invoked(2, 11)}
    assert ("/aws/lambda/CheckDataHealthFunction", 17) in looked
    assert len(looked) == len(HANDLERS)


WORKERS = Invoked(3, 800)
WARM = Hour(
    missing=60,
    seconds=1.5,
    requests=11,
    transitions=9,
    looks=2,
    scannable=250_000,
    invoked={"process_repairs": WORKERS, "check_data_health": Invoked(2, 400)},
    ways_back=[0.2],
)


@pytest.fixture
def told() -> dict[str, Figure]:
    slow = replace(WARM, invoked={"process_repairs": Invoked(3, 9000)}, ways_back=[0.7])
    quick = replace(WARM, invoked={"process_repairs": Invoked(3, 10)}, seconds=0.9)
    return {one.what: one for one in figures(slow, [slow, WARM, quick])}


def test_the_workers_milliseconds_count_like_those_of_the_steps(told: dict[str, Figure]) -> None:
    """Of three warm hours the middle one; each function's share, the dearest first."""
    assert told["a healed hour: Lambda ms billed, warm"].value == 1200
    shares = [(what, one.value) for what, one in told.items() if what.startswith("… of these")]
    assert shares == [("… of these process_repairs", 800), ("… of these check_data_health", 400)]
    assert told["a healed hour: Lambda GB-seconds, warm"].value == pytest.approx(0.8 * 1.0 + 0.4 * 2.0)


def test_each_of_the_four_figures_has_the_originals_beside_it(told: dict[str, Figure]) -> None:
    beside = {what: one.beside for what, one in told.items() if what.startswith("a healed hour")}
    assert "original: 60, one a minute" in beside["a healed hour: vendor requests"]
    assert "original: 60,000" in beside["a healed hour: Lambda ms billed, warm"]
    assert "original: 15.0: 60 calls of 1 s at 0.25 GB" in beside["a healed hour: Lambda GB-seconds, warm"]
    assert "original: 12, with two waits of 90 s" in beside["a healed hour: state transitions"]
    assert "original: 20" in beside["a healed hour: Athena MB billed"]


def test_a_look_is_billed_for_ten_megabytes_at_least(told: dict[str, Figure]) -> None:
    assert told["a healed hour: Athena MB billed"].value == 20
    large = replace(WARM, scannable=30_000_000)
    more = {one.what: one for one in figures(large, [large])}
    assert more["a healed hour: Athena MB billed"].value == 60


def test_the_cold_hour_stands_apart_and_the_worst_way_back_counts(told: dict[str, Figure]) -> None:
    assert told["the first hour after a deploy: Lambda ms, cold starts with it"].value == 9000
    assert told["from the last job's answer to the next look, at most"].value == 0.7
    assert told["an hour of eleven symbols healed, warm, start to published"].value == 0.9
