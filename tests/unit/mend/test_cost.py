"""`mend cost` and docs/cost.md: from the stage's own settings, in step with the template, plain arithmetic."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from minutemend.core.errors import BadInput

from infra.settings import DEV, PROD
from mend.commands.cost import command
from mend.cost_page import PAGE, page
from mend.costs import Load, bill, by_service, load_of, original, total

NYSE = Load(500, "XNYS", minutes=8000.0, sessions=21.0)


def run(*arguments):
    return CliRunner().invoke(command, arguments)


def test_the_page_is_what_the_command_would_write():
    """Settings, prices or assumptions that change change the page: python -m mend.cost_page."""
    assert PAGE.read_text() == page()


def test_json_holds_every_line_and_adds_up():
    """The lines' dollars are the total, and so are the services'."""
    result = run("--symbols", "500", "--format", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["prices"]["as_of"]
    assert sum(line["dollars"] for line in found["lines"]) == pytest.approx(found["dollars"], abs=0.01)
    services = sum(sum(concerns.values()) for concerns in found["by_service"].values())
    assert services == pytest.approx(found["dollars"], abs=0.01)
    assert {line["concern"] for line in found["lines"]} == {"capture", "audit", "repair", "publish", "standing"}


def test_the_table_names_the_prices_date():
    """The reader of the figure sees how old it is."""
    assert "list prices of" in run().output


def test_a_load_that_the_vendor_cannot_serve_is_said():
    """dev captures from a vendor of one symbol a request and 6,000 requests a minute."""
    said = " ".join(run("--symbols", "7000", "--stage", "dev").output.split())
    assert "7,000 requests each minute" in said


@pytest.mark.parametrize("arguments", [["--symbols", "0"], ["--symbols", "many"], ["--stage", "test"]])
def test_unusable_options_are_refused(arguments):
    """Exit code 2, with what would be right."""
    assert run(*arguments).exit_code == 2


def test_a_round_the_clock_calendar_has_every_minute():
    """1,440 a day, and each hour of the day."""
    load = load_of(1, "24/7")
    assert load.minutes == pytest.approx(365 * 1440 / 12)
    assert load.hours == pytest.approx(365 * 24 / 12)


def test_a_calendar_goes_by_any_of_its_names_and_by_no_other():
    """What no calendar is called is the user's slip, and no fault of ours."""
    assert load_of(1, "crypto") == load_of(1, "24/7")
    with pytest.raises(BadInput, match="there is no calendar 'NOWHERE'"):
        load_of(1, "NOWHERE")


def test_the_stage_s_settings_count():
    """A longer sweep scans more; another processor costs more a second."""
    large = replace(NYSE, symbols=50_000)
    usual = total(bill(PROD, large, vendor_symbols=200))
    assert total(bill(replace(PROD, sweep_days=30), large, vendor_symbols=200)) > usual
    assert total(bill(replace(PROD, architecture="x86_64"), large, vendor_symbols=200)) > usual


def test_a_vendor_of_one_symbol_a_request_costs_more():
    """Its requests take the worker's time."""
    assert total(bill(DEV, NYSE, vendor_symbols=1)) > total(bill(DEV, NYSE, vendor_symbols=200))


def test_more_symbols_cost_more_but_far_less_than_in_proportion():
    """Ten times the symbols: what stands and what happens once a minute does not grow."""
    small, large = (total(bill(PROD, replace(NYSE, symbols=n), vendor_symbols=200)) for n in (500, 5_000))
    assert small < large < 5 * small


def test_services_come_by_falling_cost():
    """The first row is where the money goes."""
    sums = [sum(concerns.values()) for concerns in by_service(original(NYSE, architecture="arm64")).values()]
    assert sums == sorted(sums, reverse=True)
