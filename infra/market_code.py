"""The code of the market's function: a folder that is made before synth (`python -m infra.layer`), as the layers are.

The simulator, the few modules of the runtime that it uses, and when its calendars trade. Nothing that wants a layer: a
function without one starts in half a second, on local AWS, too, where each process unpacks its layers anew.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.layer import sessions

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".build" / "market"
SESSIONS = "market/sessions.json"
# What market/handler.py does not reach, and what else it does: tests/unit/local/test_market_package.py holds that the
# function has no more and no less.
ON_A_LAPTOP = ("__main__", "calendars", "client", "parquet", "server")
OF_THE_RUNTIME = (
    "__init__",
    "adapters/__init__",
    "adapters/secrets",
    "core/__init__",
    "core/errors",
    "core/minutes",
    "wiring/__init__",
    "wiring/clients",
)


def sources() -> dict[str, Path]:
    """Each file of the function by its name there."""
    simulator = [file for file in sorted((ROOT / "market").rglob("*.py")) if file.stem not in ON_A_LAPTOP]
    ours = {file.relative_to(ROOT).as_posix(): file for file in simulator}
    runtime = ROOT / "runtime" / "layer" / "minutemend"
    return ours | {f"minutemend/{name}.py": runtime / f"{name}.py" for name in OF_THE_RUNTIME}


def market_code(calendars: tuple[str, ...]) -> Path:
    """Where the function's folder lies once it is built; its name is a hash of exactly what goes in."""
    digest = hashlib.sha256(repr(calendars).encode() + sessions.FILE.read_bytes())
    for name, path in sources().items():
        digest.update(name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return CACHE / digest.hexdigest()


def build(calendars: tuple[str, ...]) -> None:
    """Make the folder unless it is there. Raises CalledProcessError."""
    place = market_code(calendars)
    if place.exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        tree = Path(folder) / "code"
        for name, path in sources().items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, tree / name)
        command = [sys.executable, "-m", "market.calendars", "--calendars", ",".join(calendars)]
        command += ["--out", str(tree / SESSIONS)]
        subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603
        try:
            tree.rename(place)
        except OSError:  # another build was quicker: its content is the same, for the name is made of it
            if not place.exists():
                raise
