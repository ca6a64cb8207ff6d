"""The worked example of a task does what it says, on facts as the publisher writes them."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime

import pytest
from minutemend.core.bars import Bar, to_table
from minutemend.core.facts import expected_minutes, hour_facts
from minutemend.core.minutes import MINUTE
from minutemend.core.sessions import Session
from minutemend.core.symbols import Listing
from minutemend.services.tables import encode

from examples.hourly_movers import handler as example

HOUR = datetime(2013, 10, 4, 14, tzinfo=UTC)
SESSION = Session("XNYS", date(2013, 10, 4), HOUR - 30 * MINUTE, HOUR + 360 * MINUTE)
CLOSES = {"AIG": 101.0, "IBM": 95.0, "SPY": 102.0, "XOM": 100.5}


def facts(*, holed=()):
    """An hour in which each symbol opens at 100 and closes as above; those of `holed` lack a minute."""
    bars = []
    for symbol, close in CLOSES.items():
        for n in range(60 - (symbol in holed)):
            bars.append(Bar(symbol, HOUR + n * MINUTE, 100.0, 110.0, 90.0, close, 1.0))
    table = to_table(bars, source="sim", repair_id=None, captured_at=HOUR)
    expected = expected_minutes(HOUR, [Listing(symbol, "XNYS") for symbol in CLOSES], [SESSION])
    return encode(hour_facts(expected, table, ()))


def test_the_largest_moves_come_first():
    """Up or down, three of them."""
    assert [row["symbol"] for row in example.movers(facts())] == ["IBM", "SPY", "AIG"]


def test_an_hour_that_is_not_whole_is_left_out():
    """Its close may not be its close."""
    assert [row["symbol"] for row in example.movers(facts(holed=("IBM",)))] == ["SPY", "AIG", "XOM"]


class FakeS3:
    """Just what the example asks of S3."""

    class exceptions:  # noqa: N801 (boto3's name)
        class NoSuchKey(Exception):
            pass

    def __init__(self, objects):
        self.objects = objects

    def get_object(self, *, Bucket, Key):  # noqa: N803
        if (Bucket, Key) not in self.objects:
            raise self.exceptions.NoSuchKey(Key)
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def put_object(self, *, Bucket, Key, Body):  # noqa: N803
        self.objects[Bucket, Key] = Body


@pytest.fixture
def s3(monkeypatch):
    found = FakeS3({("lake", "hourly/dt=2013-10-04/14.parquet"): facts()})
    monkeypatch.setattr(example.boto3, "client", lambda _: found)
    monkeypatch.setenv("DATA_BUCKET", "lake")
    return found


def test_each_hour_of_the_range_that_has_facts_is_written(s3):
    """Hours without a session have no facts, and that is no error; a second run writes the same."""
    event = {"start": "2013-10-04T12:00:00Z", "end": "2013-10-04T15:00:00Z", "audit_id": "a1", "request": "s3://…"}
    assert example.handler(event, None) == {"written": ["movers/dt=2013-10-04/14.json"]}
    before = dict(s3.objects)
    example.handler(event | {"audit_id": "a2"}, None)
    assert s3.objects == before
    assert json.loads(s3.objects["lake", "movers/dt=2013-10-04/14.json"])[0]["symbol"] == "IBM"
