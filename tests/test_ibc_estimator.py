"""The estimator of part I: conventions, honest selection, the right family, intervals, and its
promises on real data."""

import json
import os
import subprocess
import sys
import warnings
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import data_or_skip
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from lpc_ns import InteractionBasedClustering
from lpc_ns.base.encoding import learn_encoding
from lpc_ns.base.errors import DataWarning, InputError
from lpc_ns.datasets import load_uci
from lpc_ns.ibc.estimator import compare_models, warm
from lpc_ns.ibc.models.comparison import compare, cross_fit, make_folds, stack_weights
from lpc_ns.ibc.models.families import FAMILIES, fit_models, pool
from lpc_ns.ibc.models.findings import Settings, forward_terms
from lpc_ns.ibc.models.intervals import conformal_widths, noise_split
from lpc_ns.ibc.terms.screening import screen_pairs
from lpc_ns.reports.ibc import fit_interactions

CAPTURED = {"capture_output": True, "text": True, "check": True}
ALL = ("auto", *FAMILIES, "tree", "pooled", "stack")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@parametrize_with_checks(
    [InteractionBasedClustering(model, cv=2) for model in ("auto", "D", "stack")],
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": "weights say how much a sample matters:"
        " copies would be further evidence, and cv is a number of folds"
    },
)
def test_scikit_learn_conventions(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        check(estimator)


def truth(name, n=500, p=5, seed=0, linear=True):
    """One of the four truths of the notebook, with or without other main effects."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    noise = rng.normal(size=n)
    i = X[:, 0]
    j = X[:, 1]
    sign = np.sign(X[:, 1])
    signal = {"A": 1.2 * i, "B": 1.5 * sign * i, "C": i * j, "D": (2 + 1.5 * sign) * i * j}[name]
    return X, signal + linear * X[:, -1] + noise


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("p", "linear"), [(2, False), (5, True), (10, False)])
def test_auto_picks_the_right_family(name, p, linear):
    """12 seeds for each truth, four for each number of features, none of them used anywhere
    else."""
    chosen = [
        InteractionBasedClustering(random_state=s)
        .fit(*truth(name, 500, p, 7000 + 10 * p + s, linear))
        .family_
        for s in range(4)
    ]
    assert chosen.count(name) >= 3, chosen


def test_families_are_what_they_are_called():
    """Least squares, a given product and a given split: A to D are four textbook regressions."""
    X, y = truth("D", 200, 3, 1)
    models = fit_models(
        X,
        y,
        Settings(
            ridge=0.0, interactions=((0, 1),), candidates=((1,),), rules=("median",), max_cells=2
        ),
    )
    low = X[:, 1] <= np.median(X[:, 1])
    product = np.column_stack([X, X[:, 0] * X[:, 1]])
    for name, columns, parts in (
        ("A", X, [low | ~low]),
        ("B", X, [low, ~low]),
        ("C", product, [low | ~low]),
        ("D", product, [low, ~low]),
    ):
        expected = np.empty(200)
        for rows in parts:
            expected[rows] = LinearRegression().fit(columns[rows], y[rows]).predict(columns[rows])
        np.testing.assert_allclose(models[name].predict(X), expected, rtol=1e-7, atol=1e-9)
        assert models[name].n_coefficients == len(parts) * (columns.shape[1] + 1)


def test_gain_identity():
    """MSE_A - MSE_B is a level and a slope part, exactly, on any sample (theorem 1)."""
    X, y = truth("B", 300, 3, 2)
    models = fit_models(
        X, y, Settings(ridge=0.0, candidates=((1,),), rules=("median",), max_cells=2)
    )
    a = models["A"].fit
    b = models["B"].fit
    labels = models["B"].assign(X)
    total = 0.0
    for k in (0, 1):
        rows = labels == k
        mean = X[rows].mean(axis=0)
        level = y[rows].mean()
        slopes = b.coef[k] - a.coef[0]
        total += rows.mean() * (
            (level - a.intercept[0] - a.coef[0] @ mean) ** 2
            + slopes @ np.cov(X[rows].T, bias=True) @ slopes
        )
    mse = [((y - models[name].predict(X)) ** 2).mean() for name in "AB"]
    assert mse[0] - mse[1] == pytest.approx(total, abs=1e-12)


def test_nothing_is_chosen_outside_the_folds():
    """Changing the targets of a fold does not change what is predicted for it."""
    X, y = truth("D", 200, 6, 3)
    folds = make_folds(200, 4, 0)[0]
    predictions = cross_fit(X, y, Settings(), (*FAMILIES, "pooled"), cv=4).predictions
    for _, test in folds[:2]:
        spoiled = y.copy()
        spoiled[test] = -100 * y[test]
        again = cross_fit(X, spoiled, Settings(), (*FAMILIES, "pooled"), cv=4).predictions
        np.testing.assert_allclose(again[0, test], predictions[0, test], rtol=1e-9)


def test_noise_of_200_features_has_no_honest_r2():
    rng = np.random.default_rng(100)
    X = rng.normal(size=(200, 200))
    y = rng.normal(size=200)
    held_out = np.empty(200)
    columns = np.column_stack([X[:, i] * X[:, j] for i, j in screen_pairs(X, y, top=5).terms])
    selected_before = np.empty(200)
    for train, test in KFold(5, shuffle=True, random_state=0).split(X):
        model = InteractionBasedClustering(cv=5, random_state=0).fit(X[train], y[train])
        held_out[test] = model.predict(X[test])
        leaky = LinearRegression().fit(columns[train], y[train])
        selected_before[test] = leaky.predict(columns[test])
    assert r2_score(y, held_out) < 0.01
    assert r2_score(y, selected_before) > 0.15


REAL = ("diabetes", 390, 368, 87, 89, 597, 519, 60, 320, 189, 925)


@pytest.mark.certify
@pytest.mark.parametrize("name", REAL)
def test_stack_is_close_to_the_best_family(name):
    if name == "diabetes":
        X, y = load_diabetes(return_X_y=True)
    else:
        data = data_or_skip(load_uci, name)
        X = data.X
        y = data.y
    table = compare_models(X, y, InteractionBasedClustering(random_state=0)).table
    assert table.loc["stack", "r2"] > table.loc[list(FAMILIES), "r2"].max() - 0.035
    assert np.isfinite(table["r2"]).all()


def test_intervals_cover_within_regimes_of_the_model():
    """Tenfold noise in one of the two regimes of the slope; mean coverage over data sets."""
    coverage = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(5400, 2))
        wild = X[:, 1] > 0
        y = 1.5 * np.where(wild, 1, -1) * X[:, 0] + np.where(wild, 3.0, 0.3) * rng.normal(size=5400)
        model = InteractionBasedClustering("B", random_state=seed).fit(X[:400], y[:400])
        low, high = model.predict_interval(X[400:], level=0.9).T
        inside = (low <= y[400:]) & (y[400:] <= high)
        coverage.append([inside[wild[400:]].mean(), inside[~wild[400:]].mean()])
    np.testing.assert_allclose(np.mean(coverage, axis=0), 0.9, atol=0.02)


def test_intervals_cover_within_regimes_of_the_noise_alone():
    coverage = []
    for seed in range(8):
        rng = np.random.default_rng(50 + seed)
        X = rng.normal(size=(6000, 3))
        wild = X[:, 2] > 0.5
        y = X[:, 0] + np.where(wild, 3.0, 0.3) * rng.normal(size=6000)
        model = InteractionBasedClustering("A", random_state=seed).fit(X[:1000], y[:1000])
        low, high = model.predict_interval(X[1000:], level=0.9).T
        inside = (low <= y[1000:]) & (y[1000:] <= high)
        coverage.append([inside[wild[1000:]].mean(), inside[~wild[1000:]].mean()])
    np.testing.assert_allclose(np.mean(coverage, axis=0), 0.9, atol=0.02)


def test_equal_noise_has_one_width():
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        found += noise_split(rng.normal(size=(300, 4)), rng.normal(size=300), range(4)) is not None
    assert found <= 2


def test_widths_are_order_statistics():
    residuals = np.arange(1.0, 31)
    labels = np.repeat([0, 1, 2], [9, 18, 3])
    widths = conformal_widths(residuals, labels, 0.9, 3)
    assert widths.tolist() == [
        9.0,
        27.0,
        28.0,
    ]  # ranks 9 of 9, 18 of 18, and 28 of all 30 where three samples are too few
    assert np.isinf(conformal_widths(residuals, labels, 0.999, 3)).all()
    assert conformal_widths(residuals, labels, 0.9, 4)[3] == 28.0


def test_stack_weights_on_the_simplex():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    good = y + 0.1 * rng.normal(size=300)
    bad = rng.normal(size=300)
    weights = stack_weights(y, np.stack([np.column_stack([good, bad, bad, -good])] * 2))
    assert weights.sum() == pytest.approx(1) and (weights >= 0).all() and weights[0] > 0.95
    twins = stack_weights(y, np.column_stack([good, good, bad, bad])[None])
    assert twins[0] == pytest.approx(twins[1]) and twins[2] == pytest.approx(twins[3])
    np.testing.assert_allclose(stack_weights(y, np.repeat(y[None, :, None], 4, axis=2)), 0.25)


def test_one_standard_error_prefers_few_coefficients():
    rng = np.random.default_rng(0)
    y = rng.normal(size=500)
    errors = rng.normal(size=500)
    predictions = (y[:, None] + np.column_stack([errors * 1.5, errors * 1.001, errors]))[None]
    assert compare(y, predictions, ["A", "B", "C"], [2, 5, 4]).chosen == "C"
    near = predictions.copy()
    near[0, :, 1] = y + errors + 0.05 * rng.normal(size=500)
    comparison = compare(y, near, ["A", "B", "C"], [2, 3, 4])
    table = comparison.table
    assert table["loss"].min() == 0 and table["loss"]["A"] > table["loss_error"]["A"] > 0
    assert comparison.chosen == ("B" if table["loss"]["B"] <= table["loss_error"]["B"] else "C")
    squared = (y - near[0].T) ** 2
    best = squared[table["r2"].argmax()]
    np.testing.assert_allclose(
        table["loss"], (squared - best).sum(axis=1) / ((y - y.mean()) ** 2).sum()
    )


def test_james_stein_limits():
    X, y = truth("D", 400, 3, 0)
    assert fit_models(X, y, Settings())["pooled"].weight > 0.95
    weights = [
        fit_models(*truth("C", 400, 3, s), Settings(rules=("median",), max_cells=2))[
            "pooled"
        ].weight
        for s in range(8)
    ]
    assert np.mean(weights) < 0.7
    models = fit_models(X, y, Settings())
    assert pool(X, y, models["D"], models["D"]).weight == 0


def test_james_stein_beats_d_where_regimes_are_weak():
    """Mean error of the regression function, fixed split, least squares: the theorem's setting."""
    risks = np.zeros(2)
    settings = Settings(
        ridge=0.0, interactions=((0, 1),), candidates=((1,),), rules=("sign",), max_cells=2
    )
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(120, 3))
        mean = X[:, 0] * X[:, 1] + 0.1 * np.sign(X[:, 1]) * X[:, 0]
        models = fit_models(X, mean + rng.normal(size=120), settings, ("pooled",))
        risks += [((models[name].predict(X) - mean) ** 2).mean() for name in ("pooled", "D")]
    assert risks[0] < 0.85 * risks[1]


