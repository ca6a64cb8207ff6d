"""`mend verdicts revoke`: a person voids proofs, says who and why, and is told what cannot be revoked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from minutemend.core.answers import AnswerKind
from minutemend.core.errors import BadInput
from minutemend.core.symbols import Listing
from minutemend.core.verdicts import RULE, Absence, Failure, Observation, Omissions
from minutemend.services.lake import Lake
from minutemend.services.publish import Publish

import mend.stage
from mend import revoking
from mend.aws import executions
from mend.commands import repair
from mend.commands.verdicts import command
from tests.fakes.signals import FakeSignals
from tests.fakes.store import FakeStore
from tests.unit.mend.test_verdicts import NOW, _bars, _lake, _range

EVIDENCE = json.dumps(
    [
        {
            "vendor": "finnhub",
            "source": "finnhub",
            "observed_at": "2013-10-04T20:00:00Z",
            "job_id": "j1",
            "before": "2013-10-04T13:31:00Z",
            "after": None,
        }
    ]
)
SAID = ["--who", "J. Doe", "--why", "the tape has trades"]
Run = Callable[..., Result]


@pytest.fixture
def lake() -> Lake:
    """Minutes 0 and 1 are present, 2 to 5 are absent, 5 to 10 failed."""
    made = _lake()
    made.put_bars(_bars("IBM", [0, 1]))
    made.put_absences(
        [Absence("IBM", _range(2, 5), "no_trade", EVIDENCE, 2, NOW, proof="two_looks", plausible=0.42, rule=RULE)]
    )
    made.put_failures([Failure("IBM", _range(4, 10), "garbage", "[]", 3, "a1", NOW)])
    return made


@pytest.fixture
def run(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(mend.stage, "open_stage", lambda _: SimpleNamespace(lake=lake, option="dev"))

    def run(*arguments: str, first: str = "13:32", end: str = "13:35", before: tuple[str, ...] = ()) -> Result:
        window = ["--start", f"2013-10-04T{first}:00Z", "--end", f"2013-10-04T{end}:00Z"]
        return CliRunner().invoke(command, [*before, "--stage", "dev", *window, *arguments])

    return run


def revoke(run: Run, *arguments: str, symbols: str = "IBM", **edges: str) -> Result:
    return run("--symbols", symbols, *(arguments or SAID), before=("revoke",), **edges)


def test_a_revoked_minute_is_not_absent_in_the_facts_either(run: Run, lake: Lake) -> None:
    """The hour was published with it; readers of the facts wait for no publish, and nothing is announced."""
    signals, window = FakeSignals(), _range(0, 10)
    Publish(lake=lake, signals=signals, retire_after=timedelta(0)).run(window, None, audit_id="a1", now=NOW)
    told = len(signals.announced)
    counts = ("minutes_present", "minutes_absent")
    assert [lake.hourly.facts(window)[name].to_pylist() for name in counts] == [[2], [3]]
    assert revoke(run).exit_code == 0
    assert [lake.hourly.facts(window)[name].to_pylist() for name in counts] == [[2], [0]]
    assert len(signals.announced) == told


def test_a_revoked_minute_is_shown_as_missing_with_who_and_why(run: Run, lake: Lake) -> None:
    """The failure from before the proof does not hide it, and the command that asks again is told."""
    done = revoke(run)
    assert done.exit_code == 0, done.output
    assert "3 absent minutes revoked" in done.output
    assert "mend repair --stage dev --start 2013-10-04T13:32:00Z" in done.output
    shown = run("--format", "json")
    (span,) = json.loads(shown.stdout)["ranges"]
    assert (span["verdict"], span["reason"], span["minutes"]) == ("missing", "revoked", 3)
    (said,) = span["evidence"]
    assert (said["who"], said["why"]) == ("J. Doe", "the tape has trades")
    table = run()
    assert table.exit_code == 1
    assert "J. Doe" in table.stdout.replace("\u00a0", " ")
    assert lake.absences(_range(0, 10)) == []


def answer(first: int, end: int, at: datetime) -> Observation:
    omitted = Omissions.of()
    return Observation("IBM", _range(first, end), at, "finnhub", AnswerKind.BARS, omitted, 1, 200, "", "j2", "a1", 1)


def test_a_slow_clock_revokes_all_that_was_heard(lake: Lake) -> None:
    """The proof, and an answer that came after it: two of them would prove the minutes anew."""
    heard = NOW + timedelta(minutes=1)
    lake.answers.put([answer(2, 5, heard), answer(7, 10, heard + timedelta(days=9))])
    window, said = _range(2, 5), {"who": "J. Doe", "why": "the tape has trades"}
    assert revoking.revoke(lake, window, ["IBM"], now=NOW - timedelta(days=2), **said) == 3
    assert lake.absences(window) == []
    (made,) = lake.revocations(window)
    assert made.revoked_at == heard
    assert revoking.revoke(lake, window, ["IBM"], now=NOW - timedelta(days=2), **said) == 0


def test_revoking_again_changes_nothing(run: Run, lake: Lake) -> None:
    revoke(run)
    written = dict(lake.store.objects)  # type: ignore[attr-defined]
    done = revoke(run)
    assert (done.exit_code, "revoked already" in done.output) == (0, True)
    assert lake.store.objects == written  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"first": "13:31"}, "is present, not absent"),
        ({"end": "13:36"}, "is failed, not absent"),
        ({"symbols": "NOPE"}, "NOPE is no symbol of interest"),
        ({"first": "21:00", "end": "21:10"}, "no minute of IBM is expected"),
    ],
)
def test_what_is_not_absent_is_refused_and_nothing_is_written(
    run: Run, lake: Lake, given: dict[str, str], told: str
) -> None:
    done = revoke(run, **given)
    assert isinstance(done.exception, BadInput)
    assert told in str(done.exception)
    assert lake.revocations(_range(0, 10)) == []


@pytest.mark.parametrize(("who", "why"), [("", "x"), ("J. Doe", " ")])
def test_nobody_and_no_reason_are_refused(run: Run, lake: Lake, who: str, why: str) -> None:
    done = revoke(run, "--who", who, "--why", why)
    assert isinstance(done.exception, BadInput)
    assert lake.revocations(_range(0, 10)) == []


def test_a_verdict_shows_how_strong_its_proof_is(run: Run) -> None:
    """In JSON as fields, for people in words: the proof, the chance, the source and the bars around."""
    (span,) = json.loads(run("--format", "json").stdout)["ranges"]
    assert (span["proof"], span["plausible"]) == ("two_looks", 0.42)
    assert span["evidence"] == json.loads(EVIDENCE)
    table = run().stdout.replace("\u00a0", " ")
    for part in ("two looks, chance of such a run 0.42", "source finnhub", "2013-10-04 13:31Z and none"):
        assert part in table


def test_repair_asks_the_machine_for_a_recheck(monkeypatch: pytest.MonkeyPatch) -> None:
    """And without the option for none: an older stage refuses a key that it does not know."""
    started: list[dict[str, object]] = []
    monkeypatch.setattr(executions, "start", lambda _client, _machine, given, **_: started.append(given))
    stage = SimpleNamespace(
        name="dev",
        option="dev",
        where="here",
        output=str,
        clients=SimpleNamespace(stepfunctions=None),
        interest=lambda: SimpleNamespace(listings=[Listing("IBM", "XNYS")]),
        lake=Lake(FakeStore()),
    )
    monkeypatch.setattr(mend.stage, "open_stage", lambda _: stage)
    for option in ([], ["--recheck"]):
        done = CliRunner().invoke(repair.command, ["--stage", "dev", "--start", "2013-10-04", *option])
        assert done.exit_code == 0, done.output
    assert [given.get("recheck") for given in started] == [None, True]
