"""Prices of boxes: bounds that hold, whatever stops them, and trees that are the best."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from lpc_ns import ClusterTree
from lpc_ns.base.budget import unlimited
from lpc_ns.base.errors import InputError
from lpc_ns.tree import auto
from lpc_ns.tree.problem.objective import make_problem
from lpc_ns.tree.proof import boxes, few
from lpc_ns.tree.proof.boxes import BoxPrices
from lpc_ns.tree.proof.exact import exact_tree
from lpc_ns.tree.proof.few import box_tree
from lpc_ns.tree.proof.pricing import BoxPricer


def rounded(seed, n=24, p=3):
    """Samples with ties and equal ones, without clear clusters."""
    rng = np.random.default_rng(seed)
    X = (2 * rng.normal(size=(n, p))).round()
    X[1] = X[0]
    return X


def posed(seed):
    """Problems of all kinds that boxes are made for."""
    rng = np.random.default_rng(seed)
    X = rounded(seed)
    rules = {"complexity": (0, 0.01)[seed % 2], "margin": (0, 0.01)[seed // 2 % 2]}
    rules |= {"min_samples_leaf": (1, 3)[seed // 4 % 2], "max_depth": (None, 2)[seed % 3 == 0]}
    loss_X = rng.normal(size=(len(X), 2)) if seed % 5 == 0 else X * np.r_[1, 0.5, 2]
    return make_problem(X, 4, max_leaves=4, loss_X=loss_X, **rules)


@pytest.mark.parametrize("seed", range(12))
def test_the_best_tree_is_that_of_the_search_over_intervals(seed):
    problem = posed(seed)
    best = exact_tree(problem)
    found = box_tree(problem, start=exact_tree(problem, max_nodes=1))
    assert found.status == best.status == "optimal"
    assert found.objective == pytest.approx(best.objective, rel=1e-9)
    assert found.lower_bound <= best.objective * (1 + 1e-13)


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1.0, 1e8, 1e80])
def test_units_and_offsets_do_not_lift_a_bound(scale):
    X = rounded(1) * scale
    for offset in (0.0, 1e6 * scale):
        problem = make_problem(X + offset, 4)
        best = exact_tree(problem)
        found = box_tree(problem, start=exact_tree(problem, max_nodes=1))
        assert found.lower_bound <= best.objective * (1 + 1e-13)
        assert found.objective == pytest.approx(best.objective, rel=1e-9)


def test_a_bound_holds_in_every_round_and_never_falls():
    problem = make_problem(make_blobs(50, 2, centers=4, cluster_std=2.5, random_state=1)[0], 5)
    best = exact_tree(problem)
    search = BoxPrices(problem, exact_tree(problem, max_nodes=1).tree)
    before = -np.inf
    while not search.finished:
        search.advance()
        assert before <= search.bound <= best.loss * (1 + 1e-13)
        before = search.bound
    assert before > 0.9 * best.loss


@pytest.mark.parametrize("place", ["pricer", "list"])
def test_an_interrupt_keeps_tree_and_bound(place, monkeypatch):
    problem = make_problem(make_blobs(50, 2, centers=4, cluster_std=2.5, random_state=1)[0], 5)
    best = exact_tree(problem)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    if place == "pricer":
        monkeypatch.setattr(boxes.BoxPricer, "search", interrupt)
    else:
        monkeypatch.setattr(few.FewBoxes, "best", interrupt)
    found = box_tree(problem, start=exact_tree(problem, max_nodes=1))
    assert found.status == "interrupted"
    assert found.lower_bound <= best.objective <= found.objective * (1 + 1e-12)


def test_lists_that_are_too_long_leave_a_bound(monkeypatch):
    problem = make_problem(make_blobs(50, 2, centers=4, cluster_std=2.5, random_state=1)[0], 5)
    best = exact_tree(problem)
    start = exact_tree(problem, max_nodes=1)
    for changes in ({"few_boxes": 1}, {"few_nodes": 1}):
        monkeypatch.setattr(few, "TUNED", few.TUNED._replace(**changes))
        found = box_tree(problem, start=start)
        assert 0.5 * best.objective < found.lower_bound <= best.objective * (1 + 1e-13)


def test_the_default_proves_what_intervals_do_not(monkeypatch):
    monkeypatch.setattr(auto, "TUNED", auto.TUNED._replace(effort=1e6, glance=1e6))
    X = make_blobs(50, 2, centers=4, cluster_std=2.5, random_state=1)[0]
    model = ClusterTree(5, n_init=1, random_state=0).fit(X)
    assert model.status_ == "optimal"


def test_other_losses_are_refused():
    X = rounded(0)
    start = exact_tree(make_problem(X, 2), max_nodes=1)
    for rules in ({"criterion": "l1"}, {"root": True}, {"max_depth": 2}):
        with pytest.raises(InputError, match="use exact_tree"):
            box_tree(make_problem(X, 2, **rules), start=start)


@pytest.mark.parametrize("seed", range(10))
def test_a_goal_just_below_the_largest_worth_is_reached(seed):
    """A bound that is a little too low would prune the branch of the best box."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(8, 2)) if seed % 2 else rng.integers(0, 4, size=(8, 2)).astype(float)
    X[0] += 5
    prices = rng.normal(1, 1, size=8)
    worth = -np.inf
    for number in range(1, 2**8):
        rows = np.flatnonzero(number >> np.arange(8) & 1)
        own = ((X >= X[rows].min(axis=0)) & (X <= X[rows].max(axis=0))).all(axis=1)
        loss = ((X[own] - X[own].mean(axis=0)) ** 2).sum()
        worth = max(worth, prices[own].sum() - loss)
    found = BoxPricer(make_problem(X, 2)).search(prices, worth - 1e-9, budget=unlimited)
    assert found.complete and len(found.members)
    assert worth <= found.largest <= worth + 1e-9