@pytest.mark.parametrize("model", ALL)
def test_every_model_fits_and_predicts(model):
    X, y = truth("B", 150, 3, 4)
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    series = pd.Series(y, name="price")
    fitted = InteractionBasedClustering(model, cv=3, random_state=0).fit(table, series)
    assert fitted.predict(table).shape == (150,) and fitted.model_ in (model, *FAMILIES, "tree")
    assert fitted.labels_.shape == (150,) and fitted.labels_.max() + 1 == (
        1 if fitted.split_ is None else fitted.split_.n_cells
    )
    np.testing.assert_array_equal(fitted.assign(table), fitted.labels_)
    low, high = fitted.predict_interval(table).T
    assert (low < high).all()
    again = clone(fitted).fit(table, series)
    np.testing.assert_array_equal(again.predict(table), fitted.predict(table))
    if model == "stack":
        assert sum(fitted.weights_.values()) == pytest.approx(1)
        with pytest.raises(InputError, match="stack has no coefficients"):
            fitted.coefficients()
    else:
        shown = fitted.coefficients()
        assert list(shown.columns) == ["intercept", *fitted.columns_] and len(shown) == len(
            fitted.coef_
        )


def test_pooled_coefficients_predict():
    X, y = truth("D", 150, 3, 4)
    fitted = InteractionBasedClustering("pooled", cv=3, random_state=0).fit(X, y)
    design = fitted.models_["D"].design(X)
    by_hand = fitted.intercept_[fitted.labels_] + (design * fitted.coef_[fitted.labels_]).sum(
        axis=1
    )
    np.testing.assert_allclose(by_hand, fitted.predict(X), rtol=1e-8, atol=0.3)
    assert np.median(np.abs(by_hand - fitted.predict(X))) < 1e-9  # clipping touches a few


