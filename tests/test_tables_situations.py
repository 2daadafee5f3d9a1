"""Exports as programs write them that stand in no other test: what is read, left out, or said."""

import numpy as np
import pandas as pd
import pytest

from lpc_ns.base.encoding import learn_encoding
from lpc_ns.base.errors import InputError
from lpc_ns.base.files import decode
from lpc_ns.base.selection import select
from lpc_ns.base.tables import read_table


def read(folder, text, name="t.csv"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    table = read_table(folder / name)
    return table, " ".join(table.attrs["notes"])


@pytest.mark.parametrize(
    ("cells", "numbers", "told"),
    [
        (["1.5", "#DIV/0!", "2", "3"], [1.5, None, 2, 3], "'#DIV/0!' in 1 row"),
        (["1.5", "#WERT!", "#REF!", "3"], [1.5, None, None, 3], "'#REF!' in 1 row"),
        (["1,5", "#NV", "2,25", "3"], [1.5, None, 2.25, 3], "'#NV' in 1 row"),
        (["CHF 1'000.50", "CHF 20", "CHF 3", "CHF 4"], [1000.5, 20, 3, 4], "carries 'CHF'"),
        (["1'000.50 CHF", "20 CHF", "3 CHF", "4 CHF"], [1000.5, 20, 3, 4], "carries 'CHF'"),
        (["1\u202f000,5 €", "20 €", "3 €", "4,25 €"], [1000.5, 20, 3, 4.25], "carries '€'"),
        (["EUR 5", "EUR -6.5", "EUR 7", "EUR 8"], [5, -6.5, 7, 8], "carries 'EUR'"),
        (["1.5", "(2.5)", "3", "4"], [1.5, -2.5, 3, 4], "like '(2.5)' are read as negative"),
        (["$1.5", "($2.5)", "$3", "$4"], [1.5, -2.5, 3, 4], "like '($2.5)' are read as negative"),
        (["1.5", "2.5-", "3", "4"], [1.5, -2.5, 3, 4], "like '2.5-' are read as negative"),
        (["–1.5", "2", "−3", "4"], [-1.5, 2, -3, 4], ""),
        (['="12"', '="13"', '="4"', '="5"'], [12, 13, 4, 5], ""),
        (["'12", "'13", "'4", "'5"], [12, 13, 4, 5], ""),
        (["1.5D+03", "2.5D-01", "3", "4"], [1500, 0.25, 3, 4], ""),
        (["12,34,500", "1,00,000", "3", "4"], [1234500, 100000, 3, 4], ""),
        (["1\u200b", "2\ufeff", "3", "4"], [1, 2, 3, 4], ""),
    ],
)
def test_numbers_of_other_programs(tmp_path, cells, numbers, told):
    rows = "".join(f"{cell};{i}\n" for i, cell in enumerate(cells))
    table, notes = read(tmp_path, "x;y\n" + rows)
    assert table.x.to_numpy(float) == pytest.approx(np.array(numbers, float), nan_ok=True)
    assert told in notes


@pytest.mark.parametrize(
    ("cells", "levels"),
    [
        (["a b", "a\u00a0b", "c"], ("a b", "c")),
        (["a", "a\u200b", "c"], ("a", "c")),
        (["<5", "5-9", "10+"], ("<5", "5-9", "10+")),
        (["#1", "#2", "#3"], ("#1", "#2", "#3")),
        (["EUR", "USD", "EUR"], ("EUR", "USD")),
    ],
)
def test_texts_that_stay_levels(cells, levels):
    table = pd.DataFrame({"g": cells * 6})
    assert sorted(learn_encoding(table).levels["g"]) == sorted(levels)


@pytest.mark.parametrize(
    ("cells", "match"),
    [
        (["$ 1.50", "$ 2", "$ -", "$ 4"], r"numeric but for 1 value, '\$ -' in row 2"),
        (["1,5", "2,5", "?", "4"], r"numeric but for 1 value, '\?' in row 2"),
        (["1", "2", "80+", "4"], "write it as a plain number"),
        (["1", "<0.5", "3", "4"], "write it as a plain number"),
        (["(1)", "(2)", "(3)", "(4)"], "can be read in several ways"),
        (["1/2", "2/3", "3/4", "4/5"], "numbers in a form that is not known, such as '1/2'"),
        (["1", "2", "inf", "4"], "is infinite in 1 row, the first of them 2; mend it"),
        (["low", "2", "3", "low"], "numeric but for 2 values.*one of categories"),
    ],
)
def test_cells_that_are_refused_by_what_they_are(tmp_path, cells, match):
    rows = "".join(f"{cell};{i}\n" for i, cell in enumerate(cells))
    table, _ = read(tmp_path, "x;y\n" + rows)
    with pytest.raises(InputError, match=match):
        learn_encoding(select(table, "y").features)


PLAIN = "".join(f"{i}.5,{i % 3},{i}\n" for i in range(9))
BOXED = "".join(f"|{line.replace(',', ' | ')}|\n" for line in PLAIN.splitlines())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x,w,y\n" + PLAIN[:24] + "x,w,y\n" + PLAIN[24:], "The header stands again in 1 row"),
        ("x,w,y\n" + PLAIN + "\nSource: an office\n* preliminary\n", "2 rows below the table"),
        ("x,w,y\n" + PLAIN + "Source: an office,,\n", "left out: 'Source: an office'"),
        ("# x w y\n" + PLAIN.replace(",", " "), "white space"),
        ("| x | w | y |\n|---|:-:|---|\n" + BOXED, ""),
        ("+---+---+\n|x|w|y|\n+---+---+\n" + BOXED + "+---+---+\n", ""),
        (" x | w | y\n---+---+---\n" + PLAIN.replace(",", " | ") + "(9 rows)\n", "'(9 rows)'"),
        (("x,w,y\n" + PLAIN).encode() + b"\0" * 40, ""),
        (("x,w,y\n" + PLAIN).encode() + b"\x1a", ""),
        ("x\u00a0,\u200bw,y\n" + PLAIN, ""),
    ],
)
def test_what_stands_around_the_numbers(tmp_path, text, told):
    table, notes = read(tmp_path, text)
    assert list(table) == ["x", "w", "y"] and told in notes
    assert table.to_numpy(float).tolist() == [[i + 0.5, i % 3, i] for i in range(9)]


