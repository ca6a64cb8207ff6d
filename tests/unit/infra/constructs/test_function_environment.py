"""Each function is given what its handler asks for: no variable is missing, none is there for nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from minutemend.contract import HANDLERS, OPTIONAL, READS, Env
from minutemend.wiring import environment as env

from infra.settings import STAGES
from tests.unit.infra.conftest import ROOT, Body, Synthesized, functions, said

POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_function_is_given_exactly_what_it_reads(handler: str, synthesized: Synthesized) -> None:
    """The flaw's variables and the policy's are optional; in dev they are there."""
    wanted = {Env.STAGE, *READS[handler]}
    needed = wanted - OPTIONAL
    for stage, expected in (("dev", wanted), ("prod", needed)):
        given = functions(synthesized.templates[stage])[handler]["Environment"]["Variables"]
        assert set(given) - POWERTOOLS == expected


def test_vendors_can_be_read_back(body: Body) -> None:
    """What infra writes, the runtime reads."""
    variables = functions(body)["process_repairs"]["Environment"]["Variables"]
    names = ("name", "url", "per_minute", "timeout", "symbols", "per_second", "calendars")
    read, meant = env.vendor_settings(said(variables["VENDORS"])), STAGES[variables["STAGE"]].vendors
    assert [[getattr(one, name) for name in names] for one in read] == [
        [getattr(one, name) for name in names] for one in meant
    ]


def test_no_secret_is_in_the_environment(body: Body) -> None:
    """Only the secret's ARN, and only where the token is needed."""
    for handler, found in functions(body).items():
        variables = dict(found["Environment"]["Variables"])
        secret = variables.pop("VENDOR_SECRET", None)
        assert (secret is not None) is (handler in ("process_repairs", "capture_bars"))
        assert secret is None or set(secret) <= {"Ref", "Fn::GetStackOutput"}
        text = json.dumps(variables).lower()
        assert not any(word in text for word in ("token", "password", "apikey", "api_key", "secret"))


def test_every_function_has_a_handler_of_its_name(body: Body) -> None:
    handlers = {path.stem for path in (ROOT / "runtime" / "handlers").glob("*.py")} - {"__init__"}
    assert set(functions(body)) == handlers


WITHOUT_FRAME = sorted(set(HANDLERS) - {"check_data_health"})
_IMPORT = """
import importlib, sys
sys.path.insert(0, "runtime/handlers")
from minutemend.wiring import compose
for name in {names!r}:
    importlib.import_module(name)
print(*sorted(name for name in ("pandas", "exchange_calendars", "duckdb") if name in sys.modules))
"""


def test_functions_that_need_no_frame_do_not_import_pandas() -> None:
    """It would be most of their cold start. Imported together in a process of their own, as Lambda would."""
    code = _IMPORT.format(names=WITHOUT_FRAME)
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


def test_the_prefixes_that_publishing_uses_are_the_ones_it_may_use() -> None:
    from minutemend.services.compaction import RETIRED_PREFIX
    from minutemend.services.publish import ANNOUNCED_PREFIX

    from infra.constructs.functions import ANNOUNCED, RETIRED

    assert (RETIRED, ANNOUNCED) == (RETIRED_PREFIX, ANNOUNCED_PREFIX)