def test_jobs_do_not_change_the_result():
    X, y = truth("B", 120, 3, 5)
    one = InteractionBasedClustering(cv=3, random_state=1).fit(X, y)
    with parallel_config("threading"):
        two = InteractionBasedClustering(cv=3, random_state=1, n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(one.comparison_.predictions, two.comparison_.predictions)


def test_units_do_not_matter():
    X, y = truth("D", 200, 3, 6)
    scales = np.array([1e-3, 50, 1e4])
    plain = InteractionBasedClustering(cv=3, split=("median", "threshold"), random_state=0).fit(
        X, y
    )
    scaled = InteractionBasedClustering(cv=3, split=("median", "threshold"), random_state=0).fit(
        X * scales + 7, 100 * y - 5
    )
    assert plain.model_ == scaled.model_ and plain.terms_ == scaled.terms_
    np.testing.assert_allclose(
        scaled.predict(X * scales + 7), 100 * plain.predict(X) - 5, rtol=1e-5, atol=1e-3
    )


def test_user_choices_are_followed():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd"))
    y = table.a * table.b + rng.normal(size=200)
    terms = [("c", "d"), ("a", "a")]
    groups = ["c", ("a", "b")]
    model = InteractionBasedClustering(
        "D", interactions=terms, candidates=groups, split="quadrants", cv=2
    ).fit(table, y)
    assert model.terms_ == ((2, 3), (0, 0)) and model.columns_[-2:] == ["c * d", "a^2"]
    assert model.split_.variables == (0, 1) and model.split_.rule == "quadrants"
    none = InteractionBasedClustering("C", degree=1, cv=2).fit(table, y)
    assert none.terms_ == () and none.interactions_ is None
    three = InteractionBasedClustering("C", degree=3, cv=2).fit(
        table, table.a * table.b * table.c + 0.5 * y
    )
    assert (0, 1, 2) in three.terms_
    lasso = InteractionBasedClustering("C", selection="lasso", cv=2, random_state=0).fit(table, y)
    assert (0, 1) in lasso.terms_


@pytest.mark.parametrize(
    "rule", ["oblique", "quadrants", "kmeans", "mixture", "tree", "linear-tree"]
)
def test_rules_of_several_variables(rule):
    X, y = truth("C", 300, 3, 0)
    model = InteractionBasedClustering("B", split=rule, cv=2, random_state=0).fit(X, 3 * y)
    assert model.split_.rule in (rule, "threshold") and model.comparison_.table["r2"]["B"] > 0


def test_text_booleans_and_levels():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "x": rng.normal(size=120),
            "kind": rng.choice(["u", "v", "w"], 120),
            "flag": rng.random(120) < 0.5,
        }
    )
    y = np.where(table.kind == "v", 2, -1) * table.x + table.flag + 0.3 * rng.normal(size=120)
    model = InteractionBasedClustering(cv=3, random_state=0).fit(table, y)
    assert (
        model.encoding_.names == ("x", "kind_u", "kind_v", "flag_True")
        and model.score(table, y) > 0.9
    )
    categorical = clone(model).fit(table.astype({"kind": "category"}), y)
    np.testing.assert_allclose(
        categorical.predict(table.astype({"kind": "category"})), model.predict(table)
    )
    one_level = model.predict(table[table.kind == "w"].head(3))
    np.testing.assert_allclose(
        one_level, model.predict(table)[np.flatnonzero(table.kind == "w")[:3]]
    )
    by_name = compare_models(
        table, y, InteractionBasedClustering(cv=2, candidates=["kind_v"], random_state=0), cv=2
    )
    assert by_name.chosen in by_name.table.index


