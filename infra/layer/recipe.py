"""The two layers: the libraries (large, new when the lock file changes) and our package (small, new with its source).

`python -m infra.layer` builds both into `.build/layer/<name>-<hash>.zip`, before `cdk synth`. The hash covers exactly
what goes in, and needs neither the result nor anything of this machine: synth takes the file, and builds nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.layer import sessions
from infra.layer.elf import drop_symbols
from infra.layer.interpreters import interpreter_for, uv, uv_environment
from infra.layer.target import Target

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "layer.txt"
PACKAGE = ROOT / "runtime" / "layer" / "minutemend"
CACHE = ROOT / ".build" / "layer"
SESSIONS = Path("data") / "sessions.parquet"  # inside the package

# AL2023, which Lambda's Python 3.12 and later run on, has glibc 2.34: manylinux_2_28 wheels fit.
_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}

# What a function never touches and what would put the layer over its limit of 250 MB: Flight, ORC, encryption,
# cloud file systems (boto3 reads S3), HTTP routers, build tools, headers, Cython sources, examples and tests.
_TRIMMED = (
    "bin",
    "pyarrow/include",
    "pyarrow/src",
    "pyarrow/tests",
    "pyarrow/*flight*",
    "pyarrow/*_orc*",
    "pyarrow/orc.py",
    "pyarrow/*encryption*",
    "pyarrow/_substrait*",
    "pyarrow/_*s3fs*",
    "pyarrow/_*gcsfs*",
    "pyarrow/_*azurefs*",
    "pyarrow/_*hdfs*",
    "pyarrow/*_cpp_tests*",
    "aws_lambda_powertools/event_handler",
    "boto3/examples",
    "pandas/tests",
    "numpy/distutils",
    "numpy/f2py",
    "numpy/_core/_simd.*",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/random/lib",
    "numpy/**/tests",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.pxi",
    "**/*.pyi",
)

# botocore describes 430 services in 25 MB; functions ask these, as minutemend.wiring.compose makes their clients.
SERVICES = ("athena", "dynamodb", "events", "s3", "secretsmanager", "sns", "sqs", "ssm", "stepfunctions")


class NotBuilt(Exception):
    """A layer cannot be built on this machine; the message says what would be right."""


def libraries(target: Target) -> Path:
    """Where the libraries' layer lies once it is built; its name holds the hash."""
    pins = [line for line in LOCK.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return _place("libraries", [target.python, target.architecture, pins], [])


def package(target: Target) -> Path:
    """Where our package's layer lies once it is built; its name holds the hash."""
    shipped = hashlib.sha256(sessions.FILE.read_bytes()).hexdigest()
    return _place("package", [target.python, shipped, target.calendars], _sources())


def build(target: Target) -> None:
    """Build what is not there yet of the two. Raises NotBuilt, CalledProcessError."""
    for place, fill in ((libraries(target), _install_libraries), (package(target), _copy_package)):
        if not place.exists():
            _build(place, target, fill)


def _install_libraries(target: Target, python: Path) -> None:
    command: list[str | Path] = [uv(), "pip", "install", "--quiet", "--target", python, "--no-deps", "--require-hashes"]
    # Copies: uv would rather link its cache's files, which other environments use, and here they are cut to size.
    command += ["--link-mode", "copy", "--only-binary", ":all:", "--python-platform", _PLATFORMS[target.architecture]]
    command += ["--python-version", target.python, "--requirement", LOCK]
    subprocess.run(command, check=True, env=uv_environment())  # noqa: S603
    for pattern in _TRIMMED:
        for path in list(python.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    for described in (python / "botocore" / "data").iterdir():
        if described.is_dir() and described.name not in SERVICES:
            shutil.rmtree(described)
    _drop_aliases(python / "pyarrow")
    for library in python.rglob("*.so*"):
        drop_symbols(library)


def _drop_aliases(pyarrow: Path) -> None:
    """Wheels hold no links, so pyarrow carries each of its own libraries three times; the soname alone is loaded."""
    for library in pyarrow.glob("libarrow_python*.so.*.*"):
        library.unlink()
    for library in pyarrow.glob("libarrow_python*.so"):
        library.unlink()


def _copy_package(target: Target, python: Path) -> None:
    for source in _sources():
        copy = python / PACKAGE.name / source.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    out = python / PACKAGE.name / SESSIONS
    command = [sys.executable, "-m", "mend.calendars.shipped"]
    command += ["--calendars", ",".join(target.calendars), "--out", str(out)]
    # A process of its own: what deploys knows nothing of the tools.
    subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603


def _build(place: Path, target: Target, fill: Callable[[Target, Path], None]) -> None:
    interpreter = interpreter_for(target.python, install=True)
    if interpreter is None:
        raise NotBuilt(
            f"no Python {target.python} is here to compile the layers with, and uv could fetch none: without bytecode "
            f"every function starts almost five times slower. `uv python install {target.python}`, or pyenv, would do"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        tree = Path(folder) / "layer"
        fill(target, tree / "python")
        _compile(tree, interpreter)
        unfinished = Path(folder) / place.name
        _zip(tree, unfinished)
        unfinished.replace(place)  # at once or not at all: two builds at a time do no harm


def _compile(tree: Path, interpreter: Path) -> None:
    """Bytecode that the runtime trusts: the asset's zip has 1980 for a time, so only unchecked hashes will do."""
    for stale in list(tree.rglob("__pycache__")):
        shutil.rmtree(stale)
    command: list[str | Path] = [interpreter, "-m", "compileall", "-q", "-j", str(os.cpu_count() or 1)]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", "/opt", str(tree)]
    # Some files of pandas and powertools are for other versions and do not compile; they are not imported either.
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603


def _zip(tree: Path, out: Path) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for path in _files(tree):
            entry = zipfile.ZipInfo(str(path.relative_to(tree)))  # 1980 and no more: the same tree, the same bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
            archive.writestr(entry, path.read_bytes())


def _files(tree: Path) -> Iterator[Path]:
    return (path for path in sorted(tree.rglob("*")) if path.is_file())


def _sources() -> list[Path]:
    """The package's own files; what editors, systems and runs leave between them is none."""
    return sorted(path for path in PACKAGE.rglob("*") if path.suffix == ".py" or path.name == "py.typed")


def _place(name: str, values: list[object], sources: list[Path]) -> Path:
    digest = hashlib.sha256(repr(values).encode())
    recipe = [Path(__file__), Path(__file__).with_name("elf.py")]
    for path, root in [*((path, Path(__file__).parent) for path in recipe), *((path, PACKAGE) for path in sources)]:
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return CACHE / f"{name}-{digest.hexdigest()}.zip"
