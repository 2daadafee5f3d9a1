"""The search for cluster trees: kernels and bounds against enumeration, stopping, and sizes that a
notebook would not wait for."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_blobs

from lpc_ns import ClusterTree
from lpc_ns.base.errors import InputError
from lpc_ns.tree.problem.enumeration import brute_force
from lpc_ns.tree.problem.objective import cluster_loss, make_problem, tree_objective
from lpc_ns.tree.problem.trees import branch, children, leaf, part, subtree_ends, with_part
from lpc_ns.tree.search import local as search
from lpc_ns.tree.search.bound import kmeans_lower_bound
from lpc_ns.tree.search.cuts import Nodes, best_cuts
from lpc_ns.tree.search.local import local_tree
from lpc_ns.tree.search.starts import (
    cart_tree,
    exgreedy_tree,
    imm_tree,
    reference_labels,
    tidy,
)

pytestmark = pytest.mark.filterwarnings("ignore::lpc_ns.base.errors.DataWarning")


def scaled(X):
    """Min-max scaled."""
    return (X - X.min(axis=0)) / np.ptp(X, axis=0)


def constructions(problem, labels):
    """The three trees that a clustering leads to."""
    return [start(problem, labels) for start in (cart_tree, imm_tree, exgreedy_tree)]


@pytest.mark.parametrize("criterion", ["l2", "l1"])
@pytest.mark.parametrize(
    "setting",
    [
        dict(n_clusters=4),
        dict(n_clusters=2, max_leaves=4),
        dict(n_clusters=3, max_leaves=5, min_samples_leaf=3),
    ],
)
def test_sweeps_find_the_best_split_and_the_best_insertion(criterion, setting):
    """Against every threshold of every feature; with clusters shared, l1 sweeps may be pessimistic
    but never optimistic."""
    X = np.random.default_rng(0).integers(0, 6, size=(24, 3)).astype(float)
    problem = make_problem(X, **setting, criterion=criterion)
    look = search.Search(problem)
    tree = tidy(problem, cart_tree(problem, reference_labels(problem, 0)))
    exact = criterion == "l2" or look.own

    def cuts():
        for f in range(3):
            values = np.unique(X[:, f])
            yield from ((f, (low + high) / 2) for low, high in itertools.pairwise(values))

    def allowed(candidate):
        return (
            np.bincount(candidate.apply(X), minlength=len(candidate.feature))[
                candidate.is_leaf
            ].min()
            >= problem.min_samples_leaf
        )

    def objective(candidate):
        own = (
            np.where(candidate.is_leaf, np.arange(len(candidate.feature)), -1)
            if look.own
            else candidate.cluster
        )
        return cluster_loss(problem, own[candidate.apply(X)])

    view = look.look(tree)
    end = subtree_ends(tree.feature.tolist())
    for v in np.flatnonzero(~tree.is_leaf):
        home = view.leaves.home
        rows = np.flatnonzero((v <= home) & (home < end[v]))
        homes = np.stack([look.send(tree, v + 1, rows), look.send(tree, tree.right[v], rows)])
        nodes = Nodes(np.array([v]), np.array([end[v]]), np.array([2]))
        arguments = (homes, nodes, np.array([0]), view.costs, look.loss_orders)
        found = look.constant + best_cuts(look.samples, view.leaves, *arguments)[0]
        orders = list(itertools.permutations(children(tree, v)))
        tried = [with_part(tree, v, branch(*sides, b, f)) for f, b in cuts() for sides in orders]
        best = min(objective(t) for t in tried if allowed(t))
        assert found == pytest.approx(best) if exact else found >= best - 1e-9

    smaller = search.contractions(look, tree)[0]
    larger, value = search.insertion(look, smaller)
    tried = []
    for u, (f, b), k in itertools.product(
        range(len(smaller.feature)), cuts(), range(problem.n_clusters)
    ):
        old = part(smaller, u, subtree_ends(smaller.feature.tolist())[u])
        tried += [
            with_part(smaller, u, branch(*sides, b, f))
            for sides in ((leaf(k), old), (old, leaf(k)))
        ]
    best = min(objective(t) for t in tried if allowed(t)) / problem.root_loss
    assert objective(larger) / problem.root_loss <= value + 1e-9
    assert value == pytest.approx(best) if exact else value >= best - 1e-9


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("criterion", ["l2", "l1"])
def test_bounds_hold_with_a_price_and_a_root(seed, criterion):
    X = np.random.default_rng(seed).integers(0, 4, size=(8, 2)).astype(float)
    for options in (
        dict(complexity=0.2),
        dict(complexity=0.05, root=criterion == "l2", margin=0.01),
        dict(max_depth=2, complexity=0.1),
    ):
        problem = make_problem(X, 3, criterion=criterion, **options)
        best = brute_force(problem)
        found = local_tree(problem, n_init=1, random_state=seed)
        assert found.lower_bound <= best.objective + 1e-9 <= found.objective + 2e-9


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_never_worse_than_the_constructions_it_starts_from(load):
    X = scaled(load().data)
    for K in (3, 6, 10):
        problem = make_problem(X, K)
        labels = reference_labels(problem, 0)
        found = local_tree(problem, n_init=1, random_state=0)
        assert (
            found.loss <= min(
                cluster_loss(problem, tree.assign(X)) for tree in constructions(problem, labels)
            ) + 1e-9
        )
        assert (
            0.8 * found.objective
            < found.lower_bound
            <= cluster_loss(problem, labels) / problem.root_loss
        )


def test_a_wide_table(monkeypatch):
    monkeypatch.setattr(search, "TUNED", search.TUNED._replace(most_rounds=5))
    problem = make_problem(scaled(load_breast_cancer().data), 5)
    found = local_tree(problem, n_init=1, random_state=0)
    assert found.status == "feasible" and found.tree.n_leaves == 5
    assert 0 <= found.lower_bound < found.objective < 0.6


def test_depth_limits_hold_from_start_to_end():
    X = make_blobs(200, 3, centers=8, cluster_std=1.0, random_state=0)[0]
    for depth, K in ((3, 8), (4, 8), (3, 5)):
        problem = make_problem(X, K, max_depth=depth, max_leaves=K)
        labels = reference_labels(problem, 0)
        for tree in (
            *constructions(problem, labels),
            local_tree(problem, n_init=1, random_state=0).tree,
        ):
            assert tree.depth <= depth and tree.n_leaves <= K


def test_smallest_leaves_hold_from_start_to_end():
    X = np.random.default_rng(0).normal(size=(60, 2))
    problem = make_problem(X, 4, min_samples_leaf=12)
    labels = reference_labels(problem, 0)
    for tree in (
        *constructions(problem, labels),
        local_tree(problem, n_init=1, random_state=0).tree,
    ):
        assert np.bincount(tree.apply(X))[tree.is_leaf].min() >= 12


def test_many_samples_are_searched_on_a_part_and_polished_on_all(monkeypatch):
    X, truth = make_blobs(
        1500,
        3,
        centers=[[0, 0, 0], [6, 0, 0], [0, 6, 0], [6, 6, 6]],
        cluster_std=0.8,
        random_state=0,
    )
    problem = make_problem(X, 4)
    monkeypatch.setattr(search, "TUNED", search.TUNED._replace(large=300))
    found = local_tree(problem, n_init=1, random_state=0)
    assert found.loss <= cluster_loss(problem, truth) * 1.001
    assert local_tree(problem, time_limit=0).tree.n_leaves == 1


def test_one_seed_one_tree():
    problem = make_problem(scaled(load_iris().data), 6)
    first, second = (local_tree(problem, n_init=1, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)
    assert first.lower_bound == second.lower_bound


def test_an_interrupt_keeps_the_best_tree(monkeypatch):
    class Impatient(search.Search):
        def look(self, tree):
            if self.looked == 60:
                raise KeyboardInterrupt
            return super().look(tree)

    monkeypatch.setattr(search, "Search", Impatient)
    problem = make_problem(scaled(load_iris().data), 5)
    found = local_tree(problem, random_state=0)
    assert found.status == "interrupted" and found.tree.n_leaves == 5
    assert (
        found.objective == pytest.approx(tree_objective(problem, found.tree))
        and found.objective < 0.2
    )


def test_split_features_and_loss_features_may_differ():
    rng = np.random.default_rng(0)
    shown = rng.random((80, 2))
    hidden = rng.integers(0, 3, 80)
    shown[:, 0] += hidden
    problem = make_problem(shown, 3, loss_X=np.eye(3)[hidden])
    found = local_tree(problem, random_state=0)
    assert (
        found.loss == pytest.approx(0, abs=1e-9)
        and set(found.tree.feature[~found.tree.is_leaf]) == {0}
        and found.status == "optimal"
    )


def test_fewer_distinct_samples_than_clusters():
    problem = make_problem(np.repeat([[0.0, 1.0], [2.0, 3.0]], 5, axis=0), 4)
    found = local_tree(problem, random_state=0)
    assert found.tree.n_leaves == 2 and found.loss == 0 and found.status == "optimal"


def test_groups_of_a_large_sample_give_a_bound():
    X = make_blobs(900, 2, centers=3, cluster_std=1.0, random_state=1)[0]
    problem = make_problem(X, 3)
    bound = kmeans_lower_bound(problem, random_state=0)
    loss = cluster_loss(problem, reference_labels(problem, 0))
    assert 0.9 * loss < bound <= loss


def test_bins_find_what_orders_find_and_refuse_what_they_cannot():
    X = np.random.default_rng(0).integers(0, 30, (400, 3)).astype(float)
    X[:200] += 25
    found = ClusterTree(4, max_depth=2, method="histogram", random_state=0).fit(X)
    best = ClusterTree(4, max_depth=2, method="exact").fit(X)
    assert best.status_ == "optimal" and best.loss_ <= found.loss_ + 1e-9
    assert found.loss_ <= 1.02 * best.loss_ and found.lower_bound_ <= best.objective_ + 1e-9
    again = ClusterTree(4, max_depth=2, method="histogram", random_state=0).fit(X)
    assert (again.labels_ == found.labels_).all()
    for options in ({"criterion": "l1"}, {"max_leaves": 6}):
        with pytest.raises(InputError, match="histogram"):
            ClusterTree(3, method="histogram", **options).fit(X)