@pytest.mark.parametrize("n", [2, 3, 5, 9, 16])
def test_tiny_samples(n):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 3))
    y = rng.normal(size=n)
    model = InteractionBasedClustering(random_state=0).fit(X, y)
    assert np.isfinite(model.predict(X)).all() and model.split_ is None
    assert not np.isnan(model.predict_interval(X)).any()


def test_more_features_than_samples():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 300))
    y = 2 * X[:, 5] + X[:, 7] * X[:, 9] * 2 + rng.normal(size=90)
    model = InteractionBasedClustering(cv=3, random_state=0).fit(X, y)
    assert model.comparison_.table["r2"].max() > 0.5 and 5 in model.models_["A"].main


def test_doubtful_data_are_fitted_with_a_warning():
    X, y = truth("A", 60, 3, 0)
    constant = np.column_stack([X, np.ones(60)])
    with pytest.warns(DataWarning, match="constant column"):
        assert np.isfinite(
            InteractionBasedClustering(cv=2).fit(constant, y).predict(constant)
        ).all()
    with pytest.warns(DataWarning, match="duplicated column"):
        InteractionBasedClustering(cv=2).fit(np.column_stack([X, X[:, 0]]), y)
    with pytest.warns(DataWarning, match="target is constant"):
        model = InteractionBasedClustering(cv=2).fit(X, np.full(60, 4.0))
    np.testing.assert_allclose(model.predict(X), 4.0)
    exact = InteractionBasedClustering(cv=2, random_state=0).fit(X, X @ [1.0, 2.0, 3.0])
    assert exact.model_ == "A" and exact.comparison_.table["r2"]["A"] > 0.999999


