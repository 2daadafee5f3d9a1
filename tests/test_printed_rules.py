"""One condition for each column in a rule, and it says of every row what the tree says."""

import re

import numpy as np
import pandas as pd
import pytest

from lpc_ns import ClusterTree, InteractionBasedClustering
from lpc_ns.base.encoding import learn_encoding
from lpc_ns.base.errors import InputError
from lpc_ns.tree.problem.trees import branch, leaf
from lpc_ns.tree.questions import questions
from lpc_ns.tree.show.rules import rules_of, short_thresholds, shown_thresholds


def holds(condition, table):
    """Which rows a printed condition holds for."""
    condition, gap, _ = condition.partition(" (or missing)")
    found = re.fullmatch(r"(\w+) is (not )?missing", condition)
    if found:
        gone = table[found[1]].isna()
        return (~gone if found[2] else gone).to_numpy()
    found = re.fullmatch(r"(\w+) (?:(not )?in \{(.*)\}|(!?=) (.*))", condition)
    if found:
        name, no, several, sign, one = found.groups()
        levels = several.split(", ") if several else [one]
        there = table[name].fillna("missing").isin(levels)
        return (~there if no or sign == "!=" else there).to_numpy()
    found = re.fullmatch(r"(?:(\S+) < )?(\w+)(?: <= (\S+)| > (\S+))?", condition)
    above = found[1] or found[4]
    column = table[found[2]]
    fits = column.notna()
    fits &= column > float(above) if above else True
    fits &= column <= float(found[3]) if found[3] else True
    return (fits | column.isna() if gap else fits).to_numpy()


def random_tree(features, rows, depth, rng):
    """A tree of random questions that part the samples."""
    asked = rng.permutation(features.shape[1]) if depth else []
    for j in asked:
        values = np.unique(features[rows, j])
        if len(values) > 1:
            k = rng.integers(len(values) - 1)
            left = rows[features[rows, j] <= values[k]]
            right = rows[features[rows, j] > values[k]]
            sides = (random_tree(features, part, depth - 1, rng) for part in (left, right))
            return branch(*sides, (values[k] + values[k + 1]) / 2, int(j))
    return leaf(0)


@pytest.mark.parametrize("seed", range(12))
def test_rules_about_levels_and_gaps_say_what_the_tree_says(seed):
    rng = np.random.default_rng(seed)
    n = 150
    table = pd.DataFrame({"g": rng.choice(list("abcde"), n), "x": rng.normal(size=n).round(1)})
    table["z"] = rng.normal(size=n)
    table.loc[rng.random(n) < 0.2, "x"] = np.nan
    table.loc[rng.random(n) < 0.1, "g"] = None
    encoding = learn_encoding(table, every_level=True, missing=True)
    asked = questions(encoding, encoding.apply(table))
    features = asked.ask(encoding.apply(table))
    tree = short_thresholds(random_tree(features, np.arange(n), 5, rng), features, asked.names)
    shown = shown_thresholds(tree, features, asked.names)
    leaves = tree.apply(features)
    sizes = np.bincount(leaves, minlength=len(tree.left)) + 1
    for place, rule in rules_of(tree, asked.names, shown, sizes).rule.items():
        parts = rule.split(" and ")
        told = np.all([holds(part, table) for part in parts], axis=0)
        assert np.array_equal(told, leaves == place), rule
        columns = [re.search(r"\b([gxz])\b(?= [<=!>in])", f"{part} =")[1] for part in parts]
        assert len(columns) == len(set(columns)), rule


def test_a_level_that_is_named_needs_no_other():
    table = pd.DataFrame({"g": list("aabbbcccdd") * 5})
    rules = ClusterTree(4, random_state=0).fit(table).rules().rule
    assert len(rules) == 4 and all(rule.count("g") == 1 for rule in rules)


def test_the_cells_of_a_regime_tree_have_one_condition_for_each_variable():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 8, 600)
    v = rng.normal(size=600)
    y = np.choose(x.astype(int) // 2, [3, -3, 2, -1]) * v + 0.05 * rng.normal(size=600)
    table = pd.DataFrame({"x": x, "v": v})
    model = InteractionBasedClustering("tree", degree=1, cv=2, max_cells=4, random_state=0)
    model.fit(table, y)
    assert len(model.rules()) == 4
    for k, rule in enumerate(model.rules()):
        assert rule.count("x") == 1
        assert np.array_equal(holds(rule, table), model.labels_ == k)


@pytest.mark.parametrize("model", ["tree", "B"])
def test_a_column_of_text_is_a_candidate_by_its_own_name(model):
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"g": rng.choice(list("abc"), 200), "x": rng.normal(size=200)})
    y = np.where(table.g == "b", 2, -2) * table.x + 0.1 * rng.normal(size=200)
    options = {"degree": 1, "cv": 2, "random_state": 0}
    found = InteractionBasedClustering(model, candidates=["g"], **options).fit(table, y)
    assert len(found.rules()) == 2 and found.score(table, y) > 0.9
    both = InteractionBasedClustering("C", interactions=[("g", "x")], random_state=0).fit(table, y)
    assert both.terms_ and all(len(term) == 2 for term in both.terms_)
    assert both.score(table, y) > 0.9
    with pytest.raises(InputError, match="names 'h'; columns are g"):
        InteractionBasedClustering(model, candidates=["h"], **options).fit(table, y)
