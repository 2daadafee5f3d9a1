"""The number of regressions: right where criteria are and where they are not, and reproducible."""

import numpy as np
import pytest

from lpc_ns.base.errors import InputError
from lpc_ns.lpc.inference.number import select_n_clusters


def lines(seed, K, n=200, gap=4.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    z = rng.integers(0, K, n)
    slopes = np.linspace(-0.5, 0.5, K) if K > 1 else np.array([0.5])
    y = gap * (z - (K - 1) / 2) + slopes[z] * x + rng.standard_normal(n)
    return x[:, None], y


@pytest.mark.parametrize("K", [1, 2, 3])
def test_the_ladder_ends_at_the_truth(K):
    # checks: thm-ladder
    hits = [select_n_clusters(*lines(s, K), 4, random_state=0).best == K for s in range(3)]
    assert sum(hits) >= 2


def test_clear_regimes_that_cross_are_counted():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x = rng.uniform(0, 10, 200)
        y = np.where(rng.integers(0, 2, 200), 1 + 2 * x, 20 - 1.5 * x) + rng.normal(size=200)
        number = select_n_clusters(x[:, None], y, 4, random_state=0)
        assert number.best == 2 and isinstance(number.best, int)


def test_errors_that_widen_are_no_regimes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    number = select_n_clusters(x[:, None], x + np.exp(0.6 * x) * rng.normal(size=300), 3)
    assert number.best == 1 and number.table.bic.idxmin() > 1
    assert any("check variance" in note for note in number.notes)


def test_one_seed_gives_one_table():
    X, y = lines(1, 2)
    a = select_n_clusters(X, y, 3, random_state=4)
    b = select_n_clusters(X, y, 3, random_state=4, n_jobs=2)
    assert a.table.equals(b.table) and a.best == b.best
    assert list(a.table.index) == [1, 2, 3] and np.isnan(a.table.ratio[1])
    assert (a.table.sse.diff().dropna() <= 0).all()


def test_groups_help_to_count():
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(60), 5)
    kind = rng.integers(0, 2, 60)[person]
    x = rng.normal(size=300)
    y = np.where(kind, 0.8, -0.8) + x + rng.normal(size=300)
    assert select_n_clusters(x[:, None], y, 3, groups=person, random_state=0).best == 2


def test_units_that_differ_continuously_are_not_called_kinds():
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(30), 5)
    y = 2 * rng.normal(size=30)[person] + rng.normal(size=150)
    x = rng.normal(size=(150, 1))
    found = select_n_clusters(x, y, 2, groups=person, random_state=0)
    assert found.best == 2 and "no evidence of kinds" in found.notes[0]
    assert found.notes[0] in str(found)
    y = rng.choice([-2.0, 2.0], 30)[person] + rng.normal(size=150)
    kinds = select_n_clusters(x, y, 2, groups=person, random_state=0)
    assert kinds.best == 2 and not any("continuously" in note for note in kinds.notes)


def test_too_few_samples_and_exact_fits_need_no_draws():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 5))
    assert "too few" in select_n_clusters(X, rng.normal(size=12)).reason
    assert "No more than one" in select_n_clusters(X[:, :1], rng.normal(size=12), 1).reason
    binary = select_n_clusters(X[:, :1], np.arange(12) % 2, 2, random_state=0)
    assert binary.best == 2 and "two values" in binary.notes[0]
    assert "without error" in select_n_clusters(X[:, :1], 1 + X[:, 0]).reason
    assert "without error" in select_n_clusters(X, np.full(12, 3.0)).reason
    assert select_n_clusters(X[:3, :2], X[:3, 3]).best == 1
    with pytest.raises(InputError, match="n_draws"):
        select_n_clusters(X, X[:, 0], n_draws=5)


def test_a_curve_is_no_number_of_regimes():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, size=(150, 1))
    noise = rng.standard_normal(150)
    bent = select_n_clusters(x, 2 * x[:, 0] ** 2 + noise, max_clusters=2, random_state=0)
    assert bent.best > 1 and "A curve explains these data as well" in str(bent)
    regimes = 2 * rng.choice([-1, 1], 150) * (1 + x[:, 0])
    two = select_n_clusters(x, regimes + noise, max_clusters=2, random_state=0)
    assert two.best == 2 and "curve" not in str(two)


def test_a_few_far_rows_are_named_beside_the_number():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    y = X[:, 0] + rng.normal(size=150)
    y[:4] += 30
    number = select_n_clusters(X, y, 3, random_state=0)
    assert number.best == 1 or any("far" in note for note in number.notes)
    two = y + np.where(rng.random(150) < 0.5, 4, -4)
    assert not any("far" in note for note in select_n_clusters(X[4:], two[4:], 3).notes)