def test_forward_selection_of_noise_is_rare():
    taken = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 8))
        y = rng.normal(size=200)
        ranking = screen_pairs(X, y)
        taken += len(forward_terms(X, y, ranking.terms, n_searched=ranking.n_terms)) > 0
    assert taken <= 3


def test_regime_test_follows_the_data():
    X, y = truth("D", 400, 3, 0)
    model = InteractionBasedClustering("C", cv=2, random_state=0).fit(X, y)
    assert model.regime_test(X, y, n_bootstrap=99).rejected
    X, y = truth("C", 400, 3, 0)
    model = InteractionBasedClustering("C", cv=2, random_state=0).fit(
        pd.DataFrame(X, columns=["a", "b", "c"]), y
    )
    test = model.regime_test(pd.DataFrame(X, columns=["a", "b", "c"]), y, n_bootstrap=99)
    assert not test.rejected and test.names == ("a", "b", "c")


def test_plots_show_the_model():
    X, y = truth("B", 300, 3, 0)
    table = pd.DataFrame(X, columns=["dose", "age", "weight"])
    model = InteractionBasedClustering("B", cv=2, random_state=0).fit(
        table, pd.Series(y, name="effect")
    )
    ax = model.plot_branches(table, pd.Series(y, name="effect"))
    assert (
        ax.get_xlabel() == "dose"
        and ax.get_ylabel() == "effect"
        and sum(len(c.get_offsets()) for c in ax.collections) == 300
    )
    assert model.plot_threshold_path(table, y).get_xlabel() == "age"
    assert [t.get_text() for t in model.plot_coefficients().get_yticklabels()] == [
        "dose",
        "age",
        "weight",
    ]
    assert model.plot_threshold_stability(table, y, n_resamples=5).get_xlabel() == "age"
    assert len(model.figure(table, y).axes) == 4
    plain = InteractionBasedClustering("A", cv=2).fit(table, y)
    with pytest.raises(InputError, match="more than one cell"):
        plain.plot_coefficients()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"model": "E"}, "model is 'E'"),
        ({"degree": 0}, "degree is 0"),
        ({"split": ()}, "split is empty"),
        ({"split": ("sign", "magic")}, "split is 'magic'"),
        ({"selection": "best"}, "selection is 'best'"),
        ({"interactions": [("x0", "q")]}, "interactions names 'q'"),
        ({"interactions": ["x0"]}, "two or more"),
        ({"candidates": [-1]}, "candidates names -1"),
        ({"candidates": []}, "candidates is empty"),
        ({"max_cells": 1}, "max_cells is 1"),
        ({"min_samples_leaf": 0}, "min_samples_leaf is 0"),
        ({"ridge": "big"}, "ridge is 'big'"),
        ({"cv": 1}, "cv is 1"),
        ({"random_state": "seed"}, "random_state is 'seed'"),
    ],
)
def test_wrong_parameters_are_refused(parameters, words):
    X, y = truth("A", 40, 2, 0)
    with pytest.raises(InputError) as error:
        InteractionBasedClustering(**parameters).fit(X, y)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_wrong_data_are_refused():
    X, y = truth("A", 40, 2, 0)
    model = InteractionBasedClustering(cv=2)
    with pytest.raises(NotFittedError):
        model.predict(X)
    for bad_X, bad_y in (
        (np.where(X > 1, np.inf, X), y),
        (X, np.where(y > 1, np.nan, y)),
        (X, y[:-1]),
        (X[:1], y[:1]),
        (X.astype(str), y),
        (X, np.where(y > 1, np.inf, y)),
    ):
        with pytest.raises(InputError):
            clone(model).fit(bad_X if bad_X.dtype.kind == "f" else np.char.add("a", bad_X), bad_y)
    identifiers = pd.DataFrame({"id": [f"s{k}" for k in range(60)], "x": np.arange(60.0)})
    with pytest.raises(InputError, match="another value in each of the 60 rows"):
        learn_encoding(identifiers)
    with pytest.raises(InputError, match="more than one column with the name 'a'"):
        clone(model).fit(pd.DataFrame(X, columns=["a", "a"]), y)
    text = pd.DataFrame({"x": X[:, 0], "kind": np.where(X[:, 1] > 0, "a", "b")})
    fitted = clone(model).fit(text, y)
    with pytest.raises(InputError, match="level 'c'"):
        fitted.predict(text.assign(kind="c"))
    with pytest.raises(InputError, match="missing value"):
        fitted.predict(text.assign(kind=[None, *text.kind[1:]]))
    with pytest.raises(InputError, match="DataFrame"):
        fitted.predict(text.to_numpy())


