"""Bounds from prices: never above the optimum, closing at it, whatever the data, the prices and the
start."""

import itertools
from dataclasses import replace

import certify_bounds
import numpy as np
import pytest

from lpc_ns.lpc.problem import make_problem, objective
from lpc_ns.lpc.proof.columns import ColumnSearch, Node, centred_prices
from lpc_ns.lpc.proof.pricing import Pricer
from lpc_ns.lpc.search.local_search import local_search


def best_known(problem):
    """The optimum of a tiny problem."""
    return certify_bounds.best_known(problem, local_search(problem, random_state=0))


def lines(n=36, k=3, d=1, noise=0.5, seed=0, ridge=0.01):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    z = np.arange(n) % k
    y = np.einsum("ij,ij->i", X, rng.uniform(-3, 3, (k, d))[z]) + z + noise * rng.normal(size=n)
    return make_problem(X, y, k, ridge=ridge)


def run(tree, most=2000, look=lambda tree: None):
    """Advance to the end, or so many times."""
    for _ in range(most):
        look(tree)
        if tree.finished:
            break
        tree.advance()
    look(tree)
    return tree


@pytest.mark.parametrize("block", range(10))
def test_never_above_brute_force_and_closes_there(block):
    """Random problems on scales from 1e-6 to 1e6, with near-copies of samples, from a random
    start."""
    for seed in range(20 * block, 20 * block + 20):
        problem, rng = certify_bounds.random_problem(seed)
        if problem.penalty.min() == 0:
            continue
        optimum = certify_bounds.best_known(problem, local_search(problem, 2, random_state=0))
        limit = optimum + certify_bounds.slack(problem, optimum)

        def look(tree, limit=limit, seed=seed):
            assert tree.lower <= limit, f"seed {seed}: {tree.lower!r} above {limit!r}"

        tree = ColumnSearch(problem, rng.integers(0, problem.n_clusters, problem.n_samples), 1e-4)
        tree.pricer.n_boxes = int(rng.choice([20, 500]))
        run(tree, most=25, look=look)
        assert tree.upper >= optimum - certify_bounds.slack(problem, optimum)
        if tree.finished:
            assert tree.upper <= optimum * (1 + 1e-3) + certify_bounds.slack(problem, optimum)


@pytest.mark.parametrize("seed", range(6))
def test_ends_at_the_optimum(seed):
    rng = np.random.default_rng(seed)
    n = 9
    k = 2 + seed % 2
    problem = make_problem(
        rng.normal(size=(n, 1 + seed % 3)),
        rng.normal(size=n) + 5 * (seed % 2),
        k,
        ridge=(1e-3, 0.1, 10.0)[seed % 3],
    )
    tree = run(ColumnSearch(problem, np.zeros(n, dtype=int), 1e-5))
    optimum = certify_bounds.best_known(problem, local_search(problem, 2, random_state=0))
    assert tree.finished
    assert tree.lower <= optimum <= tree.lower * (1 + 2e-5) + 1e-12
    assert objective(problem, tree.labels) == pytest.approx(tree.upper, rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_node_bound_against_all_completions(seed):
    """The price bound of a node, at random prices, against enumeration."""
    rng = np.random.default_rng(seed)
    n = 8
    k = 2 + seed % 2
    X = rng.normal(size=(n, 1 + seed % 2))
    y = rng.normal(size=n) + 3 * (seed % 3)
    problem = make_problem(X, y, k, ridge=10.0 ** rng.uniform(-4, 1))
    labels = np.full(n, -1)
    labels[: seed % 4] = [0, 1, 0][: seed % 4]
    free = labels < 0
    mu = np.where(free, rng.exponential(10.0 ** rng.uniform(-2, 2), n), 0.0)
    completions = (
        np.concatenate([labels[~free], c])
        for c in itertools.product(range(k), repeat=int(free.sum()))
    )
    values = [objective(problem, z) for z in completions]
    pricer = Pricer(problem.proof_form, rng.integers(0, k, n), max(values))
    node = Node(labels, mu, 0.0, [])
    node.open(pricer, k)
    rows = np.flatnonzero(free).astype(np.int32)
    low = np.array([list(pricer.exact(base, mu, rows, np.inf, 1e-9))[-1] for base in node.bases])
    assert mu.sum() + node.room @ low - pricer.rounding <= min(values) * (1 + 1e-12)


def test_same_nodes_same_bound():
    one, two = (
        run(ColumnSearch(lines(seed=4), np.arange(36) % 3, 0.01), most=15) for _ in range(2)
    )
    assert one.lower == two.lower and one.nodes == two.nodes
    np.testing.assert_array_equal(one.labels, two.labels)


def test_bound_rises_and_closes_on_clear_clusters():
    problem = lines(noise=0.05)
    seen = []
    start = local_search(problem, random_state=0).labels
    tree = run(ColumnSearch(problem, start, 1e-3), look=lambda tree: seen.append(tree.lower))
    assert tree.finished and tree.nodes <= 3
    assert (np.diff(seen) >= -1e-12 * tree.upper).all()


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_scale_of_the_target(factor):
    problem = lines(24)
    start = np.arange(24) % 3
    one = run(ColumnSearch(problem, start, 0.01))
    two = run(ColumnSearch(replace(problem, y=problem.y * factor), start, 0.01))
    assert two.lower == pytest.approx(one.lower * factor**2, rel=0.011)


def test_exact_pricing_stopped_early_is_still_a_bound():
    problem = lines(30, d=2, noise=1.0)
    pricer = Pricer(problem.proof_form, np.arange(30) % 3, objective(problem, np.arange(30) % 3))
    base = pricer.base(np.zeros(30, dtype=bool))
    mu = np.full(30, 0.5)
    free = np.arange(30, dtype=np.int32)
    *_, low = pricer.exact(base, mu, free, 0.0, 1e-9)
    pricer.work = 2
    early = list(itertools.islice(pricer.exact(base, mu, free, 0.0, 1e-9), 40))
    assert (np.diff(early) >= 0).all() and early[0] < early[-1] <= low + 1e-9


@pytest.mark.parametrize("room", [1, 4, 40])
def test_exact_pricing_without_room_for_boxes_is_still_a_bound(room):
    problem = lines(30, d=2, noise=1.0)
    pricer = Pricer(problem.proof_form, np.arange(30) % 3, objective(problem, np.arange(30) % 3))
    base = pricer.base(np.zeros(30, dtype=bool))
    mu = np.full(30, 0.5)
    free = np.arange(30, dtype=np.int32)
    *_, low = pricer.exact(base, mu, free, 0.0, 1e-9)
    pricer.pool = pricer.pool._replace(free=pricer.pool.free[:room])
    *_, short = pricer.exact(base, mu, free, 0.0, 1e-9)
    assert pricer.pool.now["room"][0] >= 0 and short <= low + 1e-9


def test_prices_stay_feasible_when_the_program_is_degenerate():
    A = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [-1.0, -1.0, 0.0]])
    b = np.array([1.0, 1.0, -1.0])
    cost = np.array([1.0, 1.0, 9.0])
    _, nu = centred_prices(A, b, cost, np.array([0.1, 0.1, 1.0]), 1.0, 1e-7)
    assert (A.T @ nu <= cost).all() and b @ nu == pytest.approx(1.0, abs=1e-5)
