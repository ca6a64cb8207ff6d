"""MiniStack: local AWS as one ordinary process on 127.0.0.1, its permissions enforced, over TLS (docs/decisions)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from local.certificate import BUNDLE, CERTIFICATE, KEY, make_certificate
from local.principals import Keys, make_principals
from local.servers import Server, free_port, launch, wait_ready

REGION = "us-east-1"
ACCOUNT = "000000000000"


def aws_environment(endpoint: str, *, keys: Keys, home: Path) -> dict[str, str]:
    """What any AWS tool needs to be pointed at local AWS, as the principal of these keys."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": keys.key,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        **trusting(home),
    }


def trusting(home: Path) -> dict[str, str]:
    """What makes boto, the CDK and Python believe the certificate of a local stage: those two, which speak with nothing
    else, it alone, because each of their connections reads the whole file (the machine's roots: 57 ms of a core)."""
    alone, among_others = str(home / CERTIFICATE), str(home / BUNDLE)
    return {"AWS_CA_BUNDLE": alone, "NODE_EXTRA_CA_CERTS": alone, "SSL_CERT_FILE": among_others}


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
    is told of the process before it is ready, so that an interrupted caller can stop it.
    """
    chosen = free_port(port)
    log = home / "ministack.log"
    make_certificate(home, now=datetime.now(UTC))
    make_principals(home)
    server = launch(
        [sys.executable, "-m", "local.aws", str(home)],
        url=f"https://127.0.0.1:{chosen}",
        marker="local.aws",
        env=settings(home=home, port=chosen),
        cwd=home,
        log=log,
    )
    launched(server)
    wait_ready(server, health="/_ministack/health", log=log, trusted=home / CERTIFICATE)
    return server


def settings(*, home: Path, port: int) -> Mapping[str, str]:
    """MiniStack's environment: nothing outside `home`, nothing on any interface but 127.0.0.1."""
    return {
        **clean_environment(home),
        **trusting(home),
        "AWS_DEFAULT_REGION": REGION,
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(home / CERTIFICATE),
        "MINISTACK_SSL_KEY": str(home / KEY),
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
