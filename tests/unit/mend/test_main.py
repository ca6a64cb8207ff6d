"""The frame of the command line: it starts light, and every failure is one message with an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import pytest
from minutemend.core.errors import BadInput

from mend import main as frame
from mend.problems import Problem

HEAVY = {"pandas", "numpy", "pyarrow", "duckdb", "boto3", "botocore", "rich", "exchange_calendars", "aws_cdk"}


def _modules_after(*arguments: str) -> set[str]:
    script = (
        "import sys, json\n"
        "from mend.main import mend\n"
        f"mend.main({list(arguments)!r}, standalone_mode=False, prog_name='mend')\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["local", "--help"], ["repair", "--help"], ["check", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """What makes `mend --help` quick is what it does not import; time would be a fickle witness."""
    assert not _modules_after(*arguments) & HEAVY


@pytest.mark.parametrize("name", frame.COMMANDS)
def test_every_command_of_the_registry_is_there_with_help_and_an_example(name: str) -> None:
    """A name in the registry without a module, or a command that shows no example, would surprise a newcomer."""
    command = frame.mend.get_command(click.Context(frame.mend), name)
    assert command is not None
    context = click.Context(command, info_name=f"mend {name}")
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    examples = [one.get_help(context).partition("Example")[2] for one in (command, *inner)]
    assert any(f"mend {name}" in text for text in examples), "its docstring wants `Examples:`"


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["mend", *arguments])
    with pytest.raises(SystemExit) as ended:
        frame.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def _command_that_raises(monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    @click.command()
    def broken() -> None:
        raise problem

    monkeypatch.setattr(frame.LazyGroup, "get_command", lambda *_: broken)


def test_an_unknown_command_names_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "chek") == 2
    assert "did you mean `mend check`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (Problem("no such file", hint="ls"), 2, "mend: no such file\n  next: ls\n"),
        (BadInput("start is late"), 2, "mend: start is late\n"),
        (FileNotFoundError(2, "No such file or directory", "x.parquet"), 2, "mend: x.parquet: No such file"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_a_failure_is_one_message_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    problem: BaseException,
    code: int,
    words: str,
) -> None:
    """Neither a user's mistake nor Ctrl-C shows a traceback."""
    _command_that_raises(monkeypatch, problem)
    assert _run(monkeypatch, "check") == code
    assert words in capsys.readouterr().err


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What only a bug can raise is neither the user's mistake nor holes: exit code 70, and please report it."""
    _command_that_raises(monkeypatch, ZeroDivisionError())
    monkeypatch.setattr(sys, "argv", ["mend", "check"])
    with pytest.raises(SystemExit) as ended:
        frame.main()
    said = capsys.readouterr().err
    assert ended.value.code == 70
    assert "ZeroDivisionError" in said
    assert "please report it" in said


def test_aws_errors_say_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Absent, expired and refused credentials are told apart by type and code."""
    from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

    expired = ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "DescribeStacks")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    for problem, words in (
        (NoCredentialsError(), "no AWS credentials"),
        (expired, "expired (ExpiredToken): old\n  next: aws sso login"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "nothing answers at http://127.0.0.1:1"),
    ):
        _command_that_raises(monkeypatch, problem)
        assert _run(monkeypatch, "status") == 2
        assert words in capsys.readouterr().err


# A command that has said all, with a thread behind it that does not end, as those of DuckDB and Arrow at times.
SAID = """
import atexit, sys, threading
import mend.main, mend.start
def run():
    atexit.register(print, "put away")
    threading.Thread(target=threading.Event().wait).start()
    print("said")
    sys.exit(3)
mend.main.main = run
mend.start.main()
"""


def test_what_runs_on_behind_a_command_does_not_end_it_otherwise() -> None:
    """It waits for no thread and is aborted by none; what it said and what it has to put away are not lost."""
    done = subprocess.run([sys.executable, "-c", SAID], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, "said\nput away\n", "")


HELP = "import sys; sys.argv = ['mend', '--help']; from mend.start import main; main()"
OUTPUTS = {
    "full": (">/dev/full", 2, "could not be written: No space left on device"),
    "closed": (">&-", 2, "standard output is closed"),
    "full, and no errors": (">/dev/full 2>/dev/full", 2, ""),
    "errors closed": (">/dev/null 2>&-", 0, ""),
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_that_takes_nothing_is_no_success(output: str) -> None:
    """One line where it can be said, and no traceback."""
    where, code, words = OUTPUTS[output]
    if "/dev/full" in where and not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    start = ["sh", "-c", f'exec "$0" -c "$1" {where}', sys.executable, HELP]
    done = subprocess.run(start, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == bool(words)


def test_a_reader_that_goes_away_hears_no_verdict() -> None:
    """`mend … | true`: nothing was told, so nothing is well."""
    reader, writer = os.pipe()
    os.close(reader)
    start = [sys.executable, "-c", HELP]
    done = subprocess.run(start, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