def test_report_says_that_table_and_fit_disagree():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    table = pd.DataFrame(X, columns=["a", "b"]).assign(y=X[:, 0] + rng.normal(size=80))
    report = fit_interactions(table, "y", folds=3, random_state=0)
    fitted = report.model.model_
    assert "would choose" not in str(
        replace(report, comparison=replace(report.comparison, chosen=fitted))
    )
    other = "B" if fitted == "A" else "A"
    assert f"model {fitted}. The comparison would choose {other}" in str(
        replace(report, comparison=replace(report.comparison, chosen=other))
    )


def test_input_is_checked_at_the_door_only(monkeypatch):
    """Whatever a fit calls inside takes validated arrays."""
    calls = []
    for module in [m for name, m in sys.modules.items() if name.startswith("lpc_ns.")]:
        if "check_matrix" in vars(module):
            checked = vars(module)["check_matrix"]
            monkeypatch.setattr(
                module,
                "check_matrix",
                lambda *a, checked=checked, **k: calls.append(1) or checked(*a, **k),
            )
    X, y = truth("D", n=200, p=3)
    table = pd.DataFrame(X, columns=list("abc")).assign(kind=np.where(X[:, 0] > 0, "v", "w"))
    for data, options in ((X, {}), (X, {"degree": 3, "model": "stack"}), (table, {})):
        calls.clear()
        InteractionBasedClustering(cv=2, random_state=0, **options).fit(data, y)
        at_least = 0 if hasattr(data, "columns") else 1  # columns of tables are checked one by one
        assert at_least <= len(calls) <= 3


FIT = """
import json
import numpy as np
from lpc_ns import InteractionBasedClustering
rng = np.random.default_rng(0)
X = rng.normal(size=(150, 3))
y = 2 * np.sign(X[:, 1]) * X[:, 0] + rng.normal(size=150)
fits = [InteractionBasedClustering(cv=2, random_state=0).fit(X, y) for _ in range(2)]
print(json.dumps([[m.model_, m.predict(X).tolist(), m.residuals_.tolist()] for m in fits]))
"""


def test_first_fit_second_fit_next_process(tmp_path):
    """With an empty cache of kernels, and with a full one."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", FIT], env=env, **CAPTURED).stdout)
        for _ in range(2)
    ]
    assert any(tmp_path.rglob("*.nbi"))
    assert runs[0][0] == runs[0][1] == runs[1][0] == runs[1][1]


def test_import_takes_nothing_that_a_fit_does_not_need():
    code = "import sys, lpc_ns.ibc.estimator; print(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], **CAPTURED)
    libraries = ("matplotlib", "seaborn", "cvxpy", "numba", "pyscipopt", "sklearn.cluster")
    assert not [m for m in run.stdout.split() if m.startswith((*libraries, "lpc_ns.lpc"))]


def test_warm_leaves_nothing_to_compile():
    """After `warm` a fit compiles no kernel of part I, whatever its rules."""
    warm()
    X, y = truth("B", n=120, p=3)
    kernels = [
        kernel
        for name, module in list(sys.modules.items())
        if name.startswith("lpc_ns.ibc")
        for kernel in vars(module).values()
        if hasattr(kernel, "signatures") and kernel.__module__ == name
    ]
    before = {kernel.__name__: len(kernel.signatures) for kernel in kernels}
    called = {"running_sse", "_fill", "fold_moments", "correlations_at"}
    assert all(before[name] >= 1 for name in called)
    rules = ("sign", "lloyd-max", "threshold", "linear-tree", "oblique", "quadrants")
    InteractionBasedClustering("D", cv=2, split=rules, random_state=0).fit(X, y)
    assert before == {kernel.__name__: len(kernel.signatures) for kernel in kernels}


def levels_table(names, order, seed=0, n=240):
    """All slopes have opposite signs in the first of three levels, whatever the levels are called
    and in whatever order the columns stand."""
    rng = np.random.default_rng(seed)
    level = rng.choice(3, n)
    X = rng.normal(size=(n, 3))
    y = np.where(level == 0, 1, -1) * X.sum(axis=1) + 0.5 * rng.normal(size=n)
    table = pd.DataFrame(X, columns=list("pqr")).assign(g=np.array(list(names))[level])
    categories = [names[k] for k in order]
    return table.assign(g=pd.Categorical(table["g"], categories=categories)), y


@pytest.mark.parametrize("seed", [0, 1])
def test_names_and_order_of_levels_change_nothing(seed):
    """Also for the most frequent level, which is the reference of the regressions."""
    found = []
    for names, order in (("abc", (0, 1, 2)), ("zba", (2, 1, 0)), ("mzk", (1, 2, 0))):
        table, y = levels_table(names, order, seed)
        model = InteractionBasedClustering("B", cv=2, random_state=0).fit(table, y)
        assert model.split_.describe(model.columns_in_.names).endswith(f"g_{names[0]} > 0")
        found.append((model.predict(table), model.labels_, model.residuals_))
    for other in found[1:]:
        for ours, theirs in zip(found[0], other, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_cells_with_equal_coefficients_are_one_cell():
    """The best split of noise does not make a regime, also if one asks for model B."""
    cells = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(150, 3))
        y = X[:, 0] + rng.normal(size=150)
        model = InteractionBasedClustering("B", cv=2, split="median", random_state=0).fit(X, y)
        cells.append(model.models_["B"].n_cells)
        slopes = model.coef_ * X.std(axis=0)
        if cells[-1] > 1:
            assert np.ptp(np.column_stack([model.intercept_, slopes]), axis=0).max() > 0.05
    assert sum(k > 1 for k in cells) <= 10


def tree_truth(n, seed, p=4):
    """Three regimes: two cuts, one below the other."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    slope = np.where(X[:, 1] <= 0, -2.0, np.where(X[:, 2] > 0, 0.0, 4.0))
    return X, slope * X[:, 0] + X[:, 3] + rng.normal(size=n)


