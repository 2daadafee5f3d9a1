"""What else explains a small p-value: it is said, and real regimes are not doubted."""

import numpy as np
import pytest

from lpc_ns.advisor import which_regime
from lpc_ns.lpc.inference.doubts import shape_doubts, unit_doubts
from lpc_ns.lpc.inference.nulls import one_regression
from lpc_ns.lpc.inference.number import select_n_clusters
from lpc_ns.lpc.inference.reality import reality_test


def cloud(seed, n=250):
    """Three features and their sum."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return rng, X, X.sum(axis=1)


def walk(rng, n):
    """Errors each of which keeps nearly all of the one before."""
    e = rng.normal(size=n)
    for i in range(1, n):
        e[i] += 0.97 * e[i - 1]
    return e


SHAPES = {
    "skewed": lambda rng, n: rng.chisquare(3, n),
    "flat": lambda rng, n: rng.uniform(-2, 2, n),
    "lognormal": lambda rng, n: np.exp(rng.normal(size=n)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_errors_of_another_shape_are_no_regimes(shape):
    rng, X, y = cloud(0)
    y = y + SHAPES[shape](rng, 250)
    told = shape_doubts(one_regression(X), y - y.mean(), 2)
    assert len(told) == 1 and "skewed, flat or heavy-tailed" in told[0]
    if shape == "flat":
        test = reality_test(X, y, n_draws=39, random_state=0)
        assert test.p_value <= 0.05 and test.doubts and "no evidence of regimes" in test.verdict
        assert which_regime(X, y, n_draws=49, random_state=0).family == "plain"


@pytest.mark.parametrize("share", [0.5, 0.3])
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_regimes_are_not_taken_for_a_shape(share, slope):
    rng, X, y = cloud(1)
    kind = np.where(rng.random(250) < share, 1.7, -1.7)
    y = y + kind * (1 + slope * X[:, 0]) + rng.normal(size=250)
    assert shape_doubts(one_regression(X), y - y.mean(), 2) == []


def test_the_ladder_tells_what_a_test_tells():
    rng, X, y = cloud(0)
    notes = select_n_clusters(X, y + walk(rng, 250), 3, random_state=0).notes
    assert any("drift" in note for note in notes)


def test_a_large_table_is_judged_by_some_of_its_rows():
    rng, X, y = cloud(2, 20_000)
    y = y + rng.chisquare(3, 20_000)
    assert shape_doubts(one_regression(X), y - y.mean(), 2)


def test_errors_that_drift_are_no_regimes_and_sorted_regimes_are():
    doubted = []
    for seed in range(4):
        rng, X, y = cloud(seed)
        test = reality_test(X, y + walk(rng, 250), n_draws=39, strict=False, random_state=seed)
        doubted += [any("drift" in d for d in test.doubts)] if test.p_value <= 0.05 else []
    assert len(doubted) > 1 and all(doubted)
    kind = np.repeat([-2.5, 2.5], 125)
    two = reality_test(X, y + kind * (1 + X[:, 0]) + rng.normal(size=250), random_state=0)
    assert two.p_value <= 0.05 and not two.doubts


@pytest.mark.parametrize("kinds", [False, True])
def test_levels_of_units_that_are_not_normal_are_no_kinds(kinds):
    rng, X, y = cloud(3, 300)
    unit = np.repeat(np.arange(60), 5)
    levels = rng.choice([-1.5, 1.5], 60) if kinds else rng.uniform(-3, 3, 60)
    y = y + levels[unit] + rng.normal(size=300)
    test = reality_test(X, y, groups=unit, n_draws=39, random_state=0)
    assert test.p_value <= 0.05 and test.strict_p_value <= 0.05
    assert bool(test.doubts) != kinds and ("no evidence of kinds" in test.verdict) != kinds
    assert which_regime(X, y, unit, n_draws=49, random_state=0).family == (
        "lpc" if kinds else "plain"
    )


def test_units_without_levels_have_a_finite_rival():
    rng, X, y = cloud(4, 300)
    unit = np.repeat(np.arange(60), 5)
    assert unit_doubts(one_regression(X), y + rng.normal(size=300) - y.mean(), 2, unit) == []
