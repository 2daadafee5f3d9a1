"""The core of part III: trees, their objective, scaling, and the published cases."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import data_or_skip
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from lpc_ns.base.errors import DataWarning, InputError, MissingBackendError
from lpc_ns.datasets import find_data, load_cluster_tree_cases
from lpc_ns.tree.mip.hyperplanes import line_splits, separate, separating_tree
from lpc_ns.tree.mip.model import build_tree_model
from lpc_ns.tree.mip.solve import mip_tree
from lpc_ns.tree.problem.enumeration import brute_force
from lpc_ns.tree.problem.objective import (
    cluster_loss,
    make_problem,
    make_solution,
    minmax,
    split_margins,
    tree_objective,
)
from lpc_ns.tree.problem.trees import branch, leaf


def published():
    """The published cases, or a visible skip."""
    data_or_skip(find_data, "cluster_trees/golden.json")
    return load_cluster_tree_cases()


def shapes(splits):
    """All trees whose splits, in preorder, are these (feature, threshold) pairs."""
    if not splits:
        return [leaf()]
    j, threshold = splits[0]
    rest = splits[1:]
    sides = (
        (left, right)
        for cut in range(len(rest) + 1)
        for left in shapes(rest[:cut])
        for right in shapes(rest[cut:])
    )
    return [branch(left, right, threshold, j) for left, right in sides]


def one_cluster_per_leaf(tree):
    """The same tree with its leaves numbered."""
    return replace(tree, cluster=np.where(tree.is_leaf, np.cumsum(tree.is_leaf) - 1, -1))


def published_problem(case):
    """The problem of a published run, on min-max scaled points."""
    scaling = minmax(case.X)
    rules = {
        "max_depth": case.max_depth,
        "complexity": case.complexity,
        "margin": case.margin,
        "root": True,
    }
    return scaling, make_problem(scaling.transform(case.X), case.n_clusters, **rules)


def published_tree(case):
    """The verified optimal tree of a one-feature case, rebuilt from its splits and leaf sizes."""
    scaling, problem = published_problem(case)
    splits = [(j, (t - scaling.low[j]) / scaling.span[j]) for j, t in case.reference["splits"]]
    sizes = case.reference["leaf_sizes"]
    numbered = map(one_cluster_per_leaf, shapes(splits))
    (tree,) = (
        t
        for t in numbered
        if np.bincount(t.assign(problem.X), minlength=len(sizes)).tolist() == sizes
    )
    return tree


@pytest.mark.parametrize("name", ["Test1", "Test3", "Test4", "Test5", "Test8", "Test9", "Test10"])
def test_published_optima_are_reproduced_from_their_splits(name):
    case = published()[name]
    _, problem = published_problem(case)
    tree = published_tree(case)
    assert abs(tree_objective(problem, tree) - case.reference["exact_obj"]) < 1e-9
    assert abs(split_margins(problem, tree).sum() - case.reference["margin_sum"]) < 1e-9
    assert problem.root_loss == pytest.approx(case.reference["tss_minmax"])
    assert cluster_loss(problem, tree.assign(problem.X)) == pytest.approx(
        case.reference["sse_minmax"]
    )


def test_published_line_is_proved_by_enumeration():
    case = published()["Test7"]
    _, problem = published_problem(case)
    found = brute_force(problem, line_splits)
    assert abs(found.objective - case.reference["exact_obj"]) < 1e-8
    assert found.objective <= case.reference["gurobi_obj"] + 1e-6


def test_published_hyperplanes_from_kmeans():
    case = published()["iris19"]
    _, problem = published_problem(case)
    labels = KMeans(3, n_init=20, random_state=0).fit(problem.X).labels_
    found = make_solution(problem, separating_tree(problem, labels))
    assert np.isclose(
        np.sqrt(found.loss / problem.root_loss), case.reference["sqrt_sse_ratio"], atol=1e-8
    )
    assert found.objective <= case.reference["gurobi_obj"] + 1e-6
    assert split_margins(problem, found.tree)[~found.tree.is_leaf].min() >= 0.0025


def test_published_hyperplanes_from_the_one_feature_optimum():
    cases = published()
    case = cases["Test2"]
    start = published_tree(cases["Test1"])
    _, problem = published_problem(case)
    found = mip_tree(problem, splits="hyperplane", start=start, time_limit=0)
    assert (
        found.objective <= min(case.reference["gurobi_obj"], tree_objective(problem, start)) + 1e-6
    )
    assert 0 <= found.lower_bound <= found.objective and found.status == "time_limit"


def test_values_verified_by_two_methods():
    blobs = make_blobs(12, 2, centers=3, cluster_std=1.5, random_state=3)[0]
    found = mip_tree(make_problem(minmax(blobs).transform(blobs), 3, criterion="l1", max_depth=2))
    assert found.status == "optimal" and np.isclose(found.loss, 1.56514628, atol=1e-7)
    for n, loss in ((15, 4.69569147), (25, 7.10196885)):
        overlapping = make_blobs(n, 2, centers=2, cluster_std=2.5, random_state=5)[0]
        problem = make_problem(
            minmax(overlapping).transform(overlapping), 2, criterion="l1", max_depth=1
        )
        assert np.isclose(brute_force(problem, line_splits).loss, loss, atol=1e-7)
        if n == 15:
            found = mip_tree(problem, splits="hyperplane")
            assert found.status == "optimal" and np.isclose(found.loss, loss, atol=1e-7)


def random_tree(rng, p, depth):
    """A random tree, some of its splits hyperplanes."""
    if depth == 0 or rng.random() < 0.2:
        return leaf(int(rng.integers(3)))
    sides = random_tree(rng, p, depth - 1), random_tree(rng, p, depth - 1)
    how = (
        {"feature": int(rng.integers(p))} if rng.random() < 0.6 else {"weights": rng.normal(size=p)}
    )
    return branch(*sides, rng.normal(), **how)


@pytest.mark.parametrize("seed", range(8))
def test_trees_send_samples_where_their_splits_say(seed):
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, 3, 4)
    X = rng.normal(size=(50, 3))
    for x, end in zip(X, tree.apply(X), strict=True):
        node = 0
        while tree.left[node] >= 0:
            value = x[tree.feature[node]] if tree.feature[node] >= 0 else x @ tree.weights[node]
            node = tree.left[node] if value <= tree.threshold[node] else tree.right[node]
        assert node == end
    inner = np.flatnonzero(tree.left >= 0)
    assert (
        (tree.left[inner] == inner + 1).all()
        and tree.depth == tree.depths.max()
        and tree.n_leaves == tree.n_splits + 1
    )


@pytest.mark.parametrize("criterion", ["l2", "l1"])
def test_the_optimum_does_not_depend_on_units_or_order(criterion):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (8, 2)).astype(float)
    order = rng.permutation(8)
    options = {"criterion": criterion, "max_depth": 2, "complexity": 0.03, "margin": 0.01}
    reference = brute_force(make_problem(X, 3, **options)).objective
    for changed in (X[order], 1e4 * X - 7, X[:, ::-1].copy(), -X):
        assert np.isclose(brute_force(make_problem(changed, 3, **options)).objective, reference)
    free = options | {"margin": 0.0}
    monotone = brute_force(make_problem(np.exp(X), 3, loss_X=X, **free)).objective
    assert np.isclose(monotone, brute_force(make_problem(X, 3, **free)).objective)


def test_a_tree_on_scaled_data_says_the_same_about_the_data():
    rng = np.random.default_rng(3)
    X = np.column_stack([1e9 + rng.integers(0, 3, 12), np.ones(12), rng.normal(size=12) * 1e-7])
    with pytest.warns(DataWarning, match="1 constant column"):
        scaling = minmax(X)
    problem = make_problem(scaling.transform(X), 2, max_depth=2)
    for tree in (
        brute_force(problem).tree,
        separating_tree(problem, (problem.X[:, 1] > 0.4).astype(int)),
    ):
        assert (scaling.restate(tree, X).assign(X) == tree.assign(problem.X)).all()
    assert np.allclose(scaling.inverse_transform(problem.X), X[:, scaling.columns])


def test_labels_are_judged_with_their_best_centres():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(9, 2))
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    for criterion, power in (("l2", 2), ("l1", 1)):
        loss = cluster_loss(make_problem(X, 3, criterion=criterion), labels)
        for _ in range(200):
            centers = np.array([X[labels == k].mean(axis=0) for k in range(3)]) + 0.1 * rng.normal(
                size=(3, 2)
            )
            assert (np.abs(X - centers[labels]) ** power).sum() >= loss


def test_cheapest_hyperplane_against_random_ones():
    rng = np.random.default_rng(2)
    problem = make_problem(
        rng.normal(size=(12, 3)) + np.repeat([[0, 0, 0], [2, 2, 2]], 6, axis=0), 2
    )
    left = np.arange(6)
    right = np.arange(6, 12)
    split = separate(problem, left, right)
    tree = branch(leaf(0), leaf(1), **split)
    assert (tree.assign(problem.X) == np.repeat([0, 1], 6)).all()
    J = np.flatnonzero(split["weights"])
    for _ in range(3000):
        a = np.zeros(3)
        a[J] = rng.normal(size=len(J))
        value = problem.X @ (a / np.abs(a).sum() / problem.span)
        assert (value[right].min() - value[left].max()) / 2 <= split_margins(problem, tree)[
            0
        ] + 1e-9
    assert separate(problem, left, right, epsilon=1.0) is None
    assert separate(problem, left[:1], right[:1], local_sparsity=1) is not None


@pytest.mark.parametrize(
    ("solver", "nodes"), [("HIGHS", {"mip_max_nodes": 1}), ("SCIP", {"limits/nodes": 1})]
)
def test_a_search_that_is_stopped_has_an_answer(solver, nodes):
    X = np.random.default_rng(4).normal(size=(10, 2))
    problem = make_problem(X, 3, criterion="l1", max_depth=2)
    best = brute_force(problem)
    for stop in ({"time_limit": 0}, {"options": nodes}):
        found = mip_tree(problem, solver=solver, **stop)
        assert found.status in ("time_limit", "feasible", "optimal")
        assert found.objective == tree_objective(problem, found.tree) >= best.objective - 1e-9
        assert 0 <= found.lower_bound <= best.objective + 1e-6


def test_one_cluster_is_one_leaf():
    X = np.random.default_rng(5).normal(size=(6, 2))
    for problem in (
        make_problem(X, 1),
        make_problem(X, 1, max_depth=0),
        make_problem(X, 2, max_depth=1, complexity=2.0),
    ):
        found = mip_tree(problem)
        assert found.tree.n_leaves == 1 and found.status == "optimal" and found.objective == 1.0
        assert brute_force(problem).objective == 1.0


def test_refused():
    X = np.random.default_rng(6).normal(size=(6, 2))
    problem = make_problem(X, 2)
    refused = [
        (
            lambda: make_problem(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}), 2),
            InputError,
            "not numeric",
        ),
        (lambda: make_problem([[1.0, np.nan], [2.0, 3.0]], 2), InputError, "NaN"),
        (lambda: make_problem(np.ones((4, 2)), 2), InputError, "constant"),
        (lambda: make_problem(X, 2, loss_X=X[:3]), InputError, "same samples"),
        (lambda: make_problem(X, 2, root=True, criterion="l1"), InputError, "root"),
        (lambda: make_problem(X, 2, max_depth=0.5), InputError, "max_depth is 0.5"),
        (lambda: minmax(np.ones((3, 2))), InputError, "constant"),
        (lambda: mip_tree(problem, solver="HIGHS"), MissingBackendError, "MI-conic"),
        (lambda: mip_tree(problem, solver="EXCEL"), InputError, "EXCEL"),
        (lambda: mip_tree(problem, splits="oblique"), InputError, "oblique"),
        (lambda: mip_tree(problem, time_limit=-1), InputError, "time_limit"),
        (
            lambda: mip_tree(problem, splits="hyperplane", local_sparsity=0),
            InputError,
            "local_sparsity",
        ),
        (
            lambda: build_tree_model(make_problem(np.arange(20.0)[:, None], 9)),
            InputError,
            "max_depth",
        ),
        (
            lambda: brute_force(make_problem(np.arange(20.0)[:, None], 5), max_trees=10),
            InputError,
            "too many",
        ),
        (
            lambda: brute_force(make_problem(np.eye(3), 2), line_splits),
            InputError,
            "one or two features",
        ),
    ]
    for action, error, message in refused:
        with pytest.raises(error, match=message):
            action()
