"""Workbooks and binary files as people have them: merged headers, texts for numbers, labels."""

import struct

import numpy as np
import pandas as pd
import pytest

from lpc_ns.base.encoding import learn_encoding
from lpc_ns.base.errors import InputError
from lpc_ns.base.selection import select
from lpc_ns.base.tables import read_table
from lpc_ns.cli import main

pytest.importorskip("openpyxl")
HALVES = [i / 2 for i in range(12)]


def workbook(path, *sheets):
    """Write sheets, each (name, rows), as they stand."""
    with pd.ExcelWriter(path) as writer:
        for name, rows in sheets:
            pd.DataFrame(rows, dtype=object).to_excel(
                writer, sheet_name=name, index=False, header=False
            )
    return path


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_a_header_of_merged_cells_has_two_rows(ending, tmp_path):
    """It was taken for units: '2019 in sales'."""
    rows = [["shop", "2019", None, "2020", None], [None, "sales", "cost", "sales", "cost"]]
    rows += [[f"s{i}", i + 0.5, i * 0.25, i - 0.5, i * 0.75] for i in range(8)]
    path = tmp_path / f"merged.{ending}"
    if ending == "xlsx":
        workbook(path, ("all", rows))
    else:
        pd.DataFrame(rows).to_csv(path, index=False, header=False)
    table = read_table(path)
    assert list(table) == ["shop", "2019 sales", "2019 cost", "2020 sales", "2020 cost"]
    assert len(table) == 8 and table["2020 cost"].iloc[2] == 1.5 and not table.attrs["units"]
    assert any("two rows" in note for note in table.attrs["notes"])


def test_units_under_a_header_with_a_gap_stay_units(tmp_path):
    path = tmp_path / "units.csv"
    path.write_text("site,dose,effect\n,mg,cm\na,1,2\nb,2,3\nc,4,5\n")
    table = read_table(path)
    assert table.attrs["units"] == {"dose": "mg", "effect": "cm"} and len(table) == 3


def test_texts_of_a_workbook_are_numbers_with_commas(tmp_path):
    rows = [["x", "y"], *([x, f"{x:.1f}".replace(".", ",")] for x in HALVES)]
    table = read_table(workbook(tmp_path / "german.xlsx", ("all", rows)))
    assert table.y.tolist() == HALVES and "a comma marks decimals" in table.attrs["notes"][0]
    rows = [["x", "y"], *([x, f"{k + 1},000"] for k, x in enumerate(HALVES))]
    path = workbook(tmp_path / "either.xlsx", ("all", rows))
    with pytest.raises(InputError, match="can be read in two ways"):
        read_table(path)
    assert read_table(path, decimal=".").y.iloc[0] == 1000
    assert read_table(path, decimal=",").y.iloc[0] == 1
    rows = [["x", "y"], *([x, f"a, b{k % 2}"] for k, x in enumerate(HALVES))]
    assert read_table(workbook(tmp_path / "text.xlsx", ("all", rows))).y.iloc[0] == "a, b0"


def test_formulas_without_values_are_named(tmp_path):
    rows = [["x", "y"], *([x, f"=A{k + 2}*2"] for k, x in enumerate(HALVES))]
    with pytest.raises(InputError, match="formulas without values, the first in cell B2"):
        read_table(workbook(tmp_path / "sums.xlsx", ("all", rows)))


def test_a_first_sheet_of_remarks_names_the_others(tmp_path):
    rows = [["x", "y"], *([x, 2 * x] for x in HALVES)]
    path = workbook(tmp_path / "two.xlsx", ("Info", [["Read me"]]), ("Data", rows))
    with pytest.raises(InputError, match="other sheets are 'Data'"):
        read_table(path)
    assert len(read_table(path, sheet="Data")) == 12


def test_dates_in_a_header_have_no_midnight(tmp_path):
    rows = [[pd.Timestamp("2020-01-01"), "y"], *([x, 2 * x] for x in HALVES)]
    assert "2020-01-01" in read_table(workbook(tmp_path / "dates.xlsx", ("all", rows)))


def test_a_last_row_called_total_is_told():
    table = pd.DataFrame({"shop": [*("ab" * 6), "Total"], "x": [*HALVES, sum(HALVES)]})
    assert any("calls the last row 'Total'" in note for note in select(table).notes)
    assert not any("Total" in note for note in select(table.iloc[:-1]).notes)


