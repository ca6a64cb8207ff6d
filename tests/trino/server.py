"""A real Trino server on this machine, for as long as the tests run. Athena's engine 3 is Trino.

The server comes from Maven Central as two archives: the core (no connectors) and the Hive connector. It keeps its
tables in a file metastore and reads Parquet from a folder, listens on 127.0.0.1 alone, and is stopped by its own
process id. Everything lies under `.build/trino`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.servers import free_port
from tests.trino.client import Trino

VERSION = "476"
JAVA_NEEDED = 24
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
HEAP = "2G"
START_SECONDS = 180.0
STOP_SECONDS = 30.0


class CannotRun(RuntimeError):
    """Trino cannot be had or started here; the message says what is lacking."""


def java() -> Path:
    """The first Java of JAVA_NEEDED or newer: JAVA_HOME, then whatever is under /usr/lib/jvm. Else CannotRun."""
    homes = [Path(home) for home in (os.environ.get("JAVA_HOME"),) if home]
    homes += sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)
    for home in homes:
        if _java_version(home) >= JAVA_NEEDED and (home / "bin/java").exists():
            return home / "bin/java"
    raise CannotRun(f"Trino {VERSION} needs Java {JAVA_NEEDED} or newer: JAVA_HOME pointing at one would be right")


def install(folder: Path) -> tuple[Path, Path]:
    """The server's folder and the folder of its plugins, fetched and unpacked if they are not there yet."""
    server, plugins = folder / f"trino-server-core-{VERSION}", folder / "plugins"
    unpacking = folder / "unpacking"
    shutil.rmtree(unpacking, ignore_errors=True)
    if not server.exists():
        with tarfile.open(_fetch(folder, "trino-server-core", "tar.gz")) as archive:
            archive.extractall(unpacking, filter="data")
        (unpacking / server.name).rename(server)
    if not plugins.exists():
        with zipfile.ZipFile(_fetch(folder, "trino-hive", "zip")) as archive:
            archive.extractall(unpacking)  # noqa: S202 (Trino's own archive, its hash checked by mvn)
        unpacking.rename(plugins)
    return server, plugins


@contextmanager
def running(folder: Path, lakes: Path) -> Iterator[Trino]:
    """A server that sees the files under `lakes` as `local:///…`. Stopped at the end, whatever happens."""
    folder = folder.resolve()
    server, plugins = install(folder)
    port = free_port()
    run = folder / f"run-{port}"
    shutil.rmtree(run, ignore_errors=True)
    _configure(run, plugins=plugins, lakes=lakes, port=port)
    with (run / "log").open("wb") as log:
        process = subprocess.Popen(_command(server, run), cwd=run, stdout=log, stderr=subprocess.STDOUT)
    try:
        client = Trino(port)
        _await_start(process, client, run / "log")
        yield client
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    shutil.rmtree(run)  # after a failure it stays, for its log


def _java_version(home: Path) -> int:
    release = home / "release"
    found = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.exists() else None
    return int(found[1]) if found else 0


def _fetch(folder: Path, artifact: str, kind: str) -> Path:
    downloads = folder / "downloads"
    archive = downloads / f"{artifact}-{VERSION}.{kind}"
    if archive.exists():
        return archive
    maven = shutil.which("mvn")
    if maven is None:
        raise CannotRun("Trino comes from Maven Central: mvn on the PATH would be right")
    wanted = [f"-Dartifact=io.trino:{artifact}:{VERSION}:{kind}", f"-DoutputDirectory={downloads}"]
    done = subprocess.run([maven, "-q", "-B", MAVEN_COPY, *wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"mvn could not fetch {artifact} {VERSION}:\n{done.stdout}{done.stderr}")
    return archive


def _configure(run: Path, *, plugins: Path, lakes: Path, port: int) -> None:
    catalogs = run / "catalogs"
    catalogs.mkdir(parents=True)
    (run / "config.properties").write_text(
        "coordinator=true\n"
        "node-scheduler.include-coordinator=true\n"
        f"http-server.http.port={port}\n"
        f"discovery.uri=http://127.0.0.1:{port}\n"
        "node.bind-ip=127.0.0.1\n"
        "node.internal-address=127.0.0.1\n"
        "query.max-memory=1GB\n"
        "query.max-memory-per-node=1GB\n"
        "memory.heap-headroom-per-node=400MB\n"
        f"plugin.dir={plugins}\n"
        f"catalog.config-dir={catalogs}\n"
    )
    (catalogs / "hive.properties").write_text(
        "connector.name=hive\n"
        "hive.metastore=file\n"
        "hive.metastore.catalog.dir=local:///.metastore\n"
        "fs.native-local.enabled=true\n"
        f"local.location={lakes.resolve()}\n"
        "hive.security=allow-all\n"
    )


def _command(server: Path, run: Path) -> list[str]:
    return [
        str(java()),
        f"-Xmx{HEAP}",
        "-XX:+UseSerialGC",
        "-Djdk.attach.allowAttachSelf=true",
        "-Dfile.encoding=UTF-8",
        "-Duser.timezone=UTC",
        "--add-modules=jdk.incubator.vector",
        "--enable-native-access=ALL-UNNAMED",
        "-Dnode.environment=test",
        f"-Dnode.data-dir={run / 'data'}",
        f"-Dconfig={run / 'config.properties'}",
        "-cp",
        f"{server}/lib/*",
        "io.trino.server.TrinoServer",
    ]


def _await_start(process: subprocess.Popen[bytes], client: Trino, log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while not client.ready():
        if process.poll() is not None or time.monotonic() > give_up:
            raise CannotRun(f"Trino did not start; the end of {log}:\n{log.read_text()[-3000:]}")
        time.sleep(0.5)
