"""Printed rules are those that are used: a program that reads them puts every row into its cell."""

import numpy as np
import pandas as pd
import pytest

from lpc_ns import InteractionBasedClustering
from lpc_ns.reports.ibc import fit_ibc_table


def awkward(n, seed):
    """Thresholds of many digits, dates, levels with commas and signs, and missing values."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "tiny": 3e-7 + 1e-9 * rng.normal(size=n),
            "huge": 1e12 + rng.normal(size=n),
            "third": rng.integers(0, 7, n) / 3,
            "day": pd.Timestamp("2024-02-28") + pd.to_timedelta(rng.integers(0, 400, n), unit="D"),
            "kind, place": rng.choice(["a, b", "in {c}", "d <= 3", "e and f"], n),
            "slope": rng.normal(size=n),
        }
    )
    steps = (
        10.0 * (table["tiny"] > 3e-7)
        + 6 * table["kind, place"].isin(["a, b", "d <= 3"])
        + 4 * (table["day"] > "2024-09-01")
        + 3 * (table["third"] > 1)
        + 3 * (table["huge"] > 1e12)
    )
    y = (steps - 13) * table["slope"] + 0.1 * rng.normal(size=n)
    table.loc[rng.random(n) < 0.1, "third"] = np.nan
    table.loc[rng.random(n) < 0.1, "kind, place"] = None
    table.loc[rng.random(n) < 0.05, "day"] = pd.NaT
    return table, y.to_numpy()


def goes_left(question, table, levels):
    """Which rows answer yes to a printed question, with what it says of missing values."""
    question, _, gap = question.partition(" (")
    for name in table.columns:
        column = table[name]
        if question == f"{name} is not missing":
            return column.notna().to_numpy()
        if question.startswith(f"{name} in {{"):
            inside = question[len(name) + 5 : -1]
            told = [level for level in levels[name] if level in inside]
            assert ", ".join(told) == inside or len(inside) == len(", ".join(told))
            given = column.astype(object).where(column.notna(), "missing")
            return given.isin(told).to_numpy()
        if question.startswith(f"{name} <= "):
            limit = question[len(name) + 4 :]
            limit = pd.Timestamp(limit) if name == "day" else float(limit)
            values = column
            left = (values <= limit).to_numpy()
            gone = values.isna().to_numpy()
            if "left if" in gap:
                other, _, rest = gap.partition("left if ")[2].partition(", if")[0].rpartition(" ")
                raise AssertionError(f"a surrogate, which this reader does not know: {other}{rest}")
            return np.where(gone, "missing left" in gap, left)
    raise AssertionError(question)


def read(text, table, levels):
    """Cells of rows by a printed tree, nested by four blanks."""
    lines = [((len(line) - len(line.lstrip())) // 4, line.strip()) for line in text.splitlines()]
    cells = np.full(len(table), -1)

    def walk(k, rows):
        depth, line = lines[k]
        if ": cell " in line:
            cells[rows] = int(line.rpartition(": cell ")[2].split(" ")[0])
            return
        children = []
        for m in range(k + 1, len(lines)):
            if lines[m][0] <= depth:
                break
            if lines[m][0] == depth + 1:
                children.append(m)
        question = lines[children[0]][1].partition(": cell ")[0]
        left = goes_left(question, table, levels)
        walk(children[0], rows & left)
        walk(children[1], rows & ~left)

    walk(0, np.ones(len(table), dtype=bool))
    return cells


def test_printed_rules_are_the_used_ones_whatever_the_thresholds():
    table, y = awkward(1400, 5)
    half = np.arange(len(y)) < 1000
    options = {"degree": 1, "cv": 2, "max_cells": 12, "min_samples_leaf": 25}
    options["candidates"] = ["tiny", "huge", "third", "day", "kind, place"]
    model = InteractionBasedClustering("tree", random_state=0, **options).fit(table[half], y[half])
    text = model.export_text()
    asked = {name for name in table.columns if f"{name} <= " in text or f"{name} in " in text}
    assert len(model.rules()) >= 6 and {"tiny", "kind, place"} <= asked and len(asked) >= 3
    levels = {"kind, place": ["a, b", "in {c}", "d <= 3", "e and f", "missing"]}
    cells = read(text, table, levels)
    assert (cells == model.apply(table)).all() and len(set(cells)) == len(model.rules())
    assert model.score(table[~half], y[~half]) > 0.8


def test_a_report_of_many_cells_can_be_read():
    """Cells of a larger tree go by their numbers; the error over cells comes last."""
    rng = np.random.default_rng(6)
    table = pd.DataFrame(rng.normal(size=(500, 3)), columns=["place", "slope", "other"])
    table["y"] = np.select([table["place"] < -0.6, table["place"] < 0.6], [3, -3], 1)
    table["y"] = table["y"] * table["slope"] + 0.3 * rng.normal(size=500)
    report = fit_ibc_table(
        table, "y", model="tree", degree=1, folds=2, evidence=False, random_state=0
    )
    assert len(report.rules) > 2
    cells = [f"cell {k}" for k in range(len(report.rules))]
    assert list(report.equation.table.index[: len(cells)]) == cells
    titles = [title for title, _ in report.sections()]
    order = ["Rules", "Splits", "Coefficients", "Error over cells"]
    assert [t for t in titles if t in order] == order
    text = str(report)
    assert all(f": {cell} (" in text for cell in cells)
    widest = max(len(line) for line in text.splitlines() if line.startswith("slope"))
    assert widest < 40 * (len(cells) + 2)


def test_missing_texts_are_a_level():
    """Text with gaps in the fit and without them later, and the other way round."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame({"x": rng.normal(size=200), "g": rng.choice(["a", "b"], 200)})
    y = np.where(table["g"] == "a", 1, -1) * table["x"] + 0.1 * rng.normal(size=200)
    gaps = table.assign(g=table["g"].where(rng.random(200) > 0.2))
    model = InteractionBasedClustering("C", cv=2, random_state=0).fit(gaps, y)
    assert model.score(gaps, y) > 0.7
    known = gaps["g"].notna()
    np.testing.assert_allclose(model.predict(table[known]), model.predict(gaps)[known])
    with pytest.raises(ValueError, match="missing"):
        InteractionBasedClustering("C", cv=2, random_state=0).fit(table, y).predict(gaps)
