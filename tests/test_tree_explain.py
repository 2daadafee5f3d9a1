"""Rules for given labels: the tree of least impurity, what it says, and what it refuses."""

import itertools

import numpy as np
import pandas as pd
import pytest

from lpc_ns import ClusterTree
from lpc_ns.base.errors import InputError
from lpc_ns.cli import main
from lpc_ns.tree.explain import explain_labels
from lpc_ns.tree.search import labels as label_room
from lpc_ns.tree.search.labels import Limits, label_tree


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


def test_fewest_errors_of_named_clusters():
    """Never below CART with as many leaves; names, weights and limits are kept."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(120, 3))
    names = np.array(["low", "mid", "high"])[np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])]
    for leaves in (2, 3, 5):
        told = ClusterTree(max_leaves=leaves, method="local").explain(X, names)
        assert told.errors == (told.predict(X) != names).sum() <= told.baselines.errors["CART"]
        assert told.tree.n_leaves <= leaves and told.baselines.leaves["CART"] <= leaves
        assert told.confusion().to_numpy().sum() == 120
        assert told.lower_bound <= told.objective
    best = ClusterTree(max_leaves=3).explain(X, names)
    assert best.status == "optimal" and best.errors <= told.baselines.errors["IMM"]
    weights = np.where(names == "mid", 0.25, 1.0)
    told = ClusterTree(max_leaves=3).explain(X, names, sample_weight=weights)
    assert np.isclose(told.errors, weights[told.labels != names].sum())
    assert told.errors <= weights[best.labels != names].sum() + 1e-9


def test_explaining_at_the_command_line(tmp_path, capsys):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.integers(20, 80, 60), "sex": rng.choice(["f", "m"], 60)})
    table.to_csv(tmp_path / "people.csv", index=False)
    labels = np.where((table.age > 50) & (table.sex == "f"), "older women", "others")
    pd.DataFrame({"person": range(60), "cluster": labels}).to_csv(
        tmp_path / "labels.csv", index=False
    )
    given = ["tree", str(tmp_path / "people.csv"), "--explain", str(tmp_path / "labels.csv")]
    assert main([*given, "--max-leaves", "3", "--out", str(tmp_path / "out")]) in (0, None)
    assert "100.0%" in capsys.readouterr().out
    told = pd.read_csv(tmp_path / "out" / "labels.csv")
    assert (told.cluster == labels).all() and "older women" in (
        tmp_path / "out" / "report.html"
    ).read_text(encoding="utf-8")
    assert main([*given, "--criterion", "l1", "--out", str(tmp_path / "no")]) == 2
    assert "measures no distances" in capsys.readouterr().err


def test_labels_of_several_parts_are_refused():
    with pytest.raises(InputError, match="labels has 2 dimensions"):
        ClusterTree().explain(np.arange(6.0)[:, None], [(0, "a"), (1, "b")] * 3)


@pytest.mark.parametrize("where", ["descend", "FewestErrors"])
def test_an_interrupt_of_explaining_keeps_the_best_tree(monkeypatch, where):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    code = rng.integers(0, 3, 80)
    whole = label_tree(X, code, np.ones(80), Limits(4, 3), method="exact")

    def pressed(*args, **kwargs):
        raise KeyboardInterrupt

    if where == "descend":
        monkeypatch.setattr(label_room, "descend", pressed)
    else:
        monkeypatch.setattr(label_room.FewestErrors, "solve", pressed)
    found = label_tree(X, code, np.ones(80), Limits(4, 3), method="exact")
    assert found.status == "interrupted"
    assert found.lower_bound <= whole.cost <= found.cost
    assert found.cost == (found.tree.assign(X) != code).sum()
    assert found.cost <= min(
        (t.assign(X) != code).sum() for t in found.starts.values() if t.n_leaves <= 4
    )


def test_an_interrupt_ends_a_path(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(12, 2))
    plain = ClusterTree.fit

    def pressed(model, X, **kwargs):
        plain(model, X, **kwargs)
        model.status_ = "interrupted" if model.n_clusters == 3 else model.status_
        return model

    monkeypatch.setattr(ClusterTree, "fit", pressed)
    path = ClusterTree(random_state=0).path(rows, range(2, 6))
    assert path.index.tolist() == [2, 3] and path.status[3] == "interrupted"
