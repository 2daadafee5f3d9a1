"""Products beside all main effects: what is there is found, what is not there is not claimed."""

import itertools

import numpy as np
import pandas as pd
import pytest

from lpc_ns import InteractionBasedClustering
from lpc_ns.base.errors import InputError
from lpc_ns.ibc.terms.forward import forward_products
from lpc_ns.ibc.terms.ranking import rank_given, rank_terms, standardise
from lpc_ns.ibc.terms.screening import best_pairs, best_triples, screen_pairs


def strong(p, seed, n=500):
    """Every feature has a strong effect, two of them a product."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, 3 * X.sum(axis=1) + X[:, 0] * X[:, 1] + 0.5 * rng.normal(size=n)


def regime(p, seed, n=500):
    """Strong effects of all features but two; the slope of one switches with the other's sign."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = 3 * X[:, 2:].sum(axis=1) + 2 * np.sign(X[:, 1]) * X[:, 0]
    return X, y + 0.5 * rng.normal(size=n)


@pytest.mark.parametrize("p", [10, 50])
@pytest.mark.parametrize("seed", [200, 201, 202])
def test_a_strong_product_is_first_whatever_else_has_effects(p, seed):
    X, y = strong(p, seed)
    found = forward_products(X, y, random_state=0)
    assert found.terms[0] == (0, 1) and found.p_value[0] <= 0.05
    assert found.coef[0] == pytest.approx(1, abs=0.15)


