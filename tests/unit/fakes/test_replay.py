"""The replay's order of things, and the comparison that it ends with: one bit of difference in one hour is seen."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from infra.settings import DEV
from tests.integration.replay import (
    DELIVERIES,
    MINUTE,
    FunctionFailed,
    Replay,
    differing_facts,
    direct_facts,
)

HOUR = datetime(2013, 10, 4, 14, tzinfo=UTC)


@pytest.fixture
def bars():
    minutes = pd.date_range(HOUR, periods=120, freq="min")
    values = {name: np.arange(240.0) for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame({"symbol": ["AIG"] * 120 + ["IBM"] * 120, "minute": [*minutes, *minutes], **values})


def test_direct_facts_are_one_row_for_each_symbol_and_hour(bars):
    """Whatever the order of the bars."""
    facts = direct_facts(bars.sample(frac=1, random_state=1))
    assert facts["minutes_present"].tolist() == [60] * 4
    assert facts["open"].tolist() == [0.0, 60.0, 120.0, 180.0]
    assert facts["close"].tolist() == [59.0, 119.0, 179.0, 239.0]


def test_equal_facts_do_not_differ(bars):
    """Nothing to report."""
    assert differing_facts(direct_facts(bars), direct_facts(bars)) == []


def test_the_last_bit_counts(bars):
    """The next float is another fact."""
    ours = direct_facts(bars)
    ours.iloc[2, 4] = np.nextafter(ours.iloc[2, 4], np.inf)
    assert differing_facts(ours, direct_facts(bars)) == [("IBM", HOUR)]


def test_an_hour_that_one_of_them_lacks_differs(bars):
    """Missing on either side."""
    whole, part = direct_facts(bars), direct_facts(bars[bars["minute"] < HOUR + timedelta(hours=1)])
    missing = [("AIG", HOUR + timedelta(hours=1)), ("IBM", HOUR + timedelta(hours=1))]
    assert differing_facts(whole, part) == missing
    assert differing_facts(part, whole) == missing


@pytest.mark.parametrize("together", [1, 2, 5])
def test_an_hour_is_audited_when_its_minutes_have_been_captured(together):
    """All 60 of them asked for, and nothing left on the queue since; the results are in the order of the hours."""
    hours = [HOUR + timedelta(hours=n) for n in range(5)]
    asked, settled = set(), set()

    class Stream(Replay):
        def capture(self, minutes, *, tell):  # noqa: ARG002
            asked.update(minutes)

        def settle(self):
            settled.update(asked)

    def audit(hour):
        assert settled >= {hour + n * MINUTE for n in range(60)}
        return f"audit of {hour:%H}"

    done = Stream(stage=None).run(hours, audit, together=together)
    assert done == [f"audit of {hour:%H}" for hour in hours]
    assert len(asked) == 300


class Functions:
    """Lambda, as far as a schedule uses it: each minute's function fails `failures` times, then says what it asked."""

    def __init__(self, failures):
        self.failures = failures
        self.invoked = []

    def invoke(self, *, FunctionName, Payload):  # noqa: N803
        due = json.loads(Payload)["scheduled_at"]
        self.invoked.append((FunctionName, due))
        if [at for _, at in self.invoked].count(due) <= self.failures:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorType": "Sandbox.Timedout"}')}
        return {"Payload": io.BytesIO(b'{"symbols": 3, "dropped": ["IBM"]}')}


def captured(functions):
    stage = SimpleNamespace(settings=DEV, output=lambda key: f"the {key}", clients=SimpleNamespace(functions=functions))
    told = []
    Replay(stage).capture([HOUR, HOUR + MINUTE], tell=told.append)
    return [(minute.start, minute.symbols, minute.dropped) for minute in told]


@pytest.mark.parametrize("failures", [0, 1, DELIVERIES - 1])
def test_a_minute_whose_function_fails_is_delivered_again(failures):
    """As the scheduler does on a stage: a worker that a busy machine has stopped costs no minute."""
    functions = Functions(failures)
    assert captured(functions) == [(HOUR, 3, ("IBM",)), (HOUR + MINUTE, 3, ("IBM",))]
    first = ("the RequestCapturesFunction", "2013-10-04T14:02:00Z")  # the minute's end, and the settling delay
    assert functions.invoked.count(first) == failures + 1


def test_a_minute_whose_function_fails_each_time_is_an_error():
    """It is not passed over in silence."""
    with pytest.raises(FunctionFailed, match="Timedout"):
        captured(Functions(DELIVERIES))
