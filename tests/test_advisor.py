"""The advisor: five kinds of tables, five answers, and numbers for each."""

import numpy as np
import pytest

from lpc_ns import which_regime
from lpc_ns.advisor import linear_tree, predict_linear_tree
from lpc_ns.base.errors import InputError


def table(kind, seed, n=500):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    a, b, c = X.T
    e = rng.standard_normal(n)
    cell = 2 * (b > 0.2) + np.where(b > 0.2, c > -0.3, c > 0.4)
    told = rng.random(n) < 1 / (1 + np.exp(-1.5 * b - c))
    return (
        X,
        e
        + {
            "plain": 1 + a - c,
            "ibc": np.where(b > 0.1, 1 + 1.5 * a, -a) + 0.5 * c,
            "lpc": np.where(rng.random(n) < 0.4, 1.7 + 1.5 * a, -1.7 - a) + 0.5 * c,
            "gated": np.where(told, 1.7 + 1.5 * a, -1.7 - a),
            "tree": np.choose(cell, [1.5 * a, 2 - a, -2 + 0.5 * a, 1 + 2 * a]),
        }[kind],
    )


@pytest.mark.parametrize("kind", ["plain", "ibc", "lpc", "gated", "tree"])
def test_every_family_is_recognised(kind):
    answers = [which_regime(*table(kind, s), random_state=0, n_draws=49).family for s in (3, 4, 5)]
    assert answers.count(kind) >= 2


def test_advice_carries_its_evidence():
    advice = which_regime(*table("lpc", 0), random_state=0, n_draws=49)
    assert advice.family == "lpc" and advice.models["test"].p_value == 0.02
    assert advice.models["mixture"].n_clusters == 2
    assert advice.models["mixture"].bic < advice.models["gated"].bic
    assert set(advice.table.index) == {"plain", "ibc", "tree", "boosting"}
    text = advice.report()
    assert "p = 0.02" in text and advice.cost in text and len(text.splitlines()) <= 8


def test_units_and_table_scale_do_not_change_the_answer():
    X, y = table("ibc", 1)
    a = which_regime(X, y, random_state=0, n_draws=49)
    b = which_regime(X * [10, 1e3, 0.1] + 5, 1e3 * y + 7, random_state=0, n_draws=49)
    assert a.family == b.family and a.table.R2.to_numpy() == pytest.approx(b.table.R2, abs=1e-8)


@pytest.mark.parametrize("rounded", [False, True])
def test_signs_of_features_and_target_decide_nothing(rounded):
    X, y = table("ibc", 1)
    X = X.round(1) if rounded else X
    for depth in (1, 2):
        fitted = predict_linear_tree(linear_tree(X, y, depth), X)
        turned = -predict_linear_tree(linear_tree(-X, -y, depth), -X)
        assert turned == pytest.approx(fitted, abs=1e-8)


def test_groups_reveal_regimes():
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(60), 5)
    kind = rng.integers(0, 2, 60)[person]
    x = rng.normal(size=(300, 1))
    y = np.where(kind, 1.2, -1.2) + x[:, 0] + rng.normal(size=300)
    assert which_regime(x, y, groups=person, random_state=0).family == "lpc"


def test_units_that_differ_by_degrees_are_no_regimes():
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(40), 5)
    x = rng.normal(size=(200, 1))
    for slopes in (0, 1):
        level = 1.5 * rng.normal(size=40)[person]
        y = level + (1 + slopes * rng.normal(size=40)[person]) * x[:, 0] + rng.normal(size=200)
        advice = which_regime(x, y, groups=person, n_draws=49, random_state=0)
        assert advice.family == "plain" and "mixed model" in advice.report()


def test_a_switch_that_x_tells_is_not_hidden():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, size=(90, 1))
    bent = np.where(x[:, 0] > 0.2, 2 - 3 * x[:, 0], 2 * x[:, 0])
    for shape in (rng.normal(size=90), rng.exponential(size=90), rng.choice([-1, 1], 90)):
        advice = which_regime(x, bent + 0.1 * shape, n_draws=49, random_state=0)
        assert advice.family == "ibc"


def test_linear_trees_predict_what_they_have_learned():
    X, y = table("ibc", 2)
    tree = linear_tree(X, y, 1)
    assert tree[0] == 1 and abs(tree[1] - 0.1) < 0.3
    assert ((y - predict_linear_tree(tree, X)) ** 2).mean() < 1.2
    assert isinstance(linear_tree(X[:10], y[:10], 3), np.ndarray)


def test_tables_without_an_answer_are_refused_or_plain():
    rng = np.random.default_rng(0)
    assert which_regime(np.ones((30, 2)), rng.normal(size=30)).family == "plain"
    assert which_regime(rng.normal(size=(30, 2)), np.ones(30)).family == "plain"
    wide = which_regime(rng.normal(size=(25, 14)), rng.normal(size=25))
    assert wide.family in ("plain", "ibc", "tree") and "could not be tested" in wide.report()
    with pytest.raises(InputError, match="too few"):
        which_regime(rng.normal(size=(10, 1)), rng.normal(size=10))
    with pytest.raises(InputError, match="units"):
        which_regime(rng.normal(size=(30, 1)), rng.normal(size=30), groups=np.arange(30) % 3)


def test_tables_without_error_have_the_family_that_they_have():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    line = 1 + X @ [1.0, 2.0]
    switch = np.where(X[:, 1] > 0.2, 1 + X[:, 0], -X[:, 0])
    assert "without error" in which_regime(X, line, random_state=0).reasons[0]
    for y, family in ((line, "plain"), (1e6 + line, "plain"), (switch, "ibc")):
        for noise in (0, 1e-3):
            advice = which_regime(X, y + noise * rng.normal(size=200), random_state=0)
            assert advice.family == family


def test_one_outlier_is_no_regime():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = X[:, 0] + rng.normal(size=100)
    y[3] = 1e3
    advice = which_regime(X, y, random_state=0)
    assert advice.family == "plain" and "far from one regression" in advice.report()


def test_doubts_about_the_rows_come_first():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    assert "two values" in which_regime(X, (X[:, 0] > 0) * 1.0, random_state=0).reasons[0]
    copies = which_regime(np.repeat(X[:40], 4, axis=0), np.repeat(rng.normal(size=40), 4))
    assert "copies" in copies.reasons[0] and copies.family == "plain"


def test_values_that_repeat_and_too_few_rows_are_no_hidden_regimes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    advice = which_regime(X, rng.integers(0, 2, 60), random_state=0)
    assert advice.family == "plain" and "no evidence of hidden regimes" in advice.report()
    few = which_regime(rng.normal(size=(25, 30)), X[:25, 0], random_state=0)
    assert few.family == "plain" and "tell nothing" in few.report()


def test_names_of_units_may_be_missing_or_text():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1))
    y = X[:, 0] + rng.normal(size=60)
    names = np.array([f"p{i // 3}" for i in range(60)], dtype=object)
    assert which_regime(X, y, groups=names, random_state=0).family == "plain"
    names[5] = None
    with pytest.raises(InputError, match="missing"):
        which_regime(X, y, groups=names)


def test_what_users_need_imports_from_the_package():
    import lpc_ns

    names = ("MixtureOfRegressions", "reality_test", "select_n_clusters", "which_regime")
    assert all(callable(getattr(lpc_ns, name)) and name in lpc_ns.__all__ for name in names)
