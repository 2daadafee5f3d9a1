"""Exact cluster trees: published and golden values, brute force, bounds at any time, interruption,
odd data."""

import ast
import inspect
import itertools
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import data_or_skip
from sklearn.datasets import load_iris, make_blobs

from lpc_ns.base.errors import InputError
from lpc_ns.datasets import load_cluster_tree_cases
from lpc_ns.tree.problem.enumeration import brute_force
from lpc_ns.tree.problem.objective import make_problem, minmax, tree_objective
from lpc_ns.tree.problem.trees import branch, leaf
from lpc_ns.tree.proof import completions, exact, heap, intervals, losses, sharing
from lpc_ns.tree.proof.exact import exact_tree

IRIS = load_iris().data
SCALED = minmax(IRIS).transform(IRIS)
RAW_L2 = [
    152.34795176,
    81.73142781,
    60.27851132,
    49.22444563,
    42.17565342,
    36.09311318,
    33.08803494,
]


def published():
    """The published cases with one-feature splits, or a visible skip."""
    cases = data_or_skip(load_cluster_tree_cases).values()
    return [case for case in cases if case.local_sparsity == 1]


def solved(X, n_clusters, **details):
    """A proved solution."""
    solution = exact_tree(make_problem(X, n_clusters, **details))
    assert solution.status == "optimal"
    return solution


def test_published_cases():
    for case in published():
        Z = minmax(case.X).transform(case.X)
        problem = make_problem(
            Z,
            case.n_clusters,
            max_depth=case.max_depth,
            complexity=case.complexity,
            margin=case.margin,
            root=True,
        )
        found = exact_tree(problem)
        assert found.status == "optimal", case.name
        assert found.objective <= case.reference["gurobi_obj"] + 1e-6, case.name
        assert math.isclose(found.objective, case.reference["exact_obj"], abs_tol=1e-8), case.name
        assert found.objective - found.lower_bound <= 1e-9, case.name


@pytest.mark.parametrize("leaves", range(2, 9))
def test_iris_raw_squares(leaves):
    assert math.isclose(
        solved(IRIS, leaves, max_depth=3, max_leaves=leaves).loss, RAW_L2[leaves - 2], abs_tol=1e-7
    )


def test_iris_other_golden_values():
    for leaves, loss in ((3, 7.476522), (4, 6.1124713), (5, 5.14707908), (8, 3.31784259)):
        assert math.isclose(
            solved(SCALED, leaves, max_depth=3, max_leaves=leaves).loss, loss, abs_tol=1e-6
        )
    for X, golden in ((IRIS, (163.1, 140.2)), (SCALED, (49.2309322, 43.48046139))):
        for leaves, loss in zip((3, 4), golden, strict=True):
            assert math.isclose(
                solved(X, leaves, criterion="l1", max_depth=2, max_leaves=leaves).loss,
                loss,
                abs_tol=1e-6,
            )
    shared = (79.96979781, 160.1, 7.18871013, 48.03413371)
    for (X, criterion), loss in zip(
        itertools.product((IRIS, SCALED), ("l2", "l1")), shared, strict=True
    ):
        assert math.isclose(solved(X, 3, criterion=criterion, max_depth=2).loss, loss, abs_tol=1e-7)
    assert math.isclose(
        solved(SCALED, 2, criterion="l1", max_depth=2).loss, 63.65983992, abs_tol=1e-7
    )
    assert math.isclose(solved(SCALED, 2, criterion="l1").loss, 63.66148776, abs_tol=1e-7)


def test_blobs_golden_values():
    for n, loss in ((12, 1.56514628), (20, 3.09666287)):
        X = make_blobs(n, 2, centers=3, cluster_std=1.5, random_state=3)[0]
        found = solved(minmax(X).transform(X), 3, criterion="l1", max_depth=2)
        assert math.isclose(found.loss, loss, abs_tol=1e-7)