def test_tree_finds_nested_regimes_and_prints_what_it_uses():
    X, y = tree_truth(600, 0)
    table = pd.DataFrame(X, columns=["dose", "age", "weight", "time"])
    model = InteractionBasedClustering(random_state=0).fit(table, y)
    assert model.model_ == "tree" and len(model.rules()) == 3
    read = np.full(len(X), -1)
    for cell, rule in enumerate(model.rules()):
        inside = np.ones(len(X), dtype=bool)
        for part in rule.split(" and "):
            name, sign, value = part.split(" ")
            below = table[name] <= float(value)
            inside &= below if sign == "<=" else ~below
        read[inside] = cell
    np.testing.assert_array_equal(read, model.apply(table))
    assert all(len(part.split(" ")[2]) <= 7 for r in model.rules() for part in r.split(" and "))
    splits = model.splits(table, y, n_halves=5)
    assert set(splits["question"].str.split(" ").str[0]) == {"age", "weight"}
    assert splits["p_value"].max() < 0.05 and splits["frequency"].min() == 1
    assert "cell 2" in model.export_text() and len(model.plot_tree(table, y).child_axes) == 3
    plt.close("all")


@pytest.mark.parametrize("kind", ["normal", "unequal", "skewed"])
def test_one_linear_model_where_nothing_else_is(kind):
    """Twenty runs each; cross-validation alone takes regimes in a quarter of the second kind."""
    several = 0
    for seed in range(20):
        rng = np.random.default_rng([seed, 77])
        X = rng.normal(size=(200, 4))
        X = np.exp(0.7 * X) if kind == "skewed" else X
        noise = rng.normal(size=200) * (np.exp(0.7 * X[:, 0]) if kind == "unequal" else 1)
        y = X @ [1, 1, 0, 0] + noise
        model = InteractionBasedClustering(cv=4, random_state=0).fit(X, y)
        several += model.model_ not in ("A", "C")
    assert several <= 2


def test_units_without_a_usable_name_are_refused():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    names = [f"s{i // 3}" for i in range(60)]
    gap = [None, *names[1:]]
    for groups, message in (
        (gap, "1 missing name, the first in row 0"),
        (pd.Series(gap, dtype="string"), "1 missing name"),
        (names[:9], "one per row"),
        (["a"] * 60, "1 unit"),
    ):
        with pytest.raises(InputError, match=message):
            InteractionBasedClustering(model="A").fit(X, X[:, 0], groups=groups)


def test_groups_go_through_folds_and_test():
    """A subject's level is no regime of its age, and no subject stands on both sides of a fold."""
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(30), 12)
    X = np.column_stack([rng.normal(size=360), rng.permutation(30)[subject]])
    y = X[:, 0] + 3 * rng.normal(size=30)[subject] + rng.normal(size=360)
    with pytest.warns(DataWarning, match="pass groups"):
        alone = InteractionBasedClustering(random_state=0).fit(X, y)
    together = InteractionBasedClustering(random_state=0).fit(X, y, groups=subject)
    assert alone.root_test_.p_value < 0.05 < together.root_test_.p_value
    assert together.split_ is None and alone.split_ is not None
    for folds in make_folds(360, None, 0, subject):
        for train, test in folds:
            assert not set(subject[train]) & set(subject[test])


