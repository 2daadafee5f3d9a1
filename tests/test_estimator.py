"""The estimator: scikit-learn's own checks, and what users rely on."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import lpc_ns
from lpc_ns import LinearPredictiveClustering
from lpc_ns.base.errors import DataWarning
from lpc_ns.datasets import make_sd1


def expected_failures(estimator):
    """Weights and repetition give one objective, but a few random starts need not end at the same
    partition of it."""
    reason = (
        "the baseline's starts are drawn per sample, so repeated samples lead to other local optima"
    )
    return (
        {"check_sample_weight_equivalence_on_dense_data": reason}
        if estimator.method == "greedy"
        else {}
    )


@parametrize_with_checks(
    [
        LinearPredictiveClustering(method="local"),
        LinearPredictiveClustering(method="greedy", n_init=2),
    ],
    expected_failed_checks=expected_failures,
)
@pytest.mark.filterwarnings("ignore::lpc_ns.base.errors.DataWarning")
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture
def data():
    return make_sd1(n_samples=80, noise=2.0, random_state=0)


def test_lazy_import_names_what_exists():
    assert lpc_ns.LinearPredictiveClustering is LinearPredictiveClustering
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        lpc_ns.Nothing


def test_one_cluster_is_ridge_regression(data):
    model = LinearPredictiveClustering(1, ridge=0.5, standardize=False).fit(data.X, data.y)
    A = np.column_stack([np.ones(80), data.X])
    w = np.linalg.solve(A.T @ A + 0.5 * np.eye(3), A.T @ data.y)
    np.testing.assert_allclose(np.r_[model.intercept_, model.coef_[0]], w, rtol=1e-10)
    np.testing.assert_allclose(model.predict(data.X), A @ w, rtol=1e-9)


def test_as_many_clusters_as_samples():
    X = np.arange(4.0)[:, None]
    y = np.array([3.0, -1.0, 4.0, 1.0])
    with pytest.warns(DataWarning, match="perfect fit"):
        model = LinearPredictiveClustering(4, ridge=0, random_state=0).fit(X, y)
    assert model.sse_ == pytest.approx(0, abs=1e-12)


def test_objective_is_sse_plus_penalty(data):
    model = LinearPredictiveClustering(3, ridge=0.3, standardize=False, random_state=0)
    model.fit(data.X, data.y)
    penalty = 0.3 * ((model.coef_**2).sum() + (model.intercept_**2).sum())
    assert model.objective_ == pytest.approx(model.sse_ + penalty, rel=1e-12)
    own = model.predict_regimes(data.X)[np.arange(80), model.labels_]
    assert model.sse_ == pytest.approx(((data.y - own) ** 2).sum(), rel=1e-12)
    assert model.cluster_sizes_.tolist() == sorted(model.cluster_sizes_, reverse=True)
    assert model.lower_bound_ <= model.objective_


def test_integer_weights_equal_repetition_of_the_objective(data):
    weights = np.random.default_rng(0).integers(1, 4, 80)
    weighted = LinearPredictiveClustering(2, random_state=0).fit(
        data.X, data.y, sample_weight=weights
    )
    repeated = LinearPredictiveClustering(2, random_state=0).fit(
        np.repeat(data.X, weights, axis=0), np.repeat(data.y, weights)
    )
    assert weighted.objective_ == pytest.approx(repeated.objective_, rel=1e-9)
    np.testing.assert_allclose(weighted.cluster_weights_, repeated.cluster_weights_)


def test_assign_ignores_empty_clusters():
    X = np.linspace(-1, 1, 10)[:, None]
    with pytest.warns(DataWarning, match="empty"):
        model = LinearPredictiveClustering(2, ridge=0.5, random_state=0).fit(X, np.full(10, 1.0))
    assert (model.assign(X, np.zeros(10)) == 0).all()


@pytest.mark.parametrize("spoil", ["nan", "inf", "text", "rows", "empty"])
def test_bad_data_raise_one_sentence(data, spoil):
    X = data.X.astype(object)
    y = data.y.copy()
    if spoil == "nan":
        X[3, 1] = np.nan
    elif spoil == "inf":
        y[5] = np.inf
    elif spoil == "text":
        X[0, 0] = "high"
    elif spoil == "rows":
        y = y[:-1]
    else:
        X = X[:0]
        y = y[:0]
    with pytest.raises(ValueError) as error:
        LinearPredictiveClustering().fit(X, y)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_healthy_data_give_no_warning(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LinearPredictiveClustering(random_state=0).fit(data.X, data.y)


def test_default_method_beats_greedy_on_average(data):
    baseline = LinearPredictiveClustering(4, method="greedy", random_state=0).fit(data.X, data.y)
    ours = LinearPredictiveClustering(4, random_state=0).fit(data.X, data.y)
    assert ours.objective_ <= baseline.objective_ < baseline.solution_.restart_objectives.mean()


@pytest.mark.parametrize("method", ["auto", "local", "greedy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_units_decide_nothing(data, method, weighted):
    """Any affine change of units leaves labels, gap and (transformed) coefficients unchanged."""
    weights = np.random.default_rng(0).integers(1, 4, 80).astype(float) if weighted else None
    model = LinearPredictiveClustering(2, method=method, random_state=0)
    model.fit(data.X, data.y, weights)
    factor = np.array([1e-4, -2e3])
    shift = np.array([1.0, 5e4])
    moved = LinearPredictiveClustering(2, method=method, random_state=0)
    moved.fit(data.X * factor + shift, 1e5 - 1e2 * data.y, weights)
    np.testing.assert_array_equal(moved.labels_, model.labels_)
    np.testing.assert_allclose(moved.coef_ * factor / -1e2, model.coef_, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(
        moved.predict_regimes(data.X * factor + shift),
        1e5 - 1e2 * model.predict_regimes(data.X),
        rtol=1e-8,
    )
    assert moved.objective_ == pytest.approx(model.objective_, rel=1e-8)
    if method != "auto":  # how far a proof comes may depend on the last digit
        assert moved.gap_ == pytest.approx(model.gap_, abs=1e-8)


def test_importing_the_estimator_loads_no_solver_or_compiler():
    code = "import sys, lpc_ns.lpc.estimator; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"matplotlib.pyplot", "seaborn", "cvxpy", "pyscipopt", "numba", "sklearn.cluster"}
    assert not set(run.stdout.split()) & heavy


@pytest.mark.parametrize("k", [2, 3])
def test_points_of_one_line_are_one_cluster_without_a_ridge_too(k):
    x = np.arange(40.0)[:, None]
    with pytest.warns(DataWarning, match="empty"):
        model = LinearPredictiveClustering(k, ridge=0, random_state=0).fit(x, 2 * x[:, 0] + 1)
    assert model.cluster_sizes_.tolist() == [40] + [0] * (k - 1)
    np.testing.assert_allclose([model.intercept_[0], model.coef_[0, 0]], [1, 2], rtol=1e-9)
