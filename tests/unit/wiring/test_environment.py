"""The environment: every missing name at once, and values that are what they should be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from minutemend.contract import HANDLERS, READS, Env
from minutemend.core.errors import BadInput, MissingEnvironment
from minutemend.wiring.environment import Settings, get_environ_variable, read_environment

VENDORS = '[{"name": "finnhub", "url": "https://finnhub.io", "per_minute": 60, "timeout_seconds": 2.5}]'
GIVEN = {variable.value: "7" for variable in Env} | {Env.VENDORS.value: VENDORS, Env.FLAW_RATE.value: "0.5"}


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(MissingEnvironment) as missing:
        read_environment("process_repairs", environ={Env.STAGE: "dev", Env.DATA_BUCKET: ""})
    for name in ("DATA_BUCKET", "BOARD_TABLE", "REPAIR_QUEUE_URL", "REPAIR_DLQ_URL", "VENDOR_SECRET", "VENDORS"):
        assert name in str(missing.value)
    assert "STAGE" not in str(missing.value)


def test_values_have_their_types() -> None:
    settings = read_environment("check_data_health", environ=GIVEN)
    assert (settings.proof_apart, settings.sweep_days) == (timedelta(seconds=7), 7)
    (vendor,) = settings.vendors
    assert (vendor.name, vendor.per_minute, vendor.timeout) == ("finnhub", 60, timedelta(seconds=2.5))


def test_the_flaw_is_off_unless_it_is_asked_for() -> None:
    without = {name: value for name, value in GIVEN.items() if not name.startswith("FLAW")}
    assert read_environment("request_captures", environ=without).flaw_rate is None
    assert read_environment("request_captures", environ=GIVEN | {"FLAW_RATE": "0.02"}).flaw_rate == 0.02


@pytest.mark.parametrize("handler", ["check_data_health", "request_captures", "publish_hours"])
def test_a_stage_deployed_before_has_a_cadence_that_counts_for_nothing(handler: str) -> None:
    """Bars are of minutes, whatever an older stage's variable says: its facts summed one bar in five."""
    environ = {name: value for name, value in GIVEN.items() if name != "CADENCE_MINUTES"}
    assert read_environment(handler, environ=environ | {"CADENCE_MINUTES": "5"}) == read_environment(
        handler, environ=environ
    )


@pytest.mark.parametrize("text", ["nonsense", "[]", "{}", '[{"name": "x"}]', "7"])
def test_unusable_vendors_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="VENDORS"):
        read_environment("check_data_health", environ=GIVEN | {"VENDORS": text})


def test_an_unusable_number_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="SWEEP_DAYS is 'many'"):
        read_environment("check_data_health", environ=GIVEN | {"SWEEP_DAYS": "many"})


def test_one_variable_can_be_asked_for_alone() -> None:
    assert get_environ_variable("STAGE", environ={"STAGE": "dev"}) == "dev"
    with pytest.raises(MissingEnvironment, match="STAGE"):
        get_environ_variable("STAGE", environ={})


def test_every_variable_has_a_field_and_is_read_by_a_handler() -> None:
    """No more and no less: a typed field that nothing fills would be missed at the first invocation alone."""
    found = {
        name: value for handler in HANDLERS for name, value in vars(read_environment(handler, environ=GIVEN)).items()
    }
    assert set(found) == set(Settings.__annotations__)
    assert {Env.STAGE, *(variable for handler in HANDLERS for variable in READS[handler])} == set(Env)
