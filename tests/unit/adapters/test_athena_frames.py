"""Athena's results as typed frames: one page or one CSV object, the same frame."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minutemend.adapters import athena_frames
from minutemend.adapters.athena import get_athena_query_results, wait_for_athena_results

from tests.fakes.athena import Column, FakeAthena, FakeResults, Row, column_info, csv_object

# One strategy of Athena's texts for each type that it reports.
TEXTS: dict[str, st.SearchStrategy[str]] = {
    "varchar": st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12),
    "tinyint": st.integers(-(2**7), 2**7 - 1).map(str),
    "smallint": st.integers(-(2**15), 2**15 - 1).map(str),
    "integer": st.integers(-(2**31), 2**31 - 1).map(str),
    "bigint": st.integers(-(2**63), 2**63 - 1).map(str),
    "double": st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.sampled_from(["NaN", "Infinity"]),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    "boolean": st.sampled_from(["true", "false"]),
    "timestamp": st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 (as Athena's)
        lambda at: at.isoformat(" ", "milliseconds")
    ),
    "date": st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(str),
    "decimal(12,3)": st.decimals(-(10**8), 10**8, places=3, allow_nan=False).map(lambda value: f"{value:.3f}"),
    "array": st.just("[a, b]"),
}


REST = ("2013-10-04 13:31:00.000", "2.0", str(2**62 + 1), "false")


@st.composite
def results(draw: st.DrawFn) -> tuple[list[Column], list[Row]]:
    """Columns of any types, and up to 8 rows of texts and nulls."""
    kinds = draw(st.lists(st.sampled_from(sorted(TEXTS)), min_size=1, max_size=5))
    columns = [(f"column {at}", kind) for at, kind in enumerate(kinds)]
    row = st.tuples(*(st.none() | TEXTS[kind] for kind in kinds))
    return columns, draw(st.lists(row, max_size=8))


def frame(columns: list[Column], rows: list[Row]) -> pd.DataFrame:
    """The frame of the page path, having checked that the CSV path gives the same."""
    page = athena_frames.from_page(
        [{"Data": [{} if text is None else {"VarCharValue": text} for text in row]} for row in rows],
        column_info(columns),
    )
    csv = athena_frames.from_csv(csv_object(columns, rows), column_info(columns))
    pd.testing.assert_frame_equal(page, csv, check_exact=True)
    return page


@settings(max_examples=60, deadline=None)
@given(results())
def test_a_page_and_a_csv_object_give_the_same_frame(result: tuple[list[Column], list[Row]]) -> None:
    """Any types, any texts (quotes, commas, line ends), nulls anywhere, no rows at all; shape and nulls hold."""
    columns, rows = result
    got = frame(columns, rows)
    assert got.shape == (len(rows), len(columns))
    kinds = [kind for _, kind in columns]
    assert got.isna().to_numpy().tolist() == [
        [text is None or (kind == "double" and text == "NaN") for kind, text in zip(kinds, row, strict=True)]
        for row in rows
    ]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_a_dtype_depends_on_the_statement_and_not_on_the_values(kind: str, data: st.DataObject) -> None:
    """With nulls, without, all null and empty, a column has one dtype."""
    text = data.draw(TEXTS[kind])
    samples = [[], [(text,)], [(None,)], [(text,), (None,)]]
    assert len({str(frame([("a", kind)], rows)["a"].dtype) for rows in samples}) == 1


def test_every_type_becomes_the_dtype_that_is_documented() -> None:
    """The table of the docstring, value by value."""
    columns = [(kind, kind) for kind in TEXTS]
    texts = {
        "varchar": 'a "b", c',
        "tinyint": "-128",
        "smallint": "7",
        "integer": "7",
        "bigint": "9223372036854775807",
        "double": "0.1",
        "float": "0.5",
        "boolean": "true",
        "timestamp": "2013-10-04 13:00:00.000",
        "date": "2024-02-29",
        "decimal(12,3)": "1.500",
        "array": "[a, b]",
    }
    got = frame(columns, [tuple(texts[kind] for kind in TEXTS)])
    assert {name: str(dtype) for name, dtype in got.dtypes.items()} == {
        "varchar": "str",
        "tinyint": "Int8",
        "smallint": "Int16",
        "integer": "Int32",
        "bigint": "Int64",
        "double": "float64",
        "float": "float32",
        "boolean": "boolean",
        "timestamp": "datetime64[us, UTC]",
        "date": "datetime64[ms]",
        "decimal(12,3)": "object",
        "array": "str",
    }
    assert got.iloc[0].to_dict() == {
        "varchar": 'a "b", c',
        "tinyint": -128,
        "smallint": 7,
        "integer": 7,
        "bigint": 2**63 - 1,  # no float on the way
        "double": 0.1,
        "float": 0.5,
        "boolean": True,
        "timestamp": pd.Timestamp(datetime(2013, 10, 4, 13, tzinfo=UTC)),
        "date": pd.Timestamp("2024-02-29"),
        "decimal(12,3)": Decimal("1.500"),
        "array": "[a, b]",
    }


def test_an_empty_text_is_not_a_null() -> None:
    """Athena writes one as two quotes and the other as nothing."""
    got = frame([("a", "varchar"), ("b", "varchar")], [("", None), (None, "")])
    assert got["a"].isna().tolist() == [False, True]
    assert got["b"].isna().tolist() == [True, False]


def test_a_bigint_keeps_its_bits_beside_a_null() -> None:
    """A mask of 63 bits would lose some as a float."""
    got = frame([("mask", "bigint")], [(str(2**62 + 1),), (None,)])
    assert got["mask"].iloc[0] == 2**62 + 1


def test_no_rows_are_a_typed_frame() -> None:
    """The columns and their dtypes are there."""
    got = frame([("symbol", "varchar"), ("minute", "timestamp")], [])
    assert [str(dtype) for dtype in got.dtypes] == ["str", "datetime64[us, UTC]"]


def test_two_columns_may_have_one_name() -> None:
    """SQL allows it, so a frame of it has both."""
    assert frame([("n", "bigint"), ("n", "varchar")], [("1", "one")]).to_numpy().tolist() == [[1, "one"]]


@pytest.mark.parametrize(("count", "way"), [(0, "page"), (199, "page"), (200, "object"), (3000, "object")])
def test_few_rows_are_one_page_and_more_are_one_object(count: int, way: str) -> None:
    """Never a second page, and never an object for what a page holds."""
    athena = FakeAthena([("n", "bigint")], [(str(n),) for n in range(count)])
    query_id = start(athena)
    s3 = FakeResults({athena.key(query_id): athena.csv()})
    got = get_athena_query_results(query_id, athena=athena, s3=s3)
    assert got["n"].tolist() == list(range(count))
    assert athena.calls.count("GetQueryResults") == 1
    assert len(s3.gets) == (way == "object")


def test_what_waiting_returned_saves_the_question_where_the_object_is() -> None:
    """Two requests in all for a large result: its types, its rows."""
    athena = FakeAthena([("n", "bigint")], [(str(n),) for n in range(1000)])
    query_id = start(athena)
    s3 = FakeResults({athena.key(query_id): athena.csv()})
    done = wait_for_athena_results(query_id, athena=athena, deadline=1, clock=lambda: 0)
    athena.calls.clear()
    assert len(get_athena_query_results(done, athena=athena, s3=s3)) == 1000
    assert athena.calls == ["GetQueryResults"]


def test_the_object_is_read_where_athena_says_it_is() -> None:
    """Not where some other object of a like name lies."""
    athena = FakeAthena([("n", "bigint")], [(str(n),) for n in range(1000)])
    query_id = start(athena)
    key = athena.key(query_id)
    s3 = FakeResults({key: athena.csv(), f"{key}/{query_id}.csv": b"a trap"})
    assert len(get_athena_query_results(query_id, athena=athena, s3=s3)) == 1000
    assert s3.gets == [key]


def test_the_emulators_wrong_location_is_met_below_the_reported_one() -> None:
    """It reports an object and writes it as if that were a folder."""
    athena = FakeAthena([("n", "bigint")], [(str(n),) for n in range(1000)])
    query_id = start(athena)
    s3 = FakeResults({f"{athena.key(query_id)}/{query_id}.csv": athena.csv()})
    assert len(get_athena_query_results(query_id, athena=athena, s3=s3)) == 1000


def test_a_result_that_is_gone_is_an_error() -> None:
    """Results expire; a frame without its rows would be a lie."""
    athena = FakeAthena([("n", "bigint")], [(str(n),) for n in range(1000)])
    with pytest.raises(FakeResults.exceptions.NoSuchKey):
        get_athena_query_results(start(athena), athena=athena, s3=FakeResults({}))


def test_submitting_and_waiting_do_not_import_pandas() -> None:
    """A function that needs no frame must not pay for one."""
    code = "import sys, minutemend.adapters.athena; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def start(athena: FakeAthena) -> str:
    return str(athena.start_query_execution(QueryString="SELECT", ClientRequestToken="t" * 32)["QueryExecutionId"])
