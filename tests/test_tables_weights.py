"""A row of weight 0 counts nowhere, in all three parts and at the command line."""

import json

import numpy as np
import pandas as pd
import pytest

from lpc_ns import (
    ClusterTree,
    InteractionBasedClustering,
    LinearPredictiveClustering,
    MixtureOfRegressions,
)
from lpc_ns.base.errors import InputError
from lpc_ns.base.selection import select
from lpc_ns.base.tables import read_table
from lpc_ns.cli import main

MODELS = {
    "lpc": LinearPredictiveClustering(2, random_state=0),
    "ibc": InteractionBasedClustering("C", cv=2, random_state=0),
    "mixture": MixtureOfRegressions(2, gate="none", random_state=0),
    "tree": ClusterTree(2, random_state=0),
}


@pytest.fixture(scope="module")
def table():
    """Two lines; then rows that would move means, references and lines if they counted."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 60)
    y = np.where(np.arange(60) % 2, 1 + 2 * x, 20 - 1.5 * x) + 0.3 * rng.normal(size=60)
    city = np.where(np.arange(60) % 3, "Rome", "Oslo")
    good = pd.DataFrame({"x": x, "city": city, "w": np.tile([1.0, 2.0], 30), "y": y})
    away = pd.DataFrame({"x": [900.0] * 50, "city": "Oslo", "w": 0.0, "y": -1e4})
    return pd.concat([away[:25], good, away[25:]], ignore_index=True)


def fitted(name, table, columns):
    """A model of the table, with weights."""
    given = {"sample_weight": table.w}
    if name != "tree":
        given["y"] = table.y
    return MODELS[name].__class__(**MODELS[name].get_params()).fit(table[columns], **given)


@pytest.mark.parametrize("name", MODELS)
def test_rows_of_weight_zero_change_nothing(table, name):
    columns = ["x"] if name == "mixture" else ["x", "city"]
    counts = (table.w > 0).to_numpy()
    long = fitted(name, table, columns)
    short = fitted(name, table[counts], columns)
    assert len(long.labels_) == len(table)
    np.testing.assert_array_equal(long.labels_[counts], short.labels_)
    for fact in ("coef_", "intercept_", "objective_", "cluster_centers_", "loss_", "residuals_"):
        if hasattr(short, fact):
            np.testing.assert_allclose(getattr(long, fact), getattr(short, fact), rtol=1e-9)


@pytest.mark.parametrize("name", ["lpc", "ibc"])
def test_a_level_can_be_left_out_by_its_weights(table, name):
    other = table.assign(city=table.city.where(table.w > 0, "Paris"))
    same = fitted(name, table, ["x", "city"])
    long = fitted(name, other, ["x", "city"])
    np.testing.assert_allclose(long.coef_, same.coef_, rtol=1e-9)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("bad", "told"), [(-1.0, "row 3; a weight must be 0"), (np.nan, "NaN"), (np.inf, "inf")]
)
def test_weights_that_say_nothing_are_refused_in_one_sentence(table, name, bad, told):
    spoiled = table.assign(w=table.w.where(table.index != 3, bad))
    with pytest.raises(InputError, match=told):
        fitted(name, spoiled, ["x"])
    with pytest.raises(InputError, match="zero in all rows"):
        fitted(name, table.assign(w=0.0), ["x"])


def test_a_selection_leaves_rows_of_weight_zero_out_before_it_fills_gaps(table):
    holed = table.assign(x=table.x.where(table.index != 30))
    chosen = select(holed, "y", weights="w", impute="median")
    known = (table.w > 0) & (table.index != 30)
    assert chosen.features.x[30] == pytest.approx(table.x[known].median())
    told = "50 of 110 rows were left out: they have the weight 0."
    assert any(told in note for note in chosen.notes)
    np.testing.assert_array_equal(chosen.rows, np.arange(25, 85))
    with pytest.raises(InputError, match="'w' is -1 in row 7"):
        select(table.assign(w=table.w.where(table.index != 7, -1.0)), "y", weights="w")


def test_the_program_reports_a_table_as_if_rows_of_weight_zero_were_not_there(table, tmp_path):
    reports = []
    for name, part in (("long", table), ("short", table[table.w > 0])):
        part.drop(columns="y").to_csv(tmp_path / f"{name}.csv", index=False)
        options = ["--weights", "w", "--n-clusters", "2", "--quiet"]
        assert main(["tree", str(tmp_path / f"{name}.csv"), *options]) == 0
        reports.append(json.loads((tmp_path / f"{name}_tree" / "report.json").read_text()))
    for fact in ("objective", "loss", "cluster_sizes", "n_samples"):
        assert reports[0][fact] == reports[1][fact]
    rules = [(tmp_path / f"{name}_tree" / "rules.csv").read_text() for name in ("long", "short")]
    assert rules[0] == rules[1]
    assert len(read_table(tmp_path / "long_tree" / "labels.csv")) == 60


def test_advice_leaves_out_rows_of_weight_zero_and_says_what_it_does_with_others(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 40)
    table = pd.DataFrame({"x": x, "w": np.arange(40) % 4, "y": 2 * x + rng.normal(size=40)})
    table.to_csv(tmp_path / "t.csv", index=False)
    assert main(["advise", str(tmp_path / "t.csv"), "--target", "y", "--weights", "w"]) == 0
    told = capsys.readouterr().out
    assert "30 rows used, 10 left out" in told and "gives all rows the same weight" in told
