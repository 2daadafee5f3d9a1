"""Split rules: exact scans against brute force, invariances, awkward variables, and an honest
gain."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

from lpc_ns.base.errors import InputError
from lpc_ns.ibc.split.boxes import BoxSplit
from lpc_ns.ibc.split.cells import fit_cells
from lpc_ns.ibc.split.rules import SPLIT_RULES, lloyd_max, make_split_data
from lpc_ns.ibc.split.scan import threshold_scan
from lpc_ns.ibc.split.search import find_split

ONE_VARIABLE = ("sign", "median", "quantile", "lloyd-max", "threshold")


def sse(A, b):
    """Least-squares sum of squares by scikit-learn's solver of choice: singular values."""
    A = np.column_stack([np.ones(len(A)), (A - A.mean(axis=0)) / np.maximum(A.std(axis=0), 1e-300)])
    return ((b - A @ np.linalg.lstsq(A, b, rcond=1e-10)[0]) ** 2).sum()


def brute_scan(X, y, z, min_samples_leaf):
    """Thresholds and sums of squares of every admissible cut, each side fitted from scratch."""
    values = np.unique(z)
    found = []
    for low, high in itertools.pairwise(values):
        below = z <= low
        if min(below.sum(), (~below).sum()) >= min_samples_leaf:
            found.append(((low + high) / 2, sse(X[below], y[below]) + sse(X[~below], y[~below])))
    return np.array(found).reshape(-1, 2).T


@pytest.mark.parametrize("seed", range(30))
def test_scan_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(12, 90))
    d = int(rng.integers(1, 5))
    X = rng.normal(size=(n, d)) * 10.0 ** rng.integers(-4, 5, size=d) + 100 * (seed % 2)
    if seed % 3 == 0:
        X = np.column_stack([X, rng.random(n) < 0.1, X[:, 0], np.full(n, 7.0)])
    z = rng.integers(0, 8, n).astype(float) if seed % 4 == 0 else rng.standard_t(2, size=n)
    y = 10.0 ** rng.integers(-3, 4) * (rng.normal(size=n) + 5)
    min_samples_leaf = int(rng.integers(1, 6))
    scan = threshold_scan(X, y, z, min_samples_leaf=min_samples_leaf)
    thresholds, values = brute_scan(X, y, z, min_samples_leaf)
    np.testing.assert_allclose(scan.thresholds, thresholds)
    np.testing.assert_allclose(scan.sse, values, rtol=1e-7, atol=1e-9 * scan.total)
    np.testing.assert_array_equal(scan.n_below, (z[:, None] <= scan.thresholds).sum(axis=0))
    assert scan.sse_unsplit == pytest.approx(sse(X, y), rel=1e-8)
    assert (scan.sse <= scan.sse_unsplit * (1 + 1e-8)).all()


def test_scan_of_real_data_with_an_indicator():
    X, y = load_diabetes(return_X_y=True, scaled=False)
    for j in (1, 2, 8):
        scan = threshold_scan(X, y, X[:, j])
        np.testing.assert_allclose(scan.sse, brute_scan(X, y, X[:, j], 12)[1], rtol=1e-9)
    assert threshold_scan(X, y, X[:, 1]).thresholds.tolist() == [1.5]


def test_f_statistic_is_chows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    z = rng.normal(size=100)
    y = X @ [1, 2] + rng.normal(size=100)
    scan = threshold_scan(X, y, z)
    k = scan.best
    by_hand = (sse(X, y) - scan.sse[k]) / 3 / (scan.sse[k] / (100 - 6))
    assert scan.f_statistic[k] == pytest.approx(by_hand) and scan.f_statistic.argmax() == k
    repeated = threshold_scan(np.column_stack([X, X[:, 0]]), y, z, min_samples_leaf=4)
    np.testing.assert_allclose(
        repeated.f_statistic, threshold_scan(X, y, z, min_samples_leaf=4).f_statistic, rtol=1e-8
    )


def test_scan_does_not_depend_on_units_or_order():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(70, 3))
    z = rng.normal(size=70)
    y = rng.normal(size=70)
    scan = threshold_scan(X, y, z)
    moved = threshold_scan(X @ [[2, 0, 1], [0, 1e3, 0], [1, 0, -1]] + 1e4, 5 * y - 3, z)
    order = rng.permutation(70)
    shuffled = threshold_scan(X[order], y[order], z[order])
    np.testing.assert_allclose(moved.gain, scan.gain, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(shuffled.sse, scan.sse, rtol=1e-10)
    mirrored = threshold_scan(X, y, -z)
    np.testing.assert_allclose(mirrored.sse[::-1], scan.sse, rtol=1e-10)


def test_scan_without_a_cut():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 2))
    y = rng.normal(size=20)
    for scan in (
        threshold_scan(X, y, np.ones(20)),
        threshold_scan(X, y, X[:, 0], min_samples_leaf=11),
    ):
        assert (
            scan.best is None
            and scan.thresholds.size == scan.f_statistic.size == scan.gain.size == 0
        )


