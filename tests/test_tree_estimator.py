"""ClusterTree: scikit-learn's own checks, and what users rely on."""

import json
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.utils.estimator_checks import parametrize_with_checks

import lpc_ns
from lpc_ns import ClusterTree
from lpc_ns.base.errors import DataWarning, InputError
from lpc_ns.base.numerics import compile_seconds, shortest_between
from lpc_ns.tree import auto
from lpc_ns.tree.auto import METHODS
from lpc_ns.tree.estimator import tree_path

LOCAL = {"method": "local", "n_init": 1, "random_state": 0}


@parametrize_with_checks([ClusterTree(**LOCAL), ClusterTree(method="exact")])
@pytest.mark.filterwarnings("ignore::lpc_ns.base.errors.DataWarning")
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def iris():
    return load_iris(as_frame=True).data


def test_lazy_import():
    assert lpc_ns.ClusterTree is ClusterTree and "ClusterTree" in lpc_ns.__all__


@pytest.mark.parametrize("criterion", ["l2", "l1"])
@pytest.mark.parametrize("scaling", ["minmax", "standard", None])
def test_objective_is_the_loss_of_the_labels(iris, criterion, scaling):
    model = ClusterTree(4, criterion=criterion, scaling=scaling, complexity=0.01, **LOCAL).fit(iris)
    X = iris.to_numpy()
    low, span = {
        "minmax": (X.min(0), np.ptp(X, 0)),
        "standard": (X.mean(0), X.std(0)),
        None: (0.0, 1.0),
    }[scaling]
    Z = (X - low) / span

    def loss(part):
        return (
            ((part - part.mean(0)) ** 2).sum()
            if criterion == "l2"
            else np.abs(part - np.median(part, axis=0)).sum()
        )

    expected = sum(loss(Z[model.labels_ == k]) for k in range(len(model.cluster_sizes_)))
    assert model.loss_ == pytest.approx(expected) and model.root_loss_ == pytest.approx(loss(Z))
    assert model.objective_ == pytest.approx(expected / loss(Z) + 0.01 * model.tree_.n_splits)
    assert model.score(iris) == pytest.approx(-expected)
    center = (
        iris.groupby(model.labels_).mean()
        if criterion == "l2"
        else iris.groupby(model.labels_).median()
    )
    np.testing.assert_allclose(model.cluster_centers_, center, rtol=1e-9)
    assert 0 < model.lower_bound_ <= model.objective_ and model.price_of_explainability_ >= 1


def test_published_losses_of_iris(iris):
    """Verified elsewhere by two independent methods: 3, 4, 5 leaves of depth at most 3, and 3
    clusters that share 4, min-max scaled."""
    for K, loss in ((3, 7.476522), (4, 6.1124713), (5, 5.14707908)):
        model = ClusterTree(K, max_depth=3, max_leaves=K, method="exact").fit(iris)
        assert model.status_ == "optimal" and model.loss_ == pytest.approx(loss, rel=1e-6)
    shared = ClusterTree(3, max_depth=2, method="exact").fit(iris)
    assert shared.status_ == "optimal" and shared.loss_ == pytest.approx(7.18871013, rel=1e-7)


def test_every_method_agrees_where_all_prove():
    X = make_blobs(12, 2, centers=3, cluster_std=1.5, random_state=3)[0]
    models = {
        method: ClusterTree(3, criterion="l1", max_depth=2, method=method, random_state=0).fit(X)
        for method in METHODS
        if method != "histogram"  # not for this problem
    }
    assert models["exact"].loss_ == pytest.approx(1.56514628, rel=1e-7)
    for method, model in models.items():
        assert model.objective_ == pytest.approx(models["exact"].objective_, rel=1e-6)
        assert model.lower_bound_ <= model.objective_
        assert method == "local" or model.status_ == "optimal"


def test_rules_describe_the_clusters(iris):
    frame = iris.set_axis(["a", "b", "c", "d"], axis=1)
    model = ClusterTree(6, **LOCAL).fit(frame)
    rules = model.rules()
    assert rules.samples.sum() == 150 and rules.share.sum() == pytest.approx(1)
    for leaf, row in rules.iterrows():
        inside = frame.eval(row.rule).to_numpy()
        assert (
            inside.sum() == row.samples
            and (model.labels_[inside] == row.cluster).all()
            and (model.apply(frame)[inside] == leaf).all()
        )


def test_text_and_dict_say_the_same(iris):
    model = ClusterTree(4, **LOCAL).fit(iris)

    def follow(node, row):
        while "cluster" not in node:
            node = node["left" if row[node["feature"]] <= node["threshold"] else "right"]
        return node["cluster"]

    tree = json.loads(json.dumps(model.export_dict()))
    assert [follow(tree, row) for _, row in iris.iterrows()] == model.labels_.tolist()
    assert model.export_text().count("cluster") == model.tree_.n_leaves
    assert "petal" not in model.export_text(feature_names=["a", "b", "c", "d"])