def random_problem(seed):
    """Every option in turn, on data with ties, equal samples and a constant feature."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 9))
    K = 1 + seed % 3
    X = np.column_stack([rng.integers(0, 5, size=(n, 2)), np.ones(n)]).astype(float)
    X[0, 0] = 0
    X[1, 0] = 5
    loss_X = (
        rng.integers(0, 9, size=(n, 1 + seed % 2)) + np.arange(n)[:, None] / 8
        if rng.random() < 0.3
        else None
    )
    limits = [
        {"max_depth": 2},
        {"max_leaves": 3},
        {"max_leaves": 4},
        {"max_depth": 3, "max_leaves": 4},
        {},
    ][seed % 5]
    problem = make_problem(
        X,
        K,
        loss_X=loss_X,
        criterion=("l2", "l1")[rng.integers(2)],
        complexity=(0.0, 0.02, 0.2)[rng.integers(3)],
        margin=(0.0, 0.03)[rng.integers(2)],
        min_samples_leaf=1 + int(rng.random() < 0.3 and 2 * K <= n),
        **limits,
    )
    return replace(problem, root=bool(problem.criterion == "l2" and rng.random() < 0.5))


@pytest.mark.parametrize("seed", range(60))
def test_brute_force(seed):
    problem = random_problem(seed)
    best = brute_force(problem)
    found = exact_tree(problem)
    assert found.status == "optimal"
    assert math.isclose(found.objective, best.objective, rel_tol=1e-9, abs_tol=1e-9)
    assert found.lower_bound <= best.objective + 1e-12
    assert found.objective == tree_objective(problem, found.tree)


@pytest.mark.parametrize(
    ("K", "limits"), [(5, {}), (3, {"max_leaves": 4}), (2, {"max_depth": 2, "criterion": "l1"})]
)
def test_bounds_are_valid_whenever_the_search_stops(K, limits):
    X = IRIS[::3]
    best = solved(X, K, **limits)
    stops = [exact_tree(make_problem(X, K, **limits), max_nodes=n) for n in (1, 300, 3000, 30000)]
    for earlier, later in itertools.pairwise([*stops, best]):
        assert (
            earlier.lower_bound <= later.lower_bound + 1e-9
            and earlier.objective >= later.objective - 1e-9
        )
    for stop in stops:
        assert stop.lower_bound <= best.objective <= stop.objective + 1e-12
        assert stop.status == (
            "optimal"
            if math.isclose(stop.lower_bound, stop.objective, rel_tol=1e-9, abs_tol=1e-11)
            else "feasible"
        )


@pytest.mark.parametrize(
    ("search", "K", "limits"), [("OwnClusters", 5, {}), ("SharedClusters", 3, {"max_depth": 2})]
)
def test_interruption_keeps_tree_and_bound(search, K, limits, monkeypatch):
    problem = make_problem(IRIS, K, **limits)
    best = exact_tree(problem)
    calls = []
    advance = getattr(exact, search).advance

    def interrupted(self, budget=None):
        if budget is not None:  # only a question put, which is answered at once if that is easy
            return advance(self, budget)
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        advance(self, 10_000)

    monkeypatch.setattr(getattr(exact, search), "advance", interrupted)
    found = exact_tree(problem)
    assert found.status == "interrupted"
    assert found.lower_bound <= best.objective <= found.objective < 1


def test_invariance():
    X, _ = make_blobs(60, 3, centers=4, cluster_std=2.0, random_state=1)
    plain = solved(X, 4, max_depth=2, complexity=0.01, margin=0.01)
    order = np.random.default_rng(0).permutation(60)
    moved = solved((X[order] * 8 - 64)[:, [2, 0, 1]], 4, max_depth=2, complexity=0.01, margin=0.01)
    assert math.isclose(plain.objective, moved.objective, rel_tol=1e-9)
    duplicated = solved(
        np.hstack([X, X[:, :1]]), 4, loss_X=X, max_depth=2, complexity=0.01, margin=0.01
    )
    assert math.isclose(plain.objective, duplicated.objective, rel_tol=1e-9)


def test_far_from_the_origin():
    X, _ = make_blobs(200, 2, centers=4, random_state=0)
    near = solved(X, 4, max_depth=2)
    far = solved(X + 1e6, 4, max_depth=2)
    assert (
        math.isclose(near.objective, far.objective, rel_tol=1e-6)
        and (near.labels == far.labels).all()
    )


def test_perfect_trees_and_single_leaves():
    X = np.repeat([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]], 4, axis=0)
    perfect = solved(X, 3)
    assert perfect.loss == 0 and perfect.lower_bound == 0 and perfect.gap == 0
    rooted = solved(X, 3, complexity=0.01, margin=0.001, root=True)
    assert rooted.loss == 0 and rooted.tree.n_leaves == 3
    assert solved(X, 1, max_depth=3).tree.n_leaves == 1
    assert solved(X, 3, complexity=2.0).tree.n_leaves == 1


def test_neighbouring_floats_are_told_apart():
    X = np.array([1.0, np.nextafter(1.0, 2.0), 3.0, 3.0])[:, None]
    found = solved(X, 3, loss_X=np.array([[0.0], [5.0], [9.0], [9.0]]))
    assert found.loss == 0 and (found.labels == [0, 1, 2, 2]).all()


def test_starts():
    problem = make_problem(IRIS, 4)
    best = exact_tree(problem)
    for start in (best, best.tree):
        again = exact_tree(problem, start=start)
        assert again.status == "optimal" and again.objective == best.objective
    chain = branch(branch(branch(leaf(0), leaf(1), 1.5, 2), leaf(2), 3.0, 2), leaf(3), 5.0, 2)
    with pytest.raises(InputError, match="has depth 3 and the problem allows 2"):
        exact_tree(make_problem(IRIS, 4, max_depth=2), start=chain)


def test_memory_is_linear():
    sizes = []
    for n in (2000, 20_000):
        problem = make_problem(np.random.default_rng(0).normal(size=(n, 5)), 4, max_depth=2)
        data, orders = losses.prepare(problem)
        search = intervals.OwnClusters(losses.priced(problem, data), orders, 4, 2)
        sizes.append(sum(a.nbytes for a in (*search.frames, *search.work) if n in a.shape))
    assert sizes[1] <= 10.1 * sizes[0] and sizes[1] <= 20_000 * 5 * 16
    problem = make_problem(np.random.default_rng(0).normal(size=(20, 3000)), 3, max_depth=2)
    data, orders = losses.prepare(problem)
    assert (
        sum(
            a.nbytes
            for a in intervals.OwnClusters(losses.priced(problem, data), orders, 4, 2).frames
        )
        < 3e8
    )


def is_inner(decorator):
    """Whether a decorator is @kernel(inner=True)."""
    return isinstance(decorator, ast.Call) and decorator.func.id == "kernel"


@pytest.mark.parametrize("room", [completions, exact, heap, intervals, losses, sharing])
def test_inner_kernels_are_called_by_kernels_only(room):
    inner = set()
    for other in (completions, heap, intervals, losses, sharing):
        module = ast.parse(inspect.getsource(other))
        inner |= {
            node.name
            for node in module.body
            if isinstance(node, ast.FunctionDef) and any(map(is_inner, node.decorator_list))
        }
    plain = [
        node
        for node in ast.parse(inspect.getsource(room)).body
        if not isinstance(node, (ast.Import, ast.ImportFrom, ast.Assign))
        and not (isinstance(node, ast.FunctionDef) and node.decorator_list)
    ]
    assert len(inner) > 30 and plain
    assert not inner & {
        node.id for part in plain for node in ast.walk(part) if isinstance(node, ast.Name)
    }


def test_a_new_process_uses_the_compiled_kernels():
    code = (
        "import numpy as np; from lpc_ns.tree.proof.exact import exact_tree; from"
        " lpc_ns.tree.problem.objective import make_problem; "
    )
    code += (
        "X = np.random.default_rng(0).normal(size=(30, 2)); print(exact_tree(make_problem(X, 2,"
        " max_depth=2)).status)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "optimal"
