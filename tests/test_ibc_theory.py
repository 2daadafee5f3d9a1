"""Closed forms of interaction-based clustering: two million simulated samples each, exhaustive
search, and the article's figures."""

import math

import numpy as np
import pytest
from scipy import stats

from lpc_ns.base.errors import InputError, NoSolutionError
from lpc_ns.base.quantisers import (
    exponential,
    gaussian,
    laplace,
    lloyd_max_thresholds,
    lognormal,
    quantile_thresholds,
    recovery_fraction,
    student_t,
    uniform,
)
from lpc_ns.ibc.theory import (
    best_oblique_direction,
    break_even_f,
    clustered_r2,
    correlated_recovery_fraction,
    degree_recovery_fraction,
    expected_f,
    gain_decomposition,
    gaussian_cell_moments,
    oblique_recovery_fraction,
    pooling_weight,
    population_r2,
    regime_r2,
    sign_product_fraction,
)

N = 2_000_000
CHUNK = 100_000
TOLERANCE = 2e-3
HALF = 2 / math.pi
LAWS = {
    "gaussian": gaussian(),
    "uniform": uniform(),
    "exponential": exponential(),
    "laplace": laplace(),
    "t5": student_t(5),
    "t3": student_t(3),
    "lognormal 0.5": lognormal(0.5),
    "lognormal 1": lognormal(1.0),
}


def squared_error(gram):
    """Residual sum of squares of the last column on the others, from their cross products."""
    return gram[-1, -1] - gram[:-1, -1] @ np.linalg.solve(gram[:-1, :-1], gram[:-1, -1])


def simulated(draw, n_cells, seed=0, n=N):
    """R^2 of A, B, C, D from cross products accumulated over chunks: no fitted values, no code of
    the package."""
    rng = np.random.default_rng(seed)
    grams = np.zeros((n_cells, 5, 5))
    for _ in range(n // CHUNK):
        xi, xj, y, labels = draw(rng, CHUNK)
        columns = np.column_stack([np.ones(CHUNK), xi, xj, xi * xj, y])
        for k in range(n_cells):
            rows = columns[labels == k]
            grams[k] += rows.T @ rows
    linear = np.ix_([0, 1, 2, 4], [0, 1, 2, 4])
    product = np.ix_(range(5), range(5))
    total = squared_error(grams.sum(axis=0)[np.ix_([0, 4], [0, 4])])
    errors = [
        squared_error(grams.sum(axis=0)[linear]),
        sum(squared_error(g[linear]) for g in grams),
        squared_error(grams.sum(axis=0)[product]),
        sum(squared_error(g[product]) for g in grams),
    ]
    return 1 - np.array(errors) / total


def example(rng, n, labels_of):
    """The article's example, with cells from both variables."""
    xi, xj, noise = rng.normal(size=(3, n))
    return xi, xj, 0.5 + 0.1 * xi + 0.1 * xj + 3 * xi * xj + noise, labels_of(xi, xj)


def seed_42():
    """The article's sample."""
    rng = np.random.RandomState(42)
    xi, xj, noise = rng.normal(size=(3, 1000))
    return xi, xj, 0.5 + 0.1 * xi + 0.1 * xj + 3 * xi * xj + noise


def test_figures_of_the_article_to_1e_12():
    xi, xj, y = seed_42()
    plain, product = (
        gain_decomposition(np.column_stack(columns), y, xj >= 0)
        for columns in ([xi, xj], [xi, xj, xi * xj])
    )
    found = 1 - np.array([plain.mse_a, plain.mse_b, product.mse_a, product.mse_b]) / y.var()
    expected = [0.021339281757007056, 0.6091866289997061, 0.900471230160535, 0.900659443346239]
    np.testing.assert_allclose(found, expected, atol=1e-12, rtol=0)
    median = gain_decomposition(np.column_stack([xi, xj]), y, xj >= np.median(xj))
    assert abs(1 - median.mse_b / y.var() - 0.6074424683478981) < 1e-12


@pytest.mark.parametrize("seed", range(40))
def test_gain_is_an_identity_of_every_data_set(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 200))
    p = int(rng.integers(1, 6))
    m = int(rng.integers(1, 6))
    X = rng.standard_t(3, size=(n, p)) * 10.0 ** rng.integers(-6, 7, p) + rng.normal(0, 10, p)
    if seed % 3 == 0:
        X[:, -1] = X[:, 0] * 2
    if seed % 4 == 0:
        X[:, 0] = 0.1
    y = rng.normal(size=n) + 1e3 * (seed % 2)
    labels = rng.choice(list("abcdef")[:m], n)
    found = gain_decomposition(X, y, labels)
    assert abs(found.gain - (found.mse_a - found.mse_b)) < 1e-12 * y.var()
    assert abs(found.slope_within.sum() - (found.mse_a_plus - found.mse_b)) < 1e-12 * y.var()
    assert (
        math.isclose(found.weights.sum(), 1)
        and found.mse_a >= found.mse_a_plus - 1e-12 >= found.mse_b - 2e-12
    )


