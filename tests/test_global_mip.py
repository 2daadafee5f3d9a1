"""GlobalOpt against enumeration: every formulation on every back end that can solve it,
requirements, limits, and what is refused."""

from itertools import combinations, combinations_with_replacement, product

import numpy as np
import pytest
from conftest import backends

from lpc_ns.base.errors import InputError, MissingBackendError
from lpc_ns.base.solvers import solve
from lpc_ns.lpc.paper.big_m import big_m_bounds, elemental_coefficients, loss_objective
from lpc_ns.lpc.paper.formulation import build_global
from lpc_ns.lpc.paper.global_mip import global_mip
from lpc_ns.lpc.problem import brute_force, make_problem, objective, partitions, refit

SIZES = [(8, 1, 2), (8, 2, 2), (7, 1, 3), (6, 2, 3)]
RIDGES = (0.01, 0.5, 10.0)
INSTANCES = [(seed, *size, ridge) for seed, (ridge, size) in enumerate(product(RIDGES, SIZES))]


def instance(seed, n, d, K, ridge, **options):
    """K lines with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    lines = rng.uniform(-3, 3, (K, d + 1))
    chosen = lines[np.arange(n) % K]
    return make_problem(
        X,
        chosen[:, 0] + (X * chosen[:, 1:]).sum(axis=1) + 0.4 * rng.normal(size=n),
        K,
        ridge=ridge,
        **options,
    )


def absolute_optimum(problem):
    """Best K elemental coefficient vectors: neither partitions nor linear programs."""
    E = elemental_coefficients(problem)
    residual = np.abs(problem.y[:, None] - problem.X @ E.T)
    price = np.abs(E) @ problem.penalty
    best = np.inf
    for first in range(len(E)) if problem.n_clusters == 3 else [None]:
        base, cost = (np.inf, 0.0) if first is None else (residual[:, [first]], price[first])
        pairs = np.array(list(combinations_with_replacement(range(first or 0, len(E)), 2)))
        values = cost + price[pairs].sum(axis=1)
        values += np.minimum(
            np.minimum(residual[:, pairs[:, 0]], residual[:, pairs[:, 1]]), base
        ).sum(axis=0)
        best = min(best, values.min())
    return best


@pytest.mark.parametrize("case", INSTANCES, ids=str)
def test_squared_loss_agrees_with_enumeration(case):
    problem = instance(*case)
    optimum = brute_force(problem).objective
    runs = [("big-m", name) for name in backends("MIQP")] + [("indicator", "SCIP")]
    for formulation, solver in runs:
        found = global_mip(
            problem, formulation=formulation, solver=solver, gap=1e-9, random_state=0
        )
        assert found.status == found.model_status == "optimal"
        assert np.isclose(found.objective, optimum, rtol=1e-6)
        assert found.objective == objective(problem, found.labels) == found.model_objective
        assert optimum * (1 - 1e-5) <= found.lower_bound <= optimum * (1 + 1e-9)


@pytest.mark.parametrize("case", INSTANCES, ids=str)
def test_absolute_loss_agrees_with_enumeration(case):
    problem = instance(*case)
    optimum = absolute_optimum(problem)
    runs = [("big-m", name) for name in backends("MILP")] + [("indicator", "SCIP")]
    for formulation, solver in runs:
        found = global_mip(
            problem, "absolute", formulation=formulation, solver=solver, gap=1e-9, random_state=0
        )
        assert found.model_status == "optimal"
        assert found.status == "feasible"
        assert np.isclose(found.model_objective, optimum, rtol=1e-6)
        assert np.isclose(
            found.model_objective, loss_objective(problem, found.labels, "absolute"), rtol=1e-9
        )
        assert found.lower_bound == 0 and found.objective == objective(problem, found.labels)


@pytest.mark.parametrize("loss", ["squared", "absolute"])
def test_cvxpy_model_is_the_problem(loss):
    problem = instance(3, 7, 1, 2, 0.1)
    optimum = brute_force(problem).objective if loss == "squared" else absolute_optimum(problem)
    found = solve(build_global(problem, loss).problem, gap=1e-9)
    assert np.isclose(found.objective, optimum, rtol=1e-4)
    assert found.bound <= optimum * (1 + 1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("loss", ["squared", "absolute"])
def test_units_do_not_matter(loss, scale):
    small = instance(1, 8, 2, 2, 0.0)
    X = small.X[:, 1:] * [1e3, 1e-3]
    problem = make_problem(X, small.y * scale, 2, ridge=0.0)
    found = global_mip(problem, loss, gap=1e-6, random_state=0)
    optimum = brute_force(problem).objective if loss == "squared" else absolute_optimum(problem)
    assert found.model_status == "optimal"
    assert np.isclose(found.model_objective, optimum, rtol=1e-6)


@pytest.mark.parametrize(
    "options",
    [{"penalize_intercept": False}, {"sample_weight": [1, 2, 0, 1, 3, 0.5, 1, 1]}],
    ids=str,
)
def test_free_intercept_and_weights(options):
    problem = instance(5, 8, 1, 2, 0.5, **options)
    found = global_mip(problem, gap=1e-9, random_state=0)
    assert found.status == "optimal"
    assert np.isclose(found.objective, brute_force(problem).objective, rtol=1e-6)


def test_big_m_is_valid_without_an_incumbent():
    for case in INSTANCES:
        problem = instance(*case)
        best = brute_force(problem)
        residual = np.abs(problem.y[:, None] - problem.X @ refit(problem, best.labels).T).max(
            axis=1
        )
        tight = big_m_bounds(problem, "squared", best.objective)
        loose = big_m_bounds(problem, "squared")
        assert (residual <= tight * (1 + 1e-9)).all() and (tight <= loose * (1 + 1e-9)).all()


def feasible(z, K, min_cluster_size=0, must_link=(), cannot_link=()):
    """Whether labels meet the requirements; -1 is left out."""
    sizes = [(z == k).sum() for k in range(K)]
    apart = all(z[i] != z[j] or z[i] < 0 for i, j in cannot_link)
    return min(sizes) >= min_cluster_size and all(z[i] == z[j] for i, j in must_link) and apart


REQUIREMENTS = [
    {"min_cluster_size": 3},
    {"must_link": [(0, 1), (1, 5)]},
    {"cannot_link": [(0, 2), (3, 4)]},
    {"must_link": [(0, 1)], "cannot_link": [(1, 2)], "min_cluster_size": 2},
]


@pytest.mark.parametrize("loss", ["squared", "absolute"])
@pytest.mark.parametrize("rules", REQUIREMENTS, ids=str)
def test_requirements_are_met_and_optimal_among_those_that_meet_them(rules, loss):
    problem = instance(7, 8, 1, 2, 0.1)
    found = global_mip(problem, loss, gap=1e-9, random_state=0, **rules)
    assert feasible(found.labels, 2, **rules)
    best = min(
        loss_objective(problem, z, loss) for z in partitions(8, 2) if feasible(z, 2, **rules)
    )
    assert np.isclose(found.model_objective, best, rtol=1e-6)
    assert found.model_status == "optimal" and best * (1 - 1e-5) <= found.model_bound <= best * (
        1 + 1e-9
    )
    assert found.lower_bound == 0 and found.status == "feasible"


@pytest.mark.parametrize("K", [2, 3])
def test_requirements_of_three_clusters(K):
    problem = instance(8, 7, 1, K, 0.1)
    rules = {"min_cluster_size": 2, "cannot_link": [(0, 3)]}
    found = global_mip(problem, gap=1e-9, random_state=0, **rules)
    assert feasible(found.labels, K, **rules)
    best = min(objective(problem, z) for z in partitions(7, K) if feasible(z, K, **rules))
    assert np.isclose(found.model_objective, best, rtol=1e-6)


@pytest.mark.parametrize(
    "rules",
    [{}, {"must_link": [(0, 1)]}, {"min_cluster_size": 2, "cannot_link": [(4, 5)]}],
    ids=str,
)
def test_trimming_leaves_out_the_best_samples(rules):
    clean = instance(9, 7, 1, 2, 0.1)
    problem = make_problem(clean.X[:, 1:], clean.y + 20.0 * (np.arange(7) == 4), 2, ridge=0.1)
    found = global_mip(problem, max_outliers=2, gap=1e-9, random_state=0, **rules)
    best = np.inf
    for count in range(3):
        for out in map(list, combinations(range(7), count)):
            for z in partitions(7, 2):
                labels = z.copy()
                labels[out] = -1
                if feasible(labels, 2, **rules):
                    best = min(best, objective(problem, labels))
    kept = np.where(found.outliers, -1, found.labels)
    assert found.outliers.sum() <= 2 and feasible(kept, 2, **rules)
    assert np.isclose(found.model_objective, best, rtol=1e-6)
    assert np.isclose(objective(problem, kept), found.model_objective)
    assert found.objective == objective(problem, found.labels) >= found.model_objective


@pytest.mark.parametrize("solver", backends("MIQP"))
@pytest.mark.parametrize("nodes", [0, 20])
def test_a_stop_leaves_the_best_solution_and_a_valid_bound(nodes, solver):
    if nodes and solver != "SCIP":
        pytest.skip(f"a limit of nodes is not tried with {solver}")
    problem = instance(2, 24, 2, 3, 0.1)
    stop = {"options": {"limits/nodes": nodes}} if nodes else {"time_limit": 0}
    found = global_mip(problem, solver=solver, random_state=0, **stop)
    assert found.status == ("feasible" if nodes else "time_limit")
    assert found.objective == objective(problem, found.labels)
    assert 0 <= found.lower_bound <= found.objective
    assert np.isfinite(found.gap)


def test_bound_of_a_stopped_search_is_below_the_optimum():
    problem = instance(4, 12, 1, 2, 0.5)
    optimum = brute_force(problem).objective
    for nodes in (1, 5, 20):
        found = global_mip(problem, random_state=0, options={"limits/nodes": nodes})
        assert found.lower_bound <= optimum * (1 + 1e-9) and found.objective >= optimum * (1 - 1e-9)
        assert found.status in ("feasible", "optimal") and found.n_nodes >= 0


def test_the_start_is_taken_and_changes_no_result():
    problem = instance(6, 8, 1, 2, 0.5)
    for formulation in ("big-m", "indicator"):
        cold, warm = (
            global_mip(problem, formulation=formulation, warm_start=w, gap=1e-9, random_state=0)
            for w in (False, True)
        )
        np.testing.assert_array_equal(cold.labels, warm.labels)


def test_one_cluster_and_a_perfect_fit():
    problem = instance(0, 6, 1, 1, 0.1)
    found = global_mip(problem, gap=1e-9, random_state=0)
    assert found.status == "optimal" and np.isclose(found.objective, brute_force(problem).objective)
    x = np.arange(6.0)
    exact = make_problem(x[:, None], np.where(x % 2 == 0, 1 + x, -x), 2, ridge=0.0)
    found = global_mip(exact, random_state=0)
    assert found.status == "optimal" and found.objective < 1e-12 and found.solver == ""


REFUSED = [
    ({"solver": "HIGHS"}, MissingBackendError, "able: SCIP.*or use loss='absolute'"),
    ({"solver": "CLARABEL"}, MissingBackendError, "cannot solve .*MIQP"),
    (
        {"solver": "HIGHS", "formulation": "indicator", "loss": "absolute"},
        InputError,
        "use solver='SCIP', or formulation='big-m'",
    ),
    ({"solver": "EXCEL"}, InputError, "solver is 'EXCEL'"),
    ({"loss": "huber"}, InputError, "loss is 'huber'"),
    ({"formulation": "sos"}, InputError, "formulation is 'sos'"),
    ({"min_cluster_size": 5}, InputError, "ask for at most 4"),
    ({"min_cluster_size": 0}, InputError, "at least 1"),
    ({"max_outliers": -1}, InputError, "max_outliers is -1"),
    ({"max_outliers": 8}, InputError, "all 8 samples"),
    ({"must_link": [(0, 8)]}, InputError, "names sample 8"),
    ({"must_link": [(0, 0)]}, InputError, "with itself"),
    ({"cannot_link": [0.5]}, InputError, "list of pairs"),
    ({"must_link": [(0, 1)], "cannot_link": [(1, 0)]}, InputError, "No partition meets"),
    ({"cannot_link": [(0, 1), (0, 2), (1, 2)]}, InputError, "No partition meets"),
    ({"gap": -1}, InputError, "gap is -1"),
]


@pytest.mark.parametrize(
    ("options", "error", "message"), REFUSED, ids=lambda value: str(value)[:40]
)
def test_refused(options, error, message):
    with pytest.raises(error, match=message):
        global_mip(instance(0, 8, 1, 2, 0.1), random_state=0, **options)


def test_no_big_m():
    with pytest.raises(InputError, match="no finite big M is known"):
        build_global(instance(0, 80, 4, 2, 0.0))
