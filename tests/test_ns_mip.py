"""LPC-NS-MIP: every formulation on every free back end against enumeration, and what invalid
combinations are told."""

import itertools

import numpy as np
import pytest
from pyscipopt import Model

from lpc_ns.base.errors import InputError, MissingBackendError, NoSolutionError
from lpc_ns.base.solvers import solve
from lpc_ns.lpc.paper.ns_mip import big_m, build_indicator_model, build_ns_mip, cubic_form, ns_mip
from lpc_ns.lpc.paper.opb import write_cubic_opb
from lpc_ns.lpc.paper.separability import lower_bound_within, relative_separability
from lpc_ns.lpc.paper.surrogate import approximate_coefficients, surrogate_objective
from lpc_ns.lpc.problem import brute_force, make_problem, objective

SHARES = {
    ("equal", 2): None,
    ("equal", 3): None,
    ("unequal", 2): (0.7, 0.3),
    ("unequal", 3): (0.2, 0.5, 0.3),
}


def instance(n, K, d, ridge, seed=0):
    """Opposite regressions and, for K = 3, a flat one."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    slope = np.array([1.0, -1.0, 0.0])[np.arange(n) % K]
    return make_problem(X, slope * (1 + 2 * X.sum(axis=1)) + 0.5 * rng.normal(size=n), K, ridge)


def all_labels(n, K):
    """Every label vector."""
    return np.array(list(itertools.product(range(K), repeat=n)))


def enumerate_surrogate(problem, alpha, labels):
    """Eq. (8) of many label vectors, by moments and explicit inverses."""
    X = problem.X
    y = problem.y
    K = problem.n_clusters
    Pi = np.diag(problem.penalty)
    total = np.full(len(labels), y @ y)
    for k, share in enumerate(np.full(K, 1 / K) if alpha is None else alpha):
        member = (labels == k).astype(float)
        b = member @ (X * y[:, None])
        M = np.einsum("sn,np,nq->spq", member, X, X) + Pi
        W = b @ np.linalg.inv(share * X.T @ X + Pi)
        total += np.einsum("sp,spq,sq->s", W, M, W) - 2 * (b * W).sum(axis=1)
    return total


# Half of the design, in which any three factors meet in all ways; `make certify` runs the rest.
DESIGN = (((2, 10), (3, 7)), (1, 2), (0.01, 10.0), ("equal", "unequal"))
GRID = [
    pytest.param(
        *(levels[i] for levels, i in zip(DESIGN, chosen, strict=True)),
        marks=[pytest.mark.certify] * (sum(chosen) % 2),
    )
    for chosen in itertools.product((0, 1), repeat=4)
]


@pytest.mark.parametrize(("size", "d", "ridge", "kind"), GRID)
def test_formulations_agree_with_enumeration(size, d, ridge, kind):
    K, n = size
    problem = instance(n, K, d, ridge)
    alpha = SHARES[kind, K]
    lowest = enumerate_surrogate(problem, alpha, all_labels(n, K)).min()
    for formulation, solver in (("big-m", "SCIP"), ("indicator", "SCIP"), ("cubic", "HIGHS")):
        found = ns_mip(
            problem, alpha=alpha, formulation=formulation, solver=solver, gap=1e-9, random_state=0
        )
        assert found.surrogate_objective == pytest.approx(lowest, rel=1e-6), formulation
        assert found.surrogate_bound == pytest.approx(lowest, rel=1e-5), formulation
        assert found.surrogate_status == "optimal"
        assert found.lower_bound == 0
        assert found.objective == pytest.approx(objective(problem, found.labels), rel=1e-12)
        assert found.surrogate_objective == pytest.approx(
            surrogate_objective(problem, found.labels, found.alpha), rel=1e-12
        )


@pytest.mark.parametrize(
    ("formulation", "solver", "n"),
    [("big-m", "SCIP", 12), ("cubic", "SCIP", 7), ("cubic", "HIGHS", 7)],
)
@pytest.mark.parametrize("kind", ["equal", "unequal"])
def test_models_as_built(formulation, solver, n, kind):
    problem = instance(n, 2, 2, 0.1, seed=1)
    alpha = SHARES[kind, 2]
    model, z = build_ns_mip(problem, alpha, formulation)
    found = solve(model, solver, gap=1e-9)
    lowest = enumerate_surrogate(problem, alpha, all_labels(n, 2)).min()
    assert found.objective == pytest.approx(lowest, rel=1e-6)
    assert surrogate_objective(problem, z.value.argmax(axis=1), alpha) == pytest.approx(
        lowest, rel=1e-6
    )


def test_indicator_model_without_a_start():
    problem = instance(9, 2, 1, 0.1, seed=2)
    model, z = build_indicator_model(problem, (0.6, 0.4))
    model.optimize()
    labels = np.array([np.argmax([model.getVal(v) for v in row]) for row in z])
    lowest = enumerate_surrogate(problem, (0.6, 0.4), all_labels(9, 2)).min()
    assert surrogate_objective(problem, labels, (0.6, 0.4)) == pytest.approx(lowest, rel=1e-6)


@pytest.mark.parametrize("K", [2, 3])
def test_cubic_form_is_eq_8(K):
    problem = instance(6, K, 2, 0.3)
    alpha = SHARES["unequal", K]
    labels = all_labels(6, K)
    values = np.zeros(len(labels))
    for monomial, c in cubic_form(problem, alpha).items():
        values += c * np.prod([labels[:, i] == k for i, k in monomial], axis=0)
    np.testing.assert_allclose(values, enumerate_surrogate(problem, alpha, labels), rtol=1e-9)


def test_opb_file_is_read_back(tmp_path):
    problem = instance(7, 2, 1, 0.1)
    alpha = (0.4, 0.6)
    scale, constant = write_cubic_opb(problem, tmp_path / "p.opb", alpha)
    lines = (tmp_path / "p.opb").read_text().splitlines()
    tokens = lines[2].removeprefix("min: ").removesuffix(" ;").split()
    labels = np.array([0, 1, 1, 0, 1, 0, 0])
    value = 0
    ones = {f"x{i * 2 + k + 1}" for i, k in enumerate(labels)}
    starts = [p for p, token in enumerate(tokens) if token[0] in "+-"] + [len(tokens)]
    for first, last in itertools.pairwise(starts):
        value += int(tokens[first]) * all(name in ones for name in tokens[first + 1 : last])
    assert value / scale + constant == pytest.approx(
        surrogate_objective(problem, labels, alpha), rel=1e-7
    )
    assert max(abs(int(t)) for t in tokens if t[0] in "+-") == 10**9
    assert len(lines) == 3 + 7
    model = Model()
    model.hideOutput()
    model.readProblem(str(tmp_path / "p.opb"))
    model.optimize()
    lowest = enumerate_surrogate(problem, alpha, all_labels(7, 2)).min()
    assert model.getObjVal() / scale + constant == pytest.approx(lowest, rel=1e-6)


@pytest.mark.parametrize("K", [2, 3])
def test_big_m_keeps_every_good_partition(K):
    problem = instance(6, K, 2, 0.1, seed=3)
    alpha = SHARES["unequal", K]
    labels = all_labels(6, K)
    values = enumerate_surrogate(problem, alpha, labels)
    limit = np.quantile(values, 0.1)
    above, below = big_m(problem, alpha, limit)
    for z in labels[values <= limit]:
        r = problem.y[:, None] - problem.X @ approximate_coefficients(problem, z, alpha).T
        step = r[np.arange(6), z][:, None] - r
        other = np.arange(K) != z[:, None]
        assert (step <= above + 1e-9)[other].all()
        assert (-step <= below + 1e-9)[other].all()


def test_equal_shares_in_any_place_lose_no_partition():
    problem = instance(6, 3, 1, 0.1, seed=4)
    alpha = (0.25, 0.5, 0.25)
    lowest = enumerate_surrogate(problem, alpha, all_labels(6, 3)).min()
    for formulation in ("big-m", "indicator"):
        assert ns_mip(
            problem, alpha=alpha, formulation=formulation, gap=1e-9
        ).surrogate_objective == pytest.approx(lowest, rel=1e-6)


def test_weights_and_free_intercepts():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(9, 1))
    y = rng.normal(size=9)
    weights = rng.uniform(0.5, 2, 9)
    problem = make_problem(X, y, 2, 0.1, penalize_intercept=False, sample_weight=weights)
    lowest = enumerate_surrogate(problem, None, all_labels(9, 2)).min()
    assert ns_mip(problem, gap=1e-9).surrogate_objective == pytest.approx(lowest, rel=1e-6)


@pytest.mark.parametrize("unit", [1e-8, 1e8])
def test_units_do_not_matter(unit):
    problem = instance(9, 2, 1, 0.1)
    other = make_problem(problem.X[:, 1:], problem.y * unit, 2, 0.1)
    for formulation in ("big-m", "indicator", "cubic"):
        one, two = (
            ns_mip(p, formulation=formulation, gap=1e-9, random_state=0) for p in (problem, other)
        )
        np.testing.assert_array_equal(one.labels, two.labels)
        assert two.surrogate_bound == pytest.approx(one.surrogate_bound * unit**2, rel=1e-5)


def test_theorem_2_and_the_conditional_bound():
    for seed in range(3):
        problem = instance(9, 2, 1, 0.1, seed=seed)
        found = ns_mip(problem, gap=1e-9, random_state=0)
        best = brute_force(problem)
        assert best.objective <= found.objective * (1 + 1e-12)
        assert found.objective <= surrogate_objective(problem, best.labels) * (1 + 1e-7)
        for z in all_labels(9, 2)[1:-1]:
            rho = relative_separability(problem, z)[np.unique(z)].max()
            assert objective(problem, z) >= lower_bound_within(
                problem, found.surrogate_bound, rho
            ) * (1 - 1e-6)


def test_limits_and_starts():
    problem = instance(40, 3, 2, 0.1)
    stopped = ns_mip(problem, time_limit=0, random_state=0)
    assert stopped.status == "time_limit"
    assert stopped.surrogate_status == "feasible"
    assert 0 <= stopped.surrogate_bound <= stopped.surrogate_objective
    indicator = ns_mip(problem, formulation="indicator", time_limit=0, random_state=0)
    np.testing.assert_array_equal(indicator.labels, stopped.labels)
    with pytest.raises(NoSolutionError):
        ns_mip(problem, time_limit=0, warm_start=False)


def test_one_cluster_is_proved():
    problem = instance(12, 2, 2, 0.1)
    one = ns_mip(make_problem(problem.X[:, 1:], problem.y, 1))
    assert (one.status, one.gap, one.surrogate_gap) == ("optimal", 0.0, 0.0)


def test_invalid_combinations_say_what_to_use():
    problem = instance(8, 2, 1, 0.1)
    for arguments, words in (
        ({"solver": "HIGHS"}, "able: SCIP.*formulation='cubic'"),
        ({"solver": "clarabel"}, "able: SCIP"),
        ({"formulation": "indicator", "solver": "COPT"}, "solver='SCIP', or formulation='big-m'"),
        ({"formulation": "cubic", "solver": "SCS"}, "able: HIGHS"),
    ):
        with pytest.raises(MissingBackendError, match=words):
            ns_mip(problem, **arguments)
    for arguments, words in (
        ({"formulation": "sae"}, "'big-m', 'cubic', 'indicator'"),
        ({"solver": "BARON"}, "must be one of"),
        ({"alpha": [1.0]}, "one share per cluster"),
        ({"time_limit": -1}, "time_limit"),
    ):
        with pytest.raises(InputError, match=words):
            ns_mip(problem, **arguments)
    with pytest.raises(InputError, match="formulation='big-m' or 'indicator'"):
        cubic_form(instance(80, 2, 1, 0.1))
