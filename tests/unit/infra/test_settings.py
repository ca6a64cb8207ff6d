"""Settings and context that cannot be are refused before anything is synthesized, and say what would be right."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Annotations, Match
from aws_cdk.aws_logs import RetentionDays
from minutemend.contract import VENDORS

from app import ROOT, main, new_app
from infra.constructs.log_retention import RETENTION
from infra.context import stages_from_context
from infra.rules import UnknownStage, UnsafeSettings, problems_among
from infra.settings import DEV, FREE_PLANS, PROD, STAGES, Flaw, StageSettings, VendorSettings, stage_settings

KNOWN = ", ".join(sorted(STAGES))


def of(context: Mapping[str, object]) -> list[str]:
    return [stage.name for stage in stages_from_context(context.get)]


def test_no_context_gives_both_stages() -> None:
    """`cdk synth` word for word."""
    assert of({}) == list(STAGES)
    assert list(STAGES)[:2] == ["dev", "prod"]


def test_a_stage_can_be_had_alone() -> None:
    assert of({"stage": "prod"}) == ["prod"]


def test_an_unknown_stage_is_refused_and_the_known_are_listed() -> None:
    with pytest.raises(UnknownStage, match=f"'staging' is not a stage: one of {KNOWN} would be right"):
        of({"stage": "staging"})


def test_there_is_no_default_stage() -> None:
    with pytest.raises(UnknownStage, match="no stage was given"):
        stage_settings(None)


def test_the_app_refuses_with_one_message_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """What `cdk synth -c stage=staging` prints."""
    app = new_app()
    app.node.set_context("stage", "staging")
    with pytest.raises(SystemExit) as left:
        main(app)
    assert left.value.code == 2
    assert capsys.readouterr().err == f"minutemend: 'staging' is not a stage: one of {KNOWN} would be right\n"


PROD_EU = replace(PROD, name="prod-eu", region="eu-central-1", account="444455556666")


@pytest.mark.parametrize("protected", [PROD, PROD_EU])
def test_what_is_safe_hangs_on_protected_and_not_on_a_name(protected: StageSettings) -> None:
    with pytest.raises(UnsafeSettings, match="the intentional flaw is not for a protected stage; flaw=None"):
        replace(protected, flaw=Flaw(rate=0.01))
    with pytest.raises(UnsafeSettings, match="data of a protected stage is never deleted"):
        replace(protected, allow_data_deletion=True, delete_data=True)
    with pytest.raises(UnsafeSettings, match="its data is never deleted"):
        replace(protected, delete_data=True)
    with pytest.raises(UnsafeSettings, match='a protected stage names its account: account="111122223333"'):
        replace(protected, account=None)
    with pytest.raises(UnsafeSettings, match="a protected stage names who is told: alarm_emails="):
        replace(protected, alarm_emails=())
    with pytest.raises(UnsafeSettings, match="a developer's own stage is not protected"):
        protected.for_developer("alice")


def test_data_of_prod_cannot_be_deleted_from_the_command_line() -> None:
    with pytest.raises(UnsafeSettings, match="prod: its data is never deleted"):
        of({"stage": "prod", "delete-data": "yes"})
    with pytest.raises(UnsafeSettings, match=r"prod: .* or -c stage=NAME for another stage alone"):
        of({"delete-data": "yes"})


def test_a_protected_stage_has_its_account_for_itself_unless_it_says_so() -> None:
    dev = replace(DEV, account=PROD.account)
    assert problems_among([dev, PROD]) == [
        "prod: its account 111122223333 is also that of dev; an account of its own, or shares_account=True, "
        "would be right"
    ]
    assert problems_among([dev, replace(PROD, shares_account=True)]) == []
    assert problems_among([DEV, PROD, PROD_EU]) == []
    assert problems_among([DEV, DEV]) == ["two stages are named 'dev'; another name would be right"]


@pytest.mark.parametrize(("account", "refused"), [("111122223333", True), ("999999999999", False), (None, False)])
def test_dev_is_not_deployed_with_the_credentials_of_prods_account(
    account: str | None, refused: bool, tmp_path: Path
) -> None:
    """Dev names no account. The CDK's command line stops at an error in the assembly; prod's stack has none."""
    main(app := new_app(str(tmp_path)), account=account)
    for stage in ("dev", "prod"):
        stack = app.node.find_child(f"minutemend-{stage}")
        said = Annotations.from_stack(stack).find_error("*", Match.string_like_regexp("names no account"))
        assert bool(said) is (refused and stage == "dev")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "Prod_EU"}, "name is 'Prod_EU'; small letters, digits and single hyphens"),
    ({"name": "local"}, "name is 'local'"),
    ({"region": "Virginia"}, "region is 'Virginia'; one like 'us-east-1' would be right"),
    ({"account": "1234"}, "account is '1234'; its 12 digits would be right"),
    ({"tags": {"stage": "x"}}, "the tags stage are made for every stage"),
    ({"architecture": "riscv64"}, "arm64 or x86_64 would be right"),
    ({"python": "3.9"}, "python is '3.9', no runtime of Lambda; one of 3.12, 3.13, 3.14"),
    ({"worker_timeout": timedelta(minutes=16)}, "at most Lambda's 15 minutes, would be right"),
    ({"worker_concurrency": 1}, "worker_concurrency is 1; 2 to 1000"),
    ({"max_receives": 0}, "max_receives is 0; 1 to 1000"),
    ({"log_retention_days": 10}, "log_retention_days is 10, which CloudWatch has not; 7 would be right"),
    ({"task_arn": "mine"}, "task_arn is 'mine'; the ARN of a Lambda function or of a state machine"),
    ({"proof_apart": timedelta(minutes=16)}, "SQS delays a message by at most 15 minutes"),
    ({"settling_delay": timedelta(days=1)}, "settling_delay is 1 day, 0:00:00; less than 55 minutes"),
    ({"retire_after": timedelta(minutes=10)}, "retire_after is 0:10:00; longer than a query may run, 0:10:00"),
    ({"repair_timeout": timedelta(0)}, "repair_timeout is 0:00:00; more than nothing"),
    ({"results_expire": timedelta(hours=30)}, "results_expire is 1 day, 6:00:00; whole days would be right"),
    ({"scan_cutoff_bytes": 1}, "Athena takes no less than 10,000,000"),
    ({"sweep_days": 2}, "sweep_days is 2; 3 to 366"),
    ({"look_share": 5}, "look_share is 5; a share from 0 to 1, like 0.05"),
    ({"recheck_requests": -1}, "recheck_requests is -1; 0 (none) to 20,000 a night"),
    ({"accept_days": 4}, "accept_days is 4; None (never), or 1 to sweep_days, 3,"),
    ({"accept_days": 0}, "accept_days is 0; None (never), or 1"),
    ({"revisions_alarm": 0}, "revisions_alarm is 0; None (no alarm), or at least 1"),
    ({"symbols": {}}, "symbols names none"),
    ({"symbols": {"XMOON": ("A",)}}, "there is no calendar 'XMOON'; XNYS"),
    ({"symbols": {"XNYS": ("A",), "24/7": ("A",)}}, "A is listed twice"),
    ({"vendors": ()}, f"vendors is empty; at least one of {', '.join(sorted(VENDORS))} would be right"),
    ({"vendors": DEV.vendors * 2}, "vendors holds finnhub twice"),
    ({"vendors": (VendorSettings("acme", "https://a", 1),)}, "vendor 'acme': there is no such vendor; one of alpaca"),
    ({"vendors": (VendorSettings("binance", "http://a", 1),)}, "vendor 'binance': url is 'http://a'; https"),
    ({"vendors": (VendorSettings("binance", "https://a", 0),)}, "per_minute and per_second are at least 1"),
    ({"vendors": (VendorSettings("binance", "https://a", 1, archive="a"),)}, "archive is 'a'; https://data.binance"),
    ({"vendors": (VendorSettings("finnhub", "https://a", 1, archive="https://a"),)}, "archive=None would be right"),
    (
        {"vendors": (VendorSettings("binance", "https://a", 1, timeout=timedelta(minutes=1)),)},
        "timeout is 0:01:00; less than worker_timeout, 0:00:20, would be right",
    ),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_setting_that_cannot_be_is_refused_with_what_would_be_right(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        replace(DEV, **change)
    assert str(refused.value).startswith(f"{change.get('name', 'dev')}: ")
    assert message in str(refused.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(UnsafeSettings) as refused:
        replace(PROD, flaw=Flaw(rate=0.01), sweep_days=0, max_receives=0)
    assert [line.split()[1] for line in str(refused.value).splitlines()] == ["the", "max_receives", "sweep_days"]


def test_retentions_are_those_that_are() -> None:
    """The CDK's enumeration but for `INFINITE`."""
    assert len(RETENTION) == len(RetentionDays) - 1


