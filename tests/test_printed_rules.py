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


def random_sums(features, rows, depth, rng):
    """A tree of random weighted sums that part the samples."""
    if depth and len(rows) > 3:
        spread = features.std(axis=0)
        weights = (
            rng.normal(size=features.shape[1]) * (rng.random(features.shape[1]) < 0.7) / spread
        )
        values = features[rows] @ weights
        if len(np.unique(values)) > 1:
            cut = np.sort(values)[len(rows) // 2 - 1 : len(rows) // 2 + 1].mean()
            sides = (rows[values <= cut], rows[values > cut])
            if min(map(len, sides)):
                below = (random_sums(features, part, depth - 1, rng) for part in sides)
                return branch(*below, cut, weights=weights)
    return leaf(0)


@pytest.mark.parametrize("seed", range(10))
def test_printed_sums_are_those_that_decide(seed):
    """Coefficients and thresholds as they are printed, and a level counts where its text holds."""
    rng = np.random.default_rng(seed)
    n = 60
    table = pd.DataFrame({"x": 50 + 10.0 ** (seed - 4) * rng.normal(size=n)})
    table["z"] = rng.integers(0, 9, n)
    if seed % 2:
        table["g"] = rng.choice(list("abcd"), n)
    encoding = learn_encoding(table, every_level=True)
    asked = questions(encoding, encoding.apply(table))
    features = asked.ask(encoding.apply(table))
    long = random_sums(features, np.arange(n), 3, rng)
    tree = short_thresholds(long, features, asked.names)
    leaves = tree.apply(features)
    there, here = (np.unique(own.apply(features), return_inverse=True)[1] for own in (long, tree))
    assert len({*zip(there, here, strict=True)}) == long.n_leaves == tree.n_leaves
    shown = shown_thresholds(tree, features, asked.names)
    sizes = np.bincount(leaves, minlength=len(tree.left)) + 1
    for place, rule in rules_of(tree, asked.names, shown, sizes).rule.items():
        told = [adds_up(part, table) for part in rule.split(" and ")]
        assert np.array_equal(np.all(told, axis=0), leaves == place), rule


def adds_up(condition, table):
    """Which rows a printed condition on a sum, or on a column, holds for."""
    found = re.fullmatch(r"(.*) (<=|>) (\S+)", condition)
    terms = re.findall(r"(- |\+ )?([\d.e+-]+ )?(\[g .*?\]|x|z)", found[1] if found else "")
    if not found or len(terms) < 2:
        return holds(condition, table)
    total = np.zeros(len(table))
    for sign, factor, name in terms:
        value = holds(name[1:-1], table).astype(float) if name[0] == "[" else table[name]
        total += (-1 if sign == "- " else 1) * float(factor or 1) * value
    return (total <= float(found[3]) if found[2] == "<=" else total > float(found[3])).to_numpy()


def test_a_sum_of_one_feature_is_that_feature():
    table = pd.DataFrame({"x": [0.0, 1, 10, 11, 20, 21]})
    tree = branch(branch(leaf(0), leaf(1), -5.0, weights=[-1.0]), leaf(2), 15.0, weights=[1.0])
    short = short_thresholds(tree, table.to_numpy())
    assert short.weights is None and (short.feature[~short.is_leaf] == 0).all()
    assert short.assign(table.to_numpy()).tolist() == tree.assign(table.to_numpy()).tolist()