@pytest.mark.parametrize("rule", sorted(SPLIT_RULES))
@pytest.mark.parametrize("seed", range(4))
def test_cells_are_large_enough_and_numbered(rule, seed):
    rng = np.random.default_rng(seed)
    n = 120
    X = np.column_stack(
        [
            rng.normal(size=n),
            rng.poisson(1.0, n),
            np.full(n, 3.0),
            rng.random(n) < 0.2,
            rng.lognormal(size=n),
        ]
    )
    data = make_split_data(
        X,
        X[:, 0] * X[:, 4] + rng.normal(size=n),
        design=X[:, [0, 4]],
        min_samples_leaf=15,
        random_state=seed,
    )
    groups = (
        [(j,) for j in range(5)] if rule in ONE_VARIABLE else [(0, 1), (3, 4), (0, 2), (0, 1, 4)]
    )
    for variables, m in itertools.product(groups, (2, 3, 5)):
        split = SPLIT_RULES[rule](data, variables, m)
        labels = split.assign(X)
        sizes = np.bincount(labels, minlength=split.n_cells)
        assert (
            len(sizes) == split.n_cells
            and set(split.variables) <= set(variables)
            and split.rule in (rule, "threshold")
        )
        assert split.n_cells == 1 or rule == "quadrants" or sizes.min() >= 15
        assert split.describe([f"v{j}" for j in range(5)]).count("\n") == split.n_cells - 1
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(split)).assign(X), labels)
        if isinstance(split, BoxSplit) and split.direction is None:
            Z = rng.normal(0, 5, size=(300, 5))[:, list(split.variables)]
            assert (
                ((Z[:, None] > split.lower) & (Z[:, None] <= split.upper)).all(axis=2).sum(axis=1)
                == 1
            ).all()


@pytest.mark.parametrize("rule", sorted(set(SPLIT_RULES) - {"sign"}))
def test_cells_do_not_depend_on_units(rule):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(150, 2))
    y = X[:, 0] * X[:, 1] + 0.5 * rng.normal(size=150)
    variables = (1,) if rule in ONE_VARIABLE else (0, 1)
    cells = [
        SPLIT_RULES[rule](make_split_data(Z, y, random_state=0), variables, 3).assign(Z)
        for Z in (X, X * [1000, 0.001] + [5, -2])
    ]
    np.testing.assert_array_equal(*cells)


def test_samples_on_a_threshold_go_below():
    z = np.r_[np.zeros(30), np.ones(30), np.full(30, 2.0)][:, None]
    data = make_split_data(z, z[:, 0], min_samples_leaf=5)
    assert np.bincount(SPLIT_RULES["sign"](data, (0,)).assign(z)).tolist() == [30, 60]
    assert SPLIT_RULES["quantile"](data, (0,), 3).thresholds.tolist() == [0.5, 1.5]
    close = np.nextafter(1.0, 2.0)
    pair = np.r_[np.ones(30), np.full(30, close)][:, None]
    split = SPLIT_RULES["median"](make_split_data(pair, pair[:, 0], min_samples_leaf=5), (0,))
    assert np.bincount(split.assign(pair)).tolist() == [30, 30]


def test_lloyd_max_is_a_fixed_point_of_lloyd():
    z = np.random.default_rng(0).gamma(2, size=3000)
    for m in (2, 5, 9):
        cuts = lloyd_max(z, m)
        cell = np.searchsorted(cuts, z)
        means = np.array([z[cell == k].mean() for k in range(m)])
        np.testing.assert_allclose((means[1:] + means[:-1]) / 2, cuts, rtol=1e-9)
    assert lloyd_max([4.0, 4.0, 4.0], 3).size == 0 and lloyd_max([1.0, 2.0], 5).tolist() == [1.5]


@pytest.mark.parametrize("seed", range(5))
def test_fit_of_a_split_is_the_best_regression_of_every_cell(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(80, 3))
    labels = rng.integers(0, 3, 80)
    y = rng.normal(size=80)
    fit = fit_cells(X, y, labels)
    total = ((y - fit.predict(X, labels, clip=False)) ** 2).sum()
    assert total == pytest.approx(sum(sse(X[labels == k], y[labels == k]) for k in range(3)))
    many = fit_cells(X, y, labels, ridge=1e12)
    np.testing.assert_allclose(many.intercept, [y[labels == k].mean() for k in range(3)], atol=1e-6)
    shrunk = fit_cells(X, X @ [1.0, 2, 3] + y, labels, ridge=None)
    single = fit_cells(X, X @ [1.0, 2, 3] + y, 0 * labels, ridge=None)
    assert np.abs(shrunk.coef - single.coef).max() < 0.5 * np.abs(fit.coef).max()


