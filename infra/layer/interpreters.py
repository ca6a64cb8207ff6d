"""Finding the interpreter that can compile bytecode for a runtime.

Without `.pyc` files pandas imports almost five times slower, and a runtime reads only those of its own minor
version: so a layer for Python 3.13 is compiled by some Python 3.13 of the machine that builds it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / ".build"


@cache
def interpreter_for(python: str, *, install: bool = False) -> Path | None:
    """An interpreter of that minor version ("3.13"), or None.

    The running one, or one that uv finds: its own, on the PATH, among pyenv's versions. With `install`, uv may
    fetch one as a last resort; without a network that fails, and the answer is None.
    """
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    found = _found(python)
    if found is None and install and _said("python", "install", "--quiet", python) is not None:
        return _found(python)
    return found


def uv_environment() -> dict[str, str]:
    """What uv runs with: what it keeps stays in this clone, unless the environment says otherwise."""
    kept = {"UV_CACHE_DIR": str(BUILD / "uv"), "UV_PYTHON_INSTALL_DIR": str(BUILD / "python")}
    return {**kept, **os.environ}


def uv() -> Path:
    """The uv that `make setup` put beside the running interpreter."""
    return Path(sys.executable).with_name("uv")


def _found(python: str) -> Path | None:
    path = _said("python", "find", "--no-project", "--no-python-downloads", python)
    return Path(path) if path else None


def _said(*arguments: str) -> str | None:
    """What uv prints, or None when it fails. pyenv has versions that are not active, which the PATH leaves out."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [os.environ.get("PATH", os.defpath), *map(str, sorted(pyenv.glob("versions/*/bin"), reverse=True))]
    environment = {**uv_environment(), "PATH": os.pathsep.join(folders)}
    try:
        ran = subprocess.run(  # noqa: S603 (our own uv)
            [uv(), *arguments], env=environment, capture_output=True, text=True, timeout=120, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip()
