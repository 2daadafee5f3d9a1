"""Reality tests: exact where they say so, powerful where they can be, and the same on any table."""

import pickle
from functools import partial

import joblib
import numpy as np
import pytest
from joblib import delayed

from lpc_ns.base.errors import DataWarning, InputError
from lpc_ns.lpc.inference import nulls
from lpc_ns.lpc.inference.nulls import (
    monte_carlo_p,
    null_ratios,
    one_regression,
    residuals,
    sse_ratio,
    studentise,
    unimodal_density,
)
from lpc_ns.lpc.inference.number import select_n_clusters
from lpc_ns.lpc.inference.reality import reality_test
from lpc_ns.lpc.search.units import Units, short_search
from lpc_ns.reports.evidence import judge

NULLS = {
    "normal": lambda rng, x: rng.standard_normal(len(x)),
    "t3": lambda rng, x: rng.standard_t(3, len(x)),
    "wide on one side": lambda rng, x: np.exp(x / 2) * rng.standard_normal(len(x)),
    "random slopes": lambda rng, x: (rng.standard_normal(len(x)) + x * rng.standard_normal(len(x))),
}
REGIMES = {
    "3 sigma": lambda rng, x: rng.choice([-1.5, 1.5], len(x)) + rng.standard_normal(len(x)),
    "crossing": lambda rng, x: rng.choice([-2, 2], len(x)) * x + rng.standard_normal(len(x)),
}


def p_values(errors, n_runs, n=200, n_draws=39, **options):
    rng = np.random.default_rng(1)
    values = []
    for seed in range(n_runs):
        x = rng.normal(size=n)
        y = 1 + 2 * x + errors(rng, x)
        test = reality_test(x[:, None], y, n_draws=n_draws, random_state=seed, **options)
        values.append((test.p_value, test.strict_p_value))
    return np.array(values)


@pytest.mark.parametrize("name", NULLS)
def test_one_regression_is_seldom_called_two(name):
    p = p_values(NULLS[name], 24, strict=False)[:, 0]
    assert (p <= 0.05).sum() <= 4


@pytest.mark.parametrize("name", REGIMES)
def test_clear_regimes_are_found(name):
    p = p_values(REGIMES[name], 8, strict=False)[:, 0]
    assert (p <= 0.05).sum() >= 7


def test_strict_test_does_not_fall_for_flat_errors_and_sees_four_sigma():
    flat = p_values(lambda rng, x: rng.uniform(-1, 1, len(x)), 8)
    assert (flat[:, 0] <= 0.05).all() and (flat[:, 1] > 0.05).sum() >= 6
    far = p_values(lambda rng, x: rng.choice([-2.5, 2.5], len(x)) + rng.standard_normal(len(x)), 5)
    assert (far[:, 1] <= 0.05).all()


def test_pure_noise_with_many_features_is_not_a_discovery():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 10))
    test = reality_test(X, rng.normal(size=100), n_draws=99, random_state=0)
    assert test.p_value > 0.05
    assert test.draws.mean() < test.limit - 0.05  # the old yardstick would have called it one
    assert "No evidence" in test.verdict


def test_plain_p_values_are_uniform():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, 2))
    options = {"errors": "plain", "strict": False, "n_draws": 9}
    p = [
        reality_test(X, 5 * rng.standard_normal(30), random_state=s, **options).p_value
        for s in range(200)
    ]
    counts = np.bincount(np.round(np.array(p) * 10).astype(int), minlength=11)[1:]
    assert counts.sum() == 200 and ((counts - 20) ** 2 / 20).sum() < 27.9  # chi2(9), .001


def test_numbers_do_not_depend_on_threads_units_or_the_common_line():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 2))
    y = rng.choice([-1.5, 1.5], 120) + rng.standard_normal(120)
    a = reality_test(X, y, n_draws=29, random_state=5)
    b = reality_test(X, y, n_draws=29, random_state=5, n_jobs=2)
    assert np.array_equal(a.draws, b.draws) and np.array_equal(a.strict_draws, b.strict_draws)
    assert (a.p_value, a.strict_p_value) == (b.p_value, b.strict_p_value)
    again = 50 * (y + X @ [3, 4])
    c = reality_test(X * [1e3, -1e-3] + 7, again, n_draws=29, random_state=5)
    assert a.statistic == pytest.approx(c.statistic, rel=1e-8)
    assert c.draws == pytest.approx(a.draws, rel=1e-8)
    assert c.strict_draws == pytest.approx(a.strict_draws, rel=1e-8)
    assert c.scale == pytest.approx(50 * a.scale, rel=1e-6)


