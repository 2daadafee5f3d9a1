"""LPC-NS-QPBO: every way of solving it against brute force, and the published assignments where
LPC_NS_DATA points to them."""

import itertools
import math
import os
from pathlib import Path

import numpy as np
import pytest

from lpc_ns import datasets as ds
from lpc_ns.base.errors import InputError, NoSolutionError
from lpc_ns.base.solvers import solve
from lpc_ns.lpc.paper.arrangement import qpbo_exact, qpbo_exact_path
from lpc_ns.lpc.paper.opb import solve_opb, write_opb
from lpc_ns.lpc.paper.qpbo import build_qpbo, ns_qpbo
from lpc_ns.lpc.paper.surrogate import surrogate_value
from lpc_ns.lpc.problem import make_problem, objective

needs_data = pytest.mark.skipif(
    not (Path(os.environ.get("LPC_NS_DATA", "")) / "lpc_reference").is_dir()
    or not os.environ.get("LPC_NS_DATA"),
    reason="LPC_NS_DATA does not point to the published data",
)
BACK_ENDS = (("SCIP", "quadratic"), ("SCIP", "linear"), ("HIGHS", "linear"))


def tiny(seed, n, d, n_clusters, ridge):
    """A problem without structure."""
    rng = np.random.default_rng(seed)
    return make_problem(rng.normal(1, 2, size=(n, d)), rng.normal(1, 3, size=n), n_clusters, ridge)


def brute(problem, alpha):
    """Largest value of eq. (12) over all labellings, from textbook inverses."""
    X = problem.X
    y = problem.y
    K = problem.n_clusters
    strings = np.array(list(itertools.product(range(K), repeat=problem.n_samples)))
    total = np.zeros(len(strings))
    for k, share in enumerate(alpha):
        b = (strings == k) @ (X * y[:, None])
        A = np.linalg.inv(share * X.T @ X + np.diag(problem.penalty))
        total += np.einsum("sp,pq,sq->s", b, A, b)
    return total.max()


CASES = [
    (n, d, K, ridge, even)
    for (n, K), d, ridge, even in itertools.product(
        ((12, 2), (7, 3)), (1, 2), (0.01, 10), (True, False)
    )
]


@pytest.mark.parametrize(("n", "d", "n_clusters", "ridge", "even"), CASES)
def test_all_methods_agree_with_brute_force(n, d, n_clusters, ridge, even, tmp_path):
    problem = tiny(n + d, n, d, n_clusters, ridge)
    alpha = (
        np.full(n_clusters, 1 / n_clusters)
        if even
        else np.array({2: [0.75, 0.25], 3: [0.5, 0.3, 0.2]}[n_clusters])
    )
    best = brute(problem, alpha)
    found = [ns_qpbo(problem, alpha=alpha, gap=1e-9, random_state=0)]
    found += [
        ns_qpbo(problem, alpha=alpha, gap=1e-9, solver=s, formulation=f) for s, f in BACK_ENDS
    ]
    if n_clusters == 2:
        found.append(qpbo_exact(problem, alpha))
        assert found[0].surrogate_status == "optimal"
    for solution in found:
        assert solution.surrogate_objective == pytest.approx(best, rel=1e-6)
        assert solution.surrogate_bound >= best * (1 - 1e-7)
        assert solution.objective == pytest.approx(objective(problem, solution.labels), rel=1e-12)
        assert solution.lower_bound == 0 and solution.status == "feasible"
    labels, bound = solve_opb(write_opb(problem, tmp_path / "tiny.opb", alpha, tolerance=1e-9))
    assert surrogate_value(problem, labels, alpha) == pytest.approx(best, rel=1e-6)
    assert bound >= best * (1 - 1e-7)


@pytest.mark.parametrize("solver", ["SCIP", "HIGHS"])
@pytest.mark.parametrize("convexification", ["sdp", "shift"])
def test_diagonals_give_one_optimum(solver, convexification):
    problem = tiny(0, 10, 1, 2, 0.1)
    model = build_qpbo(
        problem, None, "linear" if solver == "HIGHS" else "quadratic", convexification
    )
    answer = solve(model, solver, gap=1e-9)
    assert answer.objective == pytest.approx(brute(problem, [0.5, 0.5]), rel=1e-6)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize(
    "kind", ["integers", "duplicates", "zero targets", "constant feature", "one sample"]
)
def test_degenerate_data(kind, d):
    rng = np.random.default_rng(d)
    X = rng.integers(-2, 3, size=(10, d)).astype(float)
    y = rng.integers(-2, 3, size=10).astype(float)
    if kind == "duplicates":
        X = X[[0, 1, 2, 3, 0, 1, 2, 0, 0, 0]]
        y = y[[0, 1, 2, 3, 0, 1, 2, 0, 0, 0]]
    elif kind == "zero targets":
        y[2:] = 0
    elif kind == "constant feature":
        X[:, 0] = 7
    elif kind == "one sample":
        X = X[[0, 0]]
        y = y[[0, 0]]
    problem = make_problem(X, y, 2, ridge=0.01)
    for alpha in ([0.5, 0.5], [0.9, 0.1]):
        best = brute(problem, alpha)
        assert ns_qpbo(
            problem, alpha=alpha, gap=1e-9, random_state=0
        ).surrogate_objective == pytest.approx(best, rel=1e-8, abs=1e-10)
        if d < 3:
            assert qpbo_exact(problem, alpha).surrogate_objective == pytest.approx(
                best, rel=1e-8, abs=1e-10
            )


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_do_not_matter(unit):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 2))
    y = rng.normal(size=12)
    for solver in ("native", "SCIP", "HIGHS"):
        one = ns_qpbo(make_problem(X, y, 2), solver=solver, gap=1e-9, random_state=0)
        other = ns_qpbo(make_problem(X, unit * y, 2), solver=solver, gap=1e-9, random_state=0)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert other.surrogate_objective == pytest.approx(
            unit**2 * one.surrogate_objective, rel=1e-9
        )


