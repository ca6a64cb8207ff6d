"""What an answer's status and headers are worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from minutemend.core.answers import LONGEST_PAUSE, AnswerKind, error_words, kind_of_status, pause_asked, status_of_words

LATER = datetime(2013, 10, 5, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (204, AnswerKind.GARBAGE),
        (100, AnswerKind.GARBAGE),
        (301, AnswerKind.GIVE_UP),
        (302, AnswerKind.GIVE_UP),
        (400, AnswerKind.GIVE_UP),
        (401, AnswerKind.GIVE_UP),
        (403, AnswerKind.GIVE_UP),
        (404, AnswerKind.GIVE_UP),
        (408, AnswerKind.RETRY),
        (418, AnswerKind.RETRY),
        (422, AnswerKind.GIVE_UP),
        (425, AnswerKind.RETRY),
        (429, AnswerKind.RETRY),
        (500, AnswerKind.RETRY),
        (502, AnswerKind.RETRY),
        (503, AnswerKind.RETRY),
        (504, AnswerKind.RETRY),
        (599, AnswerKind.RETRY),
    ],
)
def test_a_status_has_one_class(status: int, kind: AnswerKind | None) -> None:
    assert kind_of_status(status) is kind


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, None),
        ({"retry-after": "7"}, timedelta(seconds=7)),
        ({"retry-after": " 0 "}, timedelta(0)),
        ({"retry-after": "Sat, 05 Oct 2013 13:31:30 GMT"}, timedelta(seconds=90)),
        ({"retry-after": "Fri, 04 Oct 2013 00:00:00 GMT"}, timedelta(0)),
        ({"retry-after": "999999999999"}, LONGEST_PAUSE),
        ({"retry-after": "Sat, 05 Oct 2099 13:31:30 GMT"}, LONGEST_PAUSE),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "٣"}, None),
        ({"x-ratelimit-reset": str(int(LATER.timestamp()) + 12)}, timedelta(seconds=12)),
        ({"x-ratelimit-reset": "1"}, timedelta(0)),
        ({"x-ratelimit-reset": "tomorrow"}, None),
        ({"retry-after": "3", "x-ratelimit-reset": "99999999999"}, timedelta(seconds=3)),
    ],
)
def test_a_pause_is_read_in_seconds_as_a_date_or_as_the_reset_of_the_limit(
    headers: dict[str, str], pause: timedelta | None
) -> None:
    assert pause_asked(headers, now=LATER) == pause


@given(st.text(max_size=30))
def test_no_header_text_breaks_the_reading_of_a_pause(text: str) -> None:
    pause = pause_asked({"retry-after": text, "x-ratelimit-reset": text}, now=LATER)
    assert pause is None or timedelta(0) <= pause <= LONGEST_PAUSE


@pytest.mark.parametrize("status", [400, 403, 408, 425, 500, 502, 504])
def test_a_pause_beside_another_status_does_not_count(status: int) -> None:
    """An error page's headers are not the vendor's word to all of us."""
    headers = {"retry-after": "3600", "x-ratelimit-reset": str(int(LATER.timestamp()) + 55)}
    assert pause_asked(headers, now=LATER, status=status) is None


def test_the_reset_of_a_limit_counts_only_where_the_limit_was_met() -> None:
    headers = {"x-ratelimit-reset": str(int(LATER.timestamp()) + 55)}
    pauses = {status: pause_asked(headers, now=LATER, status=status) for status in (418, 429, 503)}
    assert pauses == {418: timedelta(seconds=55), 429: timedelta(seconds=55), 503: None}
    assert pause_asked({"retry-after": "5"}, now=LATER, status=503) == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("payload", "words", "status"),
    [
        ({"error": ["EAPI:Rate limit exceeded"]}, "EAPI:Rate limit exceeded", 429),
        ({"error": ["EService:Unavailable"]}, "EService:Unavailable", 503),
        ({"error": ["EQuery:Unknown asset pair"]}, "EQuery:Unknown asset pair", 400),
        ({"error": "API limit reached. Please try again later."}, "API limit reached. Please try again later.", 429),
        ({"error": "You don't have access to this resource."}, "You don't have access to this resource.", 403),
        ({"error": "Invalid API key"}, "Invalid API key", 401),
        ({"code": -1003, "msg": "Too many requests"}, "Too many requests", 429),
        ({"code": -1121, "msg": "Invalid symbol."}, "Invalid symbol.", 400),
        ({"message": "forbidden."}, "forbidden.", 403),
        ({"error": {"message": "Internal error"}}, "Internal error", 503),
        ({"error": {"code": 7}}, "{'code': 7}", 400),
        ({"s": "error", "errmsg": "Symbol not supported"}, "Symbol not supported", 400),
    ],
)
def test_the_error_in_a_body_is_read_as_that_error(payload: object, words: str, status: int) -> None:
    assert error_words(payload) == words
    assert status_of_words(words) == status


@pytest.mark.parametrize("payload", [{"error": [], "result": {}}, {"error": "", "s": "ok"}, {"s": "no_data"}, [], None])
def test_a_body_without_an_error_has_none(payload: object) -> None:
    assert error_words(payload) is None