@pytest.mark.parametrize("shift", [0.0, 1e6, -1e3])
def test_thresholds_are_short_and_true(shift):
    rng = np.random.default_rng(0)
    for low, high in np.sort(rng.normal(size=(100, 2)), axis=1) + shift:
        assert low <= float(shortest_between(low, high)) < high
    assert float(shortest_between(1.0, np.nextafter(1.0, 2.0))) == 1.0


def test_predictions_follow_the_rules_for_new_samples(iris):
    model = ClusterTree(3, method="exact").fit(iris.iloc[::2])
    new = iris.iloc[1::2]
    np.testing.assert_array_equal(model.predict(new), model.tree_.cluster[model.apply(new)])
    assert model.transform(new).shape == (75, 3) and model.transform(new).min() >= 0


def test_a_price_prunes_and_a_path_shows_it(iris):
    path = tree_path(ClusterTree(5, **LOCAL), iris, [0.0, 0.02, 0.9], "complexity")
    assert (
        path.leaves.tolist()[0] == 5
        and path.leaves.is_monotonic_decreasing
        and path.leaves.iloc[-1] == 1
    )
    assert np.isnan(path.silhouette.iloc[-1]) and path.loss.iloc[-1] == pytest.approx(1)
    with pytest.raises(InputError, match="must be one of"):
        tree_path(ClusterTree(), iris, [1], "colour")


def test_a_margin_never_costs_a_leaf_its_samples():
    X = make_blobs(40, 2, centers=3, cluster_std=1.0, random_state=0)[0]
    plain, wide = (ClusterTree(3, margin=margin, method="exact").fit(X) for margin in (False, True))
    assert wide.status_ == "optimal" and wide.loss_ <= plain.loss_ * 1.01


def test_separate_loss_features(iris):
    species = pd.get_dummies(load_iris().target).astype(float)
    model = ClusterTree(3, method="exact").fit(iris, loss_X=species)
    assert model.loss_ < 0.12 * model.root_loss_ and model.cluster_centers_.shape == (3, 3)
    for call in (
        lambda: model.transform(iris),
        lambda: model.score(iris),
        lambda: model.silhouette(iris),
    ):
        with pytest.raises(InputError, match="loss_X"):
            call()
    with pytest.raises(InputError, match="column of loss_X is constant"):
        ClusterTree(3, method="exact").fit(iris, loss_X=np.ones((150, 2)))
    with pytest.raises(InputError, match="same samples"):
        ClusterTree(3, method="exact").fit(iris, loss_X=species[40:110])


def test_whole_numbers_that_floats_cannot_tell_apart_are_named():
    keys = 2**60 + np.arange(40)
    with pytest.warns(DataWarning, match=r"\(x0\) is dropped.*Whole numbers beyond 9e15"):
        ClusterTree(2, method="local").fit(np.column_stack([keys, np.arange(40) % 2]))
    with pytest.raises(InputError, match=r"Check how the data were read\. Whole numbers"):
        ClusterTree(2).fit(keys[:, None])


def test_constant_columns_are_dropped_and_named(iris):
    with pytest.warns(DataWarning, match=r"1 constant column.*planet"):
        model = ClusterTree(3, **LOCAL).fit(iris.assign(planet=3.0))
    assert (
        model.n_features_in_ == 5
        and (model.cluster_centers_[:, 4] == 3).all()
        and 4 not in model.tree_.feature
    )
    with pytest.warns(DataWarning, match=r"1 constant column in loss_X \(planet\)"):
        ClusterTree(3, **LOCAL).fit(iris, loss_X=iris.assign(planet=3.0))


def test_one_cluster_and_one_feature():
    X = np.arange(10.0)[:, None]
    one = ClusterTree(1, **LOCAL).fit(X)
    assert (
        one.status_ == "optimal"
        and one.export_text() == "|--- cluster 0 (10 samples)"
        and one.rules().rule.tolist() == ["always"]
    )
    two = ClusterTree(2, method="exact").fit(X)
    assert (
        two.status_ == "optimal"
        and two.cluster_sizes_.tolist() == [5, 5]
        and np.isnan(one.silhouette(X))
    )
    for model in (one, two):
        model.plot_tree()
        model.plot_partition(X)
    plt.close("all")


def test_as_many_clusters_as_samples():
    X = np.random.default_rng(0).normal(size=(6, 2))
    model = ClusterTree(6, **LOCAL).fit(X)
    assert (
        model.loss_ == pytest.approx(0, abs=1e-12)
        and sorted(model.labels_) == list(range(6))
        and model.status_ == "optimal"
    )


def test_duplicate_samples_stay_together():
    X = np.repeat(np.random.default_rng(0).integers(0, 3, size=(8, 2)), 6, axis=0)
    model = ClusterTree(3, **LOCAL).fit(X)
    assert (np.ptp(model.labels_.reshape(8, 6), axis=1) == 0).all()


def test_a_stopped_fit_has_a_true_status(iris):
    for method in ("auto", "exact", "local"):
        model = ClusterTree(6, max_depth=5, method=method, time_limit=0, random_state=0).fit(iris)
        assert model.status_ in ("time_limit", "optimal") and model.lower_bound_ <= model.objective_
        assert model.status_ != "optimal" or model.gap_ <= 1e-9


