"""Tests of D over C: a fixed sample of `make certify`, invariances, and input that is odd or
wrong."""

from functools import cache

import certify_regime_tests as certify
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

from lpc_ns.base.errors import DataWarning, InputError
from lpc_ns.ibc.fixed_tests import chow_test, wald_test
from lpc_ns.ibc.regime_tests import sup_f_test, sup_lm_test

N_RUNS = 40


@cache
def counts(truth, pair, noise, n_runs=N_RUNS):
    """How many of the first data sets of a cell each test rejects; the file has the counts for
    500."""
    return pd.DataFrame(
        [certify.rejections(truth, pair, noise, seed) for seed in range(n_runs)]
    ).sum()


# ---- size and power


def test_the_stored_table_keeps_the_claims():
    table = pd.read_csv(certify.RESULTS)
    assert (
        table.groupby(["truth", "pair", "noise"]).ngroups
        == len(certify.CELLS) * len(certify.NOISES)
        and (table["runs"] == 500).all()
    )
    assert list(certify.violations(table)) == []


@pytest.mark.parametrize("noise", ["t3", "step"])
@pytest.mark.parametrize(
    ("truth", "pair"), [("d = 0", "given"), ("d = 0", "found"), ("no product", "found")]
)
def test_default_test_keeps_its_level(truth, pair, noise):
    assert (
        counts(truth, pair, noise)["sup-LM"] <= 6
    )  # P(more than 6 of 40) < .004 at a true size of .05


@pytest.mark.parametrize(("pair", "noise"), [("given", "step"), ("found", "smooth")])
def test_default_test_has_power(pair, noise):
    assert counts("d = 1", pair, noise, n_runs=20)["sup-LM"] >= 17


def test_searching_ruins_the_naive_test():
    assert counts("d = 0", "given", "normal", n_runs=30)["naive"] >= 12


def test_stored_counts_are_those_of_the_code():
    """The first runs of a cell cannot reject more often than all of them, nor can the rest make up
    for fewer than possible."""
    table = pd.read_csv(certify.RESULTS).set_index(["truth", "pair", "noise", "test"])["rejected"]
    for test, count in counts("d = 0", "given", "step").items():
        stored = table["d = 0", "given", "step", test]
        assert count <= stored <= count + 500 - N_RUNS
        assert abs(count / N_RUNS - stored / 500) <= 0.2, test


# ---- what the result says


