"""The layers as they are built: how large they are, and how fast a worker starts with them."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.context import stages_from_context
from infra.layer import recipe
from infra.layer.recipe import ROOT

LIMIT = 200e6  # bytes unzipped; Lambda's own limit is 250 MiB with the function
PANDAS = "import pandas"
# What the repair worker imports until its first vendor request, boto3 among it.
WORKER = """
import process_repairs, boto3
import minutemend.adapters.dynamo_board, minutemend.adapters.s3_store, minutemend.adapters.secrets
import minutemend.adapters.signals, minutemend.adapters.sqs, minutemend.adapters.vendors
import minutemend.services.lake, minutemend.services.process_repairs
"""
# What compose.py asks of Clients, one client after the other, and where boto3 comes from.
CLIENTS = """
import boto3, botocore, json, sys
from minutemend.wiring.clients import Clients
made = {name: getattr(Clients(region="us-east-1"), name) for name in sys.argv[1:]}
put = made["s3"].meta.service_model.operation_model("PutObject").input_shape.members
print(json.dumps({"boto3": boto3.__file__, "version": botocore.__version__, "conditions": [*put]}))
"""


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both layers for local AWS, unzipped as Lambda would into /opt."""
    [local] = stages_from_context({"stage": "dev", "target": "local", "endpoint": "https://127.0.0.1:4566"}.get)
    target = local.layer_target
    recipe.build(target)
    opt = tmp_path_factory.mktemp("opt")
    for built in (recipe.libraries(target), recipe.package(target)):
        with zipfile.ZipFile(built) as archive:
            archive.extractall(opt)
    return opt


def test_the_layers_are_small_enough(layer: Path) -> None:
    """Bytecode included."""
    files = [path for path in layer.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LIMIT
    assert any(path.name.startswith("frame.cpython-") for path in files)


def test_exchange_calendars_stays_at_home_and_its_sessions_travel(layer: Path) -> None:
    assert not list(layer.rglob("exchange_calendars"))
    assert (layer / "python" / "minutemend" / "data" / "sessions.parquet").exists()


def test_boto3_is_the_layers_own_and_knows_conditional_puts(layer: Path) -> None:
    """As locked, with every service of which a function makes a client; `If-Match` came with botocore 1.35.69."""
    asked = sorted(set(re.findall(r"clients\(\)\.(\w+)", (recipe.PACKAGE / "wiring" / "compose.py").read_text())))
    assert len(asked) >= 8
    environment = {"PYTHONPATH": str(layer / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-S", "-c", CLIENTS, *asked]
    said = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert said["boto3"].startswith(str(layer))
    assert f"botocore=={said['version']} " in recipe.LOCK.read_text()
    assert {"IfMatch", "IfNoneMatch"} <= set(said["conditions"])


def test_a_worker_starts_nearly_as_fast_as_pandas_alone(layer: Path) -> None:
    """At most 1.5 times its import, in processor time, each the best of five processes."""
    path = [layer / "python", ROOT / "runtime" / "handlers"]
    environment = {"PYTHONPATH": ":".join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1", "AWS_REGION": "us-east-1"}
    pandas, worker = (min(_seconds(code, environment) for _ in range(5)) for code in (PANDAS, WORKER))
    assert worker <= 1.5 * pandas, f"the worker takes {worker / pandas:.2f} times as long as pandas"


def _seconds(code: str, environment: dict[str, str]) -> float:
    """Processor time of a process that sees the layer and nothing of this environment."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-S", "-c", code], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
