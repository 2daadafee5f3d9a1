"""Theorems 1 to 3 on a thousand random instances, in exact arithmetic, and against the published
derivation."""

from fractions import Fraction

import numpy as np
import pytest

from lpc_ns.base.errors import InputError
from lpc_ns.lpc.measures import approximation_price
from lpc_ns.lpc.paper.separability import (
    first_order_error,
    lower_bound_within,
    price_bounds,
    price_by_identity,
    relative_separability,
)
from lpc_ns.lpc.paper.surrogate import (
    approximate_coefficients,
    qpbo_value,
    surrogate_objective,
    surrogate_search,
)
from lpc_ns.lpc.problem import LPCProblem, make_problem, objective, refit


def instance(seed, ridge=None, empty=False):
    """A random problem of two to four clusters, labels (one cluster empty on request) and shares,
    equal for odd seeds."""
    rng = np.random.default_rng(seed)
    K = int(rng.integers(2, 5))
    d = int(rng.integers(1, 5))
    n = int(rng.integers(2 * K, 30))
    ridge = 10 ** rng.uniform(-2, 1) if ridge is None else ridge
    labels = rng.integers(0, K - empty, n)
    alpha = np.full(K, 1 / K) if seed % 2 else rng.dirichlet(np.full(K, 5.0))
    return make_problem(rng.normal(size=(n, d)), rng.normal(size=n), K, ridge), labels, alpha


def textbook(problem, labels, alpha):
    """F, F*, H, price and e with explicit inverses; the price from differences of coefficients."""
    X = problem.X
    y = problem.y
    Pi = np.diag(problem.penalty)
    F = F_star = H = y @ y
    price = e = 0.0
    for k, share in enumerate(alpha):
        rows = X[labels == k]
        b = rows.T @ y[labels == k]
        M = rows.T @ rows + Pi
        M_star = share * X.T @ X + Pi
        w = np.linalg.inv(M) @ b
        w_star = np.linalg.inv(M_star) @ b
        F = F - b @ w
        H = H - b @ w_star
        F_star = F_star - 2 * b @ w_star + w_star @ M @ w_star
        price += (w_star - w) @ M @ (w_star - w)
        e += w @ (M - M_star) @ w_star
    return F, F_star, H, price, e


def test_identities_hold_on_a_thousand_instances():
    for seed in range(1000):
        problem, labels, alpha = instance(seed, empty=seed % 7 == 0)
        F, F_star, H, price, e = textbook(problem, labels, alpha)
        scale = 1e-10 * max(F_star, abs(H), problem.y @ problem.y)
        assert abs(price_by_identity(problem, labels, alpha) - price) < scale
        assert abs(surrogate_objective(problem, labels, alpha) - F_star) < scale
        assert abs(F_star - F - price_by_identity(problem, labels, alpha)) < scale
        assert abs(qpbo_value(problem, labels, alpha) - H) < scale
        assert abs(first_order_error(problem, labels, alpha) - e) < scale
        assert abs(F - H - first_order_error(problem, labels, alpha)) < scale


def test_bounds_are_never_violated():
    for seed in range(1000):
        problem, labels, alpha = instance(seed, empty=seed % 7 == 0)
        price = price_by_identity(problem, labels, alpha)
        bounds = price_bounds(problem, labels, alpha)
        W = refit(problem, labels)
        rho = relative_separability(problem, labels, alpha)
        G = np.array(
            [
                problem.X[labels == k].T @ problem.y[labels == k] @ W[k]
                for k in range(problem.n_clusters)
            ]
        )
        assert price >= 0
        assert price <= bounds.relative * (1 + 1e-9)
        assert price <= bounds.eigenvalues * (1 + 1e-9)
        assert bounds.eigenvalues <= bounds.moments * (1 + 1e-9)
        assert bounds.moments <= bounds.published * 2 / 3 * (1 + 1e-9)
        assert abs(first_order_error(problem, labels, alpha)) <= rho @ G * (1 + 1e-9)


def solve_exactly(M, b):
    """Gauss-Jordan elimination with fractions."""
    rows = [[*row, v] for row, v in zip(M, b, strict=True)]
    for i in range(len(rows)):
        rows[i] = [v / rows[i][i] for v in rows[i]]
        rows = [
            r if j == i else [a - r[i] * c for a, c in zip(r, rows[i], strict=True)]
            for j, r in enumerate(rows)
        ]
    return [r[-1] for r in rows]


