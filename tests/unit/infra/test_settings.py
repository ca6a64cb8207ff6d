"""Settings and context that cannot be are refused before anything is synthesized, and say what would be right."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest
from aws_cdk import App

from app import main
from infra.context import stages_from_context
from infra.settings import DEV, PROD, Flaw, UnknownStage, UnsafeSettings, stage_settings


def of(context: Mapping[str, object]) -> list[str]:
    return [stage.name for stage in stages_from_context(context.get)]


def test_no_context_gives_both_stages() -> None:
    """`cdk synth` word for word."""
    assert of({}) == ["dev", "prod"]


def test_a_stage_can_be_had_alone() -> None:
    assert of({"stage": "prod"}) == ["prod"]


def test_an_unknown_stage_is_refused_and_the_known_are_listed() -> None:
    with pytest.raises(UnknownStage, match="'staging' is not a stage: one of dev, prod would be right"):
        of({"stage": "staging"})


def test_there_is_no_default_stage() -> None:
    with pytest.raises(UnknownStage, match="no stage was given"):
        stage_settings(None)


def test_the_app_refuses_with_one_message_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """What `cdk synth -c stage=staging` prints."""
    with pytest.raises(SystemExit) as left:
        main(App(context={"stage": "staging"}))
    assert left.value.code == 2
    assert capsys.readouterr().err == "minutemend: 'staging' is not a stage: one of dev, prod would be right\n"


def test_the_flaw_cannot_reach_prod() -> None:
    with pytest.raises(UnsafeSettings, match="prod: the intentional flaw is for dev"):
        replace(PROD, flaw=Flaw(rate=0.01))


def test_data_of_prod_cannot_be_deleted_by_either_switch() -> None:
    with pytest.raises(UnsafeSettings, match="prod: its data is never deleted"):
        replace(PROD, allow_data_deletion=True)
    with pytest.raises(UnsafeSettings, match="prod: its data is never deleted"):
        of({"stage": "prod", "delete-data": "yes"})


def test_deleting_the_data_of_dev_takes_two_switches() -> None:
    """The settings allow it, and the command line asks for it."""
    assert not DEV.delete_data
    [both] = stages_from_context({"stage": "dev", "delete-data": "yes"}.get)
    assert both.delete_data
    with pytest.raises(UnsafeSettings, match="dev: its data is never deleted"):
        replace(both, allow_data_deletion=False)


def test_a_proof_that_sqs_cannot_delay_for_is_refused() -> None:
    with pytest.raises(UnsafeSettings, match="at most 15 minutes"):
        replace(DEV, proof_apart=timedelta(minutes=16))


def test_an_architecture_that_lambda_has_not_is_refused() -> None:
    with pytest.raises(UnsafeSettings, match="arm64 or x86_64 would be right"):
        replace(DEV, architecture="riscv64")


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        DEV.region = "eu-central-1"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"target": "local"}, "target=local wants one stage: -c stage=dev would be right"),
        ({"stage": "dev", "target": "moon"}, "target=moon: target=local would be right"),
        ({"stage": "dev", "delete-data": "please"}, "delete-data=please: delete-data=yes would be right"),
        ({"stage": "dev", "schedules": "maybe"}, "schedules=maybe: schedules=on or schedules=off would be right"),
        ({"stage": "dev", "target": "local", "vendor": "finnhub"}, "vendor=NAME and vendor-url=http"),
        ({"stage": "dev", "target": "local", "vendor": "finnhub", "vendor-url": "ftp://x"}, "vendor-url=http"),
        (
            {"stage": "dev", "target": "local", "vendor": "f", "vendor-url": "http://x", "vendor-per-minute": "-1"},
            "vendor-per-minute is '-1': a whole number of requests would be right",
        ),
        ({"stage": "prod", "vendor": "finnhub", "vendor-url": "http://x"}, "are for -c target=local"),
    ],
)
def test_context_that_means_nothing_is_refused(context: Mapping[str, object], message: str) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        of(context)
    assert message in str(refused.value)


def test_local_aws_runs_the_interpreter_that_runs_the_emulator() -> None:
    context = {"stage": "dev", "target": "local", "vendor": "binance", "vendor-url": "http://127.0.0.1:9/"}
    [local] = stages_from_context(context.get)
    assert local.emulated
    assert local.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert local.account == "000000000000"
    assert [(vendor.name, vendor.url, vendor.per_minute) for vendor in local.vendors] == [
        ("binance", "http://127.0.0.1:9", 6000)
    ]


def test_schedules_can_be_asked_for() -> None:
    [dev] = stages_from_context({"stage": "dev", "schedules": "on"}.get)
    assert dev.schedules_enabled
    assert not DEV.schedules_enabled