def test_redundant_and_constant_columns_do_not_matter():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 2))
    y = rng.choice([-1.5, 1.5], 120) + rng.standard_normal(120)
    more = np.column_stack([X, X.sum(axis=1), np.full(120, 3.0)])
    a = reality_test(X, y, n_draws=19, random_state=0)
    b = reality_test(more, y, n_draws=19, random_state=0)
    assert a.statistic == pytest.approx(b.statistic, rel=1e-6)


def test_an_interrupt_returns_the_draws_so_far(monkeypatch):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 1))
    calls = []
    true = nulls.null_ratios

    def stubborn(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return true(*args)

    monkeypatch.setattr(nulls, "null_ratios", stubborn)
    test = reality_test(X, rng.normal(size=60), n_draws=99, random_state=0)
    assert test.status == "interrupted" and len(test.draws) == 20
    assert test.p_value == monte_carlo_p(test.statistic, test.draws)


def panel(seed, effect, units=40, rows=4):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(units), rows)
    x = rng.normal(size=units * rows)
    y = effect(rng, units)[g] + x + rng.standard_normal(units * rows)
    shuffle = rng.permutation(units * rows)
    return x[shuffle, None], y[shuffle], g[shuffle]


def test_units_of_one_row_are_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    y = np.where(np.arange(120) % 2, 3 + X[:, 0], -3 - X[:, 0]) + rng.normal(size=120)
    names = [f"row {i}" for i in range(120)]
    alone = reality_test(X, y, groups=names, n_draws=39, random_state=0)
    assert alone.p_value == 0.025 and alone.null == "normal"
    assert np.array_equal(alone.draws, reality_test(X, y, n_draws=39, random_state=0).draws)
    assert select_n_clusters(X, y, 2, groups=names, random_state=0).best == 2


def test_units_reveal_what_rows_cannot():
    found = []
    for seed in range(12):
        x, y, g = panel(seed, lambda rng, n: rng.choice([-0.5, 0.5], n))
        test = reality_test(x, y, groups=g, n_draws=99, strict=False, random_state=0)
        found.append(test.p_value <= 0.05)
        assert test.null == "signs within units"
    assert sum(found) >= 9  # .86 of 200 such panels are found; three of the first six are not


def test_the_search_of_a_statistic_arrives_where_a_long_one_does():
    rng = np.random.default_rng(0)
    arrived = []
    for _ in range(20):
        world = one_regression(rng.normal(size=(200, 10)), scale=False)
        e = residuals(world.Q, rng.standard_normal(200))
        short = sse_ratio(world, e, np.ones(200), np.arange(201), 2, rng)
        units = Units(world.X, e, np.arange(201), np.full(11, 1e-7))
        _, long = short_search(units, 2, 5, 40, rng)
        arrived.append(short < long / (e @ e) * 1.01)
    assert sum(arrived) >= 16  # from lines through random rows: 9


def test_kinds_of_units_are_told_from_continuous_differences():
    # checks: thm-repeat
    for seed in range(3):
        x, y, g = panel(seed, lambda rng, n: rng.choice([-1.5, 1.5], n))
        kinds = reality_test(x, y, groups=g, n_draws=39, random_state=0)
        assert kinds.p_value <= 0.05 and kinds.strict_p_value <= 0.05
        assert "in kinds" in kinds.verdict
        x, y, g = panel(seed, lambda rng, n: rng.standard_normal(n))
        smooth = reality_test(x, y, groups=g, n_draws=39, random_state=0)
        assert smooth.p_value <= 0.05 < smooth.strict_p_value
        assert "continuous" in smooth.verdict


def test_studentised_residuals_have_unit_mean_square_and_the_scale_of_the_errors():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    world = one_regression(x[:, None])
    e, scale = studentise(world, 5 * x + np.exp(x / 2) * rng.standard_normal(1000))
    assert (e**2).mean() == pytest.approx(1)
    assert np.corrcoef(np.log(scale), x)[0, 1] > 0.8
    edges, below = unimodal_density(e)
    assert below[0] == 0 and below[-1] == pytest.approx(1) and (np.diff(edges) > 0).all()


def test_what_cannot_be_tested_is_refused():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(23, 15))
    with pytest.raises(InputError, match="fewer features"):
        reality_test(X, rng.normal(size=23))
    with pytest.warns(DataWarning, match="sees very little"):
        reality_test(X[:, :5], rng.normal(size=23), n_draws=9, strict=False)
    with pytest.raises(InputError, match="errors"):
        reality_test(X[:, :1], X[:, 0] ** 2, errors="wild")
    with pytest.raises(InputError, match="n_clusters"):
        reality_test(X[:, :1], X[:, 0] ** 2, 1)
    with pytest.raises(InputError, match="goes with"):
        reality_test(X[:, :1], X[:, 0] ** 2, statistic="lr", errors="unimodal")


