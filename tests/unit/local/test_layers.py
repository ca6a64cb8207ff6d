"""Functions of a local stage read one copy of a layer; without us the emulator unpacks it for each process."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import ministack.app
import pytest
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.aws.layers import share_layers

LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:libraries:1"


def _zipped(name: str, text: str) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr(name, text)
    return body.getvalue()


@pytest.fixture
def read_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[Callable[[str], str]]:
    """`read_from(name)`: where a process of that function has its layer's module from."""
    assert ministack.app  # the emulator reads its settings when it is imported
    layer = _zipped("python/shared.py", "")
    monkeypatch.setattr(lambda_svc, "_resolve_layer_zip", lambda _: layer)
    monkeypatch.setattr(lambda_svc, "_DOCKER_EXTRACT_CACHE", str(tmp_path))
    monkeypatch.setattr(lambda_svc, "_docker_extract_dirs", {})
    monkeypatch.setattr(lambda_runtime.Worker, "_spawn", lambda_runtime.Worker._spawn)
    code = _zipped(
        "h.py", "import os, shared\ndef handler(event, context): return [shared.__file__, os.environ['OWN']]"
    )
    workers = []

    def start(name: str) -> str:
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        config = {"FunctionArn": arn, "Handler": "h.handler", "Layers": [{"Arn": LAYER}], "Runtime": "python3.11"}
        worker = lambda_runtime.Worker(name, config | {"Environment": {"Variables": {"OWN": name}}}, code)
        workers.append(worker)
        file, own = worker.invoke({}, "1")["result"]
        assert own == name
        assert worker.config["Layers"] == [{"Arn": LAYER}]
        return str(file)

    yield start
    for worker in workers:
        worker._proc.kill()


def test_the_emulator_still_unpacks_a_layer_for_each_process(read_from: Callable[[str], str]) -> None:
    """When this fails, it has learned to share: `share_layers` goes."""
    assert read_from("one") != read_from("two")


def test_a_layer_is_unpacked_once(read_from: Callable[[str], str]) -> None:
    """And each function keeps its own environment."""
    share_layers(lambda_runtime, lambda_svc)
    assert read_from("one") == read_from("two")