def test_auto_proves_what_is_easy_and_bounds_what_is_not(iris, monkeypatch):
    easy = ClusterTree(3, method="auto").fit(iris)
    assert easy.status_ == "optimal" and easy.gap_ <= 1e-9
    monkeypatch.setattr(auto, "TUNED", auto.TUNED._replace(effort=1e7))
    hard = ClusterTree(6, method="auto", random_state=0).fit(iris)
    local = ClusterTree(6, **LOCAL).fit(iris)
    assert 0 < hard.lower_bound_ and hard.objective_ <= local.objective_ * 1.05


def test_fitting_leaves_parameters_and_data_alone(iris):
    model = ClusterTree(3, **LOCAL)
    before = iris.copy()
    parameters = model.get_params()
    model.fit(iris)
    assert model.get_params() == parameters == clone(model).get_params()
    pd.testing.assert_frame_equal(iris, before)


def test_importing_the_estimator_loads_no_plotting_solver_or_compiler():
    code = "import sys, lpc_ns.tree.estimator; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert not loaded & {"matplotlib.pyplot", "seaborn", "cvxpy", "pyscipopt", "numba"}


def test_warm_compiles_all_that_a_fit_needs(iris):
    auto.warm()
    before = compile_seconds()
    for options in ({}, {"max_depth": 2, "criterion": "l1"}):
        ClusterTree(3, **LOCAL | options).fit(iris)
        ClusterTree(3, method="exact", **options).fit(iris)
    assert compile_seconds() == before


def test_a_column_of_one_word_splits_nothing(iris):
    with pytest.warns(DataWarning, match="1 constant column"):
        named = ClusterTree(3, **LOCAL).fit(iris.assign(species="setosa"))
    plain = ClusterTree(3, **LOCAL).fit(iris)
    np.testing.assert_array_equal(named.labels_, plain.labels_)


# Weights of samples


@pytest.mark.parametrize("unit", [1.0, 0.5])
@pytest.mark.parametrize(
    "parameters",
    [
        {"method": "exact"},
        {"method": "exact", "criterion": "l1", "scaling": "standard"},
        {"method": "exact", "max_depth": 2, "min_samples_leaf": 6, "complexity": 0.01},
        {"method": "local", "random_state": 0, "scaling": None},
    ],
)
def test_a_weight_counts_like_copies(parameters, unit):
    rng = np.random.default_rng(0)
    n = 24
    table = pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"])
    table["a"] += 4 * rng.integers(0, 3, n)
    table["c"] = rng.choice(["u", "v", "w"], n)
    copies = rng.integers(0, 4, n)
    copies[:3] = [1, 2, 0]
    model = ClusterTree(3, **parameters)
    model.set_params(min_samples_leaf=max(1, int(unit * model.min_samples_leaf)))
    model.fit(table, sample_weight=unit * copies)
    repeated = table.loc[np.repeat(np.arange(n), copies)]
    other = ClusterTree(3, **parameters).fit(repeated)
    np.testing.assert_array_equal(model.predict(repeated), other.labels_)
    assert model.objective_ == pytest.approx(other.objective_, rel=1e-12)
    assert model.lower_bound_ == pytest.approx(other.lower_bound_, rel=1e-9)
    assert model.loss_ == pytest.approx(unit * other.loss_, rel=1e-12)
    centers = pd.DataFrame(model.cluster_centers_, columns=model.encoding_.names)
    np.testing.assert_allclose(centers[list(other.encoding_.names)], other.cluster_centers_)
    assert len(model.labels_) == len(model.solution_.labels) == n
    np.testing.assert_array_equal(model.labels_, model.predict(table))
    assert model.cluster_sizes_.sum() == n


def test_equal_weights_cost_no_copies_and_odd_ones_are_refused(iris):
    iris = iris[::5]
    plain = ClusterTree(3, method="local", random_state=0).fit(iris)
    heavy = ClusterTree(3, method="local", random_state=0)
    heavy.fit(iris, sample_weight=np.full(len(iris), 7.5))
    np.testing.assert_array_equal(heavy.labels_, plain.labels_)
    assert heavy.loss_ == pytest.approx(7.5 * plain.loss_)
    rng = np.random.default_rng(0)
    for weights, match in (
        (rng.random(len(iris)), "round them, for instance to multiples of"),
        (-np.ones(len(iris)), "is -1 in row 0; a weight must be 0 or more"),
        (np.zeros(len(iris)), "is zero in all rows"),
        (np.ones(3), "sample_weight has shape"),
    ):
        with pytest.raises(InputError, match=match):
            ClusterTree(3).fit(iris, sample_weight=weights)
    fine = np.round(1 + rng.random(len(iris)), 1)
    assert ClusterTree(3, method="local", random_state=0).fit(iris, sample_weight=fine).loss_ > 0


def test_values_whose_squares_vanish_are_refused():
    X = np.array([[1.0, 2], [3, 4], [5, 1]]) * 1e-200
    assert ClusterTree(2).fit(X).status_ == "optimal"
    with pytest.raises(InputError, match="squares of their differences are lost"):
        ClusterTree(2, scaling=None).fit(X)
