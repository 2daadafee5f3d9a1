"""Dates among other texts, files of unusual form, and columns that only look like features."""

import bz2
import datetime as dt
import lzma
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from lpc_ns.base.encoding import learn_encoding
from lpc_ns.base.errors import InputError
from lpc_ns.base.selection import select
from lpc_ns.base.tables import read_table


def written(folder, text, name="t.csv"):
    """A file with this text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def features(table, **options):
    """Names, numbers and notes of the features of a table."""
    chosen = select(table, None, **options)
    encoding = learn_encoding(chosen.features)
    return encoding.names, encoding.apply(chosen.features), chosen.notes + encoding.notes


def days(n=12):
    """Some days in a row, as texts."""
    return pd.date_range("2020-01-10", periods=n).astype(str).tolist()


def test_a_word_for_missing_among_dates_is_missing(tmp_path):
    text = "d,x\n" + "".join(f"{day},1.5\n" for day in [*days(5), "NA", *days(5)])
    names, numbers, notes = features(read_table(written(tmp_path, text)), drop_missing=True)
    assert names == ("d", "x") and numbers[:, 0].tolist() == [0, 1, 2, 3, 4] * 2
    assert any("read as missing: 'NA' in 1 row" in note for note in notes)


@pytest.mark.parametrize("odd", ["2020-02-31", "unknown", "0000-00-00", "13.01.2020"])
def test_a_text_among_dates_makes_no_levels_of_them(odd):
    with pytest.raises(InputError, match=f"'d' holds dates but for 2 values, '{odd}' in row 3"):
        features(pd.DataFrame({"d": [*days(3), odd, *days(4), odd, *days(3)]}))
    names, _, _ = features(pd.DataFrame({"d": [*days(3), odd, *days(3)] * 4}), categories="d")
    assert len(names) == 3


def test_times_among_closing_days():
    with pytest.raises(InputError, match="holds durations but for 1 value, 'closed'"):
        features(pd.DataFrame({"t": ["10:00", "10:30", "closed", "11:00"] + ["10:00"] * 4}))


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["25JAN2020", "01FEB2020"], [0, 7]),
        (["Jan 25, 2020", "February 1, 2020"], [0, 7]),
        (["2020.01.25", "2020.02.01"], [0, 7]),
        (["2020年1月25日", "2020年2月1日"], [0, 7]),
        (["01/2020", "02/2020"], [0, 31]),
        (["2020m1", "2020m2"], [0, 31]),
        (["Q1 2020", "Q2 2020"], [0, 91]),
        (["9:00 AM", "3:00 PM"], [0.375, 0.625]),
        (["1 days 12:00:00", "0 days 06:00:00"], [1.5, 0.25]),
        ([dt.date(2020, 1, 25), dt.date(2020, 2, 1)], [0, 7]),
        ([Fraction(1, 4), Fraction(1, 2)], [0.25, 0.5]),
    ],
)
def test_forms_that_leave_no_choice(texts, numbers):
    names, found, _ = features(pd.DataFrame({"d": texts * 4}))
    assert names == ("d",) and found[:2, 0].tolist() == numbers


def test_dates_with_a_zone_are_said_to_be_in_utc():
    local = pd.date_range("2020-01-01 12:00", periods=8, tz="Europe/Berlin")
    for column in (local, local.astype(object), local.strftime("%Y-%m-%dT%H:%M:%S+01:00")):
        encoding = learn_encoding(pd.DataFrame({"d": column}))
        assert "days since 2020-01-01 11:00 UTC" in encoding.notes[0]
        assert encoding.names[0].text(1.0) == "2020-01-02 11:00 UTC"


def test_columns_of_arrow_that_are_no_numbers():
    pa = pytest.importorskip("pyarrow")
    for values, told, numbers in (
        ([dt.date(2020, 1, 1), dt.date(2020, 1, 3)], pa.date32(), [0, 2]),
        ([dt.timedelta(1), dt.timedelta(3)], pa.duration("us"), [1, 3]),
    ):
        column = pd.Series(pd.array(values * 4, dtype=pd.ArrowDtype(told)))
        assert features(pd.DataFrame({"v": column}))[1][:2, 0].tolist() == numbers
    for value, told in (([1, 2], pa.list_(pa.int64())), ({"a": 1}, pa.struct([("a", pa.int64())]))):
        column = pd.Series(pd.array([value] * 8, dtype=pd.ArrowDtype(told)))
        with pytest.raises(InputError, match="holds values of type"):
            features(pd.DataFrame({"v": column}))


def test_names_of_levels_never_repeat():
    table = pd.DataFrame(
        {"g": ["a", "b"] * 6, "g_b": np.arange(12) % 5, "g = b": np.arange(12) % 7}
    )
    assert features(table)[0] == ("g = b_", "g_b", "g = b")


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"id": np.arange(20) + 1001}, "'id' numbers the rows"),
        ({"m": [202001, 202012] * 6}, "if 202001 is a date"),
        ({"g": ["Male", "male", "Male"] * 4}, "'Male' and 'male' differ in capitals only"),
    ],
)
def test_what_may_be_something_else_is_said(columns, told):
    assert any(told in note for note in features(pd.DataFrame(columns))[2])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1,2\n3,4\n5,6\n", "names of all columns are numbers (1, 2)"),
        ("d,y\n01.2020,1\n12.2019,2\n", "if 01.2020 is a month"),
        ('x,y\n"1,5",1\n"2,25",2\n', "decimals by a comma"),
        ("x,g,y\nkg,,\n1,a,2\n3,b,4\n5,a,6\n", "x in kg"),
        ("d,y\nday,kg\n2020-01-01,2\n2020-01-02,4\n2020-01-05,6\n", "y in kg"),
    ],
)
def test_what_a_file_leaves_open_is_said(tmp_path, text, told):
    assert told in " ".join(read_table(written(tmp_path, text)).attrs["notes"])


def test_files_of_unusual_form(tmp_path):
    text = "x,\ufeffy \n1,2.5\n2,3.5\n"
    printed = "     x    y\n0    1  2.5\n1    2  3.5\n"
    for data in (text, bz2.compress(text.encode()), lzma.compress(text.encode()), printed):
        table = read_table(written(tmp_path, data))
        assert table[["x", "y"]].to_numpy().tolist() == [[1, 2.5], [2, 3.5]]
    with pytest.raises(InputError, match=r"--sep '~'"):
        read_table(written(tmp_path, text.replace(",", "~")))
    with pytest.raises(InputError, match="no rows"):
        select(pd.DataFrame({"x": []}))
    with pytest.raises(InputError, match="'c' has no values"):
        select(pd.DataFrame({"c": [None] * 4, "x": range(4)}), drop_missing=True)


def test_odd_numbers_are_to_be_mended_and_odd_words_marked():
    with pytest.raises(
        InputError, match=r"write it as a plain number, mark it as missing \(na='5%'"
    ):
        features(pd.DataFrame({"x": ["1", "2", "5%"]}))
    with pytest.raises(InputError, match=r"--na '\?' --na 'lost'"):
        features(pd.DataFrame({"x": ["1", "2", "3", "?", "lost"]}))


def test_a_level_that_may_say_missing_is_remarked():
    notes = select(pd.DataFrame({"sex": ["male", "female", "NA", "male"] * 4})).notes
    assert notes == [
        "Column 'sex': 'NA' in 4 rows is a level; if it says that the value is missing, say --na"
        " 'NA'."
    ]


def test_weights_that_are_no_numbers_are_refused_as_weights():
    table = pd.DataFrame({"x": range(4), "w": list("abab"), "y": range(4)})
    with pytest.raises(InputError, match="The column of weights 'w' holds categories or text"):
        select(table, "y", weights="w")
    assert select(table.assign(w=["1", "2", "3", "4"]), "y", weights="w").weights.sum() == 10