def test_a_workbook_with_a_source_below(tmp_path):
    sheet = pd.DataFrame({"x": [1.5, 2, "Source: us"], "w": [1, 2, None], "y": [1, 0, None]})
    sheet.to_excel(tmp_path / "t.xlsx", index=False)
    table = read_table(tmp_path / "t.xlsx")
    assert table.x.tolist() == [1.5, 2] and "Source: us" in table.attrs["notes"][0]


def test_lines_of_two_encodings():
    body = "größe\n".encode() + "höhe\n".encode("latin-1") + "süß\n".encode()
    read, note = decode(body, None, "t.csv")
    assert read.decode() == "größe\nhöhe\nsüß\n" and "line 2 is not" in note


@pytest.mark.parametrize(
    ("text", "match"),
    [("@relation a\n@data\n1,2\n", "an ARFF file"), ("1 1:2.5 7:3\n0 2:1\n", "LIBSVM's")],
)
def test_files_of_other_kinds(tmp_path, text, match):
    with pytest.raises(InputError, match=match):
        read(tmp_path, text)


def test_what_is_remarked():
    n = 12
    ages = [*range(20, 30), -99, -99]
    table = pd.DataFrame({"age": ages, "x": np.arange(n) ** 1.5, "y": range(n)})
    assert "-99 is far from all other values" in " ".join(select(table, "y").notes)
    assert "--na" not in " ".join(select(table[:10], "y").notes)
    named = table.set_axis([*(f"s{i}" for i in range(n - 1)), "Total"])
    assert "a row calls the last row 'Total'" in " ".join(select(named, "y").notes)


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (["1. Januar 2020", "2. März 2020", "31. Dez. 2020"], [0, 61, 365]),
        (["1er janv. 2020", "2 août 2020", "3 déc. 2020"], [0, 214, 337]),
        (["1 de enero de 2020", "3 de agosto de 2020", "5 de mayo de 2020"], [0, 215, 125]),
        (["gen 2020", "giu 2020", "lug 2020"], [0, 152, 182]),
    ],
)
def test_months_of_other_languages(texts, days):
    table = pd.DataFrame({"d": texts * 2})
    assert learn_encoding(table).apply(table)[:3, 0] == pytest.approx(days)