def test_gain_of_cells_in_which_a_column_is_constant():
    x = np.repeat([0.1, 0.3], 50)  # 0.1 * 50 / 50 is not 0.1: rounding must not become a regressor
    y = np.random.default_rng(0).normal(size=100) + x
    found = gain_decomposition(x[:, None], y, x > 0.2)
    assert abs(found.gain) < 1e-14 and np.array_equal(found.slope, found.slope_within)


@pytest.mark.parametrize("name", LAWS)
def test_shares_between_cells_of_simulated_variables(name):
    marginal = LAWS[name]
    rules = {
        "centre": [marginal.law.mean()],
        "median": marginal.law.ppf([0.5]),
        "quarter": marginal.law.ppf([0.25]),
    }
    for m in (3, 4, 8, 16):
        rules |= {
            f"q{m}": quantile_thresholds(marginal, m),
            f"lm{m}": lloyd_max_thresholds(marginal, m),
        }
    mean = marginal.law.mean()
    variance = marginal.law.var()
    rng = np.random.default_rng(1)
    batches = {rule: [] for rule in rules}
    for _ in range(20):
        x = np.sort(marginal.law.rvs(N // 20, random_state=rng))
        sums = np.concatenate([[0.0], np.cumsum(x - mean)])
        for rule, t in rules.items():
            ends = np.concatenate([[0], np.searchsorted(x, t), [len(x)]])
            inner = np.diff(sums[ends])
            size = np.diff(ends)
            between = np.sum(inner[size > 0] ** 2 / size[size > 0]) / len(x)
            batches[rule].append(
                between / variance
            )  # the known variance: an estimate would have heavy tails
    for rule, t in rules.items():
        values = np.array(batches[rule])
        error = values.std(ddof=1) / math.sqrt(20)
        assert abs(values.mean() - recovery_fraction(marginal, t)) < max(TOLERANCE, 5 * error), (
            name,
            rule,
        )


@pytest.mark.parametrize("name", LAWS)
def test_lloyd_max_is_the_best_partition_of_a_grid(name):
    """Optimal one-dimensional 2-, 3- and 4-means of 1500 quantile means, by dynamic programming
    over all cuts."""
    marginal = LAWS[name]
    n = 1500
    edges = marginal.law.ppf(np.arange(1, n) / n)
    tails = np.concatenate([[0.0], marginal.tail(edges), [0.0]])
    gain = np.full((n + 1, n + 1), -np.inf)
    rows, columns = np.triu_indices(n + 1, 1)
    gain[rows, columns] = (tails[rows] - tails[columns]) ** 2 / ((columns - rows) / n)
    value = gain[0]
    for m in (2, 3, 4):
        value = np.max(value[:, None] + gain, axis=0)
        best = value[n] / marginal.law.var()
        found = recovery_fraction(marginal, lloyd_max_thresholds(marginal, m))
        assert best <= found + 1e-9 and found - best < 2e-3, (name, m)


def test_published_shares():
    published = {
        (gaussian(), 0.0): 0.63662, (gaussian(), 0.5): 0.58099, (gaussian(), 1.0): 0.43863,
        (exponential(), math.log(2)): 0.48045,
        (exponential(), 1.0): 0.58198, (laplace(), 0.0): 0.5, (student_t(5), 0.0): 0.54038,
        (student_t(3), 0.0): 0.40528,
    }  # fmt: skip
    for (marginal, t), share in published.items():
        assert abs(recovery_fraction(marginal, [t]) - share) < 5e-6
    for m, quantile, lloyd in (
        (3, 0.79323, 0.80983),
        (4, 0.86056, 0.88252),
        (8, 0.94503, 0.96545),
        (16, 0.97778, 0.99050),
    ):
        assert (
            abs(recovery_fraction(gaussian(), quantile_thresholds(gaussian(), m)) - quantile) < 5e-6
        )
        assert (
            abs(recovery_fraction(gaussian(), lloyd_max_thresholds(gaussian(), m)) - lloyd) < 5e-6
        )
    best = lloyd_max_thresholds(exponential(), 2)
    assert (
        abs(best[0] - 1.59362) < 5e-6
        and abs(recovery_fraction(exponential(), best) - 0.64761) < 5e-6
    )


CELLS = {
    "sign": ([0.0], None),
    "0.5": ([0.5], None),
    "tails": ([-1.0, 1.0], None),
    "lobes": (lambda xi, xj: (xi * xj > 0).astype(int), sign_product_fraction(HALF, HALF)),
    "quadrants": (
        lambda xi, xj: 2 * (xi > 0) + (xj > 0),
        degree_recovery_fraction([HALF, HALF], 1),
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_models_of_the_example(name):
    rule, recovered = CELLS[name]
    if recovered is None:

        def labels_of(xi, xj):
            return np.digitize(xj, rule)

        recovered = recovery_fraction(gaussian(), rule)
        n_cells = len(rule) + 1
    else:
        labels_of = rule
        n_cells = 4 if name == "quadrants" else 2
    found = simulated(lambda rng, n: example(rng, n, labels_of), n_cells)
    closed = np.array(population_r2(0.1, 0.1, 3, 1, recovered))
    models = (
        slice(0, 3) if n_cells == 4 or name == "lobes" else slice(0, 4)
    )  # D in these cells is C as well, and checked with the others
    np.testing.assert_allclose(found[models], closed[models], atol=TOLERANCE)


@pytest.mark.parametrize("name", ["uniform", "exponential", "laplace", "t5", "lognormal 0.5"])
def test_models_with_means_and_main_effects(name):
    marginal = LAWS[name]
    t = quantile_thresholds(marginal, 3)

    def draw(rng, n):
        xi = rng.uniform(1, 3, n)
        z = marginal.law.rvs(n, random_state=rng)
        return (
            xi,
            2 * z - 1,
            1 + xi - (2 * z - 1) + 2 * xi * (2 * z - 1) + rng.normal(0, 3, n),
            np.digitize(z, t),
        )

    mean = 2 * marginal.law.mean() - 1
    sd = 2 * marginal.law.std()
    closed = population_r2(
        1,
        -1,
        2,
        3,
        recovery_fraction(marginal, t),
        mean_i=2,
        mean_j=mean,
        sd_i=math.sqrt(1 / 3),
        sd_j=sd,
    )
    np.testing.assert_allclose(simulated(draw, 3), closed, atol=TOLERANCE)


@pytest.mark.parametrize("rho", [-0.6, 0.3, 0.9])
def test_correlated_pairs(rho):
    directions = {
        "axis": np.array([0.0, 1.0]),
        "sum": np.array([1.0, 1.0]),
        "best": best_oblique_direction(rho),
    }

    def draw(rng, n, labels_of):
        xj, w, noise = rng.normal(size=(3, n))
        xi = rho * xj + math.sqrt(1 - rho**2) * w
        return xi, xj, xi - 0.5 * xj + 2 * xi * xj + noise, labels_of(xi, xj)

    for direction in directions.values():
        found = simulated(
            lambda rng, n, d=direction: draw(rng, n, lambda xi, xj: d[0] * xi + d[1] * xj > 0), 2
        )
        closed = population_r2(1, -0.5, 2, 1, oblique_recovery_fraction(rho, direction), rho=rho)
        np.testing.assert_allclose(found, closed, atol=TOLERANCE)
    cuts = [-0.4, 1.1]
    found = simulated(lambda rng, n: draw(rng, n, lambda xi, xj: np.digitize(xj, cuts)), 3)
    np.testing.assert_allclose(
        found,
        population_r2(1, -0.5, 2, 1, correlated_recovery_fraction(rho, cuts), rho=rho),
        atol=TOLERANCE,
    )


def test_correlated_pair_figures_and_crossings():
    for rho, share in ((0.0, 0.637), (0.3, 0.676), (0.6, 0.763), (0.9, 0.851)):
        assert abs(correlated_recovery_fraction(rho) - share) < 5e-4
    assert abs(oblique_recovery_fraction(0.6, (1, 1)) - 0.8244) < 5e-5
    for rho in np.linspace(-0.95, 0.95, 39):
        axis, total, best = (
            oblique_recovery_fraction(rho, d)
            for d in ((0, 1), (1, np.sign(rho) or 1), best_oblique_direction(rho))
        )
        assert (total > axis) == (abs(rho) > 0.29326) and best >= max(axis, total) - 1e-12
        assert (abs(best - total) < 1e-12) == (abs(rho) >= 3 - 8 / math.pi)
    weights, moments = gaussian_cell_moments([-1.0, 0.2])
    np.testing.assert_allclose(moments @ weights, [0, 1, 0, 3], atol=1e-12)


@pytest.mark.parametrize(
    ("n_split", "degree", "share"), [(1, 1, 0.0), (2, 1, 0.4053), (3, 1, 0.6998), (3, 2, 0.9520)]
)
def test_products_of_three(n_split, degree, share):
    eta2 = [HALF] * n_split + [0.0] * (3 - n_split)
    closed = degree_recovery_fraction(eta2, degree)
    assert abs(closed - share) < 5e-5
    rng = np.random.default_rng(2)
    n_cells = 2**n_split
    grams = np.zeros((n_cells, 5, 5)) if degree == 1 else np.zeros((n_cells, 8, 8))
    for _ in range(N // CHUNK):
        x = rng.normal(size=(3, CHUNK))
        pairs = [x[0] * x[1], x[0] * x[2], x[1] * x[2]] if degree == 2 else []
        columns = np.column_stack([np.ones(CHUNK), *x, *pairs, x.prod(axis=0)])
        labels = (x[:n_split] > 0).T @ (1 << np.arange(n_split))
        for k in range(n_cells):
            rows = columns[labels == k]
            grams[k] += rows.T @ rows
    left = sum(squared_error(g) for g in grams)
    assert abs(1 - left / N - closed) < 5 * math.sqrt(
        26 / N
    )  # a product of three squares has variance 26


@pytest.mark.parametrize("name", ["gaussian", "uniform", "laplace"])
def test_two_regimes(name):
    marginal = LAWS[name]
    eta2 = recovery_fraction(marginal, [marginal.law.mean()])
    mean = marginal.law.mean()
    sd = marginal.law.std()
    cases = [
        {"delta_i": 1.5}, {"beta_ij": 1.0}, {"beta_ij": 2, "delta_ij": 1.5},
        {"delta_0": 2, "beta_ij": 1},
        {"beta_i": 0.3, "beta_j": -1, "beta_ij": 1, "delta_0": 0.5,
         "delta_i": 0.7, "delta_ij": -0.4},
    ]  # fmt: skip
    for case in cases if name == "gaussian" else cases[-2:]:
        c = {
            key: case.get(key, 0.0)
            for key in ("beta_i", "beta_j", "beta_ij", "delta_0", "delta_i", "delta_ij")
        }

        def draw(rng, n, c=c):
            xi = rng.choice([-1.0, 1.0], n) * rng.uniform(0.5, 1.5, n) / math.sqrt(13 / 12)
            z = (marginal.law.rvs(n, random_state=rng) - mean) / sd
            s = np.sign(z)
            slope = c["beta_i"] + c["delta_i"] * s + (c["beta_ij"] + c["delta_ij"] * s) * z
            return (
                xi,
                z,
                c["beta_j"] * z + c["delta_0"] * s + slope * xi + rng.normal(size=n),
                z > 0,
            )

        np.testing.assert_allclose(simulated(draw, 2), regime_r2(1, eta2=eta2, **c), atol=TOLERANCE)
    found = regime_r2(1, beta_ij=2, delta_ij=1.5)
    np.testing.assert_allclose(found, [0.197572, 0.548810, 0.749296, 0.862069], atol=5e-7)


def test_unequal_noise_gains_nothing_in_r2():
    def draw(rng, n):
        xi, xj, noise = rng.normal(size=(3, n))
        return xi, xj, xi * xj + noise * np.where(xj > 0, 3.0, 0.3), xj > 0

    a, b, c, d = simulated(draw, 2)
    closed = population_r2(0, 0, 1, math.sqrt((9 + 0.09) / 2), HALF)
    np.testing.assert_allclose([a, b, c, d], closed, atol=TOLERANCE)


def test_expected_f_and_pooling_by_simulation():
    rng = np.random.default_rng(3)
    k = 5
    df = 20
    n = 400_000
    for lam in (0.0, 5.0, 40.0):
        zeta = np.zeros(k)
        zeta[0] = math.sqrt(lam)
        z = zeta + rng.normal(size=(n, k))
        rest = rng.chisquare(df, n)
        f = (z**2).sum(axis=1) / k / (rest / df)
        assert abs(f.mean() - expected_f(lam, k, df)) < 5 * f.std() / math.sqrt(n)
        weight = np.array([pooling_weight(value, k, df) for value in f[:20_000]])
        pooled = weight[:, None] * z[:20_000] - zeta
        plain = z[:20_000] - zeta
        change = (pooled**2).sum(axis=1) - (plain**2).sum(axis=1)
        assert change.mean() + 3 * change.std() / math.sqrt(len(change)) < 0
    assert expected_f(k, k, df) == break_even_f(df) == 2 * df / (df - 2)
    assert (
        pooling_weight(0, 2, 10) == 1
        and pooling_weight(0, 3, 10) == 0
        and pooling_weight(1e9, 3, 10) == pytest.approx(1)
    )


def test_parts_give_the_whole():
    xi, xj, y = seed_42()
    quantities = []
    for cell in (xj < 0, xj >= 0):
        A = np.column_stack([np.ones(cell.sum()), xi[cell], xj[cell]])
        residual = y[cell] - A @ np.linalg.lstsq(A, y[cell], rcond=None)[0]
        quantities.append(
            (cell.mean(), y[cell].mean(), y[cell].var(), 1 - residual.var() / y[cell].var())
        )
    weights, means, variances, r2 = np.array(quantities).T
    assert abs(clustered_r2(weights, means, variances, r2) - 0.6091866289997061) < 1e-12
    assert abs(weights @ r2 - 0.599526) < 5e-7


@pytest.mark.parametrize(
    "call",
    [
        lambda: gain_decomposition([[1.0], [np.nan]], [1.0, 2.0], [0, 1]),
        lambda: gain_decomposition([[1.0], [2.0]], [1.0, 2.0], [0, 1, 1]),
        lambda: gain_decomposition([[1.0], [2.0]], [1.0, 2.0], [0, np.nan]),
        lambda: recovery_fraction(gaussian(), [0.0, 0.0]),
        lambda: recovery_fraction(gaussian(), [np.inf]),
        lambda: student_t(2.0),
        lambda: student_t("5"),
        lambda: recovery_fraction("gaussian", [0.0]),
        lambda: recovery_fraction(gaussian(), "a"),
        lambda: correlated_recovery_fraction("0.3"),
        lambda: degree_recovery_fraction([[0.5]], 1),
        lambda: lognormal(-1),
        lambda: quantile_thresholds(gaussian(), 1.5),
        lambda: correlated_recovery_fraction(-1.0),
        lambda: correlated_recovery_fraction(float("nan")),
        lambda: oblique_recovery_fraction(0.0, (1, 0, 0)),
        lambda: degree_recovery_fraction([-0.1], 1),
        lambda: sign_product_fraction(0.5, 1.1),
        lambda: population_r2(0, 0, 0, 0, 0.5),
        lambda: population_r2(0, 0, 1, -1, 0.5),
        lambda: regime_r2(1, eta2=float("nan")),
        lambda: expected_f(-1, 3, 10),
        lambda: break_even_f(2),
        lambda: pooling_weight(-0.1, 3, 10),
        lambda: clustered_r2([0.5, 0.5], [0, 0], [0, 0], [0, 0]),
    ],
)
def test_invalid_input_is_refused_in_a_sentence(call):
    with pytest.raises(InputError, match=r"[.:;]"):
        call()


def test_lloyd_max_says_when_it_does_not_settle():
    with pytest.raises(NoSolutionError, match="fewer cells"):
        lloyd_max_thresholds(student_t(2.01), 16)
    assert len(lloyd_max_thresholds(gaussian(), 1)) == 0
    np.testing.assert_allclose(
        lloyd_max_thresholds(uniform(), 4), stats.uniform.ppf([0.25, 0.5, 0.75]), atol=1e-9
    )
