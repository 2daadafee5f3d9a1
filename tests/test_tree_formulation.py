"""The core of part III: trees, their objective, scaling, and the published cases."""

from dataclasses import replace

import numpy as np
import pytest

from lpc_ns.datasets import find_data, load_cluster_tree_cases
from lpc_ns.errors import DataNotFoundError
from lpc_ns.tree.formulation import branch, leaf, make_problem, minmax, split_margins, tree_objective


def published():
    """The published cases, or a visible skip."""
    try:
        find_data("cluster_trees/golden.json")
    except DataNotFoundError as reason:
        pytest.skip(f"published cluster tree cases are absent: {reason}")
    return load_cluster_tree_cases()


def shapes(splits):
    """All trees whose splits, in preorder, are these (feature, threshold) pairs."""
    if not splits:
        return [leaf()]
    (j, threshold), rest = splits[0], splits[1:]
    sides = ((left, right) for cut in range(len(rest) + 1) for left in shapes(rest[:cut]) for right in shapes(rest[cut:]))
    return [branch(left, right, threshold, j) for left, right in sides]


def one_cluster_per_leaf(tree):
    """The same tree with its leaves numbered."""
    return replace(tree, cluster=np.where(tree.is_leaf, np.cumsum(tree.is_leaf) - 1, -1))


@pytest.mark.parametrize("name", ["Test1", "Test3", "Test4", "Test5", "Test8", "Test9", "Test10"])
def test_published_optima_are_reproduced_from_their_splits(name):
    case = published()[name]
    scaling = minmax(case.X)
    rules = {"max_depth": case.max_depth, "complexity": case.complexity, "margin": case.margin, "root": True}
    problem = make_problem(scaling.transform(case.X), case.n_clusters, **rules)
    splits = [(j, (t - scaling.low[j]) / scaling.span[j]) for j, t in case.reference["splits"]]
    sizes = case.reference["leaf_sizes"]
    numbered = map(one_cluster_per_leaf, shapes(splits))
    (tree,) = (t for t in numbered if np.bincount(t.assign(problem.X), minlength=len(sizes)).tolist() == sizes)
    assert abs(tree_objective(problem, tree) - case.reference["exact_obj"]) < 1e-9
    assert abs(split_margins(problem, tree).sum() - case.reference["margin_sum"]) < 1e-9
    assert problem.omega == pytest.approx(case.reference["tss_minmax"])