def test_a_developers_stage_is_dev_under_another_name() -> None:
    [alice] = stages_from_context({"developer": "alice"}.get)
    assert alice == replace(DEV, name="dev-alice", developer="alice")
    assert alice.stack_name == "minutemend-dev-alice"
    assert stage_settings("dev-alice") == alice  # what `mend --stage dev-alice` means


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"developer": "Al ice"}, "developer=Al ice: small letters and digits, like developer=alice, would be right"),
        ({"developer": "alice", "stage": "prod"}, "a developer's own stage is not protected; -c stage=dev would be"),
        ({"developer": "alice", "stage": "moon"}, f"'moon' is not a stage: one of {KNOWN} would be right"),
    ],
)
def test_a_developers_stage_that_cannot_be_is_refused(context: Mapping[str, object], message: str) -> None:
    with pytest.raises((UnsafeSettings, UnknownStage)) as refused:
        of(context)
    assert message in str(refused.value)


def test_deleting_the_data_of_dev_takes_two_switches() -> None:
    """The settings allow it, and the command line asks for it."""
    assert not DEV.delete_data
    [both] = stages_from_context({"stage": "dev", "delete-data": "yes"}.get)
    assert both.delete_data
    with pytest.raises(UnsafeSettings, match="dev: its data is never deleted"):
        replace(both, allow_data_deletion=False)


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
        ({"stage": "dev", "target": "local"}, "the market simulator answers below local AWS: -c endpoint=URL"),
        ({"stage": "dev", "target": "local", "vendor-url": "http://x"}, "vendor-url=http(s)://… wants its vendor=NAME"),
        ({"stage": "dev", "target": "local", "vendor": "finnhub", "vendor-url": "ftp://x"}, "vendor-url=http"),
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


