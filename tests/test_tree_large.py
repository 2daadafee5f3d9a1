"""Trees of very many samples: work done once, small units, and weights of nothing."""

import numpy as np
import pytest

from lpc_ns import ClusterTree
from lpc_ns.base.errors import InputError
from lpc_ns.tree.problem.objective import cluster_loss, make_problem
from lpc_ns.tree.search import starts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2)) + 5 * (np.arange(60) < 30)[:, None]


def test_the_reference_of_very_many_samples_is_that_of_few(monkeypatch):
    problem = make_problem(np.vstack([X, X + 20]), 4)
    few, loss = starts.reference_clustering(problem, 0)
    assert np.isclose(loss, cluster_loss(problem, few))
    monkeypatch.setattr(starts, "TUNED", starts.TUNED._replace(binned=50, large=60))
    many, other = starts.reference_clustering(problem, 0)
    assert np.isclose(other, cluster_loss(problem, many)) and np.isclose(loss, other)
    start = np.arange(120) % 4
    labels, better = starts.reference_clustering(problem, labels=start)
    assert np.isclose(better, cluster_loss(problem, labels))
    assert better < cluster_loss(problem, start)


def test_centres_without_samples_vanish():
    labels = np.zeros(60, dtype=np.int64)
    centers = np.array([[0.0, 0], [1000, 1000], [5, 5]])
    sums = starts.nearest_sums(X, centers, labels)
    found, loss = starts.next_centers(centers, *sums)
    assert len(found) == 2 and set(labels) == {0, 2}
    np.testing.assert_allclose(found[1], X[labels == 2].mean(axis=0))
    about = zip((0, 2), found, strict=True)
    assert np.isclose(loss, sum(((X[labels == k] - c) ** 2).sum() for k, c in about))


@pytest.mark.parametrize("unit", [1e-170, 1e-310])
def test_standard_units_of_tiny_ranges(unit):
    plain = ClusterTree(2, scaling="standard", random_state=0).fit(X)
    tiny = ClusterTree(2, scaling="standard", random_state=0).fit(X * unit)
    assert (tiny.labels_ == plain.labels_).all()
    assert np.isclose(tiny.objective_, plain.objective_, rtol=1e-9)


def test_losses_whose_squares_are_lost_are_refused():
    with pytest.raises(InputError, match="differ by so little"):
        ClusterTree(2, scaling=None).fit(X * 1e-160)


def test_a_gap_that_counts_nothing_is_named():
    gap = X.copy()
    gap[3, 1] = np.nan
    weight = np.ones(60)
    weight[3] = 0
    with pytest.raises(InputError, match="weight 0 only, the first at row 3"):
        ClusterTree(2).fit(gap, sample_weight=weight)
    gap[5, 1] = np.nan
    assert len(ClusterTree(2).fit(gap, sample_weight=weight).labels_) == 60
