"""What spreadsheets and other programs write around, above and into the cells of a table."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from lpc_ns.base.encoding import learn_encoding
from lpc_ns.base.errors import InputError
from lpc_ns.base.selection import select
from lpc_ns.base.tables import read_table
from lpc_ns.cli import main
from lpc_ns.reports.given import explain_table


def read(folder, text, name="t.csv", **options):
    """A text as it is read from a file, and its notes."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    table = read_table(path, **options)
    return table, " ".join(table.attrs["notes"])


@pytest.mark.parametrize(
    "text",
    [
        "Report 2020,,\nx,y,z\n1,2,3\n4,5,6\n",
        "Report 2020,,\n,,\nx,y,z\n1,2,3\n4,5,6\n",
        "Report 2020\n\nx,y,z\n1,2,3\n4,5,6\n",
        "Report;;\nDate: 2020-01-01;;\nx;y;z\n1;2;3\n4;5;6\n",
        "Report,,\nx,y,z\nkg,m,s\n1,2,3\n4,5,6\n7,8,9\n",
    ],
)
def test_lines_above_the_header_are_left_out_and_told(tmp_path, text):
    table, told = read(tmp_path, text)
    assert list(table) == ["x", "y", "z"] and table.iloc[:2].to_numpy().tolist() == [
        [1, 2, 3],
        [4, 5, 6],
    ]
    assert "above the header" in told and "Report" in told


def test_a_sheet_with_a_title(tmp_path):
    pd.DataFrame([["Sales", None], ["x", "g"], [1, "a"], [-9, "b"], [2, "c"]]).to_excel(
        tmp_path / "t.xlsx", index=False, header=False
    )
    table = read_table(tmp_path / "t.xlsx", na="-9")
    assert list(table) == ["x", "g"] and table.x.isna().tolist() == [False, True, False]
    assert "'Sales'" in table.attrs["notes"][0] and "'-9' in 1 row" in table.attrs["notes"][1]


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("x;y\n1,5;NA\n2,5;3,5\nNA;4\n", [1.5, 2.5, None]),
        ("x;y\n1,5 %;2,5\n2,5 %;3\nNA;4\n", [1.5, 2.5, None]),
        ("x;y\n1.234,50 €;2\n2.500,50 €;3\n", [1234.5, 2500.5]),
        ("x;y\n1.234,5;2\n2.500;3\nNA;4\n", [1234.5, 2500, None]),
        ('x,y\n"1,234",2.5\nNA,3\n"2,234",5\n', [1234, None, 2234]),
        ("x,y\n5 kg,1\n6.5 kg,2\n7 kg,3\n", [5, 6.5, 7]),
        ("x,y\n80km/h,1\n90km/h,2\n100km/h,3\n", [80, 90, 100]),
        (",x,y\n,1,2\n,3,4\n", [1, 3]),
        ("| x | y |\n| 1 | 2 |\n| 3 | 4 |\n", [1, 3]),
        (",,\nx,y,z\n1,2,3\n4,5,6\n", [1, 4]),
    ],
)
def test_numbers_as_others_write_them(tmp_path, text, x):
    table, _ = read(tmp_path, text)
    np.testing.assert_array_equal(table.x.to_numpy(float), np.array(x, float))


@pytest.mark.parametrize("values", [["grade 1", "grade 2", "grade 3"], ["4WD", "2WD", "4WD"]])
def test_names_with_numbers_stay_names(values):
    chosen = select(pd.DataFrame({"x": values * 8}))
    assert learn_encoding(chosen.features).codes[0].kind == "levels"


