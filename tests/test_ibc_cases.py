"""Cases that the search for interactions once got wrong, with what is right."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lpc_ns import InteractionBasedClustering
from lpc_ns.ibc.split.growth import grow_tree
from lpc_ns.ibc.terms.screening import screen_pairs
from lpc_ns.reports.ibc import fit_ibc_table


def strong(p, seed, n=500):
    """Every feature has an effect of 3, two of them a product of effect 1."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = 3 * X.sum(axis=1) + X[:, 0] * X[:, 1] + 0.5 * rng.normal(size=n)
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(p)]), y


def switching(p, seed, n=500):
    """A slope that switches with the sign of x1, beside effects of 3 of all other features."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = 3 * X[:, 2:].sum(axis=1) + 2 * np.sign(X[:, 1]) * X[:, 0]
    return X, y + 0.5 * rng.normal(size=n)


def test_a_blatant_product_beside_thirty_effects():
    """The model is C with this product; its F is that of two least-squares fits."""
    X, y = strong(30, 0)
    model = InteractionBasedClustering(cv=3, random_state=0).fit(X, y)
    assert model.model_ == "C" and model.terms_ == ((0, 1),)
    A = np.column_stack([np.ones(500), X, X["x0"] * X["x1"]])
    coef, rss, _, _ = np.linalg.lstsq(A, y)
    less = np.linalg.lstsq(A[:, :-1], y)[1]
    F = float((less / rss - 1)[0] * (500 - A.shape[1]))
    assert F == pytest.approx(1964, rel=0.01)
    np.testing.assert_allclose(model.selection_.f_statistic, F, rtol=1e-8)
    np.testing.assert_allclose(model.selection_.coef, coef[-1], rtol=1e-6)


@pytest.mark.parametrize(("p", "seed"), [(10, 0), (30, 0), (30, 1)])
def test_a_visible_regime_beside_strong_effects(p, seed):
    """The tree cuts x1 at zero, and nothing else first."""
    X, y = switching(p, seed)
    model = InteractionBasedClustering(cv=3, random_state=0).fit(X, y)
    assert model.model_ == "tree"
    root = model.models_["tree"].tree.nodes[0].question
    assert root.variable == 1 and abs(root.threshold) < 0.1


def test_no_p_value_for_a_product_that_the_features_contain():
    """x2 is nearly x0 * x1; given all main effects its p-value is .67."""
    rng = np.random.default_rng(0)
    n = 400
    x0, x1 = rng.normal(size=(2, n))
    x2 = x0 * x1 + 0.3 * rng.normal(size=n)
    table = pd.DataFrame({"x0": x0, "x1": x1, "x2": x2, "y": x0 + x2 + 0.5 * rng.normal(size=n)})
    report = fit_ibc_table(table, "y", cv=2, evidence=False, random_state=0)
    shown = report.interactions()
    assert shown["p_value"].isna().all() and not shown["selected"].any()
    own = shown.set_index("term").loc["x0 * x1"]
    assert own["F"] == pytest.approx(0.186, abs=0.01)  # of which p = .67 is the tail
    assert "score" in screen_pairs(table[["x0", "x1", "x2"]], table["y"]).to_frame()


def test_a_regime_is_a_level_whatever_it_is_called():
    """All slopes have the opposite sign in one level of three: products with that level, or a cell
    of its own, are the same model."""
    rng = np.random.default_rng(0)
    g = rng.choice(list("abc"), 300)
    X = rng.normal(size=(300, 5))
    y = np.where(g == "a", 1, -1) * X.sum(axis=1) + 0.5 * rng.normal(size=300)
    r2 = []
    for name in ("a", "z"):
        table = pd.DataFrame(X, columns=list("pqrst")).assign(g=np.where(g == "a", name, g))
        model = InteractionBasedClustering(cv=3, random_state=0).fit(table, y)
        r2.append(model.comparison_.table.r2[model.model_])
        tree = InteractionBasedClustering("tree", degree=1, cv=3, random_state=0).fit(table, y)
        assert len(tree.rules()) == 2
        assert len(set(tree.labels_[g == "a"])) == len(set(tree.labels_[g != "a"])) == 1
        assert tree.score(table, y) > 0.93
    assert r2[0] == pytest.approx(r2[1], abs=1e-6) and r2[0] > 0.93


def test_strong_slopes_do_not_hide_the_cut_of_a_single_split():
    """A penalty on the slopes of cells, and not on their differences, lost x1 among four others."""
    X, y = switching(30, 0)
    model = InteractionBasedClustering("B", cv=2, random_state=0).fit(X, y)
    assert model.split_.variables == (1,) and abs(model.split_.thresholds[0]) < 0.1
    assert model.score(X, y) > 0.995


def test_equally_good_cuts_take_the_first_column():
    """A column and its negative make the same cells; rounding must not decide which is asked."""
    for seed in range(30):
        rng = np.random.default_rng([31, seed])
        x = rng.normal(size=200)
        X = np.column_stack([x, -x, rng.normal(size=200)])
        y = np.where(x > 0.2, 1, -1) * X[:, 2] + 0.3 * rng.normal(size=200)
        values = np.ascontiguousarray(X.T)
        tree = grow_tree(X[:, 2:], y, values, [0, 0, 0], max_cells=2)
        assert tree.nodes[0].question.variable == 0


@pytest.mark.parametrize("model", ["auto", "tree", "B", "D"])
def test_without_noise_nothing_is_divided_that_is_one(model):
    """An exact line is one cell with its own coefficients, in any units."""
    X = np.random.default_rng(0).normal(size=(120, 3))
    for scale, offset in ((1, 0), (1e-6, 0), (1, 1e8)):
        y = offset + scale * (X @ [1, 2, 3])
        fitted = InteractionBasedClustering(model, cv=2, random_state=0).fit(X, y)
        assert fitted.labels_.max() == 0
        assert np.abs(fitted.coef_[0] - scale * np.array([1, 2, 3])).max() < 1e-7 * scale
        assert len(fitted.rules()) == 1


def test_without_noise_regimes_are_those_that_made_the_data():
    """Two exact regimes are two cells: shrinkage makes no third."""
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = np.where(X[:, 1] > 0.2, 2, -2) * X[:, 0]
    for model in ("auto", "B"):
        fitted = InteractionBasedClustering(model, cv=3, random_state=0).fit(X, y)
        assert (fitted.labels_ == (X[:, 1] > 0.2)).all()
        assert np.abs(fitted.predict(X) - y).max() < 1e-8


def test_an_offset_of_the_target_decides_nothing():
    """Errors of candidates are compared in standardised units: single precision is enough."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = 2 * np.sign(X[:, 1] - 0.3) * X[:, 0] + X[:, 2] + 0.5 * rng.normal(size=200)
    plain = InteractionBasedClustering("tree", cv=2, random_state=0).fit(X, y)
    for scale, offset in ((1.0, 1e8), (1e25, 0.0)):
        other = InteractionBasedClustering("tree", cv=2, random_state=0)
        other.fit(X, offset + scale * y)
        assert (other.labels_ == plain.labels_).all()
        error = plain.comparison_.table["r2"] - other.comparison_.table["r2"]
        assert error.abs().max() < 1e-4


def test_others_are_named_where_there_are_others():
    """A question that names all levels of its variable says nothing of others."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"g": rng.choice(list("abcd"), 300), "x": rng.normal(size=300)})
    y = np.where(table["g"].isin(["a", "c"]), 2, -2) * table["x"] + 0.3 * rng.normal(size=300)
    model = InteractionBasedClustering("tree", degree=1, cv=2, max_cells=2, random_state=0)
    model.fit(table, y)
    assert "g in {" in model.export_text() and "others" not in model.export_text()


def test_rows_of_the_benchmark_execute():
    """Some rows in their smallest form, in a process of their own; nothing is stored."""
    script = Path(__file__).resolve().parents[1] / "benchmarks" / "ibc.py"
    rows = ["nulls", "levels", "trees"]
    done = subprocess.run(
        [sys.executable, script, *rows, "--tiny"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(f"\n{row}\n" in done.stdout for row in rows) and "<= .08" in done.stdout
