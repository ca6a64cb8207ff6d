"""A layer is unpacked once for all functions of a stage, and read by each, as /opt is in AWS.

MiniStack unpacks it for every process that it starts: 190 MB and two seconds of a core for each.
"""

from __future__ import annotations

import os
from typing import Any


def share_layers(lambda_runtime: Any, lambda_svc: Any) -> None:
    """Give every process the one copy that MiniStack has for containers, which goes with the layer's last version."""
    spawn = lambda_runtime.Worker._spawn

    def spawned(worker: Any) -> None:
        config = worker.config
        held = [body for layer in config.get("Layers") or () if (body := lambda_svc._resolve_layer_zip(layer))]
        folders = [lambda_svc._docker_extracted_dir(body, "layer") for body in held]
        environment = config.get("Environment") or {}
        variables = (environment.get("Variables") or {}) | {"_LAMBDA_LAYERS_DIRS": os.pathsep.join(folders)}
        worker.config = {**config, "Layers": [], "Environment": {**environment, "Variables": variables}}
        try:
            spawn(worker)
        finally:
            worker.config = config

    lambda_runtime.Worker._spawn = spawned