@pytest.mark.parametrize("statistic", ["sse", "lr"])
@pytest.mark.parametrize("target", ["line", "constant", "far away", "few rows"])
def test_what_one_regression_explains_is_called_exact(target, statistic):
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = {
        "line": 1 + X @ [1, 2],
        "constant": np.full(40, 3.0),
        "far away": 1e9 + X @ [1, 2],
        "few rows": 1 + X @ [1, 2],
    }[target]
    n = 5 if target == "few rows" else 40
    groups = np.arange(n) // 2
    for test in (
        reality_test(X[:n], y[:n], statistic=statistic),
        reality_test(X[:n], y[:n], groups=groups, statistic=statistic),
    ):
        assert test.status == "exact" and test.p_value == test.strict_p_value == 1
        assert str(test) == f"p = 1. {test.verdict}" and "without error" in test.verdict


def test_noise_far_from_zero_is_not_exact():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    e = rng.normal(size=60)
    near = reality_test(X, e, n_draws=9, strict=False, random_state=0)
    far = reality_test(X, 1e9 + e, n_draws=9, strict=False, random_state=0)
    assert far.status == "complete" and far.statistic == pytest.approx(near.statistic, abs=1e-5)


def test_tables_whose_rows_are_no_evidence_are_named():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    options = {"n_draws": 9, "strict": False}
    with pytest.warns(DataWarning, match="Only 6 of 60 rows are different"):
        reality_test(np.repeat(X[:6], 10, axis=0), np.repeat(X[:6, 0] ** 2, 10), **options)
    with pytest.warns(DataWarning, match="two values"):
        reality_test(X, (rng.random(60) < 0.5) * 1.0, **options)


def test_a_likelihood_ratio_sees_minorities_and_falls_for_tails():
    rng = np.random.default_rng(0)
    worlds = {
        "minority": lambda x: 3.5 * (rng.random(200) < 0.1) + rng.normal(size=200),
        "tails": lambda x: rng.standard_t(3, 200),
        "normal": lambda x: rng.normal(size=200),
    }
    found = {}
    for name, errors in worlds.items():
        x = rng.normal(size=(200, 1))
        y = 2 * x[:, 0] + errors(x[:, 0])
        by = [reality_test(x, y, statistic=s, n_draws=39, random_state=0) for s in ("sse", "lr")]
        found[name] = [t.p_value <= 0.05 for t in by]
        assert by[1].kind == "lr" and np.isnan(by[1].strict_p_value)
        assert (by[1].statistic > by[1].critical_value) == (by[1].p_value <= 0.05)
    assert found == {"minority": [False, True], "tails": [False, True], "normal": [False, False]}


def test_a_likelihood_ratio_is_exact_and_the_same_for_any_number_of_threads():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 1))
    options = {"statistic": "lr", "n_draws": 19, "random_state": 3}
    a = reality_test(X, rng.normal(size=50), **options)
    b = reality_test(X, 7 * X[:, 0] + X[:, 0] ** 2, n_jobs=2, **options)
    assert a.draws == pytest.approx(b.draws)  # the null belongs to X, not to y
    units = np.arange(50) // 5
    effect = rng.choice([-1.5, 1.5], 10)[units]
    panel = reality_test(X, effect + rng.normal(size=50), groups=units, **options)
    assert panel.p_value == 0.05


def test_verdicts_say_what_was_tested_and_no_more():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 1))
    y = np.where(rng.random(60) < 0.5, 3.0, -3.0) + x[:, 0] + rng.normal(size=60)
    loose = {"strict": False, "random_state": 0}
    assert "other shapes were not tested" in reality_test(x, y, n_draws=19, **loose).verdict
    assert "ask for 19" in reality_test(x, y, n_draws=9, **loose).verdict
    units = np.arange(60) // 4
    effect = rng.choice([-3.0, 3.0], 15)[units]
    panel = reality_test(x, effect + rng.normal(size=60), groups=units, n_draws=19, **loose)
    assert panel.verdict == "Units differ; in kinds or continuously was not tested."
    y = x[:, 0] + rng.normal(size=60)
    y[7] = 1e4
    far = reality_test(x, y, n_draws=19, random_state=0)
    assert far.p_value == 0.05 and "few rows far" in far.verdict


def test_equal_numbers_have_one_density_in_every_unit():
    for seed, digits in ((0, 0), (1, 1), (2, 1), (3, 1), (4, 2)):
        e = np.round(np.random.default_rng(seed).normal(size=60), digits)
        edges, below = unimodal_density(e)
        assert edges[0] < e.min() + 1e-9 and edges[-1] > e.max() - 1e-9
        for unit in (0.1, 1 / 3, 7.0):
            scaled, same = unimodal_density(e * unit)
            grid = np.linspace(-2, 2, 50)
            np.testing.assert_allclose(
                np.interp(grid * unit, scaled, same), np.interp(grid, edges, below), atol=1e-6
            )