def switching(n=200, seed=0):
    """A slope that changes its sign at 0.4 of a named variable."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["dose", "my age", "x-1"])
    return X, X["dose"] * np.where(X["my age"] > 0.4, 2, -2) + rng.normal(size=n)


def test_conclusion_names_the_variable():
    test = sup_lm_test(*switching(), random_state=0)
    assert test.rejected and test.conclusion.startswith("C is inadequate along my age (p = 0.001)")
    assert "smooth curve" in test.conclusion and "best split, my age <= 0." in repr(test)
    assert test.by_variable()["name"].tolist()[0] == "my age"


def test_a_jump_is_located_to_a_few_samples_between_the_tested_cuts():
    """With 2000 samples neighbouring tested cuts are 160 samples apart."""
    X, y = switching(n=2000)
    test = sup_lm_test(X, y, random_state=0)
    assert np.sum((X["my age"] > 0.4) != (X["my age"] > test.threshold)) <= 5
    assert np.abs(test.path["threshold"] - 0.4).min() > abs(test.threshold - 0.4)


def test_split_variables_need_not_be_features():
    X, y = switching()
    hidden = sup_lm_test(X[["dose"]], y, X["my age"], random_state=0)
    assert hidden.rejected and hidden.names == ("my age",)
    as_array = sup_lm_test(X[["dose"]], y, X["my age"].to_numpy(), random_state=0)
    assert as_array.p_value == hidden.p_value and as_array.names == ("z0",)
    cells = pd.Categorical(np.where(X["my age"] > 0.4, "old", "young"))
    assert chow_test(X[["dose"]], y, cells).rejected and wald_test(X[["dose"]], y, cells).rejected


def test_p_values_of_variables_share_one_null_distribution():
    test = sup_lm_test(*switching(), random_state=0)
    table = test.by_variable()
    assert table["p_value"].is_monotonic_increasing and table["p_value"].iloc[0] == test.p_value
    assert len(test.null_maxima) == 999 and len(test.path) == 30


def test_seed_decides_the_draws():
    X, y = switching(seed=4)
    y = np.random.default_rng(0).permutation(y)
    p_values = [sup_lm_test(X, y, random_state=seed).p_value for seed in (0, 0, 1)]
    assert p_values[0] == p_values[1] != p_values[2]
    generator = np.random.default_rng(0)
    assert sup_lm_test(X, y, random_state=generator).p_value == p_values[0]


def test_blocks_of_draws_do_not_matter_for_the_level(monkeypatch):
    """More draws than fit in one block of memory."""
    X, y = switching(n=5000)
    test = sup_f_test(X, y, n_permutations=1900, n_thresholds=3, random_state=0)
    assert test.null_maxima.shape == (1900,) and test.p_value == 1 / 1901


# ---- odd data


def test_more_than_two_cells():
    X, y = switching(n=300)
    labels = np.digitize(X["my age"], [-0.4, 0.4])
    test = chow_test(X, y, labels)
    C = np.column_stack([np.ones(300), X])
    rss = [
        np.linalg.lstsq(C[rows], y[rows], rcond=None)[1][0]
        for rows in (labels >= 0, labels == 0, labels == 1, labels == 2)
    ]
    assert test.df == (8, 288) and np.isclose(
        test.statistic, (rss[0] - sum(rss[1:])) / 8 / (sum(rss[1:]) / 288)
    )


def test_collinear_columns_change_nothing_but_a_warning():
    X, y = switching()
    plain = sup_lm_test(X, y, random_state=0)
    with pytest.warns(DataWarning, match="have rank 4"):
        doubled = sup_lm_test(X.assign(months=12 * X["my age"], one=1.0), y, X, random_state=0)
    assert np.isclose(doubled.statistic, plain.statistic) and doubled.p_value == plain.p_value


def test_features_far_from_zero_lose_no_digits():
    X, y = switching()
    far = X + np.array([1e6, 2000, 0])
    near, moved = (sup_lm_test(Z, y, terms=[(0, 1), (1, 1)], random_state=0) for Z in (X, far))
    np.testing.assert_allclose(moved.path["statistic"], near.path["statistic"], rtol=1e-6)


def test_zero_inflated_variable_is_cut_where_it_can_be():
    rng = np.random.default_rng(1)
    rain = np.where(rng.random(200) < 0.85, 0.0, rng.exponential(size=200))
    test = sup_lm_test(
        np.column_stack([rain, rng.normal(size=200)]), rng.normal(size=200), random_state=0
    )
    cuts = test.path.loc[test.path["variable"] == 0, "threshold"]
    assert len(cuts) and all(min((rain <= t).sum(), (rain > t).sum()) >= 20 for t in cuts)


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1e8])
def test_units_do_not_matter(scale):
    X, y = switching()
    assert (
        sup_lm_test(X, y * scale, random_state=0).p_value
        == sup_lm_test(X, y, random_state=0).p_value
    )
    assert np.isclose(
        wald_test(X, y * scale, X["my age"] > 0).statistic,
        wald_test(X, y, X["my age"] > 0).statistic,
    )


def test_constant_target_is_not_tested():
    X, _ = switching()
    for test in (sup_lm_test, sup_f_test):
        with pytest.warns(DataWarning, match="fits the target exactly"):
            assert test(X, np.full(200, 0.1)).p_value == 1
    with pytest.warns(DataWarning, match="fits the target exactly"):
        assert chow_test(X, np.full(200, 0.1), X["dose"] > 0).p_value == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X, y: sup_lm_test(X.assign(a="text"), y), "not numeric"),
        (lambda X, y: sup_lm_test(X.mask(X > 2), y), "contains NaN"),
        (lambda X, y: sup_lm_test(X, y[:-1]), "one number per sample"),
        (lambda X, y: sup_lm_test(X, y, X[:-1]), "Z has 199 rows"),
        (lambda X, y: sup_lm_test(X, y, terms=[(0,)]), "terms holds"),
        (lambda X, y: sup_lm_test(X, y, terms=[("dose", "x-1")]), "terms holds"),
        (
            lambda X, y: sup_lm_test(X, y, min_samples_leaf=101),
            "no cut that leaves min_samples_leaf = 101",
        ),
        (lambda X, y: sup_lm_test(X, y, n_thresholds=0), "n_thresholds is 0"),
        (lambda X, y: sup_f_test(X, y, n_permutations=0), "n_permutations is 0"),
        (lambda X, y: sup_lm_test(X[:4], y[:4]), "fits all of them"),
        (
            lambda X, y: chow_test(X[:8], y[:8], np.arange(8) % 2),
            "must add something and leave residuals",
        ),
        (lambda X, y: chow_test(X, y, X["dose"] > 99), "one cell"),
    ],
)
def test_wrong_input_is_refused_in_a_sentence(call, message):
    with pytest.raises(InputError, match=message):
        call(*switching())


def test_real_data():
    """Diabetes: 442 patients, a binary variable, correlated features."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    test = sup_lm_test(X, y, terms=[(2, 3)], random_state=0)
    assert len(test.path["name"].unique()) == 10 and (test.path["name"] == "sex").sum() == 1
    assert 0.001 <= test.p_value <= 1 and np.isfinite([test.bic_c, test.bic_d]).all()