@pytest.mark.parametrize(
    ("text", "options", "match"),
    [
        ('g,y\n"5 inch,2\nb,4\nc,5\n', {}, "a double quote opens a field in line 2"),
        ('g,y\na,1\n"5 inch,2\n"b,4\nc,5\n', {}, "opens a field in line 3"),
        ("g,y\n" + "aaaaaaaaa,1\n" * 30_000 + '"b,2\nc,3\n', {}, "opens a field in line 30002"),
        ("<html><body>404 not found</body></html>\n<p>\n", {}, "a web page"),
        ('[{"x": 1}, {"x": 2}]\n', {}, "is JSON"),
        ("x,y\n1,2\n3,4\n", {"sep": ";"}, "parted by a comma; leave --sep out"),
        ("x,y\n1,2\n3,4\n", {"sep": '"'}, "one character but no quote"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(tmp_path, text, options, match):
    with pytest.raises(InputError, match=match):
        read(tmp_path, text, **options)


def test_a_large_file_with_carriage_returns_alone(tmp_path):
    assert len(read(tmp_path, "x,y\r" + "1.25,2.75\r" * 25_000)[0]) == 25_000


def test_files_with_a_foreign_ending_and_archives_with_hidden_files(tmp_path):
    table, told = read(tmp_path, "x\ty\n1\t2\n3\t4\n", name="t.xls")
    assert table.x.tolist() == [1, 3] and "is text, although its ending is .xls" in told
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a/t.csv", "x,y\n1,2\n")
        archive.writestr("a/.DS_Store", "x")
    assert read(tmp_path, data.getvalue(), name="t.zip")[0].x.tolist() == [1]


def test_identifiers_and_codes_stay_as_they_are_written(tmp_path):
    rows = "".join(f"0{i:02d},0{i % 2},{i},{i * i % 7}\n" for i in range(12))
    (tmp_path / "t.csv").write_text("id,zone,x,y\n" + rows)
    path = str(tmp_path / "t.csv")
    told = ["tree", path, "--id", "id", "--category", "zone", "--method", "local", "--quiet"]
    assert main(told) == 0
    labels = (tmp_path / "t_tree" / "labels.csv").read_text().splitlines()
    assert labels[1].startswith("000,") and labels[12].startswith("011,")
    assert "zone = 0" in (tmp_path / "t_tree" / "report.json").read_text().replace("_", " = ")


@pytest.mark.parametrize(
    ("column", "na"),
    [
        (pd.Series([-9.0, 1.5, 2.5, 3.5]), "-9"),
        (pd.Series([-9, 1, 2, 3]), -9),
        (pd.Series(["-9,0", "1", "2", "3"]), "-9,0"),
        (pd.Series(pd.Categorical([-9, 1, 1, 2])), "-9"),
        (pd.to_datetime(pd.Series(["1900-01-01", "2020-01-01", "2020-01-02", "2020-01-03"])), None),
    ],
)
def test_a_missing_value_by_any_spelling(column, na):
    na = "1900-01-01" if na is None else na
    chosen = select(pd.DataFrame({"x": column, "z": range(4)}), na=na, drop_missing=True)
    assert chosen.rows.tolist() == [1, 2, 3]
    assert (chosen.features.x.dtype == "category") == (column.dtype == "category")


def test_one_column_has_one_role():
    table = pd.DataFrame({"x": range(8), "y": range(8), "k": range(8)})
    for options, match in (
        ({"drop": "y"}, "needed and cannot be left out"),
        ({"identifiers": "y"}, "cannot name the rows"),
        ({"identifiers": "k", "weights": "k"}, "cannot name the rows"),
        ({"drop": "k", "weights": "k"}, "needed and cannot be left out"),
    ):
        with pytest.raises(InputError, match=match):
            select(table, "y", **options)
    assert select(table.set_axis([0, 1, 2], axis=1), 1).y.tolist() == list(range(8))


@pytest.mark.parametrize(
    ("values", "days"),
    [
        (["1/13/2020 10:30", "1/14/2020 22:30", "2/13/2020 10:30"], [0, 1.5, 31]),
        (["13/1/2020 1:30 PM", "14/1/2020 1:30 AM", "14/1/2020 1:30 PM"], [0, 0.5, 1]),
        (["Jan 2020", "February 2020", "Mar 2020"], [0, 31, 60]),
        (["2020-W01", "2020-W02", "2020-W04"], [0, 7, 21]),
    ],
)
def test_moments_as_others_write_them(values, days):
    table = pd.DataFrame({"x": values * 3})
    assert learn_encoding(table).apply(table)[:3, 0] == pytest.approx(days)


def test_dates_without_signs_are_asked_about_and_letters_are_composed():
    chosen = select(pd.DataFrame({"x": [20200131, 20200201], "g": ["\u00e9", "e\u0301"]}))
    assert "if 20200131 is a date" in " ".join(chosen.notes)
    assert learn_encoding(chosen.features).levels["g"] == ("\u00e9",)


def test_levels_that_are_numbers_are_known_as_floats_too():
    table = pd.DataFrame({"x": [0, 1, 2] * 8})
    encoding = learn_encoding(table, categories=["x"])
    assert encoding.apply(pd.DataFrame({"x": [1.0, 2.0]})).tolist() == [[1, 0], [0, 1]]


def test_given_labels_follow_rows_with_identifiers_and_repeated_names():
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    labels = np.where(x > 0, "high", "low")
    table = pd.DataFrame({"k": [f"p{i}" for i in range(40)], "x": x, "z": x}, index=[0] * 40)
    table.iloc[3, 2] = np.nan
    for options in ({"identifiers": "k"}, {"drop": "k"}):
        report = explain_table(table, labels, options={**options, "drop_missing": True})
        assert report.rules.errors == 0 and len(report.rules.labels) == 39


def test_an_index_beside_row_names_is_no_feature_either(tmp_path):
    """pandas writes its index beside the names of rows that R wrote."""
    names = [f"p{i}" for i in range(8)]
    table = pd.DataFrame({"rownames": names, "x": np.arange(8) / 2, "y": np.arange(8) / 4})
    table.to_csv(tmp_path / "t.csv")
    read = read_table(tmp_path / "t.csv")
    assert list(read) == ["x", "y"] and read.index.tolist() == names
    table.assign(rownames=1).to_csv(tmp_path / "same.csv")
    assert list(read_table(tmp_path / "same.csv")) == ["rownames", "x", "y"]


def test_what_databases_and_sap_write(tmp_path):
    """Null as backslash N, a zone of two digits, a minus behind the number."""
    rows = range(12)
    days = [f"2024-01-{i + 1:02d} 10:00:00+0{i % 2}" for i in rows]
    table = pd.DataFrame({"t": days, "x": [f"{i}.5" for i in rows], "g": list("ab") * 6, "y": rows})
    table.loc[3, ["x", "g"]] = "\\N"
    table.to_csv(tmp_path / "t.csv", index=False)
    chosen = select(read_table(tmp_path / "t.csv"), "y", drop_missing=True)
    told = " ".join(chosen.notes)
    assert "'x': read as missing: '\\\\N' in 1 row" in told and "'g': '\\\\N' in 1 row is a" in told
    encoding = learn_encoding(chosen.features)
    assert encoding.names[0] == "t" and encoding.apply(chosen.features)[1, 0] == 1 - 1 / 24
    sap = pd.DataFrame({"x": ["1.5-", "2.5", "3.5-", "4.5"] * 3})
    assert learn_encoding(sap).apply(sap)[:2, 0].tolist() == [-1.5, 2.5]
