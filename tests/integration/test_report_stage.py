"""`mend report` on a day that the loop healed: the file says of every minute what the lake knows of it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from minutemend.core.minutes import Range, parse_instant

from mend.main import mend
from mend.spans import verdicts
from mend.stage import Stage
from tests.integration.conftest import Borrow, Market, RunAudit

START, END = "2013-10-11T13:30:00Z", "2013-10-11T20:00:00Z"


def head_of(page: str) -> dict[str, Any]:
    """What the page's own script reads first."""
    blob = re.search(r'id="blob-head">([^<]+)<', page)
    assert blob is not None
    head: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(blob[1])))
    return head


def test_the_report_of_a_healed_real_day(
    *,
    stage: Stage,
    market: Market,
    run_audit: RunAudit,
    real_bars: Path,
    borrow: Borrow,
    tmp_path: Path,
) -> None:
    """IBM printed no trade at 16:46Z on 2013-10-11: absent, with the two answers that prove it; the rest is there."""
    borrow(Range(parse_instant(START, name="start"), parse_instant(END, name="end")))
    market.replay(real_bars / "xnys.parquet")
    status, _ = run_audit(START, END, symbols=["IBM"], attempts=5)
    assert status == "SUCCEEDED"
    out = tmp_path / "report.html"
    arguments = [
        "report",
        "--stage",
        stage.option,
        "--start",
        START,
        "--end",
        END,
        "--symbols",
        "IBM",
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(mend, arguments)
    assert done.exit_code == 0, done.output
    head = head_of(out.read_text())
    window = Range(parse_instant(START, name="start"), parse_instant(END, name="end"))
    minutes: Counter[str] = Counter()
    for span in verdicts(stage.lake, window, ["IBM"]):
        minutes[span.verdict.value] += span.range.minutes
    assert minutes["absent"] == 1
    assert minutes["present"] + minutes["repaired"] == 389
    absent = next(cause for cause in head["causes"] if cause[0] == 2)
    assert absent[1] == "no_trade"
    assert len(re.findall(r"finnhub left it out at \S+Z \(job \w+\)", absent[2])) == 2
    assert sum(attempt[7] for attempt in head["attempts"]) == 1
    assert sum(attempt[6] for attempt in head["attempts"]) == minutes["repaired"]


def test_a_range_of_which_nothing_is_known_is_one_clear_message(stage: Stage, tmp_path: Path) -> None:
    """No file is written."""
    out = tmp_path / "report.html"
    arguments = ["report", "--stage", stage.option, "--start", "2012-03-05", "--symbols", "IBM", "--out", str(out)]
    done = CliRunner().invoke(mend, arguments)
    assert done.exit_code != 0
    assert "knows nothing of" in str(done.exception)
    assert not out.exists()