def test_stata_labels_of_some_values_keep_a_column_numeric(tmp_path):
    """They made a category of every age."""
    age = [25, 31, -9, 40, 52, 66, 71, 18, 33, 47, 59, 62]
    survey = pd.DataFrame({"age": age, "mood": [1, 2, 5, 4] * 3, "sex": [1, 2] * 6, "y": HALVES})
    labels = {"age": {-9: "refused"}, "mood": {1: "bad", 5: "good"}, "sex": {1: "f", 2: "m"}}
    path = tmp_path / "survey.dta"
    survey.to_stata(path, write_index=False, value_labels=labels)
    table = read_table(path)
    assert any("1 is 'bad', 5 is 'good'" in note for note in table.attrs["notes"])
    with pytest.raises(InputError, match="'age' is numeric but for 1 value, 'refused'"):
        learn_encoding(select(table).features)
    chosen = select(read_table(path, na="refused"), "y", drop_missing=True)
    assert learn_encoding(chosen.features).names == ("age", "mood", "sex_f")
    assert len(chosen.y) == 11 and chosen.features.mood.tolist()[:3] == [1, 2, 4]


def test_parquet_with_two_columns_of_one_name_says_so(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    values = pa.array(HALVES)
    pq.write_table(pa.Table.from_arrays([values, values], names=["x", "x"]), tmp_path / "p.parquet")
    with pytest.raises(InputError, match="more than one column with the name 'x'"):
        read_table(tmp_path / "p.parquet")


def sas_number(value):
    """A number as SAS transport files hold it, in base 16."""
    if value == 0:
        return bytes(8)
    power = 0
    size = abs(value)
    while size >= 1:
        size /= 16
        power += 1
    while size < 1 / 16:
        size *= 16
        power -= 1
    whole = (int(value < 0) << 63) | ((64 + power) << 56) | int(size * 2**56)
    return struct.pack(">Q", whole)


def transport(table):
    """A SAS transport file of numbers."""

    def record(kind, end="0" * 30):
        return f"HEADER RECORD*******{kind:<8}HEADER RECORD!!!!!!!{end}  ".encode()

    def padded(text, width=80):
        return text.encode().ljust(width)

    stamp = "01JAN20:00:00:00"
    head = "SAS     SAS     SASLIB  9.4     LINUX   ".ljust(64) + stamp
    member = "SAS     DATA    SASDATA 9.4     LINUX   ".ljust(64) + stamp
    out = record("LIBRARY") + padded(head) + padded(stamp)
    out += record("MEMBER", "000000000000000001600000000140") + record("DSCRPTR")
    out += padded(member) + padded(stamp)
    out += record("NAMESTR", f"000000{len(table.columns):04d}00000000000000000000")
    fields = b""
    for k, name in enumerate(table):
        field = struct.pack(">hhhh", 1, 0, 8, k + 1) + padded(name, 8) + padded("", 40)
        field += padded("", 8) + struct.pack(">hhh2s", 0, 0, 0, b"  ") + padded("", 8)
        fields += field + struct.pack(">hhl", 0, 0, 8 * k) + bytes(52)
    out += fields + b" " * (-len(fields) % 80) + record("OBS")
    rows = b"".join(sas_number(v) for row in table.to_numpy() for v in row)
    return out + rows + b" " * (-len(rows) % 80)


def test_sas_transport_files_are_read(tmp_path):
    table = pd.DataFrame({"X": [1.5, -2.0, 0.0, 100.25], "Y": [0.5, 7.0, 3.0, -0.125]})
    (tmp_path / "t.xpt").write_bytes(transport(table))
    read = read_table(tmp_path / "t.xpt")
    np.testing.assert_array_equal(read[["X", "Y"]].to_numpy(), table.to_numpy())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.rds", "end with .rds are not read; export the table as CSV"),
        ("a.sqlite", "end with .sqlite are not read"),
        ("a.sav", "pyreadstat"),
        ("a.sas7bdat", "cannot be read as a table"),
    ],
)
def test_files_of_other_programs_get_one_sentence(name, told, tmp_path, capsys):
    (tmp_path / name).write_bytes(b"$FL2\0\1\2\3" * 40)
    assert main(["tree", str(tmp_path / name)]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and told in lines[0]
