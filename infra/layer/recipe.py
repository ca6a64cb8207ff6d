"""The two layers: the libraries (large, new when the lock file changes) and our package (small, new with its source).

Both are built into `.build/layer/<name>-<hash>.zip`; the hash covers everything that the result depends on, so a
warm `cdk synth` finds the file and builds nothing.
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
from dataclasses import dataclass
from pathlib import Path

from infra.layer.elf import drop_symbols
from infra.layer.interpreters import interpreter_for, uv, uv_environment

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "layer.txt"
PACKAGE = ROOT / "runtime" / "layer" / "minutemend"
CACHE = ROOT / ".build" / "layer"
SESSIONS = Path("data") / "sessions.parquet"  # inside the package

# AL2023, which Lambda's Python 3.12 and later run on, has glibc 2.34: manylinux_2_28 wheels fit.
_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}

# What a function never touches and what would put the layer over its limit of 250 MB: Flight, ORC, encryption,
# cloud file systems (boto3 reads S3), HTTP routers, build tools, headers, Cython sources and tests.
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


@dataclass(frozen=True, slots=True)
class Target:
    """What a layer is for: a runtime ("3.13") on an architecture ("arm64" or "x86_64"), and whose sessions it ships."""

    python: str
    architecture: str
    calendars: tuple[str, ...]
    year: int  # of the build: the shipped sessions reach a year ahead, so each year wants a layer of its own

    @property
    def bytecode(self) -> bool:
        """Whether some interpreter of this machine can compile for the target (app.py tries to fetch one first)."""
        return interpreter_for(self.python) is not None


def libraries_hash(target: Target) -> str:
    """Names the content of the libraries' layer without building it."""
    return _hash([target.python, target.architecture, target.bytecode], [LOCK, *_recipe()])


def package_hash(target: Target) -> str:
    """Names the content of our package's layer without building it."""
    sources = sorted(path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    lock = ROOT / "requirements" / "dev.txt"  # holds the version of exchange_calendars
    return _hash([target.python, target.calendars, target.year, target.bytecode], [*sources, lock, *_recipe()])


def build_libraries(target: Target) -> Path:
    """The libraries' layer as a zip file, from the cache or built into it. Raises CalledProcessError."""
    return _cached(f"libraries-{libraries_hash(target)}.zip", target, _install_libraries)


def build_package(target: Target) -> Path:
    """Our package's layer as a zip file, from the cache or built into it. Raises CalledProcessError."""
    return _cached(f"package-{package_hash(target)}.zip", target, _copy_package)


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
    package = python / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "minutemend.adapters.exchange_sessions"]
    command += ["--calendars", ",".join(target.calendars), "--out", str(package / SESSIONS)]
    (package / SESSIONS).parent.mkdir(exist_ok=True)
    # Runs as a process of its own: exchange_calendars takes a second to import and brings pandas along.
    subprocess.run(command, check=True, cwd=PACKAGE.parent)  # noqa: S603


def _cached(name: str, target: Target, fill: Callable[[Target, Path], None]) -> Path:
    done = CACHE / name
    if done.exists():
        return done
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        tree = Path(folder) / "layer"
        fill(target, tree / "python")
        _compile(tree, target)
        unfinished = Path(folder) / name
        _zip(tree, unfinished)
        unfinished.replace(done)  # at once or not at all: two builds at a time do no harm
    return done


def _compile(tree: Path, target: Target) -> None:
    """Bytecode that the runtime trusts: the asset's zip has 1980 for a time, so only unchecked hashes will do."""
    for stale in list(tree.rglob("__pycache__")):
        shutil.rmtree(stale)
    interpreter = interpreter_for(target.python)
    if interpreter is None:
        return
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


def _recipe() -> list[Path]:
    return sorted(Path(__file__).parent.glob("*.py"))


def _hash(values: list[object], files: list[Path]) -> str:
    digest = hashlib.sha256(repr(values).encode())
    for path in files:
        digest.update(os.path.relpath(path, ROOT).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