def exact(problem, labels, shares):
    """F, F* and the price by theorem 1, as fractions."""
    X = [[Fraction(v) for v in row] for row in problem.X]
    y = [Fraction(v) for v in problem.y]
    p = range(len(X[0]))
    penalty = [Fraction(v) for v in problem.penalty]
    F = F_star = price = Fraction(0)
    for k, share in enumerate(shares):
        rows = [i for i in range(len(y)) if labels[i] == k]
        own = [[sum(X[i][a] * X[i][c] for i in rows) for c in p] for a in p]
        whole = [[sum(x[a] * x[c] for x in X) for c in p] for a in p]
        b = [sum(X[i][a] * y[i] for i in rows) for a in p]
        M = [[own[a][c] + (penalty[a] if a == c else 0) for c in p] for a in p]
        M_star = [[share * whole[a][c] + (penalty[a] if a == c else 0) for c in p] for a in p]
        w = solve_exactly(M, b)
        w_star = solve_exactly(M_star, b)

        def value(v, rows=rows):
            return sum((y[i] - sum(X[i][a] * v[a] for a in p)) ** 2 for i in rows) + sum(
                penalty[a] * v[a] ** 2 for a in p
            )

        slope = [sum((M[a][c] - M_star[a][c]) * w_star[c] for c in p) for a in p]
        F = F + value(w)
        F_star = F_star + value(w_star)
        price += sum(g * u for g, u in zip(slope, solve_exactly(M, slope), strict=True))
    return F, F_star, price


@pytest.mark.parametrize("seed", range(6))
def test_theorem_1_is_exact(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(-5, 6, (7, 2)).astype(float)
    y = rng.integers(-9, 10, 7).astype(float)
    problem = make_problem(X, y, 2, ridge=(0.25, 0.5, 4.0)[seed % 3])
    labels = np.array([0, 1, 1, 0, 1, 1, 0])
    shares = ((Fraction(1, 2),) * 2, (Fraction(1, 4), Fraction(3, 4)))[seed % 2]
    F, F_star, price = exact(problem, labels, shares)
    assert F_star - F == price
    alpha = [float(s) for s in shares]
    assert price_by_identity(problem, labels, alpha) == pytest.approx(float(price), rel=1e-11)
    assert approximation_price(
        problem.X[:, 1:], problem.y, labels, problem.penalty[0], alpha
    ) == pytest.approx(float(price), rel=1e-10)


def published_clusters(problem, labels, alpha):
    """Eq. (20) and eq. (22) of the paper, summed over clusters, as printed."""
    eq20 = eq22 = 0.0
    for k, share in enumerate(alpha):
        Xk = problem.X[labels == k]
        yk = problem.y[labels == k]
        ridge = problem.penalty[0]
        for own in (True, False):
            A = np.linalg.inv(
                (Xk.T @ Xk if own else share * problem.X.T @ problem.X)
                + ridge * np.eye(problem.n_coefficients)
            )
            value = (
                yk @ (np.eye(len(yk)) - Xk @ A @ Xk.T) @ yk + ridge * yk @ Xk @ A @ A @ Xk.T @ yk
            )
            eq20, eq22 = (eq20 + value, eq22) if own else (eq20, eq22 + value)
    return eq20, eq22


def test_the_published_equations_20_and_24_are_not_what_we_compute():
    wrong = 0
    negative = 0
    understated = 0
    for seed in range(100):
        problem, labels, alpha = instance(seed)
        F = objective(problem, labels)
        price = price_by_identity(problem, labels, alpha)
        eq20, eq22 = published_clusters(problem, labels, alpha)
        penalty = problem.penalty[0] * (refit(problem, labels) ** 2).sum()
        assert eq20 == pytest.approx(F + penalty, rel=1e-9)  # the penalty a second time
        wrong += abs(eq22 - eq20 - price) > 1e-6 * price
        negative += eq22 - eq20 < 0
        understated += abs(eq22 - eq20) < price
    assert wrong == 100
    assert negative > 0
    assert understated > 0


def test_no_penalty_and_unpenalised_intercepts():
    for seed in range(50):
        problem, labels, alpha = instance(seed, ridge=0.0)
        price = price_by_identity(problem, labels, alpha)
        assert price == pytest.approx(
            surrogate_objective(problem, labels, alpha) - objective(problem, labels),
            rel=1e-7,
            abs=1e-9,
        )
        with pytest.raises(InputError, match="not penalised"):
            price_bounds(problem, labels, alpha)
    rng = np.random.default_rng(0)
    problem = make_problem(
        rng.normal(size=(20, 2)), rng.normal(size=20), 2, ridge=1.0, penalize_intercept=False
    )
    labels = np.arange(20) % 2
    difference = surrogate_objective(problem, labels) - objective(problem, labels)
    assert price_by_identity(problem, labels) == pytest.approx(difference, rel=1e-9)


def test_scale_of_a_column_changes_nothing_but_the_norms():
    problem, labels, alpha = instance(2)
    s = 10.0 ** np.arange(problem.n_coefficients)
    other = LPCProblem(problem.X * s, problem.y, problem.n_clusters, problem.penalty * s**2)
    for f in (
        surrogate_objective,
        qpbo_value,
        price_by_identity,
        first_order_error,
        relative_separability,
    ):
        np.testing.assert_allclose(f(other, labels, alpha), f(problem, labels, alpha), rtol=1e-8)
    W = approximate_coefficients(problem, labels, alpha)
    np.testing.assert_allclose(approximate_coefficients(other, labels, alpha) * s, W, rtol=1e-8)


def test_identical_balanced_clusters_cost_nothing():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(10, 3))
    problem = make_problem(np.vstack([X, X, X]), rng.normal(size=30), 3, ridge=0.1)
    labels = np.repeat([0, 1, 2], 10)
    assert price_by_identity(problem, labels) < 1e-20
    assert relative_separability(problem, labels).max() < 1e-12
    assert qpbo_value(problem, labels) == pytest.approx(objective(problem, labels), rel=1e-10)


