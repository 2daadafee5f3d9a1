"""Proofs over units: the optimum of brute force, and bounds that hold whenever a search stops."""

import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import MOMENTS, Interrupt

from lpc_ns import LinearPredictiveClustering
from lpc_ns.base.budget import Budget
from lpc_ns.base.errors import InputError
from lpc_ns.lpc.problem import make_problem, make_solution
from lpc_ns.lpc.proof.race import branch_and_bound
from lpc_ns.lpc.proof.units import UnitSearch, prove_units
from lpc_ns.lpc.search.units import group_search

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
import certify_groups


def test_proofs_end_at_the_optimum_and_no_bound_exceeds_it():
    wrong = [text for seed in range(20) for text in certify_groups.violations(seed)]
    assert wrong == []


def test_interrupts_at_random_moments():
    """Over units, at 4 x MOMENTS moments: the bound holds, and the best partition is kept."""
    rng = np.random.default_rng(0)
    for seed in range(4):
        problem, groups = certify_groups.panel(seed)
        optimum = certify_groups.optimum(problem, groups)
        start = np.zeros(len(groups), dtype=int)
        worst = make_solution(problem, start)

        def search(problem=problem, groups=groups, start=start):
            return UnitSearch(problem, groups, start, 1e-4)

        before = 10**9
        with Interrupt(before) as counter:
            search().run(10**6, Budget())
        for n in rng.integers(1, before - counter.left + 1, MOMENTS):
            tree = None
            with Interrupt(int(n)):
                tree = search()
                tree.run(int(rng.integers(1, 40)), Budget())
            if tree is None:
                continue
            found = make_solution(problem, tree.labels)
            assert tree.lower <= optimum + found.rounding_error, (seed, n)
            assert all(len(set(tree.labels[groups == g])) == 1 for g in set(groups))
            assert found.objective <= worst.objective * (1 + 1e-9) + worst.rounding_error
            assert found.objective <= tree.upper * (1 + 1e-9) + found.rounding_error


def panel(seed, units, rows, K=2, p=3):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(units), rows)
    X = rng.normal(size=(units * rows, p - 1))
    W = rng.normal(size=(K, p)) * 2
    truth = rng.integers(0, K, units)[groups]
    y = W[truth, 0] + (X * W[truth, 1:]).sum(axis=1) + rng.normal(size=units * rows)
    shuffle = rng.permutation(units * rows)
    return X[shuffle], y[shuffle], groups[shuffle]


def test_two_hundred_units_of_five_rows_are_proved():
    X, y, groups = panel(1, 200, 5, 3)
    problem = make_problem(X, y, 3)
    found = prove_units(problem, groups, max_nodes=1_000_000, random_state=0)
    assert found.status == "optimal"
    assert found.objective * (1 - 1e-4) <= found.lower_bound <= found.objective


def test_a_suffix_grows_as_if_it_were_fitted_anew():
    X, y, groups = panel(5, 30, 3, 3)
    problem = make_problem(X, y, 3)
    start = group_search(problem, groups, random_state=0)
    search = UnitSearch(problem, groups, start.labels, 1e-4)
    bare = search._rows(search.bare, np.zeros(31))
    labels = np.random.default_rng(0).integers(0, 3, 30)
    search.kept = np.random.default_rng(1).integers(0, 3, 30)
    search._begin_suffix(bare)
    for g in range(29, -1, -1):
        value = search._extend(bare, labels, g)
        assert value == pytest.approx(search._value(search.bare, labels, g, 30), abs=1e-8)
        assert value <= search._value(search.bare, search.kept, g, 30) + 1e-8


def test_a_single_row_is_a_unit():
    X, y, groups = panel(2, 25, 1)
    problem = make_problem(X, y, 2)
    by_units = prove_units(problem, groups, random_state=0)
    by_rows = branch_and_bound(problem, random_state=0)
    assert by_units.status == by_rows.status == "optimal"
    assert by_units.objective == pytest.approx(by_rows.objective, rel=1e-4)


def test_a_proof_that_is_cut_short_says_so_and_is_the_same_again():
    X, y, groups = panel(3, 60, 2, 3)
    problem = make_problem(X, y, 3)
    runs = [prove_units(problem, groups, max_nodes=500, random_state=0) for _ in range(2)]
    assert runs[0].status == "feasible" and "nodes" in runs[0].reason
    assert 0 < runs[0].lower_bound < runs[0].objective
    assert runs[0].lower_bound == runs[1].lower_bound


def test_the_estimator_proves_what_its_groups_allow():
    X, y, groups = panel(4, 20, 4)
    model = LinearPredictiveClustering(method="global", random_state=0).fit(X, y, groups=groups)
    assert model.status_ == "optimal" and model.gap_ <= 1e-4
    local = LinearPredictiveClustering(method="local", random_state=0).fit(X, y, groups=groups)
    assert local.lower_bound_ == 0 and local.objective_ >= model.lower_bound_
    mip = LinearPredictiveClustering(method="global-mip", random_state=0)
    X, y, groups = X[groups < 6], y[groups < 6], groups[groups < 6]
    mip.fit(X, y, groups=groups)
    model.fit(X, y, groups=groups)
    assert mip.objective_ == pytest.approx(model.objective_, rel=1e-4)
    assert all(len(set(mip.labels_[groups == g])) == 1 for g in range(6))
    with pytest.raises(InputError, match="one per row"):
        LinearPredictiveClustering(method="global").fit(X, y, groups=groups[:-1])