def test_five_rows_have_a_unimodal_density():
    rng = np.random.default_rng(0)
    for n in (3, 4, 5, 8):
        edges, below = unimodal_density(rng.normal(size=n))
        assert below[-1] == pytest.approx(1) and len(edges) >= 3
    with pytest.warns(DataWarning, match="sees very little"):
        test = reality_test(rng.normal(size=(5, 1)), rng.normal(size=5), n_draws=9, random_state=0)
    assert 0 < test.strict_p_value <= 1


@pytest.mark.parametrize("shape", [(3, 4), (4, 4), (5, 10)])
def test_more_columns_than_rows_are_refused_in_one_sentence(shape):
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="cannot tell 2 regressions"):
        reality_test(rng.normal(size=shape), rng.normal(size=shape[0]), random_state=0)


def test_a_scale_that_falls_to_zero_is_taken_constant_in_data_and_draws():
    world = one_regression(np.arange(9.0)[:, None])
    fallen = world._replace(B=world.B * 0.0)  # a variance of zero at every row
    e, scale = studentise(fallen, np.cos(np.arange(9.0)))
    alike = studentise(world._replace(B=np.empty((9, 0))), np.cos(np.arange(9.0)))
    np.testing.assert_array_equal(e, alike[0])
    np.testing.assert_array_equal(scale, alike[1])
    assert np.isfinite(null_ratios(fallen, scale, (np.empty(0), np.empty(0)), 2, 5, _rng())).all()


def _rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_numbers_do_not_depend_on_the_back_end(backend):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 1))
    y = rng.normal(size=30)
    here = reality_test(X, y, n_draws=29, random_state=0)
    with joblib.parallel_config(backend, n_jobs=2 if backend == "threading" else 1):
        there = reality_test(X, y, n_draws=29, random_state=0)
    np.testing.assert_array_equal(here.draws, there.draws)
    np.testing.assert_array_equal(here.strict_draws, there.strict_draws)


def test_draws_travel_by_name():
    draw = partial(null_ratios, one_regression(np.arange(9.0)[:, None]), np.ones(9))
    call = (draw.func.__module__, draw.func.__name__, ((np.empty(0), np.empty(0)), 2))
    args = (*draw.args, *call[2])
    call = pickle.loads(pickle.dumps(delayed(nulls._call)(*call[:2], args, 3, _rng())))
    np.testing.assert_array_equal(call[0](*call[1]), null_ratios(*args, 3, _rng()))


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (lambda rng: rng.integers(0, 2, 120), "two values"),
        (lambda rng: rng.integers(0, 3, 120), "3 values"),
        (lambda rng: np.where(rng.random(120) < 0.5, 0.0, rng.normal(5, 1, 120)), "have y = 0"),
        (lambda rng: np.repeat(np.r_[rng.normal(size=20) - 9, rng.normal(size=20)], 3), "copies"),
    ],
)
def test_values_that_repeat_are_no_evidence_of_regimes(target, told):
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(40, 1)), 3, axis=0)
    X = X if told == "copies" else rng.normal(size=(120, 1))
    with pytest.warns(DataWarning, match=told):
        test = reality_test(X, target(rng), n_draws=39, random_state=0)
    assert test.p_value <= 0.05 and "no evidence of regimes" in test.verdict
    assert told in test.verdict and judge(test) == "unclear"


def test_a_curve_is_no_evidence_of_regimes():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, size=(150, 1))
    noise = rng.standard_normal(150)
    kind = rng.choice([-1, 1], 150)
    options = {"n_draws": 39, "random_state": 0}
    bent = reality_test(x, 2 * x[:, 0] ** 2 + noise, **options)
    assert bent.p_value <= 0.05 and "A curve explains these data as well" in str(bent)
    assert judge(bent) == "unclear"
    regimes = 2 * kind * (1 + x[:, 0])
    for y in (regimes + noise, regimes + 2 * x[:, 0] ** 2 + noise):
        test = reality_test(x, y, **options)
        assert test.p_value <= 0.05 and not test.doubts


def test_no_shape_of_the_errors_is_more_certain_than_normal_ones():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    y = X[:, 0] + np.exp(X[:, 0]) * rng.normal(size=150)
    test = reality_test(X, y, n_draws=59, random_state=0)
    assert test.p_value <= test.strict_p_value and not test.sure


def test_a_few_far_rows_are_no_sure_regimes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    test = reality_test(X, X[:, 0] + rng.standard_cauchy(150), n_draws=59, random_state=0)
    assert test.p_value <= 0.05 and "far" in test.verdict and not test.sure
    two = 2.5 * rng.choice([-1, 1], 150) + rng.normal(size=150)
    assert reality_test(X, two, n_draws=59, random_state=0).sure
    assert not reality_test(X, two, n_draws=59, strict=False, random_state=0).sure