def test_weights_count_as_copies():
    """Rows of weight 2 are two rows, in the models of one cell and in the tree."""
    X, y = tree_truth(240, 1)
    twice = np.where(np.arange(240) % 2 == 0, 2, 1)
    rows = np.repeat(np.arange(240), twice)
    for name in ("A", "tree"):
        options = {"cv": 3, "ridge": 1.0, "interactions": [], "min_samples_leaf": 40}
        model = InteractionBasedClustering(name, random_state=0, max_cells=2, **options)
        weighted = clone(model).fit(X, y, sample_weight=twice)
        copies = clone(model).fit(X[rows], y[rows])
        assert weighted.rules() == copies.rules()
        if name == "A":
            scale = 360 / 240  # only ratios of weights count, so the penalty weighs more
            copies.set_params(ridge=scale).fit(X[rows], y[rows])
            np.testing.assert_allclose(weighted.predict(X), copies.predict(X), rtol=1e-2, atol=0.02)
    with pytest.raises(InputError, match="zero in all rows"):
        clone(model).fit(X, y, sample_weight=np.zeros(240))


def test_missing_values_are_sent_to_the_better_side():
    """Missing where the variable is large: as good as with all values."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = np.where(X[:, 0] > 0.3, 2, -2) * X[:, 1] + X[:, 2] + rng.normal(size=600)
    gone = (X[:, 0] > 0.3) & (rng.random(600) < 0.6)
    table = pd.DataFrame(np.where(np.arange(3) == 0, np.where(gone, np.nan, X[:, 0])[:, None], X))
    table.columns = list("abc")
    model = InteractionBasedClustering("tree", degree=1, max_cells=4, random_state=0)
    model.fit(table[:400], y[:400])
    complete = clone(model).fit(X[:400], y[:400]).score(X[400:], y[400:])
    assert model.score(table[400:], y[400:]) > complete - 0.08
    assert "(missing right)" in model.export_text()
    with pytest.raises(InputError, match="NaN"):
        model.predict(table.assign(b=np.nan))


def test_sets_of_levels():
    """Slopes switch with a set of three of seven levels, whatever their order."""
    rng = np.random.default_rng(0)
    level = rng.choice(list("stuvwxy"), 500)
    X = rng.normal(size=(500, 2))
    y = np.where(np.isin(level, list("tvx")), 2, -1) * X[:, 0] + rng.normal(size=500)
    table = pd.DataFrame(X, columns=list("ab")).assign(site=level)
    model = InteractionBasedClustering("tree", degree=1, random_state=0).fit(table, y)
    sides = [set(rule[len("site in {") : -1].split(", ")) for rule in model.rules()]
    assert {"t", "v", "x"} in sides and len(sides) == 2


def test_honest_halves():
    """Cells from one half; coefficients of the other cover the truth, and so do intervals."""
    X, y = tree_truth(800, 2)
    model = InteractionBasedClustering("tree", honest=True, degree=1, random_state=0).fit(X, y)
    assert len(model.residuals_) == 400 and len(model.labels_) == 800
    own = model.honest_[model.honest_["column"] == "x3"]
    assert (own["low"] <= 1).mean() >= 0.6 and (own["high"] - own["low"]).max() < 1
    low, high = model.predict_interval(tree_truth(2000, 3)[0]).T
    inside = (low <= tree_truth(2000, 3)[1]) & (tree_truth(2000, 3)[1] <= high)
    assert 0.85 < inside.mean() < 0.95


def test_committee_predicts_and_the_tree_explains():
    X, y = tree_truth(300, 4)
    model = InteractionBasedClustering("tree", degree=1, cv=3, random_state=0).fit(X, y)
    many = clone(model).set_params(n_committees=10).fit(X, y)
    assert many.rules() == model.rules() and len(many.models_["tree"].committee) == 10
    assert np.abs(many.predict(X) - model.predict(X)).max() > 0


def test_slopes_that_only_tell_units_apart_are_given_up():
    worst = []
    for groups in (None, np.repeat(np.arange(20), 30)):
        rng = np.random.default_rng(3)
        traits = rng.normal(size=(40, 12))  # of units, each with 30 rows
        levels = 5 * rng.normal(size=40)
        unit = np.repeat(np.arange(40), 30)
        X = traits[unit] + 0.1 * rng.normal(size=(1200, 12))
        y = levels[unit] + rng.normal(size=1200)
        model = InteractionBasedClustering("A", random_state=0).fit(X[:600], y[:600], groups=groups)
        worst.append(model.score(X[600:], y[600:]))
    assert worst[0] < -0.2 < worst[1]
