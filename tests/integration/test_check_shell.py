"""`mend check` from the shell: what only a process of its own shows."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
MEND = Path(sys.executable).with_name("mend")
BARS = ROOT / "examples" / "bars"
# A Python that has nothing of what `mend check` must not need.
LIGHT = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pandas", "pyarrow", "boto3", "botocore", "exchange_calendars", "infra", "local"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])
sys.meta_path.insert(0, Without())
sys.argv[0] = "mend"
from mend.start import main
main()
"""


def mend(*words: object, stdin: bytes = b"", light: bool = False) -> subprocess.CompletedProcess[bytes]:
    start = [sys.executable, "-c", LIGHT] if light else [str(MEND)]
    return subprocess.run([*start, *map(str, words)], input=stdin, capture_output=True, check=False, timeout=PATIENCE)


def test_the_examples_as_they_stand_in_the_readme() -> None:
    """The first thing that a newcomer does."""
    done = mend("check", BARS, "--calendar", "XNYS", light=True)
    assert done.returncode == 1
    assert "1,534 of 1,560 minutes are there (98.33%), 26 missing in 3 gaps" in done.stdout.decode()
    assert "20 of 26 missing minutes lie before the first or after the last bar" in done.stdout.decode()
    assert "symbol: ACME, BOLT, by no column" in done.stderr.decode()


def test_gaps_as_csv_and_how_much_is_enough() -> None:
    """For a pipe, and for a job that fails below a share."""
    done = mend("check", BARS, "--calendar", "NYSE", "--format", "csv", "--fail-under", "98.3")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines()[:2] == [
        "symbol,start,end,minutes,bars",
        "ACME,2024-07-01T16:50:00Z,2024-07-01T16:55:00Z,5,5",
    ]
    assert mend("check", BARS, "--calendar", "NYSE", "--fail-under", "98.4").returncode == 1
    assert mend("check", BARS, "--calendar", "NYSE", "--fail-under", "101").returncode == 2


def test_standard_input_is_a_file() -> None:
    """Whose bars it holds, it cannot say."""
    data = (BARS / "ACME_1min.csv").read_bytes()
    assert b"--symbol NAME" in mend("check", "-", "--calendar", "XNYS", stdin=data).stderr
    done = mend("check", "-", "--calendar", "XNYS", "--symbol", "ACME", "--format", "csv", stdin=data)
    assert (done.returncode, done.stdout.count(b"\n")) == (1, 3)


@pytest.mark.parametrize(
    "words", [[""], [BARS, ""], [BARS, "--symbol", ""], [BARS, "--zone", " "], [BARS, "--symbols", ","]]
)
def test_empty_arguments_are_refused(words: list[object]) -> None:
    """An empty variable of a script names nothing."""
    done = mend("check", *words, "--calendar", "XNYS")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_file_that_breaks_off_costs_itself(tmp_path: Path) -> None:
    """The others are checked, and it is named."""
    for name in ("ACME_1min.csv", "BOLT_1min.csv"):
        (tmp_path / name).write_bytes((BARS / name).read_bytes())
    (tmp_path / "CUT.parquet").write_bytes(b"PAR1" + b"\0" * 400 + b"PAR1")
    (tmp_path / "CUT.csv.gz").write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\1" * 90)
    done = mend("check", tmp_path, "--calendar", "XNYS", "--format", "csv")
    assert (done.returncode, done.stdout.count(b"\n")) == (1, 4)
    assert done.stderr.count(b"skipped: ") == 2


def _until_it_listens(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has said what SIGINT and SIGTERM do, its first lines: before, there is a bare interpreter, for long
    on a busy machine."""
    status = Path(f"/proc/{process.pid}/status")  # macOS has none, and no busy CI
    while status.exists() and process.poll() is None:
        caught = re.search(r"^SigCgt:\s*(\w+)$", status.read_text(), re.MULTILINE)
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.005)


def _parts(ours: int) -> Iterator[bytes]:
    """What comes, until its other end is closed, which a terminal says by an error."""
    with contextlib.suppress(OSError):
        while part := os.read(ours, 65536):
            yield part


@pytest.mark.parametrize("terminal", [False, True])
def test_ctrl_c_ends_with_130_and_a_message(terminal: bool, tmp_path: Path) -> None:
    """While modules are imported, while DuckDB reads, while a bar is drawn, and while the interpreter ends."""
    rows = (BARS / "ACME_1min.csv").read_text().splitlines()
    files, room = tmp_path / "files", tmp_path / "room"
    files.mkdir()
    room.mkdir()
    with zipfile.ZipFile(files / "ACME.zip", "w") as packed:
        many = (f"ACME{number},{row}" for number in range(2000) for row in rows[1:])
        packed.writestr("ACME.csv", "\n".join([f"symbol,{rows[0]}", *many]))
    words = [str(MEND), "check", str(files), "--calendar", "XNYS", "--format", "json"]
    environment = {**os.environ, "TMPDIR": str(room)}
    began = time.monotonic()
    assert subprocess.run(words, check=False, capture_output=True, env=environment).returncode == 1
    whole = time.monotonic() - began
    for wait in (0.1, whole * 0.7, whole * 0.97, whole):
        ours, theirs = pty.openpty() if terminal else os.pipe()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=theirs, env=environment)
        os.close(theirs)
        parts: list[bytes] = []  # read at once: an unread terminal is full one day, and its writer waits
        heard = threading.Thread(target=lambda ours=ours, parts=parts: parts.extend(_parts(ours)))
        heard.start()
        begun = time.monotonic()
        _until_it_listens(process)
        time.sleep(max(0.0, wait - (time.monotonic() - begun)))
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=PATIENCE)
        heard.join()
        os.close(ours)
        said = b"".join(parts)
        assert not list(room.iterdir()), "what was unpacked is left"
        if code in (0, 1) and b"Traceback" not in said:
            continue  # it was faster than we were
        assert (code, b"Traceback" in said) == (130, False), said[-2000:]
        assert b"mend: interrupted" in said


def test_what_is_not_installed_is_said() -> None:
    """From the package alone `mend check` works, and no other command ends in a traceback."""
    for words in (["status", "--stage", "dev"], ["demo"], ["load", BARS, "--stage", "dev"]):
        done = mend(*words, light=True)
        assert done.returncode == 2
        assert b"make setup" in done.stderr
        assert b"Traceback" not in done.stderr


def test_feather_without_pyarrow_says_what_to_install(tmp_path: Path) -> None:
    """The light install reads all else; pyarrow is 150 MB."""
    (tmp_path / "AAPL.feather").write_bytes(b"ARROW1\0\0")
    done = mend("check", tmp_path / "AAPL.feather", "--calendar", "XNYS", light=True)
    assert done.returncode == 2
    assert b"uvx --with pyarrow" in done.stderr


def test_a_wheel_holds_the_package_and_its_tools(tmp_path: Path) -> None:
    """Every name at its top is ours, with the licence, the calendars and the marker of types."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"mend", "minutemend"}
    for needed in ("mend/calendars/sessions.npz", "minutemend/py.typed", "licenses/LICENSE"):
        assert [name for name in names if name.endswith(needed)]


def test_the_example_for_python_runs() -> None:
    """As it is, in a process of its own."""
    done = subprocess.run([sys.executable, str(ROOT / "examples" / "check_bars.py")], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"1,534 of 1,560 minutes are there" in done.stdout
