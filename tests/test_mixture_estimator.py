"""MixtureOfRegressions: scikit-learn's conventions, gates that help, sets that cover."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from lpc_ns import LinearPredictiveClustering, MixtureOfRegressions
from lpc_ns.base.errors import DataWarning, InputError
from lpc_ns.lpc.inference.prediction import conformal_threshold, density_sets, gate_test
from lpc_ns.lpc.search.mixture import em_refit


def regimes(seed, n=400, told=None):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    z = rng.random(n) < (0.5 if told is None else 1 / (1 + np.exp(-told * X[:, 1])))
    y = np.where(z, 2 + 2 * X[:, 0], -2 - 2 * X[:, 0]) + rng.normal(size=n)
    return X, y, z


def test_a_table_keeps_the_names_of_its_columns():
    X, y, _ = regimes(0, n=200)
    table = pd.DataFrame(X, columns=["wage", "age"])
    model = MixtureOfRegressions(common="age", random_state=0, gate="concomitant").fit(table, y)
    terms = set(model.mixture_.summary().table.term)
    assert {"wage", "age", "logit wage"} <= terms
    assert np.ptp(model.coef_[:, 1]) == 0
    assert np.ptp(MixtureOfRegressions(common=["x1"], gate="none").fit(X, y).coef_[:, 1]) == 0
    for options, weight, message in (
        ({"common": ["size"]}, None, "not a column"),
        ({}, -np.ones(200), "-1 in row 0; a weight must be 0 or more"),
    ):
        with pytest.raises(InputError, match=message):
            MixtureOfRegressions(**options).fit(table, y, weight)


def test_a_gate_is_used_where_it_helps_and_only_there():
    X, y, _ = regimes(0, told=3)
    model = MixtureOfRegressions(random_state=0).fit(X, y)
    fresh, target, _ = regimes(1, told=3)
    line = LinearRegression().fit(X, y)
    assert model.gate_ != "constant"
    assert model.score(fresh, target) > line.score(fresh, target) + 0.1
    X, y, _ = regimes(0)
    blind = MixtureOfRegressions(random_state=0).fit(X, y)
    assert blind.gate_ == "constant"
    assert blind.predict(fresh) == pytest.approx(LinearRegression().fit(X, y).predict(fresh))


def test_default_does_not_predict_worse_than_one_regression():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(120, 6))
    y = X[:, 0] + rng.standard_t(3, 120)
    ours = cross_val_score(MixtureOfRegressions(random_state=0), X, y, cv=4).mean()
    assert ours > cross_val_score(LinearRegression(), X, y, cv=4).mean() - 0.03


@pytest.mark.parametrize("gate", ["none", "concomitant", "logistic"])
def test_sets_cover_and_are_short(gate):
    X, y, _ = regimes(2, told=2)
    model = MixtureOfRegressions(gate=gate, random_state=0).fit(X, y)
    fresh, target, _ = regimes(3, n=1500, told=2)
    sets = model.predict_interval(fresh)
    assert 0.86 <= sets.contains(target).mean() <= 0.95
    residual = y - LinearRegression().fit(X, y).predict(X)
    assert sets.length.mean() < 0.65 * 3.29 * residual.std()
    assert all((np.diff(pieces.ravel()) > 0).all() for pieces in sets.intervals)
    quantiles = model.predict_interval(fresh, method="mixture")
    assert 0.84 <= quantiles.contains(target).mean() <= 0.96
    assert (sets.hull[:, 0] < sets.hull[:, 1]).all()


def test_sets_are_found_however_narrow_or_wide_regimes_are():
    steps = np.linspace(-30, 30, 60_001)
    means = np.array([[-5.0, 7.0], [0.0, 0.1]])
    shares = np.array([[0.3, 0.7], [0.5, 0.5]])
    for sigma in ([1e-6, 1e-6], [1.0, 1e-3], [0.5, 2.0]):
        sigma = np.array(sigma)
        for threshold in (-1e3, -3.0, 0.0):
            sets = density_sets(means, sigma, shares, threshold, 0.9)
            for pieces, m, p in zip(sets.intervals, means, shares, strict=True):
                density = (p * norm.pdf(m, m[:, None], sigma)).sum(axis=1)
                assert all(
                    ((pieces[:, 0] < a) & (a < pieces[:, 1])).any()
                    for a, d in zip(m, density, strict=True)
                    if d > 1.01 * np.exp(threshold)
                )
                inside = (p * norm.pdf(steps[:, None], m, sigma)).sum(axis=1) > np.exp(threshold)
                if sigma.min() > 0.1 and threshold == -3.0:
                    length = (pieces[:, 1] - pieces[:, 0]).sum()
                    assert length == pytest.approx(inside.sum() * 1e-3, rel=0.01)


def test_sets_of_tables_that_cannot_calibrate_are_wide_not_missing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 2))
    model = MixtureOfRegressions(random_state=0).fit(X, rng.normal(size=12))
    assert np.isfinite(model.predict_interval(X).hull).all()


def test_posteriors_need_y_and_say_so():
    X, y, z = regimes(0)
    model = MixtureOfRegressions(gate="none", random_state=0).fit(X, y)
    assert model.predict_proba(X, y) == pytest.approx(model.mixture_.posterior, abs=1e-9)
    assert (model.labels_ == model.mixture_.labels).all()
    agreement = (model.labels_ == z).mean()
    assert max(agreement, 1 - agreement) > 0.8
    with pytest.raises(InputError, match="needs y"):
        model.predict_proba(X)
    assert model.bic_ == model.mixture_.bic and 0 < model.entropy_ < 1


def test_the_gate_has_a_regular_test():
    for told, wanted in ((2, True), (None, False)):
        X, y, _ = regimes(5, told=told)
        constant = em_refit(X, y, n_clusters=2, random_state=0)
        gated = em_refit(X, y, posterior=constant.posterior, concomitant=X)
        statistic, p = gate_test(constant, gated)
        assert gated.n_parameters - constant.n_parameters == 2
        assert (p < 0.01) == wanted and statistic >= 0


def test_few_rows_fall_back_to_least_squares_with_a_warning():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(23, 8))
    y = rng.normal(size=23)
    with pytest.warns(DataWarning, match="too few"):
        model = MixtureOfRegressions(random_state=0).fit(X, y)
    assert model.predict(X) == pytest.approx(LinearRegression().fit(X, y).predict(X))
    with pytest.raises(InputError, match="lower"):
        conformal_threshold(np.zeros(5), 0.9)


@pytest.mark.parametrize("gate", ["none", "concomitant", "boosting"])
def test_models_survive_pickling(gate):
    X, y, _ = regimes(1, n=120, told=3)
    model = MixtureOfRegressions(gate=gate, random_state=0).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert again.predict(X) == pytest.approx(model.predict(X))


def test_weights_of_zero_only_label():
    X, y, _ = regimes(4, n=200)
    weight = np.ones(200)
    weight[150:] = 0
    model = MixtureOfRegressions(gate="none", random_state=0).fit(X, y, sample_weight=weight)
    part = MixtureOfRegressions(gate="none", random_state=0).fit(X[:150], y[:150])
    assert model.coef_ == pytest.approx(part.coef_) and model.labels_.shape == (200,)


def test_groups_have_one_regime():
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(50), 4)
    kind = rng.integers(0, 2, 50)[person]
    x = rng.normal(size=(200, 1))
    y = np.where(kind, 1, -1) + 0.5 * x[:, 0] + rng.normal(size=200)
    model = MixtureOfRegressions(random_state=0).fit(x, y, groups=person)
    assert all(len(set(model.labels_[person == g])) == 1 for g in range(50))
    agreement = (model.labels_ == kind).mean()
    assert max(agreement, 1 - agreement) > 0.9


def test_hard_clusters_carry_their_refit_and_take_groups():
    rng = np.random.default_rng(1)
    person = np.repeat(np.arange(40), 6)
    kind = rng.integers(0, 2, 40)[person]
    x = rng.uniform(0, 10, 240)
    y = np.where(kind, 1 + x, 3 + 0.4 * x) + 2 * rng.normal(size=240)
    model = LinearPredictiveClustering(random_state=0).fit(x[:, None], y, groups=person)
    assert all(len(set(model.labels_[person == g])) == 1 for g in range(40))
    assert model.status_ == "optimal" and model.gap_ <= 1e-4
    agreement = (model.labels_ == kind).mean()
    assert max(agreement, 1 - agreement) > 0.85
    assert model.mixture_.n_units == 40 and model.bic_ == model.mixture_.bic
    assert model.entropy_ > 0.5 and model.icl_ >= model.bic_
    rows = LinearPredictiveClustering(random_state=0, method="local").fit(x[:, None], y)
    assert rows.sse_ < model.sse_ and rows.log_likelihood_ == rows.mixture_.log_likelihood
    assert "select_n_clusters" in LinearPredictiveClustering.score.__doc__
    with pytest.raises(InputError, match="moves single samples"):
        LinearPredictiveClustering(method="greedy").fit(x[:, None], y, groups=person)
    with pytest.raises(InputError, match="one per row"):
        LinearPredictiveClustering().fit(x[:, None], y, groups=person[:-1])


@pytest.mark.parametrize("gate", ["none", "logistic", "concomitant"])
def test_a_weight_is_so_many_copies_of_a_row(gate):
    X, y, _ = regimes(6, n=60, told=1)
    count = np.random.default_rng(0).integers(1, 4, 60)
    some = MixtureOfRegressions(gate=gate, random_state=0).fit(X, y, sample_weight=count)
    many = MixtureOfRegressions(gate=gate, random_state=0)
    many.fit(np.repeat(X, count, axis=0), np.repeat(y, count))
    assert some.predict(X) == pytest.approx(many.predict(X), abs=1e-3)
    assert some.predict_gate(X) == pytest.approx(many.predict_gate(X), abs=1e-3)
    assert some.out_of_fold_.skill == pytest.approx(many.out_of_fold_.skill, abs=1e-3)
    ends = many.predict_interval(X).hull
    assert some.predict_interval(X).hull == pytest.approx(ends, abs=1e-2)


def test_a_gate_in_the_likelihood_keeps_units_and_common_columns():
    X, y, _ = regimes(7, n=120, told=2)
    units = np.arange(120) // 3
    model = MixtureOfRegressions(gate="concomitant", common=[1], random_state=0)
    model.fit(X, y, groups=units)
    assert model.coef_[0, 1] == pytest.approx(model.coef_[1, 1])
    assert model.mixture_.n_units == 40
    found = model.predict_proba(X, y, groups=units)
    assert found == pytest.approx(model.mixture_.posterior, abs=1e-9)
    assert all(len(set(model.labels_[units == u])) == 1 for u in range(40))


def test_copies_of_a_row_stay_in_one_fold():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(30, 1)), 4, axis=0)
    y = np.repeat(rng.choice([-2.0, 2.0], 30) + rng.normal(size=30), 4)
    model = MixtureOfRegressions(random_state=0).fit(X, y)
    assert model.gate_ == "constant"  # with copies in other folds a boosted gate looks perfect
    for level in (0, 1, 95):
        with pytest.raises(InputError, match="level"):
            model.predict_interval(X, level=level)
