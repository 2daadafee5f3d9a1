"""Block exchange: one label per unit, exact prices, and as good as brute force."""

import itertools

import numpy as np
import pandas as pd
import pytest

from lpc_ns import LinearPredictiveClustering
from lpc_ns.base.errors import InputError
from lpc_ns.lpc.inference.labels import moving_costs, open_labels
from lpc_ns.lpc.problem import make_problem, objective
from lpc_ns.lpc.search.units import Units, group_search, make_units, short_search, unit_order


def panel(seed, G, K, p=3, noise=1.0, largest=4):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(G), rng.integers(1, largest + 1, G))
    X = rng.normal(size=(len(groups), p - 1))
    W = rng.normal(size=(K, p)) * 2
    truth = rng.integers(0, K, G)[groups]
    y = W[truth, 0] + (X * W[truth, 1:]).sum(axis=1) + noise * rng.normal(size=len(groups))
    return X, y, groups


def best_by_enumeration(problem, groups):
    G = groups.max() + 1
    codes = itertools.product(range(problem.n_clusters), repeat=G - 1)
    return min(objective(problem, np.array((0, *code))[groups]) for code in codes)


@pytest.mark.parametrize("seed", range(20))
def test_block_exchange_finds_what_brute_force_finds(seed):
    K = 2 + seed % 2
    X, y, groups = panel(seed, 6, K, noise=2.0)
    problem = make_problem(X, y, K, ridge=0.01)
    found = group_search(problem, groups, random_state=0)
    assert found.objective == pytest.approx(best_by_enumeration(problem, groups), rel=1e-9)
    assert all(len(set(found.labels[groups == g])) == 1 for g in range(6))


def test_units_of_one_row_and_of_many_can_be_mixed():
    rng = np.random.default_rng(5)
    groups = np.r_[np.repeat(np.arange(20), 5), np.arange(20, 80)]
    truth = rng.integers(0, 2, 80)[groups]
    X = rng.normal(size=(len(groups), 2))
    y = np.where(truth, 1, -1) * (2 + X.sum(axis=1)) + 0.1 * rng.normal(size=len(groups))
    problem = make_problem(X, y, 2)
    found = group_search(problem, groups, n_init=5, random_state=0)
    assert found.objective <= objective(problem, truth) * (1 + 1e-9)
    order, first = unit_order(groups, len(y))
    units = make_units(problem, order, first)
    _, value = short_search(units, 2, 2, 10, np.random.default_rng(0))
    assert value == pytest.approx(found.objective, rel=0.02)


def test_search_value_is_the_objective_of_its_labels():
    X, y, groups = panel(1, 40, 2, p=4)
    problem = make_problem(X, y, 2, ridge=0.5)
    order, first = unit_order(groups, len(y))
    labels, value = short_search(
        make_units(problem, order, first), 2, 1, 3, np.random.default_rng(0)
    )
    rows = np.empty(len(y), int)
    rows[order] = np.repeat(labels, np.diff(first))
    assert value == pytest.approx(objective(problem, rows), rel=1e-8)


def test_order_of_rows_and_names_of_units_do_not_matter():
    X, y, groups = panel(2, 12, 2, noise=0.5)
    problem = make_problem(X, y, 2)
    best = group_search(problem, groups, random_state=0)
    shuffle = np.random.default_rng(0).permutation(len(y))
    names = np.array([f"unit {g}" for g in groups], dtype=object)[shuffle]
    again = group_search(make_problem(X[shuffle], y[shuffle], 2), names, random_state=0)
    assert again.objective == pytest.approx(best.objective, rel=1e-9)


def test_one_cluster_and_no_penalty():
    X, y, groups = panel(3, 10, 2)
    one = group_search(make_problem(X, y, 1, ridge=0), groups, random_state=0)
    A = np.c_[np.ones(len(y)), X]
    residual = y - A @ np.linalg.lstsq(A, y, rcond=None)[0]
    assert one.objective == pytest.approx(residual @ residual)


@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_costs_of_moving_are_growths_of_the_objective(ridge):
    X, y, groups = panel(4, 12, 3, noise=2.0)
    shuffle = np.random.default_rng(0).permutation(len(y))
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    problem = make_problem(X[shuffle], y[shuffle], 3, ridge, True, weight)
    for units in (groups[shuffle], None):
        names = np.arange(len(y)) if units is None else units
        labels = np.random.default_rng(2).integers(0, 3, len(y))[names]
        costs = moving_costs(problem, labels, units)
        assert costs[np.arange(len(y)), labels] == pytest.approx(0)
        for i in range(0, len(y), 5):
            for k in range(3):
                moved = np.where(names == names[i], k, labels)
                growth = objective(problem, moved) - objective(problem, labels)
                assert costs[i, k] == pytest.approx(growth, abs=1e-5)


def test_open_labels_shrink_with_the_gap_and_share_their_unit():
    X, y, groups = panel(6, 20, 2, noise=3.0)
    counts = []
    for method, gap in (("local", 0.0), ("global", 0.2), ("global", 1e-4)):
        model = LinearPredictiveClustering(method=method, gap=gap, random_state=0)
        left = open_labels(model.fit(X, y, groups=groups))
        assert all(len(set(left[groups == g])) == 1 for g in range(20))
        counts.append(left.sum())
    assert counts[0] == len(y) and counts[0] >= counts[1] >= counts[2]
    weight = np.ones(len(y))
    weight[groups == 3] = 0
    model = LinearPredictiveClustering(method="local", random_state=0)
    left = open_labels(model.fit(X, y, sample_weight=weight))
    assert not left[groups == 3].any() and left[groups != 3].all()
    with pytest.raises(InputError, match="squared loss"):
        open_labels(LinearPredictiveClustering(loss="absolute", method="global-mip"))


def test_units_are_refused_without_names():
    X, y, groups = panel(0, 5, 2)
    problem = make_problem(X, y, 2)
    with pytest.raises(InputError, match="one per row"):
        group_search(problem, groups[:-1])
    with pytest.raises(InputError, match="missing"):
        group_search(problem, np.r_[np.nan, groups[1:]])
    assert Units._fields == ("X", "y", "first", "penalty")


def test_a_missing_name_of_any_kind_is_named():
    text = pd.Series(["a", "a", None, "b"])
    days = pd.to_datetime(["2020-01-01", "2020-01-01", None, "2020-01-02"])
    whole = pd.array([1, 1, None, 2], dtype="Int64")
    for names in (text, text.astype("string"), pd.Categorical(text), days, whole):
        with pytest.raises(InputError, match="1 missing name, the first in row 2"):
            unit_order(names, 4)