def test_first_order_error_cancels_for_opposite_lines():
    rng = np.random.default_rng(2)
    X = rng.normal(1, 2, (40, 2))
    step = rng.normal(size=(40, 2))
    beta = np.array([2.0, -1.0])
    labels = np.repeat([0, 1], 40)
    errors = {}
    for t in (1e-2, 1e-3):
        design = np.vstack([X, X + t * step])
        signal = 1 + design @ beta
        opposite = make_problem(design, np.where(labels == 0, signal, -signal), 2)
        other = make_problem(design, np.where(labels == 0, signal, 3 - design @ beta[::-1]), 2)
        errors[t] = abs(first_order_error(opposite, labels)), abs(first_order_error(other, labels))
    assert errors[1e-2][0] / errors[1e-3][0] == pytest.approx(100, rel=0.1)
    assert errors[1e-2][1] / errors[1e-3][1] == pytest.approx(10, rel=0.1)


def test_conditional_bound():
    rng = np.random.default_rng(3)
    for _ in range(5):
        problem = make_problem(rng.normal(size=(8, 1)), rng.normal(size=8), 2, ridge=0.1)
        alpha = [0.6, 0.4]
        every = [np.array(z) for z in np.ndindex(*(2,) * 8)]
        lowest = min(surrogate_objective(problem, z, alpha) for z in every)
        for z in every:
            rho = relative_separability(problem, z, alpha)[np.unique(z)].max()
            if rho < 1:
                assert objective(problem, z) >= lower_bound_within(problem, lowest, rho) * (
                    1 - 1e-9
                )


def test_search_is_reproducible_and_uses_the_shares():
    rng = np.random.default_rng(4)
    x = rng.normal(size=80)
    problem = make_problem(
        x[:, None],
        np.where(np.arange(80) < 60, 2 + 3 * x, -4 - 3 * x) + 0.1 * rng.normal(size=80),
        2,
    )
    for alpha, large in (([0.75, 0.25], 0), ([0.25, 0.75], 1)):
        labels = surrogate_search(problem, alpha, random_state=0)
        np.testing.assert_array_equal(labels, surrogate_search(problem, alpha, random_state=0))
        assert np.bincount(labels).argmax() == large
        assert np.mean(labels[:60] == large) > 0.9
