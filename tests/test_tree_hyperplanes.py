"""Hyperplane trees from lists of dichotomies: budgets, bounds, refusals, the estimator."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from lpc_ns import ClusterTree
from lpc_ns.base.errors import InputError
from lpc_ns.tree.mip.hyperplanes import line_splits
from lpc_ns.tree.problem.enumeration import brute_force
from lpc_ns.tree.problem.objective import make_problem, minmax
from lpc_ns.tree.proof import hyperplanes
from lpc_ns.tree.proof.dichotomies import cover_number, dichotomies_of, groups_of
from lpc_ns.tree.proof.hyperplanes import hyperplane_tree


def points(n, p=2, centers=3):
    X = make_blobs(n, p, centers=centers, cluster_std=2.0, random_state=1)[0]
    return minmax(X).transform(X)


def test_samples_on_a_line_and_equal_ones_are_listed():
    U = np.repeat(np.linspace(0, 1, 6), 2)[:, None] * np.ones(2)
    found, group = dichotomies_of(U, 0.01, 2)
    assert len(found.masks) == cover_number(6, 2) and (group[::2] == group[1::2]).all()
    assert groups_of(U + 0.001, 0.3).max() == 0


@pytest.mark.parametrize("shape", [{"max_leaves": 3}, {"max_depth": 2, "complexity": 0.01}])
def test_a_stopped_proof_has_a_bound_that_holds(shape):
    problem = make_problem(points(30, centers=5), 3, margin=0.001, root=True, **shape)
    best = hyperplane_tree(problem)
    assert best.status == "optimal"
    for steps in (1, 1e4, 1e5):
        found = hyperplane_tree(problem, max_steps=steps)
        assert found.lower_bound <= best.objective <= found.objective + 1e-12
        assert found.status in ("feasible", "optimal")
    assert hyperplane_tree(problem, time_limit=0).status == "time_limit"


def test_without_kmeans_starts_the_search_finds_the_tree(monkeypatch):
    problem = make_problem(points(8), 2, max_depth=2, margin=0.01)
    best = brute_force(problem, line_splits)
    monkeypatch.setattr(hyperplanes._Proof, "start", lambda self: None)
    found = hyperplane_tree(problem, gap=1e-9)
    assert found.objective == pytest.approx(best.objective, rel=1e-9)
    assert found.status == "optimal"


def test_what_is_beyond_reach_is_said():
    problem = make_problem(np.random.default_rng(0).normal(size=(200, 5)), 3)
    with pytest.raises(InputError, match="too many to list"):
        hyperplane_tree(problem)


def test_the_estimator_proves_hyperplanes_and_is_never_worse_than_one_feature():
    X = points(40)
    for method in ("auto", "exact"):
        model = ClusterTree(3, local_sparsity=2, method=method).fit(X)
        assert model.status_ == "optimal" and (model.predict(X) == model.labels_).all()
        assert model.objective_ <= ClusterTree(3).fit(X).objective_ + 1e-12
    assert ClusterTree(3, local_sparsity=2, method="local").fit(X).status_ == "feasible"
