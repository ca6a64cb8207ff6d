"""The layers as they are built: how large they are, and how fast a worker starts with them."""

from __future__ import annotations

import resource
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.context import stages_from_context
from infra.layer.recipe import ROOT, Target, build_libraries, build_package

LIMIT = 200e6  # bytes unzipped; Lambda's own limit is 250 MiB with the function
PANDAS = "import pandas"
# What the repair worker imports until its first vendor request, boto3 among it.
WORKER = """
import process_repairs, boto3
import minutemend.adapters.dynamo_board, minutemend.adapters.s3_store, minutemend.adapters.secrets
import minutemend.adapters.signals, minutemend.adapters.sqs, minutemend.adapters.vendors
import minutemend.services.lake, minutemend.services.process_repairs
"""
IN_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "urllib3")  # Lambda has these; the layer has not


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both layers for local AWS, unzipped as Lambda would into /opt."""
    [local] = stages_from_context({"stage": "dev", "target": "local"}.get)
    target = Target(local.python, local.architecture, local.calendars, datetime.now(UTC).year)
    opt = tmp_path_factory.mktemp("opt")
    for built in (build_libraries(target), build_package(target)):
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


def test_a_worker_starts_nearly_as_fast_as_pandas_alone(layer: Path, tmp_path: Path) -> None:
    """At most 1.3 times its import, in processor time, each the best of five processes."""
    for name in IN_THE_RUNTIME:
        found = find_spec(name)
        assert found
        assert found.origin
        (tmp_path / name).symlink_to(Path(found.origin).parent)
    path = [layer / "python", ROOT / "runtime" / "handlers", tmp_path]
    environment = {"PYTHONPATH": ":".join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1", "AWS_REGION": "us-east-1"}
    pandas, worker = (min(_seconds(code, environment) for _ in range(5)) for code in (PANDAS, WORKER))
    assert worker <= 1.3 * pandas, f"the worker takes {worker / pandas:.2f} times as long as pandas"


def _seconds(code: str, environment: dict[str, str]) -> float:
    """Processor time of a process that sees the layer and nothing of this environment."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-S", "-c", code], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
