"""Tables as people bring them: each test is a situation that once gave a wrong answer."""

import gzip
import itertools
import json
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from certify_tables import certify, certify_reading

from lpc_ns import ClusterTree, InteractionBasedClustering, LinearPredictiveClustering
from lpc_ns.advisor import Advice
from lpc_ns.base.encoding import learn_encoding
from lpc_ns.base.errors import InputError
from lpc_ns.base.metrics import mismatch
from lpc_ns.base.selection import select
from lpc_ns.base.tables import read_table, to_pandas
from lpc_ns.cli import main
from lpc_ns.lpc.inference.reality import reality_test
from lpc_ns.reports.evidence import (
    Evidence,
    find_evidence,
    judge,
    part_to_test,
    settle,
    size_of_test,
)
from lpc_ns.reports.ibc import fit_ibc_table
from lpc_ns.reports.lpc import fit_lpc_table, prepare_table
from lpc_ns.reports.page import digits_needed, plain
from lpc_ns.reports.tree import fit_tree_table, prepare_features

pytestmark = pytest.mark.filterwarnings("ignore::lpc_ns.base.errors.DataWarning")


@pytest.fixture
def lines():
    """Two lines that cross: a table of 120 rows, and which row follows which."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 120)
    z = rng.integers(0, 2, 120)
    y = np.where(z, 1 + 2 * x, 20 - 1.5 * x) + 0.3 * rng.normal(size=120)
    return pd.DataFrame({"x": x, "y": y}), z


def lpc(table, target="y", **options):
    """A quick report, without evidence unless asked for."""
    options = {"evidence": False} | options
    return fit_lpc_table(table, target, method="local", random_state=0, **options)


def written(folder, text, name="t.csv", encoding="utf-8"):
    """A file with a text."""
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


# Reading


PLAIN = "dose,site,effect\n1,a,2.5\n2,b,3.5\n4,a,9.25\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", PLAIN.encode()),
        ("t.csv", PLAIN.encode("utf-8-sig")),
        ("t.csv", PLAIN.encode("utf-16")),
        ("t.csv", PLAIN.encode("utf-16-le")),
        ("t.csv", PLAIN.replace("\n", "\r\n").encode()),
        ("t.csv", PLAIN.replace(",", ";").replace(".", ",").encode()),
        ("t.csv", ("sep=;\n" + PLAIN.replace(",", ";").replace(".", ",")).encode()),
        ("t.csv", ("# exported\n\n" + PLAIN).encode()),
        ("t.txt", PLAIN.replace(",", "\t").encode()),
        ("t.tsv", PLAIN.replace(",", "\t").encode()),
        ("t.dat", PLAIN.replace(",", "|").encode()),
        ("t.dat", PLAIN.replace(",", "   ").encode()),
        ("t.csv.gz", gzip.compress(PLAIN.encode(), mtime=0)),
        ("t.csv", b'"dose","site","effect"\n"1",1,"a",2.5\n"2",2,"b",3.5\n"3",4,"a",9.25\n'),
        ("t.csv", b'"","dose","site","effect"\n"1",1,"a",2.5\n"2",2,"b",3.5\n"3",4,"a",9.25\n'),
        ("t.csv", b"Unnamed: 0,dose,site,effect\n0,1,a,2.5\n1,2,b,3.5\n2,4,a,9.25\n"),
        ("t.txt", b"dose site effect\nr1 1 a 2.5\nr2 2 b 3.5\nr3 4 a 9.25\n"),
        ("t.csv", b"dose,site,effect\nmg,,cm\n1,a,2.5\n2,b,3.5\n4,a,9.25\n"),
        ("t.csv", b"dose,site,effect,\n1,a,2.5,\n2,b,3.5,\n4,a,9.25,\n"),
        ("t.csv", b'dose,site,effect\n1,"a",2.5\n2,"b",3.5\n\n4,"a",9.25\n'),
    ],
)
def test_one_table_in_twenty_forms(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    table = read_table(tmp_path / name).reset_index(drop=True)
    assert list(table) == ["dose", "site", "effect"]
    assert table.dose.tolist() == [1, 2, 4] and table.effect.tolist() == [2.5, 3.5, 9.25]
    assert table.site.tolist() == ["a", "b", "a"]


def test_binary_formats(tmp_path):
    table = pd.DataFrame({"x": [1.0, 2, 3], "g": ["a", "NA", "b"]})
    table.to_parquet(tmp_path / "t.parquet")
    table.to_feather(tmp_path / "t.feather")
    table.to_stata(tmp_path / "t.dta", write_index=False)
    table.to_excel(tmp_path / "t.xlsx", index=False)
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("inner.csv", "x,g\n1,a\n2,NA\n3,b\n")
    for name in ("t.parquet", "t.feather", "t.dta", "t.xlsx", "t.zip"):
        read = read_table(tmp_path / name)
        assert read.x.tolist() == [1, 2, 3] and read.g.tolist() == ["a", "NA", "b"], name


def test_sheets_of_a_workbook(tmp_path):
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        pd.DataFrame({"x": [1, 2]}).to_excel(book, sheet_name="first", index=False)
        pd.DataFrame({"x": [5, 6]}).to_excel(book, sheet_name="second", index=False)
    table = read_table(tmp_path / "t.xlsx")
    assert table.x.tolist() == [1, 2] and "first of 2 sheets" in table.attrs["notes"][0]
    assert read_table(tmp_path / "t.xlsx", sheet="second").x.tolist() == [5, 6]
    assert read_table(tmp_path / "t.xlsx", sheet="2").x.tolist() == [5, 6]
    with pytest.raises(InputError, match="first, second"):
        read_table(tmp_path / "t.xlsx", sheet="third")


def test_other_letters_are_said(tmp_path):
    table = read_table(written(tmp_path, "größe,y\n1,2\n3,4\n", encoding="latin-1"))
    assert list(table) == ["größe", "y"] and "Latin-1" in table.attrs["notes"][0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x,w,v,y\n" + "".join(f"{i}.5,1,2,3,{i % 3}\n" for i in range(9)), "line 2"),
        ("x,y\n1,2\n3,4\n5,6,note\n7,8\n", "line 4"),
        ("x,y\n" + "".join(f"{i},5,{i},25\n" for i in range(5)), "line 2"),
        ("x,y\n1,2,\n3,4,\n", "line 2"),
        ("id,x,y\n1,2,3,a\n2,3,4,b\n3,4,5,c\n", "line 2"),
        ("a,b\n" + "1,2\n" * 60_000 + "1,2,3\n", "line 60002"),
        ("x,y\n1,2,3,4\n5,6,7,8\n", "line 2"),
    ],
)
def test_rows_longer_than_the_header_are_refused(tmp_path, text, line):
    with pytest.raises(InputError, match=line):
        read_table(written(tmp_path, text))
    assert main(["tree", str(tmp_path / "t.csv")]) == 2


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("x,y,x\n1,2,3\n", "more than one column with the name 'x'"),
        ("x;y\n50,000;1\n60,000;2\n", "two ways"),
        ("", "cannot be read"),
        ("x,y\n", "cannot be read"),
    ],
)
def test_what_cannot_be_read(tmp_path, text, match):
    with pytest.raises(InputError, match=match):
        read_table(written(tmp_path, text))


def test_thousands_when_said(tmp_path):
    path = written(tmp_path, "x;y\n50,000;1\n60,500;2\n")
    assert read_table(path, decimal=".").x.tolist() == [50_000, 60_500]
    assert read_table(path, decimal=",").x.tolist() == [50, 60.5]
    german = written(tmp_path, "x;y\n1.234,5;1\n60.500,0;2\n")
    assert read_table(german).x.tolist() == [1234.5, 60500]


# Neighbours of these situations


@pytest.mark.parametrize(
    ("text", "column", "values", "told"),
    [
        ("x;y\n1.234;1,5\n2.500;2,5\n", "x", [1234, 2500], "A point marks thousands"),
        ("x;y\n1.234,5;1\n2.500;2\n", "x", [1234.5, 2500], "decimals by a comma"),
        ('x,y\n"1,234",1.5\n"2,500",2.5\n', "x", [1234, 2500], "A comma marks thousands"),
        ('x,y\n"1,234,567.5",1\n"2,500",2\n', "x", [1234567.5, 2500], "A comma"),
        ("x;y\n1,5E3;1\n-2,5E3;2\n", "x", [1500, -2500], "decimals by a comma"),
        ("x;y\n1 234;1\n2 500;2\n", "x", [1234, 2500], "semicolon"),
        ("x;y\n1\u00a0234,5;1\n2\u00a0500,5;2\n", "x", [1234.5, 2500.5], "semicolon"),
        ("x;y\n1'234.5;1\n2'500.5;2\n", "x", [1234.5, 2500.5], "semicolon"),
        ("x,y\n\u22121.5,1\n2.5,2\n", "x", [-1.5, 2.5], ""),
        ("x,y\n5%,1\n7.5%,2\n", "x", [5, 7.5], "every number carries '%'"),
        ('x,y\n"$1,000",1\n"-$20",2\n', "x", [1000, -20], "every number carries '$'"),
        ("x,y\n1e5,1\n2e5,2\n", "x", [1e5, 2e5], ""),
        ("zip,y\n01000,1\n01001,2\n", "zip", [1000, 1001], "zeros in front, such as 01000"),
        ('"a;b";y\n1;2\n3;4\n', "a;b", [1, 3], "semicolon"),
        ('name x\n"a b" 1\n"c d" 2\n', "name", ["a b", "c d"], "white space"),
        ('"mpg"\t"cyl"\n"Mazda"\t21.5\t6\n"Datsun"\t22.8\t4\n', "cyl", [6, 4], ""),
        ("# one\n# two\nx,y\n1,2\n3,4\n", "x", [1, 3], ""),
        ("x,y\r1,2\r3,4\r", "x", [1, 3], ""),
        ("x,y\n 1 ,2\n 3 ,4\n", "x", [1, 3], ""),
        ("x,g,y\n[kg],[-],[m]\n1,a,2\n2,b,3\n", "x", [1, 2], "units: x in [kg], y in [m]"),
        ("g,x\na,?\nb,2\nc,3\n", "g", ["a", "b", "c"], ""),
    ],
)
def test_neighbours_in_text_files(tmp_path, text, column, values, told):
    table = read_table(written(tmp_path, text))
    assert table[column].tolist() == values
    assert told in " ".join(table.attrs["notes"])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("x;y\n1,5;2.5\n2,5;3.5\n", "marked in two ways, 1,5 and 2.5"),
        ("mpg\tcyl\nMazda\t21.5\t6\nDatsun\t22.8\t4\n", "line 2 has 3 fields"),
        ("x,y\n1,\x002\n", "neither text nor"),
    ],
)
def test_neighbours_that_cannot_be_read(tmp_path, text, match):
    with pytest.raises(InputError, match=match):
        read_table(written(tmp_path, text))


def encoded(values):
    """Names and numbers of a column called x."""
    chosen = select(pd.DataFrame({"x": values}), None)
    encoding = learn_encoding(chosen.features)
    return encoding.names, encoding.apply(chosen.features).T.tolist(), chosen.notes + encoding.notes


@pytest.mark.parametrize(
    ("values", "names", "first"),
    [
        (["a", "a ", " b", "b", "b"], ["x_a"], [1, 1, 0, 0, 0]),
        (pd.Categorical(["a", "b"] * 2, list("cab")), ["x_b"], [0, 1, 0, 1]),
        (pd.Categorical([7, 8, 8, 7, 7]), ["x_8"], [0, 1, 1, 0, 0]),
        ([True, False, True, True], ["x_False"], [0, 1, 0, 0]),
        (["2020-01", "2020-02", "2020-03", "2020-03"], ["x"], [0, 31, 60, 60]),
        (["2019Q4", "2020Q1", "2020Q1", "2020Q2"], ["x"], [0, 92, 92, 183]),
        (["2009-10", "2010-11", "2010-11", "2009-10"], ["x_2010-11"], [0, 1, 1, 0]),
        (["2020/2/28", "2020/3/1", "2020/3/1", "2020/3/2"], ["x"], [0, 2, 2, 3]),
        (["12:00", "18:00", "24:00", "30:00"], ["x"], [0.5, 0.75, 1, 1.25]),
        (["2020-01-01T00:00+01:00", "2020-01-01T00:00Z"] * 2, ["x"], [0, 1 / 24] * 2),
        ([date(1, 1, 1), date(3, 1, 1)] * 2, ["x"], [0, 730] * 2),
        ([timedelta(hours=12), timedelta(days=2)] * 2, ["x"], [0.5, 2] * 2),
        ([10**25, 2 * 10**25, 0, 0], ["x"], [1e25, 2e25, 0, 0]),
        ([f"{i} €" for i in range(4)], ["x"], [0, 1, 2, 3]),
        (pd.arrays.SparseArray([0.0, 1.0] * 2), ["x"], [0, 1] * 2),
        (pd.array([1, 2, 3, 4], dtype="Int64"), ["x"], [1, 2, 3, 4]),
        (["k"] * 4, [], None),
    ],
)
def test_neighbours_in_columns(values, names, first):
    found, numbers, _ = encoded(values)
    assert list(found) == names
    assert first is None or numbers[0] == pytest.approx(first)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ([True, None, False, True], r"missing values \(in x \(1\)\)"),
        (["TRUE", "NA", "FALSE", "TRUE"], "read as missing were x: 'NA' in 1 row"),
        (["a", " ", "b", "b"], "read as missing were x: '' in 1 row"),
        (pd.array([1, None] * 4, dtype="Int64"), r"missing values \(in x \(4\)\)"),
        ([Decimal(1), None] * 2, r"missing values \(in x \(2\)\)"),
        ([pd.Timestamp("2020"), pd.NaT] * 2, r"missing values \(in x \(2\)\)"),
        (["1", "2", "?", "-"] * 3, r"numeric but for 6 values, '\?', '-' in row 2"),
        ([1, "a", 2.5, 3] * 3, "numeric but for 3 values, 'a' in row 1"),
        (["1,3", "2,3"] * 6, "read in several ways.*--category x"),
        (["01.02.20", "13.02.20"] * 6, "dates such as 01.02.20; write them as year-month-day"),
        (["3 tammikuu 2020", "4 touko 2021"] * 6, "dates such as 3 tammikuu 2020"),
        (["Jan-18", "Feb-18"] * 6, "dates such as Jan-18"),
        ([np.inf, 1.0, 2.0, 3.0], "infinite in 1 row, the first of them 0"),
        ([10**400] * 4, "infinite in 4 rows"),
        ([{"a": 1}] * 4, "type dict"),
        ([1j] * 4, "complex"),
    ],
)
def test_neighbours_that_are_refused(values, match):
    with pytest.raises(InputError, match=match):
        encoded(values)


def test_polars_and_arrow_columns_of_all_kinds():
    pl = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    frame = pl.DataFrame(
        {
            "c": pl.Series(["a", "b"] * 6, dtype=pl.Categorical),
            "e": pl.Series(["u", "v"] * 6, dtype=pl.Enum(["w", "u", "v"])),
            "d": pl.date_range(date(2020, 1, 1), date(2020, 1, 12), eager=True),
            "t": [timedelta(hours=i) for i in range(12)],
            "m": [Decimal("1.5"), Decimal("2.5")] * 6,
            "i": [1, 2] * 6,
        }
    )
    encoding = learn_encoding(frame)
    assert encoding.names == ("c_b", "e_v", "d", "t", "m", "i")
    numbers = encoding.apply(frame)
    np.testing.assert_allclose(numbers[11], [1, 1, 11, 11 / 24, 2.5, 2])
    arrow = pa.table({"c": pa.array(["a", "b"] * 6).dictionary_encode(), "i": [1, 2] * 6})
    backed = arrow.to_pandas(types_mapper=pd.ArrowDtype)
    for table in (arrow, backed, arrow.to_pandas()):
        assert learn_encoding(table).apply(table).tolist() == numbers[:, [0, 5]].tolist()
    with pytest.raises(InputError, match="missing"):
        select(pl.DataFrame({"i": [1, None] * 6}), None)


def test_stata_and_excel_say_what_is_missing_and_keep_types(tmp_path):
    table = pd.DataFrame({"g": pd.Categorical(["lo", "hi"] * 4), "s": ["", "a"] * 4, "y": range(8)})
    table.to_stata(tmp_path / "t.dta", write_index=False)
    chosen = select(read_table(tmp_path / "t.dta"), "y", drop_missing=True)
    assert chosen.n_dropped == 4 and "'s': read as missing: '' in 4 rows" in chosen.notes[0]
    days = pd.date_range("2020", periods=3)
    pd.DataFrame({"d": days, "x": ["1,5", 2, 3], "b": [True, False, True]}).to_excel(
        tmp_path / "t.xlsx"
    )
    table = read_table(tmp_path / "t.xlsx")
    assert table.index.tolist() == [0, 1, 2] and table.b.dtype == bool
    assert table.d.tolist() == days.tolist() and table.x.tolist() == ["1,5", 2, 3]


# Missing values, levels, dirty numbers


def test_words_for_missing_are_levels_in_text_and_gaps_in_numbers(tmp_path):
    text = "country,basement,x,y\n" + "NA,None,1.5,2\nDE,full,NA,4\nNA,None,3,5\n,half,4,6\n" * 3
    table = read_table(written(tmp_path, text))
    assert table.country.tolist()[:3] == ["NA", "DE", "NA"] and table.country.isna().sum() == 3
    assert table.basement.tolist()[0] == "None"
    assert table.x.isna().sum() == 3 and "'NA' in 3 rows" in " ".join(table.attrs["notes"])
    chosen = select(table, "y", drop_missing=True)
    assert chosen.n_dropped == 6 and "6 of 12 rows" in " ".join(chosen.notes)
    asked = read_table(tmp_path / "t.csv", na="NA")
    assert asked.country.isna().sum() == 9


@pytest.mark.parametrize("text", ["?", "-", "5%", "$1,000", "n.a.", "."])
@pytest.mark.parametrize("n", [40, 120])
def test_a_few_texts_among_numbers_are_named(lines, text, n):
    table, _ = lines
    dirty = table.head(n).x.round(3).astype(str)
    dirty[3] = text
    dirty = table.head(n).assign(x=dirty)
    for call in (
        lambda: prepare_table(dirty, "y"),
        lambda: prepare_features(dirty),
        lambda: InteractionBasedClustering().fit(dirty[["x"]], dirty.y),
        lambda: LinearPredictiveClustering().fit(dirty[["x"]], dirty.y),
        lambda: ClusterTree().fit(dirty[["x"]]),
    ):
        with pytest.raises(InputError, match=r"'x' is numeric but for 1 value.*row 3"):
            call()
    assert prepare_table(dirty, "y", na=text, drop_missing=True).X.shape == (n - 1, 1)


def test_impute(lines):
    table, _ = lines
    holes = table.assign(g=np.where(np.arange(120) % 2, "a", "b"))
    holes.loc[3, "x"] = np.nan
    holes.loc[4, "g"] = None
    with pytest.raises(InputError, match="2 of 120 rows"):
        prepare_table(holes, "y")
    median = prepare_table(holes, "y", impute="median")
    assert median.X.shape == (120, 2) and median.X[3, 0] == np.nanmedian(holes.x)
    level = prepare_table(holes, "y", impute="level")
    assert "g_missing" in level.feature_names and "x missing" in level.feature_names
    assert level.X[3, level.feature_names.index("x missing")] == 1


# Columns of all kinds


def test_dates_and_durations_are_days(lines):
    table, _ = lines
    days = pd.date_range("2020-02-28", periods=120)
    for column in (
        days,
        days.tz_localize("Europe/Berlin"),
        days.to_period("D"),
        days.date,
        days.strftime("%Y-%m-%d"),
        days.strftime("%d.%m.%Y"),
        days.strftime("%m/%d/%Y"),
    ):
        found = prepare_table(table.assign(x=column), "y")
        np.testing.assert_allclose(found.X[:, 0] - found.X[0, 0], np.arange(120), atol=0.05)
        assert "days since 2020-02-2" in " ".join(found.notes)
    spans = pd.to_timedelta(np.arange(120), unit="h")
    np.testing.assert_allclose(prepare_table(table.assign(x=spans), "y").X[:, 0] * 24, range(120))
    with pytest.raises(InputError, match="day and month"):
        prepare_table(table.head(9).assign(x=[f"0{i}/01/2020" for i in range(1, 10)]), "y")


@pytest.mark.parametrize("kind", ["Float64", "object", "string", "category of levels", "Decimal"])
def test_numbers_of_any_type(lines, kind):
    table, _ = lines
    plain = lpc(table).model.labels_
    column = table.x
    if kind == "Decimal":
        column = column.map(lambda v: Decimal(repr(v)))
    elif kind == "string":
        column = column.map(repr).astype("string")
    elif kind != "category of levels":
        column = column.astype(kind)
    report = lpc(table.assign(x=column))
    np.testing.assert_array_equal(report.model.labels_, plain)


def test_estimators_say_what_is_wrong(lines):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 2)), columns=["x", "w"])
    y = rng.normal(size=60)
    gaps = table.astype("Float64")
    gaps.loc[4, "w"] = pd.NA
    lists = table.assign(v=[[1, 2]] * 60)
    for estimator in (
        LinearPredictiveClustering(method="local", random_state=0),
        ClusterTree(2, method="local", random_state=0),
        InteractionBasedClustering(model="A", random_state=0),
    ):
        with pytest.raises(InputError, match="more than one column with the name 'a'"):
            estimator.fit(table.set_axis(["a", "a"], axis=1), y)
        if not isinstance(estimator, LinearPredictiveClustering):  # trees know missing values
            assert np.isfinite(estimator.fit(gaps, y).predict(gaps)).all()
        else:
            with pytest.raises(InputError, match=r"1 place.*row 4, column 'w'"):
                estimator.fit(gaps, y)
        with pytest.raises(InputError, match="'v' holds values of type list"):
            estimator.fit(lists, y)
        with pytest.raises(InputError, match="identifier"):
            estimator.fit(table.assign(id=[f"p{i}" for i in range(60)]), y)
        estimator.fit(table.astype(object), y)
        estimator.fit(table.assign(d=pd.date_range("2020", periods=60)), y)


def test_frames_of_other_libraries(lines):
    pa = pytest.importorskip("pyarrow")
    table, _ = lines
    report = lpc(pa.Table.from_pandas(table))
    np.testing.assert_array_equal(report.model.labels_, lpc(table).model.labels_)
    pl = pytest.importorskip("polars")
    assert to_pandas(pl.DataFrame({"a": [1]}).lazy()).a.tolist() == [1]


def test_identifiers_and_numbers_of_levels():
    frame = pd.DataFrame({"name": [f"p{i}" for i in range(40)], "x": np.arange(40.0)})
    with pytest.raises(InputError, match="identifier"):
        learn_encoding(frame)
    few = frame.assign(name=[f"p{i % 15}" for i in range(40)])
    with pytest.raises(InputError, match="15 different values in 40 rows"):
        learn_encoding(few)
    assert len(learn_encoding(pd.concat([few] * 3)).levels["name"]) == 15


def test_levels_that_do_not_occur_are_no_levels(lines):
    table, _ = lines
    rng = np.random.default_rng(0)
    g = pd.Categorical(rng.choice(["low", "mid"], 120), categories=["none", "low", "mid", "high"])
    table = table.assign(g=g)
    assert prepare_table(table, "y").feature_names in (["x", "g_low"], ["x", "g_mid"])
    assert len(prepare_features(table).columns) == 4
    assert list(lpc(table).coefficients) == ["intercept", *prepare_table(table, "y").feature_names]


# No name decides


def test_renaming_levels_changes_no_regression(lines):
    table, _ = lines
    rng = np.random.default_rng(1)
    g = rng.choice(list("abc"), 120, p=[0.4, 0.35, 0.25])
    table = table.assign(g=g, y=table.y + 3 * (g == "c"))
    found = [
        lpc(table.assign(g=table.g.map(dict(zip("abc", names, strict=True)))))
        for names in itertools.permutations("abc")
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(other.model.labels_, found[0].model.labels_)
        np.testing.assert_allclose(other.model.coef_, found[0].model.coef_)
    assert "the reference is" in str(found[0])


def test_renaming_levels_changes_no_tree():
    rng = np.random.default_rng(1)
    g = rng.choice(list("abc"), 150, p=[0.34, 0.33, 0.33])
    base = pd.DataFrame({"g": g, "h": rng.choice(list("uv"), 150)})
    found = [
        ClusterTree(2, method="exact").fit(
            base.assign(g=base.g.map(dict(zip("abc", names, strict=True))))
        )
        for names in itertools.permutations("abc")
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(other.labels_, found[0].labels_)
        assert other.objective_ == pytest.approx(found[0].objective_, rel=1e-12)


def test_a_tree_asks_for_sets_of_levels():
    rng = np.random.default_rng(2)
    region = rng.choice(["ne", "nw", "se", "sw"], 200)
    south = np.isin(region, ["se", "sw"])
    table = pd.DataFrame({"region": region})
    table["rent"] = 900 + 600 * south + rng.normal(0, 40, 200)
    table["size"] = 60 + 25 * south + rng.normal(0, 4, 200)
    model = ClusterTree(2, method="exact", feature_weights={"rent": 0, "size": 0}).fit(table)
    assert model.rules().rule[model.rules().index[0]].startswith("region")
    only = ClusterTree(2, method="exact").fit(table[["region"]], loss_X=table[["rent", "size"]])
    assert sorted(only.rules().rule) in (
        ["region in {ne, nw}", "region not in {ne, nw}"],
        ["region in {nw, ne}", "region not in {nw, ne}"],
        ["region in {se, sw}", "region not in {se, sw}"],
        ["region in {sw, se}", "region not in {sw, se}"],
    )
    assert mismatch(only.labels_, south.astype(int)) == 0
    np.testing.assert_array_equal(only.predict(table[["region"]]), only.labels_)


def test_answers_to_a_question_are_drawn_as_yes_and_no():
    kind = np.repeat(["a", "b"], 40)
    table = pd.DataFrame({"kind": kind, "x": np.random.default_rng(0).normal(size=80)})
    model = ClusterTree(2, method="local", random_state=0).fit(table)
    ax = model.plot_partition(table)
    assert ax.get_xlabel() == "kind = a"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["yes", "no"]
    drawn = ax.collections[model.predict(table)[0]].get_offsets()[:, 0]
    assert len(drawn) == 40 and drawn.max() < 0.5 and np.ptp(drawn) > 0.1
    plt.close(ax.figure)


def test_a_category_weighs_like_a_number():
    rng = np.random.default_rng(5)
    n = 200
    smoker = rng.random(n) < 0.3
    bmi = rng.normal(30, 6, n)
    table = pd.DataFrame(
        {
            "bmi": bmi,
            "smoker": np.where(smoker, "yes", "no"),
            "region": rng.choice(["ne", "nw", "se", "sw"], n),
            "charges": 8000 + 25000 * smoker * (bmi > 30) + 500 * rng.normal(size=n),
        }
    )
    model = ClusterTree(3, method="exact").fit(table)
    assert (table.groupby(model.labels_).charges.std() < 1000).all()
    Z = model._loss_scaling.transform(model.encoding_.apply(table))
    variance = Z.var(axis=0)
    variables = model.encoding_.variables
    numbers = [variance[variables == v].sum() for v in (0, 3)]
    for v in (1, 2):
        assert variance[variables == v].sum() == pytest.approx(np.mean(numbers))


def test_rules_that_are_printed_are_the_rules():
    rng = np.random.default_rng(0)
    salary = np.r_[rng.normal(50000, 2000, 100), rng.normal(180000, 5000, 100)].round()
    model = ClusterTree(2, method="exact").fit(pd.DataFrame({"salary": salary}))
    threshold = model.export_dict()["threshold"]
    assert f"salary <= {threshold:g}" in model.export_text() or str(int(threshold)) in str(
        model.export_text()
    )
    new = pd.DataFrame({"salary": [threshold, np.nextafter(threshold, np.inf)]})
    assert model.predict(new).tolist() == [0, 1]


def test_cells_of_ibc_are_described_with_digits_enough():
    rng = np.random.default_rng(0)
    dates = pd.date_range("2020-01-01", "2020-12-31").strftime("%Y%m%d").astype(int).to_numpy()
    day = rng.choice(dates, 300)
    x = rng.normal(size=300)
    y = np.where(day > 20200615, 2, -2) * x + 0.3 * rng.normal(size=300)
    report = fit_ibc_table(
        pd.DataFrame({"x": x, "day": day, "y": y}),
        "y",
        random_state=0,
        model="B",
        folds=2,
        evidence=False,
    )
    rule = report.rules[0]
    assert rule.startswith("day <= ")
    bound = float(rule.split("<= ")[1])
    np.testing.assert_array_equal(day <= bound, report.model.labels_ == 0)
    assert report.products == [] and "Products in use: none" in str(report)


# Reports


def test_units_of_the_api_and_of_the_command_line():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 0.01, 200)
    z = rng.integers(0, 2, 200)
    y = np.where(z, 1 + 1000 * x, 6 - 1000 * x) + 0.1 * rng.normal(size=200)
    model = LinearPredictiveClustering(method="local", random_state=0).fit(x[:, None], y)
    np.testing.assert_allclose(np.sort(model.coef_.ravel()), [-1000, 1000], rtol=0.02)
    report = lpc(pd.DataFrame({"x": x, "y": y + 1e9}))
    np.testing.assert_allclose(report.model.coef_, model.coef_, rtol=1e-6)
    np.testing.assert_array_equal(report.model.labels_, model.labels_)


@pytest.mark.parametrize("target", ["cluster", "fitted", "residual", "margin", "row", "intercept"])
def test_names_of_the_report_and_of_the_table(lines, target, tmp_path):
    table, z = lines
    report = lpc(table.rename(columns={"y": target}), target)
    labels = report.labels().reset_index()
    np.testing.assert_allclose(labels[target], table.y)
    ours = [c for c in labels if c.endswith("cluster")]
    assert any(mismatch(labels[c].to_numpy(), z) < 0.1 for c in ours if labels[c].nunique() == 2)
    assert len(set(labels.columns)) == 6
    report.write(tmp_path)


def test_a_feature_called_intercept(lines):
    table, _ = lines
    table = table.assign(intercept=np.random.default_rng(0).normal(size=120))
    found = lpc(table).coefficients
    assert sorted(found.lpc_ns_intercept.round()) == [1, 20]
    assert (found.intercept.abs() < 0.2).all()
    tree = fit_tree_table(table.rename(columns={"x": "samples", "y": "cluster"}), 2)
    assert "lpc_ns_samples" in tree.centers() and "cluster = " not in tree.verdict()


def test_several_levels_of_an_index(lines, tmp_path):
    table, _ = lines
    table.index = pd.MultiIndex.from_product([range(20), range(6)], names=["firm", "year"])
    assert list(lpc(table).labels().index.names) == ["firm", "year"]
    assert "firm" not in prepare_features(table)
    fit_tree_table(table, 2, method="local", random_state=0).write(tmp_path)
    assert list(pd.read_csv(tmp_path / "labels.csv"))[:2] == ["firm", "year"]


def test_id_and_weights(lines):
    table, _ = lines
    table = table.assign(who=[f"p{i}" for i in range(120)], w=np.r_[np.zeros(20), np.ones(100)])
    wild = table.assign(y=np.where(table.w > 0, table.y, 1e6))
    report = lpc(wild, identifiers="who", weights="w")
    assert report.labels().index[3] == "p23" and report.table.feature_names == ["x"]
    plain = lpc(table[20:], drop=["who", "w"])
    np.testing.assert_allclose(report.model.coef_, plain.model.coef_, rtol=1e-6)


@pytest.mark.parametrize("name", ["price_$_per_$", "$$", "a^{b}_{c}", "100 %", r"\alpha", "#1"])
def test_names_are_drawn_as_they_are(lines, name, tmp_path):
    table, _ = lines
    table = table.rename(columns={"x": name})
    lpc(table).write(tmp_path / "lpc")
    fit_tree_table(table, 2, method="local", random_state=0).write(tmp_path / "tree")
    from html import escape

    assert escape(name) in (tmp_path / "lpc" / "report.html").read_text()


@pytest.mark.parametrize("target", ["line", "constant"])
def test_fewer_clusters_suffice(target, tmp_path):
    x = np.arange(40.0)
    pd.DataFrame({"x": x, "y": 2 * x + 1 if target == "line" else 3.0}).to_csv(
        tmp_path / "t.csv", index=False
    )
    assert main(["lpc", str(tmp_path / "t.csv"), "--target", "y", "--method", "local"]) == 0
    facts = json.loads((tmp_path / "t_lpc" / "report.json").read_text())
    assert facts["verdict"] == "no" and len(facts["coefficients"]) == 1
    assert {p.name for p in (tmp_path / "t_lpc").iterdir()} == {
        "labels.csv",
        "coefficients.csv",
        "report.json",
        "report.html",
        "regimes.png",
    }
    assert "noise" not in json.dumps(facts)


def test_absolute_errors_are_judged_by_absolute_errors(lines):
    table, _ = lines
    table = table.head(8)
    report = fit_lpc_table(
        table, "y", method="global-mip", loss="absolute", gap=0.5, random_state=0
    )
    facts = report.summary()
    assert "sse_ratio" not in facts and facts["absolute_error_ratio"] < 1
    best = LinearPredictiveClustering(1, loss="absolute", ridge=0, method="global-mip")
    best.fit(table[["x"]], table.y)
    apart = np.abs(table.y - best.predict(table[["x"]])).sum()
    assert facts["single_error"] == pytest.approx(apart, rel=1e-4)
    assert "Absolute error" in str(report) and "SSE" not in report.lines()[-2]


def test_outliers_do_not_decide_about_absolute_errors():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 60)
    z = rng.integers(0, 2, 60)
    y = np.where(z, 1 + 2 * x, 20 - 1.5 * x) + 0.5 * rng.normal(size=60)
    y[:3] += 60
    found = find_evidence(x[:, None], y, loss="absolute", random_state=0)
    assert found.answer == "yes" and "3 rows" in found.notes[0]


@pytest.mark.parametrize("kind", ["two", "one", "exact", "few"])
def test_the_verdict_is_that_of_the_test(lines, kind):
    table, _ = lines
    rng = np.random.default_rng(0)
    y = {"one": table.x + rng.normal(size=120), "exact": 3 * table.x}.get(kind, table.y)
    table = table.assign(y=y)[: 4 if kind == "few" else None]
    report = lpc(table, evidence=True)
    answer = {"two": "yes", "one": "no", "exact": "no", "few": "unclear"}[kind]
    facts = report.summary()
    opening = f"Evidence for more than one regression: {answer}."
    assert facts["verdict"] == answer and report.lines()[0].startswith(opening)
    assert "pure noise" not in report.to_html() and "noise" not in json.dumps(plain(facts))
    if kind in ("two", "one"):
        test = reality_test(table[["x"]], table.y, n_draws=199, random_state=1)
        assert (facts["evidence"]["test"]["p_value"] <= 0.05) == (test.p_value <= 0.05)
        assert "evidence.png" in report.figures() and report.to_html().count("<img") == 2


def test_a_large_table_is_tested_in_part(lines):
    table, _ = lines
    large = pd.concat([table] * 10, ignore_index=True)
    data = (large[["x"]].to_numpy(), large.y.to_numpy())
    part, _ = part_to_test(*data, 2, None, "squared", np.random.default_rng(0))
    assert part.X.shape == (1000, 1) and "1000 of the 1200 rows" in part.notes[0]
    assert size_of_test(10**6, 5, 2)[0] == 1000 and size_of_test(5000, 300, 2)[1] == 0
    wide = find_evidence(np.zeros((600, 300)), np.arange(600.0))
    assert wide.answer == "unclear" and "too many" in wide.why and wide.test is None


def test_groups_keep_units_together(lines):
    table, _ = lines
    unit = np.repeat(np.arange(20), 6)
    y = np.where(unit % 2, 1 + 2 * table.x, 20 - 1.5 * table.x)
    table = table.assign(y=y + np.random.default_rng(1).normal(size=120), shop=unit)
    report = lpc(table, groups="shop", evidence=True)
    labels = report.labels().reset_index()
    assert (labels.groupby("shop").cluster.nunique() == 1).all()
    assert report.table.feature_names == ["x"] and report.evidence.answer == "yes"
    assert report.summary()["evidence"]["test"]["errors"] == "signs within units"
    with pytest.raises(InputError, match="no unit"):
        lpc(table.assign(shop=table.shop.where(table.shop > 3)), groups="shop")


def test_advice_on_one_page(lines, tmp_path, capsys):
    lines[0].to_csv(tmp_path / "t.csv", index=False)
    assert main(["advise", str(tmp_path / "t.csv"), "--target", "y"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("The table asks for hidden regimes") and out.count("\n") < 30
    facts = json.loads((tmp_path / "t_advice" / "report.json").read_text())
    assert facts["family"] == "lpc" and facts["R2"]["plain"] < 0.5
    assert {p.name for p in (tmp_path / "t_advice").iterdir()} == {
        "scores.csv",
        "evidence.png",
        "report.json",
        "report.html",
    }


@pytest.mark.parametrize(
    ("several", "family", "p_value", "answer"),
    [
        (True, "ibc", None, "yes"),
        (True, "tree", 0.01, "yes"),
        (True, "ibc", 0.2, "unclear"),
        (True, "plain", 0.01, "unclear"),
        (False, "plain", None, "no"),
        (False, "lpc", None, "yes"),
        (False, "ibc", 0.2, "unclear"),
    ],
)
def test_regimes_that_are_seen_need_model_advice_and_test(several, family, p_value, answer):
    evidence = Evidence("yes", "So.", None, Advice(family, (), pd.DataFrame({"R2": []}), {}, ""))
    assert settle(several, evidence, p_value)[0] == answer
    if family == "lpc":  # the test of part II answers in part I, too
        weak = reality_test(np.arange(20.0)[:, None], np.arange(20) % 3.0, n_draws=19)
        doubted = replace(evidence.advice, models={"test": weak})
        told = settle(several, replace(evidence, advice=doubted), p_value)[0]
        assert told == judge(weak) != "yes"
    beside_a_rival = settle(several, evidence, p_value, rival=True)[0]
    assert beside_a_rival == ("unclear" if answer == "no" else answer)


def test_printed_equations_predict(lines):
    table, _ = lines
    table = table.assign(x=table.x + 2_000_000)
    report = lpc(table)
    lines_ = report.coefficients.to_numpy()
    digits = digits_needed(lines_[:, 1:], lines_[:, 0], report.table.X, 1e-3 * 0.3)
    printed = np.vectorize(lambda v: float(f"{v:.{report.digits}g}"))(lines_)
    away = report.table.X @ printed[:, 1:].T + printed[:, 0]
    exact = report.model.predict_regimes(report.table.features)
    assert np.abs(away - exact).max() < 1e-3 and digits > 6


def test_the_page_asks_for_nothing(lines):
    page = lpc(lines[0])._repr_html_()
    page = lpc(lines[0]).to_html()
    for what in ("<script", "http://", "https://", "url(", "@import"):
        assert what not in page
    assert page.count("<img") == 1 and "data:image/png;base64," in page


@pytest.mark.parametrize("model", ["B", "C", "D"])
def test_units_of_interaction_based_clustering(model):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = np.where(X[:, 2] > 0.3, 2, -2) * X[:, 0] + X[:, 1] + 0.3 * rng.normal(size=120)
    plain = InteractionBasedClustering(model, cv=2, random_state=0).fit(X, y)
    for factor, mirrored in (([1e-3, 7.0, 250.0], False), ([1e-3, 7.0, -250.0], True)):
        moved = X * factor + [1e3, -5.0, 4.0]
        other = InteractionBasedClustering(model, cv=2, random_state=0).fit(moved, 1e2 * y - 3e4)
        away = (other.predict(moved) + 3e4) / 1e2 - plain.predict(X)
        assert np.abs(away).max() < 1e-8
        same = mismatch(other.labels_, plain.labels_) if mirrored else other.labels_ - plain.labels_
        assert not np.any(same)


def test_centres_of_large_numbers_keep_what_differs():
    table = pd.DataFrame({"year": [2007] * 9 + [2019, 2020] * 5, "mass": [3700] * 9 + [5093] * 10})
    page = fit_tree_table(table, 2, method="exact").to_html()
    assert "<td>2019.5</td>" in page and "<td>5093</td>" in page and "<td>10</td>" in page


def test_only_several_cells_differ(lines):
    report = fit_ibc_table(lines[0], "y", model="A", cv=2, folds=2, evidence=False, random_state=0)
    assert not report.figures() and "differs most" not in str(report)
    with pytest.raises(InputError, match="no regimes"):
        report.figure()


# The command line


@pytest.mark.parametrize(
    "options",
    [
        ["--seed", "-1"],
        ["--jobs", "0"],
        ["--n-clusters", "two"],
        ["--drop", "nothing"],
        ["--id", "nothing"],
        ["--id", "y"],
        ["--group", "nothing"],
        ["--group", "y"],
        ["--weights", "y"],
        ["--time-limit", "0"],
        ["--weights", "nothing"],
        ["--category", "nothing"],
        ["--sep", "ab"],
        ["--decimal", "x"],
        ["--encoding", "klingon"],
        ["--method", "magic"],
        ["--ridge", "-1"],
        ["--impute", "zero"],
    ],
)
def test_bad_options_get_one_line(lines, options, tmp_path, capsys):
    lines[0].to_csv(tmp_path / "t.csv", index=False)
    assert main(["lpc", str(tmp_path / "t.csv"), "--target", "y", *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("lpc-ns: ")
    assert not (tmp_path / "t_lpc").exists()


def test_a_folder_that_is_none(lines, tmp_path, capsys):
    lines[0].to_csv(tmp_path / "t.csv", index=False)
    command = ["lpc", str(tmp_path / "t.csv"), "--target", "y", "--method", "local"]
    for out in (tmp_path / "t.csv", tmp_path / "t.csv" / "below", "/proc/none/y"):
        assert main([*command, "--out", str(out)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    pd.DataFrame({"v": [[1, 2]] * 9, "y": range(9)}).to_parquet(tmp_path / "l.parquet")
    assert main(["lpc", str(tmp_path / "l.parquet"), "--target", "y"]) == 2
    assert main(["tree", str(tmp_path / "l.parquet")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_quiet_and_version(lines, tmp_path, capsys):
    lines[0].to_csv(tmp_path / "t.csv", index=False)
    command = ["fit", str(tmp_path / "t.csv"), "--target", "y", "--method", "local", "--quiet"]
    assert main(command) == 0 and capsys.readouterr().out == ""
    page = (tmp_path / "t_lpc" / "report.html").read_text()
    assert "lpc-ns fit" in page and "--quiet" in page
    assert main(["--version"]) == 0 and capsys.readouterr().out.startswith("lpc-ns ")


def test_random_tables_end_well():
    counts, wrong = certify(6, only=("lpc", "tree"))
    assert not wrong and sum(counts.values()) == 12


def test_random_tables_are_read_or_refused_in_a_sentence():
    assert certify_reading(30, seed=1) == []
