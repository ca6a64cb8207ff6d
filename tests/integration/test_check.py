"""`mend check` as a person and a program meet it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from minutemend.core.minutes import MINUTE

from mend.commands.check import command
from mend.main import main
from tests.lakes import at
from tests.unit.mend.test_report_from_check import CHECKED

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "real-minute-bars"
OPEN, CLOSE = at("2013-10-04 13:30"), at("2013-10-04 20:00")


def day(symbol: str = "IBM") -> pd.DataFrame:
    """A whole session of New York."""
    return pd.DataFrame({"symbol": symbol, "minute": pd.date_range(OPEN, CLOSE, freq="min", inclusive="left")})


def check(*options: object) -> Result:
    """The command, with the real one's exit codes."""
    result = CliRunner().invoke(command, [str(option) for option in options], standalone_mode=False)
    if isinstance(result.return_value, int):
        result.exit_code = result.return_value
    return result


def found(*options: object) -> dict[str, object]:
    result = check(*options, "--format", "json")
    assert result.exception is None, result.exception
    told: dict[str, object] = json.loads(result.stdout)
    return told


def refused(*options: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What the console script says; it has to end with 2, one message and no traceback."""
    monkeypatch.setattr("sys.argv", ["mend", "check", *(str(option) for option in options)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert "Traceback" not in said.err
    return said.err


def test_a_whole_file_ends_with_0(tmp_path: Path) -> None:
    """And says so."""
    day().to_parquet(tmp_path / "bars.parquet")
    result = check(tmp_path / "bars.parquet", "--calendar", "XNYS")
    assert result.exit_code == 0
    assert "whole" in result.stdout
    assert "390 of 390" in result.stdout


def test_holes_end_with_1_and_are_named(tmp_path: Path) -> None:
    """First minute, a run, a row twice, a bar well after the close."""
    bars = day().drop(index=[0, 100, 101])
    late = pd.DataFrame({"symbol": ["IBM"], "minute": [pd.Timestamp(CLOSE + 5 * MINUTE)]})
    pd.concat([bars, bars.iloc[:5], late]).to_parquet(tmp_path / "bars.parquet")
    result = check(tmp_path / "bars.parquet", "--calendar", "XNYS", "--format", "json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    # What outsiders rely on (design.md); there may be more keys.
    assert {name: told[name] for name in list(told)[:8]} | {"gaps": told["gaps"]} == {
        "calendar": "XNYS",
        "symbols": 1,
        "sessions": 1,
        "expected": 390,
        "present": 387,
        "missing": 3,
        "duplicates": 5,
        "unexpected": 1,
        "gaps": [
            {"symbol": "IBM", "start": "2013-10-04T13:30:00Z", "end": "2013-10-04T13:31:00Z", "minutes": 1, "bars": 1},
            {"symbol": "IBM", "start": "2013-10-04T15:10:00Z", "end": "2013-10-04T15:12:00Z", "minutes": 2, "bars": 2},
        ],
    }
    table = check(tmp_path / "bars.parquet", "--calendar", "XNYS").stdout
    assert "2013-10-04 15:10Z" in table
    assert "99.23%" in table


def test_the_real_bars_of_new_york() -> None:
    """Three minutes without a trade, and nothing else; extended hours are outside."""
    if not REAL.exists():
        pytest.skip("the real minute bars are kept outside the repository")
    told = found(REAL / "xnys.parquet", "--calendar", "XNYS")
    gaps = [(gap["symbol"], gap["start"], gap["minutes"]) for gap in told["gaps"]]  # type: ignore[attr-defined]
    assert gaps == [
        ("AIG", "2013-10-07T17:47:00Z", 1),
        ("IBM", "2013-10-04T16:39:00Z", 1),
        ("IBM", "2013-10-11T16:46:00Z", 1),
    ]
    assert (told["symbols"], told["sessions"], told["expected"], told["duplicates"]) == (4, 9, 21 * 390, 0)


def test_the_real_bars_around_the_clock() -> None:
    """A day of Bitcoin in 2016 lacks what the README beside the data counts."""
    if not REAL.exists():
        pytest.skip("the real minute bars are kept outside the repository")
    told = found(REAL / "crypto-24x7.parquet", "--calendar", "24/7", "--symbols", "BTCUSD", "--start", "2016-10-08")
    assert (told["missing"], told["expected"]) == (40, 1440)


@pytest.mark.parametrize(
    ("write", "options"),
    [
        (lambda at: day().to_csv(at / "bars.csv", index=False), []),
        (lambda at: day().rename(columns={"symbol": "s", "minute": "t"}).to_parquet(at / "b.parquet"), ["s", "t"]),
        (
            lambda at: (
                day().drop(columns="symbol").to_parquet((at / "symbol=IBM").mkdir() or at / "symbol=IBM" / "b.parquet")
            ),
            [],
        ),
    ],
)
def test_csv_own_names_and_hive_partitions(write: Callable[[Path], None], options: list[str], tmp_path: Path) -> None:
    """The folder is given, and what is in it is found."""
    write(tmp_path)
    named = ["--symbol-column", options[0], "--minute-column", options[1]] if options else []
    assert found(tmp_path, "--calendar", "XNYS", *named)["present"] == 390


def test_globs_and_files_that_overlap(tmp_path: Path) -> None:
    """A minute in two files is there once, and counted as a duplicate."""
    day().iloc[:200].to_parquet(tmp_path / "a.parquet")
    day().iloc[190:].to_parquet(tmp_path / "b.parquet")
    day("AIG").to_parquet(tmp_path / "c.txt.parquet")
    told = found(tmp_path / "[ab].parquet", "--calendar", "XNYS")
    assert (told["symbols"], told["present"], told["duplicates"]) == (1, 390, 10)


def test_symbols_as_others_write_them(tmp_path: Path) -> None:
    """Also where minutes are doubled, which asks a second question about them."""
    bars = day("BTC/usdt").drop(index=[3])
    pd.concat([bars, bars.iloc[10:20]]).to_parquet(tmp_path / "bars.parquet")
    told = found(tmp_path, "--calendar", "XNYS", "--symbols", "BTC/usdt")
    assert (told["missing"], told["duplicates"]) == (1, 10)


def test_naive_times_want_their_zone(tmp_path: Path) -> None:
    """New York's wall clock, told so."""
    local = day()
    local["minute"] = local["minute"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    local.to_parquet(tmp_path / "bars.parquet")
    assert found(tmp_path, "--calendar", "XNYS", "--zone", "America/New_York")["missing"] == 0


def test_five_minute_bars(tmp_path: Path) -> None:
    """78 a session; a missing one is a gap of five minutes."""
    day().iloc[::5].drop(index=[10]).to_parquet(tmp_path / "bars.parquet")
    told = found(tmp_path, "--calendar", "XNYS", "--cadence", "5m")
    assert (told["expected"], told["present"], told["missing"]) == (78, 77, 1)
    assert told["gaps"] == [
        {"symbol": "IBM", "start": "2013-10-04T13:40:00Z", "end": "2013-10-04T13:45:00Z", "minutes": 5, "bars": 1}
    ]


def test_a_symbol_counts_from_its_first_to_its_last_date(tmp_path: Path) -> None:
    """With --start and --end the range counts for every symbol."""
    later = day("AIG")
    later["minute"] += pd.Timedelta(days=3)  # the Monday after
    pd.concat([day(), later]).to_parquet(tmp_path / "bars.parquet")
    assert found(tmp_path, "--calendar", "XNYS")["missing"] == 0
    told = found(tmp_path, "--calendar", "XNYS", "--start", "2013-10-04", "--end", "2013-10-08")
    assert (told["expected"], told["missing"]) == (4 * 390, 2 * 390)


BAD = {
    "nothing": ["none.parquet", "there is no file or folder"],
    "zero bytes": ["empty.parquet", "it is empty"],
    "no rows": ["norows.parquet", "no rows"],
    "cut short": ["cut.parquet", "truncated"],
    "a header alone": ["words.parquet", "no line of it looks like a bar"],
    "no times": ["timeless.parquet", "no column holds times (its columns: symbol, open)"],
    "dates": ["daily.parquet", "holds dates and no time of day"],
    "days": ["days.parquet", "these are daily bars"],
    "naive": ["naive.parquet", "--zone"],
    "seconds": ["seconds.parquet", "off the whole minute"],
    "a year unknown": ["old.parquet", "outside what the calendar XNYS knows"],
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every kind of file that cannot be audited."""
    folder = tmp_path_factory.mktemp("bad")
    bars = day()
    bars.to_parquet(folder / "good.parquet")
    (folder / "empty.parquet").touch()
    bars.head(0).to_parquet(folder / "norows.parquet")
    (folder / "cut.parquet").write_bytes((folder / "good.parquet").read_bytes()[:900])
    (folder / "words.parquet").write_text("symbol,minute\n")
    bars.assign(open=1.0).drop(columns="minute").to_parquet(folder / "timeless.parquet")
    bars.assign(minute=bars["minute"].dt.date).to_parquet(folder / "daily.parquet")
    dates = pd.date_range("2013-10-01 13:30", periods=40, tz="UTC")
    pd.DataFrame({"symbol": "IBM", "minute": dates}).to_parquet(folder / "days.parquet")
    bars.assign(minute=bars["minute"].dt.tz_localize(None)).to_parquet(folder / "naive.parquet")
    bars.assign(minute=bars["minute"] + pd.Timedelta(seconds=30)).to_parquet(folder / "seconds.parquet")
    bars.assign(minute=bars["minute"] - pd.Timedelta(days=365 * 30)).to_parquet(folder / "old.parquet")
    return folder


@pytest.mark.parametrize("kind", BAD)
def test_files_that_cannot_be_audited(
    kind: str, bad: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each gets one message that says what would be right, and exit code 2."""
    file, message = BAD[kind]
    assert message in refused(bad / file, "--calendar", "XNYS", monkeypatch=monkeypatch, capsys=capsys)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--calendar", "XNYZ"], "did you mean"),
        (["--calendar", "../../etc/passwd"], "there is no calendar"),
        (["--calendar", "XNYS", "--symbols", "AIG"], "never seen in these files; they hold IBM"),
        (["--calendar", "XNYS", "--symbols", "'; DROP TABLE bars"], "never seen"),
        (["--calendar", "XNYS", "--start", "2013-10-05", "--end", "2013-10-04"], "is not before end"),
        (["--calendar", "XNYS", "--start", "1950-01-01"], "outside what the calendar XNYS knows"),
        (["--calendar", "XNYS", "--start", "2013-10-04T13:30"], "no time zone"),
        (["--calendar", "XNYS", "--end", "2013-10-04"], "--end is given without --start"),
        (["--calendar", "XNYS", "--cadence", "7m"], "minutes or hours that divide a day"),
        (["--calendar", "XNYS", "--zone", "Mars"], "is no time zone"),
        ([], "Missing option '--calendar'"),
    ],
)
def test_options_that_cannot_be_right(
    options: list[str], message: str, bad: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same for what is asked."""
    assert message in refused(bad / "good.parquet", *options, monkeypatch=monkeypatch, capsys=capsys)


def test_a_report_is_written_beside_the_table(tmp_path: Path) -> None:
    """One file that opens offline."""
    day().drop(index=[7]).to_parquet(tmp_path / "bars.parquet")
    result = check(tmp_path / "bars.parquet", "--calendar", "XNYS", "--report", tmp_path / "out.html")
    assert result.exit_code == 1
    assert (tmp_path / "out.html").read_text().lower().startswith("<!doctype html>")


def test_present_and_missing_are_what_is_expected() -> None:
    """By construction, whatever else the files hold."""
    result = CHECKED
    assert result.present + result.missing == result.expected


def test_start_up_imports_no_pandas_and_no_calendars() -> None:
    """They cost more than the audit does."""
    import subprocess
    import sys

    heavy = ("pandas", "pyarrow", "exchange_calendars", "rich", "boto3")
    code = f"import sys, mend.check.check_files, mend.commands.check; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