def test_f_is_partial_beside_the_others():
    """F of the joint model, by least squares with and without each product."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 6))
    y = X.sum(axis=1) + X[:, 0] * X[:, 1] - 0.8 * X[:, 2] ** 2 + rng.normal(size=300)
    found = forward_products(X, y, random_state=0)
    assert set(found.terms) == {(0, 1), (2, 2)} and found.df == 300 - 9
    full = np.column_stack([np.ones(300), X, X[:, 0] * X[:, 1], X[:, 2] ** 2])
    rss = {}
    for left_out in (None, 7, 8):
        A = full if left_out is None else np.delete(full, left_out, axis=1)
        rss[left_out] = ((y - A @ np.linalg.lstsq(A, y)[0]) ** 2).sum()
    expected = {
        (0, 1): (rss[7] / rss[None] - 1) * found.df,
        (2, 2): (rss[8] / rss[None] - 1) * found.df,
    }
    for term, F in zip(found.terms, found.f_statistic, strict=True):
        assert F == pytest.approx(expected[term], rel=1e-8)


def test_origin_unit_and_order_do_not_matter():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(200, 7))
    y = X[:, 0] + 0.7 * X[:, 1] * X[:, 2] + rng.normal(size=200)
    found = forward_products(X, y, random_state=0)
    moved = forward_products(1e3 * X * np.arange(1, 8) + 1e4, 5 - 2 * y, random_state=0)
    assert moved.terms == found.terms == ((1, 2),)
    np.testing.assert_allclose(moved.f_statistic, found.f_statistic, rtol=1e-6)
    np.testing.assert_allclose(moved.coef, -2 * found.coef / (1e6 * 2 * 3), rtol=1e-6)
    back = forward_products(X[:, ::-1], y, random_state=0)
    assert back.terms == ((4, 5),)


def test_a_product_that_is_a_feature_is_not_claimed():
    rng = np.random.default_rng(0)
    x0, x1 = rng.normal(size=(2, 400))
    X = np.column_stack([x0, x1, x0 * x1 + 0.3 * rng.normal(size=400)])
    y = x0 + X[:, 2] + 0.5 * rng.normal(size=400)
    assert len(forward_products(X, y, random_state=0)) == 0
    scores = screen_pairs(X, y).to_frame()
    assert "score" in scores and not [c for c in scores if c.startswith("p_")]
    assert np.isnan(rank_terms(X, y, [(0, 1)]).p_value).all()
    model = InteractionBasedClustering(cv=2, random_state=0).fit(X, y)
    assert model.terms_ == () and model.interactions_.main_effects == "all"


def test_curves_are_squares_and_not_products():
    rng = np.random.default_rng(5)
    X = np.sqrt(0.5) * rng.normal(size=(500, 1)) + np.sqrt(0.5) * rng.normal(size=(500, 8))
    y = X.sum(axis=1) + X[:, 3] ** 2 + rng.normal(size=500)
    found = forward_products(X, y, random_state=0)
    assert found.terms == ((3, 3),)


def test_few_samples_select_main_effects_and_say_so():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(150, 200))
    y = 2 * X[:, 3] + 2 * X[:, 8] * X[:, 80] + rng.normal(size=150)
    found = forward_products(X, y, random_state=0)
    assert found.terms == ((8, 80),) and not found.all_main and 3 in found.main
    assert len(forward_products(X, rng.normal(size=150), random_state=0)) == 0


def test_many_features_use_the_likeliest_pairs():
    """More features than the bootstrap runs over: two matrix products, then robust tests."""
    X, y = strong(120, 7, n=600)
    found = forward_products(X, y, random_state=0)
    assert found.terms[0] == (0, 1) and found.all_main and found.n_pairs == 120 * 119 // 2


def test_rows_of_a_subject_are_flipped_together():
    alarms = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        subject = np.repeat(np.arange(60), 8)
        X = rng.normal(size=(60, 4))[subject]
        y = X[:, 0] + rng.normal(size=60)[subject] + 0.3 * rng.normal(size=480)
        runs = (forward_products(X, y, groups=g, random_state=0) for g in (None, subject))
        alarms.append([len(run) > 0 for run in runs])
    assert np.mean(alarms, axis=0)[0] > 0.5 and np.sum(alarms, axis=0)[1] <= 1


def test_awkward_columns():
    """Constant columns, copies and indicators take no false part; names come out."""
    rng = np.random.default_rng(18)
    table = pd.DataFrame(
        {"a": rng.normal(size=200), "b": rng.normal(size=200), "c": 1.0, "d": rng.random(200) < 0.3}
    )
    table["copy"] = table["a"]
    y = table["a"] * table["b"] + rng.normal(size=200)
    with pytest.warns(UserWarning, match="constant column"):
        found = forward_products(table, y, random_state=0)
    assert found.terms[0] in ((0, 1), (1, 4)) and len(found) == 1
    assert found.to_frame()["term"][0] in ("a * b", "b * copy")
    assert all(2 not in term for term in itertools.chain(found.terms, *found.alternatives))


def test_a_seed_gives_one_answer():
    X, y = strong(12, 9, n=100)
    one, two = (forward_products(X, y, random_state=3) for _ in range(2))
    assert one.terms == two.terms and (one.p_value == two.p_value).all()


@pytest.mark.parametrize("options", [{"level": 0}, {"level": 1}, {"most": 0}, {"n_bootstrap": 0}])
def test_refusals(options):
    X, y = strong(3, 0, n=30)
    with pytest.raises(InputError):
        forward_products(X, y, **options)


@pytest.mark.parametrize("p", [10, 30])
def test_a_regime_is_cut_where_it_is_whatever_else_has_effects(p):
    X, y = regime(p, 300)
    model = InteractionBasedClustering("B", cv=2, random_state=0).fit(X, y)
    assert model.split_.variables == (1,) and abs(model.split_.thresholds[0]) < 0.1
    assert model.score(X, y) > 0.995


def test_weights_rank_as_copies_do():
    """Squared partial correlations of weighted rows are those of copied rows, in every screen."""
    rng = np.random.default_rng(21)
    X = rng.exponential(size=(120, 5))
    y = X @ rng.normal(size=5) + 0.5 * X[:, 0] * X[:, 1] + rng.normal(size=120)
    weights = rng.integers(1, 5, 120)
    copied = standardise(X.repeat(weights, axis=0), y.repeat(weights))
    weighted = standardise(X, y, weights=weights.astype(float))
    triples = list(itertools.combinations(range(5), 3))
    rankings = (
        lambda data: best_pairs(data, 15),
        lambda data: best_pairs(data, 15, main_effects="all"),
        lambda data: best_triples(data, 10),
        lambda data: rank_given(data, triples, "all"),
    )
    for rank in rankings:
        ours, theirs = rank(weighted), rank(copied)
        assert ours.terms == theirs.terms
        shares = [r.f_statistic / (r.df + r.f_statistic) for r in (ours, theirs)]
        np.testing.assert_allclose(*shares, rtol=1e-8)


def test_weights_decide_which_product_is_there():
    """Two halves with a product each; nearly all weight is on one of them."""
    rng = np.random.default_rng(22)
    X = rng.normal(size=(600, 5))
    first = np.arange(600) < 300
    y = X.sum(axis=1) + np.where(first, X[:, 0] * X[:, 1], X[:, 2] * X[:, 3])
    y += rng.normal(size=600)
    for heavy, product in ((first, (0, 1)), (~first, (2, 3))):
        weights = np.where(heavy, 1.0, 0.001)
        found = forward_products(X, y, weights=weights, random_state=0)
        assert found.terms == (product,)
        part = forward_products(X[heavy], y[heavy], random_state=0)
        np.testing.assert_allclose(found.coef, part.coef, rtol=0.01)
        scaled = forward_products(X, y, weights=7 * weights, random_state=0)
        np.testing.assert_allclose(scaled.f_statistic, found.f_statistic, rtol=1e-8)
        model = InteractionBasedClustering("C", cv=2, random_state=0)
        model.fit(X, y, sample_weight=weights)
        assert model.terms_ == (product,)
        np.testing.assert_allclose(model.selection_.coef, found.coef, rtol=1e-6)
    with pytest.raises(InputError, match="zero or less"):
        forward_products(X, y, weights=np.zeros(600))


def test_weights_that_make_errors_unequal_find_nothing():
    """No product; heavy weights where errors are large: a level that holds row by row."""
    alarms = 0
    for seed in range(20):
        rng = np.random.default_rng([23, seed])
        X = rng.normal(size=(300, 6))
        weights = np.exp(X[:, 0])
        y = X.sum(axis=1) + weights * rng.normal(size=300)
        alarms += len(forward_products(X, y, weights=weights, random_state=seed).terms) > 0
    assert alarms <= 4


def test_blocks_of_samples_change_nothing():
    """More samples than one block holds: statistics by their definition."""
    rng = np.random.default_rng(24)
    X = rng.normal(size=(3000, 12))
    y = X.sum(axis=1) + 0.15 * X[:, 3] * X[:, 4] + rng.normal(size=3000)
    groups = rng.integers(400, size=3000)
    for given in (None, groups):
        found = forward_products(X, y, groups=given, random_state=0)
        assert found.terms == ((3, 4),)
        exact = rank_terms(X, y, [(3, 4)], main_effects="all")
        np.testing.assert_allclose(found.f_statistic, exact.f_statistic, rtol=1e-9)


def test_products_that_the_data_do_not_tell_apart_are_named():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    X[:, 2] = X[:, 1] + 1e-3 * rng.normal(size=300)
    y = X.sum(axis=1) + 2 * X[:, 0] * X[:, 1] + rng.normal(size=300)
    found = forward_products(X, y, random_state=0)
    told = found.in_place(found.terms, ["a", "b", "c"])
    taken, other = ("b", "c") if found.terms[0] == (0, 1) else ("c", "b")
    assert told[0] == f"a * {other} would fit about as well in the place of a * {taken}."
    assert found.in_place(()) == []


def test_rounding_holds_no_product():
    """What an exact line leaves is rounding, in which one sample in twenty would have a product."""
    found = []
    for seed in range(12):
        X = np.random.default_rng(seed).normal(size=(120, 3))
        for scale, offset in ((1e-6, 0), (3, 5), (1, 1e8)):
            y = offset + scale * (X @ [1, 2, 3])
            found += forward_products(X, y, n_bootstrap=99, random_state=seed).terms
    assert found == []
