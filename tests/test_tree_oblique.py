"""Splits with two features by local search, and never worse than one feature."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from lpc_ns import ClusterTree
from lpc_ns.base.errors import InputError
from lpc_ns.tree.problem.objective import cluster_loss, make_problem, minmax
from lpc_ns.tree.search import oblique
from lpc_ns.tree.search.local import local_tree
from lpc_ns.tree.search.oblique import oblique_tree


def diagonal(n=60):
    """Three bands along the diagonal, which single features part badly."""
    rng = np.random.default_rng(0)
    along = rng.uniform(0, 4, n)
    across = np.repeat([0.0, 1.0, 2.0], n // 3) + rng.uniform(-0.2, 0.2, n)
    return np.column_stack([along + across, along - across]), across


def test_bands_are_found_that_no_single_feature_parts():
    X, across = diagonal()
    for method in ("local", "auto"):
        model = ClusterTree(3, local_sparsity=2, method=method, random_state=0)
        model.fit(X, loss_X=across[:, None])
        assert [len(set(model.labels_[i : i + 20])) for i in (0, 20, 40)] == [1, 1, 1]
        assert (model.predict(X) == model.labels_).all()
    one = ClusterTree(3, random_state=0).fit(X, loss_X=across[:, None])
    assert model.loss_ < 0.5 * one.loss_


@pytest.mark.parametrize(
    "shape", [{}, {"max_depth": 2}, {"criterion": "l1"}, {"min_samples_leaf": 9, "complexity": 0.1}]
)
def test_a_search_is_never_worse_than_its_start_and_keeps_the_limits(shape):
    X = make_blobs(40, 3, centers=5, cluster_std=3.0, random_state=2)[0]
    problem = make_problem(minmax(X).transform(X), 3, **shape)
    flat = local_tree(problem, random_state=0)
    found = oblique_tree(problem, start=flat.tree, random_state=0)
    assert found.objective <= flat.objective and found.lower_bound <= found.objective
    assert found.loss == pytest.approx(cluster_loss(problem, found.labels), rel=1e-12)
    assert np.bincount(found.labels).min() >= problem.min_samples_leaf
    assert found.tree.weights is None or (found.tree.weights != 0).sum(axis=1).max() == 2


def test_auto_is_never_worse_than_one_feature_where_values_are_close():
    X = np.array([[0.0, 0.0], [0.001, 1.0], [1.0, 0.0], [0.999, 1.0], [0.5, 0.4]])
    loss_X = np.array([0.0, 1, 1, 1, 1])[:, None]
    one = ClusterTree(2, scaling=None).fit(X, loss_X=loss_X)
    two = ClusterTree(2, scaling=None, local_sparsity=2).fit(X, loss_X=loss_X)
    assert two.objective_ <= one.objective_ + 1e-12 and two.status_ == "optimal"
    assert two.lower_bound_ <= two.objective_


def test_an_interrupt_in_the_search_keeps_what_was_found(monkeypatch):
    X = diagonal(30)[0]
    problem = make_problem(minmax(X).transform(X), 3)
    flat = local_tree(problem, random_state=0)

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(oblique, "iterate", stop)
    found = oblique_tree(problem, random_state=0)
    assert found.status == "interrupted" and found.objective <= flat.objective
    assert found.lower_bound <= found.objective


def test_what_cannot_be_searched_is_said():
    X = diagonal(30)[0]
    with pytest.raises(InputError, match="method 'histogram' cannot use"):
        ClusterTree(3, local_sparsity=2, method="histogram").fit(X)