def test_local_aws_asks_the_simulator_for_any_vendor() -> None:
    context = {"stage": "dev", "target": "local", "vendor": "binance", "endpoint": "https://127.0.0.1:4566"}
    [local] = stages_from_context(context.get)
    assert local.market == "binance"


def test_schedules_can_be_asked_for() -> None:
    [dev] = stages_from_context({"stage": "dev", "schedules": "on"}.get)
    assert dev.schedules_enabled
    assert not DEV.schedules_enabled


def test_a_first_list_that_ssm_cannot_hold_is_refused() -> None:
    """By the parameter's real limit, before anything is deployed."""
    many = {"XNYS": tuple(f"S{number:04d}" for number in range(1_000))}
    with pytest.raises(UnsafeSettings, match=r"dev: the first list .* 8,192; .*`mend symbols set`"):
        replace(DEV, symbols=many)
    assert replace(DEV, symbols={"XNYS": many["XNYS"][:800]}).first_list.startswith('{"XNYS": ["S0000", ')


def test_every_calendar_of_a_stage_is_served_by_a_vendor() -> None:
    stocks = VendorSettings("alpaca", "https://a.example", per_minute=60, calendars=("XNYS",))
    with pytest.raises(UnsafeSettings, match="no vendor serves the calendar 24/7"):
        replace(DEV, vendors=(stocks,))
    for stage in STAGES.values():
        assert [vendor.name for vendor in stage.vendors if not vendor.calendars] == [], "each says for which it is"
    assert [DEV.vendor_of(calendar).name for calendar in ("XNYS", "24/7")] == ["finnhub", "coinbase"]


def test_the_vendors_of_free_plans_serve_dev_once_it_settles_longer() -> None:
    """As docs/deploy.md says in step 4; a minute that Alpaca still withholds would be refused, and be no gap at all."""
    with pytest.raises(UnsafeSettings, match=r"alpaca.* 0:15:00 after .*settling_delay is 0:01:00; 0:16:00 would be"):
        replace(DEV, vendors=FREE_PLANS)
    real = replace(DEV, vendors=FREE_PLANS, settling_delay=timedelta(minutes=16))
    assert real.market is None
    assert [real.vendor_of(calendar).name for calendar in ("XNYS", "24/7")] == ["alpaca", "coinbase"]
    assert {symbol for vendor in FREE_PLANS for symbol in vendor.symbols} == set(DEV.symbols["24/7"])
    said = (ROOT / "docs" / "deploy.md").read_text()
    assert "`vendors=FREE_PLANS`" in said
    assert "`settling_delay=timedelta(minutes=16)`" in said


@pytest.mark.parametrize("rate", [1.5, -0.1])
def test_a_flaw_of_more_than_everything_is_refused(rate: float) -> None:
    with pytest.raises(UnsafeSettings, match="a share from 0 to 1 would be right"):
        Flaw(rate=rate)