@pytest.mark.parametrize("alpha", [[0.5, 0.5], [0.7, 0.3]])
def test_cones_and_sweeps_prove_the_same(alpha):
    for seed in range(10):
        data = ds.make_sd1(300, 2, noise=3.5, random_state=seed)
        problem = make_problem(data.X, data.y, 2)
        exact = qpbo_exact(problem, alpha)
        cones = ns_qpbo(problem, alpha=alpha, gap=1e-9, random_state=seed)
        assert math.isclose(exact.surrogate_objective, cones.surrogate_objective, rel_tol=1e-9)
        assert (
            exact.surrogate_objective
            <= cones.surrogate_bound * (1 + 1e-12)
            <= exact.surrogate_objective * (1 + 2e-9)
        )


def test_one_enumeration_serves_all_shares():
    problem = tiny(1, 40, 2, 2, 0.1)
    grid = [[share, 1 - share] for share in (0.5, 0.65, 0.8, 0.95)]
    for alpha, together in zip(grid, qpbo_exact_path(problem, grid), strict=True):
        assert qpbo_exact(problem, alpha).surrogate_objective == pytest.approx(
            together.surrogate_objective, rel=1e-12
        )


@pytest.mark.parametrize(("d", "n_clusters"), [(7, 2), (2, 3), (2, 4)])
def test_bounds_without_branching_are_bounds(d, n_clusters):
    problem = tiny(3, 8, d, n_clusters, 0.1)
    for alpha in (
        np.full(n_clusters, 1 / n_clusters),
        np.arange(1, n_clusters + 1) / np.arange(1, n_clusters + 1).sum(),
    ):
        found = ns_qpbo(problem, alpha=alpha, random_state=0)
        assert (
            found.surrogate_objective
            <= brute(problem, alpha) * (1 + 1e-9)
            <= found.surrogate_bound * (1 + 2e-9)
        )


def test_one_cluster_weights_and_time_limit():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = rng.normal(size=30)
    one = ns_qpbo(make_problem(X, y, 1))
    assert one.surrogate_gap == 0 and (one.labels == 0).all()
    weight = rng.integers(1, 4, size=30)
    weighted = ns_qpbo(make_problem(X, y, 2, sample_weight=weight), gap=1e-9, random_state=0)
    repeated = ns_qpbo(
        make_problem(np.repeat(X, weight, axis=0), np.repeat(y, weight), 2),
        gap=1e-9,
        random_state=0,
    )
    assert weighted.surrogate_objective == pytest.approx(repeated.surrogate_objective, rel=1e-8)
    stopped = ns_qpbo(make_problem(X, y, 2), time_limit=0, gap=1e-9, random_state=0)
    assert stopped.surrogate_objective <= stopped.surrogate_bound and stopped.status in (
        "time_limit",
        "feasible",
    )
    one, other = (ns_qpbo(make_problem(X, y, 2), random_state=5) for _ in range(2))
    np.testing.assert_array_equal(one.labels, other.labels)


def test_opb_refuses_what_it_cannot_write(tmp_path):
    problem = tiny(0, 5, 1, 2, 0.1)
    with pytest.raises(InputError, match="must be positive"):
        write_opb(problem, tmp_path / "a.opb", tolerance=0)
    with pytest.raises(InputError, match="nothing to assign"):
        write_opb(tiny(0, 5, 1, 1, 0.1), tmp_path / "a.opb")
    with pytest.raises(NoSolutionError, match="more time"):
        solve_opb(write_opb(tiny(0, 60, 2, 3, 0.1), tmp_path / "b.opb"), time_limit=0)


def published(family):
    """Two-cluster instances with a published LPC-NS-QPBO assignment."""
    instances = ds.load_reference_instances(family)
    return [x for x in instances if "lpc_ns_qpbo" in x.runs and x.data.labels.max() == 1]


@needs_data
@pytest.mark.parametrize(
    "family", ["vary_n", "vary_d", "vary_k", "vary_noise_std", "vary_outlier_ratio"]
)
def test_not_below_the_published_assignments(family):
    proved = 0
    instances = published(family)
    for instance in instances:
        problem = make_problem(instance.data.X, instance.data.y, 2, ridge=instance.ridge)
        labels = instance.runs["lpc_ns_qpbo"].labels
        found = ns_qpbo(problem, random_state=0)
        assert found.surrogate_objective >= surrogate_value(problem, labels) * (
            1 - 1e-9
        ), instance.id
        proved += found.surrogate_status == "optimal"
    assert instances
    if family == "vary_n":
        assert proved == len(instances)
