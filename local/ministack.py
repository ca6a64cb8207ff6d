"""MiniStack: local AWS as one ordinary process on 127.0.0.1 (docs/decisions and the field notes say why this one)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from local.servers import Server, free_port, launch, wait_ready

REGION = "us-east-1"
ACCOUNT = "000000000000"
KEYS = ("test", "test")  # it asks for keys and believes any
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": KEYS[0],
    "AWS_SECRET_ACCESS_KEY": KEYS[1],
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}


def aws_environment(endpoint: str) -> dict[str, str]:
    """What any AWS tool needs to be pointed at local AWS."""
    return {"AWS_ENDPOINT_URL": endpoint, **CREDENTIALS}


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of every process that we start: ours, without the user's AWS settings, at home in `home`.

    The emulator hands its environment on to the functions, and the CDK writes below HOME.
    """
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    return {**kept, "HOME": str(home), "TMPDIR": str(home / "tmp")}


def start_ministack(*, home: Path, port: int | None = None, launched: Callable[[Server], None]) -> Server:
    """Start MiniStack with its data under `home`, on a free port of 127.0.0.1. About half a second.

    Started again on the same `home` it has everything that it had when it was stopped with SIGTERM. `launched`
    is told of the process before it is ready, so that whoever is interrupted can stop it.
    """
    chosen = free_port(port)
    log = home / "ministack.log"
    server = launch(
        [sys.executable, "-m", "ministack"],
        url=f"http://127.0.0.1:{chosen}",
        marker="ministack",
        env=settings(home=home, port=chosen),
        cwd=home,
        log=log,
    )
    launched(server)
    wait_ready(server, health="/_ministack/health", log=log)
    return server


def settings(*, home: Path, port: int) -> Mapping[str, str]:
    """MiniStack's environment: nothing outside `home`, nothing on any interface but 127.0.0.1."""
    return {
        **clean_environment(home),
        **CREDENTIALS,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(home / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home / "s3"),
        "LAMBDA_WARM_TTL_SECONDS": "3600",
    }
