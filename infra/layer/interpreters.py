"""Finding the interpreter that can compile bytecode for a runtime.

Without `.pyc` files pandas imports almost five times slower, and a runtime reads only those of its own minor
version: so a layer for Python 3.13 is compiled by some Python 3.13 of the machine that builds it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / ".build"


@cache
def interpreter_for(python: str, *, install: bool = False) -> Path | None:
    """An interpreter of that minor version ("3.13"), or None.

    Looked for in this order: the running one, the PATH, pyenv's versions, uv's own. With `install`, uv may
    fetch one as a last resort; without a network that fails, and the answer is None.
    """
    for candidate in _candidates(python):
        if _is(candidate, python):
            return candidate
    if install and _uv("python", "install", "--quiet", python) is not None:
        return _found_by_uv(python)
    return None


def uv_environment() -> dict[str, str]:
    """What uv runs with: what it keeps stays in this clone, unless the environment says otherwise."""
    kept = {"UV_CACHE_DIR": str(BUILD / "uv"), "UV_PYTHON_INSTALL_DIR": str(BUILD / "python")}
    return {**kept, **os.environ}


def uv() -> Path:
    """The uv that `make setup` put beside the running interpreter."""
    return Path(sys.executable).with_name("uv")


def _candidates(python: str) -> Iterator[Path]:
    yield Path(sys.executable)
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which(f"python{python}", path=folder)
        if found:
            yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{python}.*/bin/python"), reverse=True)
    found_by_uv = _found_by_uv(python)
    if found_by_uv:
        yield found_by_uv


def _is(candidate: Path, python: str) -> bool:
    if candidate == Path(sys.executable):
        return python == f"{sys.version_info.major}.{sys.version_info.minor}"
    return _output(str(candidate), "-c", "import sys; print('%d.%d' % sys.version_info[:2])") == python


def _found_by_uv(python: str) -> Path | None:
    found = _uv("python", "find", "--no-project", "--no-python-downloads", python)
    return Path(found) if found else None


def _uv(*arguments: str) -> str | None:
    return _output(str(uv()), *arguments, environment=uv_environment()) if uv().exists() else None


def _output(*command: str, environment: dict[str, str] | None = None) -> str | None:
    """What a command prints, or None when it fails: a pyenv shim exists for versions that are not active."""
    try:
        ran = subprocess.run(  # noqa: S603 (interpreters of this machine, and our own uv)
            command, env=environment, capture_output=True, text=True, timeout=120, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip()
