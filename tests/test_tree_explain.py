"""Rules for given labels: the tree of least impurity, what it says, and what it refuses."""

import itertools

import numpy as np
import pandas as pd
import pytest

from lpc_ns.base.errors import InputError
from lpc_ns.tree.explain import explain_labels


def least_impurity(X, z, depth):
    """Smallest total Gini impurity of trees of some depth, by trying all of them."""
    own = len(z) - (np.bincount(z) ** 2).sum() / len(z)
    if depth == 0:
        return own
    sides = [X[:, j] <= low for j in range(X.shape[1]) for low in np.unique(X[:, j])[:-1]]
    return min(
        [
            own,
            *(
                least_impurity(X[s], z[s], depth - 1) + least_impurity(X[~s], z[~s], depth - 1)
                for s in sides
            ),
        ]
    )


@pytest.mark.parametrize(("seed", "depth"), list(itertools.product(range(3), (1, 2))))
def test_least_impurity_by_enumeration(seed, depth):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, (14, 2)).astype(float)
    z = rng.integers(0, 3, 14)
    told = explain_labels(X, z, max_depth=depth)
    assert told.solution.status == "optimal" and np.isclose(
        told.solution.loss, least_impurity(X, z, depth)
    )
    assert told.agreement == np.mean(told.labels == z) >= np.bincount(z).max() / 14
    assert (told.tree.assign(X) == told.labels).all() and told.tree.depth <= depth


def test_labels_and_units_are_kept():
    X = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0, 60.0], "flat": [1.0] * 5})
    told = explain_labels(X, [7, 7, 3, 3, 3])
    assert told.agreement == 1 and set(told.labels) == {3, 7}
    assert told.tree.n_splits == 1 and told.tree.threshold[0] == 35.0
    assert explain_labels(X, [0, 0, 0, 0, 1], min_samples_leaf=2).labels.tolist() == [0] * 5
    assert explain_labels(X, [0, 1, 1, 1, 1], max_depth=0).labels.tolist() == [1] * 5


def test_refused():
    X = np.arange(6.0)[:, None]
    for labels, options, message in (
        (["a"] * 6, {}, "cannot be read as numbers"),
        ([0, 1, 2], {}, "3"),
        ([-1, 0, 0, 1, 1, 1], {}, "whole numbers from 0"),
        ([1] * 6, {}, "one cluster"),
        ([0, 1] * 3, {"min_samples_leaf": 0}, "min_samples_leaf"),
        ([0, 1] * 3, {"max_depth": -1}, "max_depth"),
        ([0, 1] * 3, {"min_samples_leaf": 9}, "ask for at most 6"),
    ):
        with pytest.raises(InputError, match=message):
            explain_labels(X, labels, **options)
    with pytest.raises(InputError, match="constant"):
        explain_labels(np.ones((6, 2)), [0, 1] * 3)