def test_small_and_empty_cells_take_the_regression_of_all_samples():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2))
    y = rng.normal(size=50)
    fit = fit_cells(X, y, np.r_[np.zeros(47, dtype=int), np.full(3, 2)], 3, min_samples_leaf=5)
    everything = fit_cells(X, y, np.zeros(50, dtype=int))
    for k in (1, 2):
        np.testing.assert_allclose(fit.coef[k], everything.coef[0])
        assert (
            fit.intercept[k] == pytest.approx(everything.intercept[0])
            and fit.lower[k] == everything.lower[0]
        )
    assert fit.sizes.tolist() == [47, 0, 3]


def test_more_columns_than_samples():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 60))
    y = rng.normal(size=30)
    exact = fit_cells(X, y, np.zeros(30, dtype=int))
    np.testing.assert_allclose(exact.predict(X, np.zeros(30, dtype=int)), y, atol=1e-8)
    shrunk = fit_cells(X, y, np.zeros(30, dtype=int), ridge=None)
    assert (
        np.abs(shrunk.predict(X, np.zeros(30, dtype=int)) - y.mean()).max()
        < 0.8 * np.abs(y - y.mean()).max()
    )
    table = find_split(X, y, [0, 1], ridge=100.0, min_samples_leaf=8, random_state=0).table
    assert np.isfinite(table[["r2", "gain", "loss"]]).all(axis=None)


def test_search_finds_variable_and_threshold():
    hits = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(500, 4))
        y = X[:, 0] + 1.5 * np.sign(X[:, 2] + 0.5) * X[:, 1] + rng.normal(size=500)
        search = find_split(X, y, [(1, 2), (0, 3)], random_state=seed)
        hits += (
            search.split.variables == (2,)
            and search.split.n_cells == 2
            and abs(search.split.thresholds[0] + 0.5) < 0.1
        )
    assert hits >= 5


def test_gain_of_noise_is_not_positive():
    gains = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(150, 3))
        y = rng.normal(size=150)
        gains.append(find_split(X, y, [(0, 1), 2], random_state=seed).table["gain"].mean())
    assert np.mean(gains) < 0


def test_choice_prefers_few_cells_within_one_standard_error():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 3))
    y = 3 * np.sign(X[:, 1] - 0.7) * X[:, 0] + rng.normal(size=600)
    search = find_split(X, y, random_state=0)
    table = search.table
    assert (np.diff(table["gain"][table["n_cells"] > 1]) <= 0).all()
    np.testing.assert_allclose(table["loss"], table["gain"][0] - table["gain"])
    np.testing.assert_allclose(table["r2"] - table["gain"], search.r2_unsplit)
    close = table[(table["loss"] <= table["loss_error"]) & (table["n_cells"] > 1)]
    assert (
        search.split.n_cells == close["n_cells"].min()
        and search.gain == table["gain"][search.chosen]
    )
    smooth = find_split(
        X, 3 * X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=600), [0, 1], random_state=0
    )
    assert smooth.split.n_cells == 4


def test_same_seed_same_search():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    y = rng.normal(size=100)
    rules = tuple(SPLIT_RULES)
    first, second = (
        find_split(X, y, [(0, 1), (1, 2)], rules=rules, cv=3, random_state=5).table
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)
    assert set(first["rule"]) == set(rules)


def test_levels_only():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 1))
    search = find_split(
        z,
        2.0 * (z[:, 0] > 0.3) + 0.1 * rng.normal(size=300),
        design=np.empty((300, 0)),
        random_state=0,
    )
    assert (
        search.split.n_cells == 2
        and abs(search.split.thresholds[0] - 0.3) < 0.05
        and search.gain > 0.9
    )


@pytest.mark.parametrize("n", [2, 3, 5, 12])
def test_tiny_samples(n):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 2))
    y = rng.normal(size=n)
    search = find_split(X, y, [(0, 1)], rules=tuple(SPLIT_RULES), cv=2, random_state=0)
    assert search.split.n_cells == 1 and search.gain == 0
    assert find_split(X, np.ones(n), cv=2, random_state=0).gain == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda X, y: find_split(X, y, [(0, 7)]), "column 7"),
        (lambda X, y: find_split(X, y, [-1]), "column -1"),
        (lambda X, y: find_split(X, y, rules="magic"), "'magic'"),
        (lambda X, y: find_split(X, y, rules=("oblique",)), "pairs of columns"),
        (lambda X, y: find_split(X, y, cv=41), "cv is 41"),
        (lambda X, y: find_split(np.where(X > 2, np.nan, X), y), "NaN"),
        (lambda X, y: find_split(X, y[:-1]), "one number per sample"),
        (lambda X, y: find_split(X, y, min_samples_leaf=0), "min_samples_leaf is 0"),
        (lambda X, y: threshold_scan(X, y, X[:, 0], ridge=-1.0), "ridge is -1.0"),
        (lambda X, y: threshold_scan(X, y, X[:5, 0]), "z has shape (5,)"),
    ],
)
def test_refusals(call, words):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    X[0] = 3
    with pytest.raises(InputError) as error:
        call(X, rng.normal(size=40))
    assert words in str(error.value)
