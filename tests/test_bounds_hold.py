"""Bounds that hold: in exact arithmetic, on problems as badly conditioned as problems get, at every
moment of every search, and under interrupts."""

import itertools
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import joblib
import mpmath
import numpy as np
import pytest
from conftest import MOMENTS, Interrupt
from scipy.optimize import linprog

from lpc_ns.base.budget import Budget
from lpc_ns.base.numerics import relative_gap
from lpc_ns.datasets import make_sd1
from lpc_ns.lpc.auto import search_and_prove
from lpc_ns.lpc.problem import brute_force, make_problem, make_solution, objective, scaled
from lpc_ns.lpc.proof.boxes import BoxSearch
from lpc_ns.lpc.proof.columns import ColumnSearch, Node
from lpc_ns.lpc.proof.enumeration import EnumerationSearch, enumerate_candidates
from lpc_ns.lpc.proof.families import FamilySearch
from lpc_ns.lpc.proof.labels import LabelSearch
from lpc_ns.lpc.proof.quadrics import QuadricSearch
from lpc_ns.lpc.proof.race import SumOfGroups, branch_and_bound, certificate, choose_search
from lpc_ns.lpc.proof.units import prove_units
from lpc_ns.lpc.rounding import independent_columns, residual_without, rounding_error
from lpc_ns.lpc.search.local_search import local_search
from lpc_ns.lpc.tuning import FAMILIES

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
import certify_bounds


def run(tree, most=10_000):
    """Advance to the end, or until so many nodes."""
    while not tree.finished and tree.nodes < most:
        tree.advance()
    return tree


@pytest.mark.parametrize(("n_features", "alone"), [(1, BoxSearch), (2, LabelSearch)])
def test_a_search_that_ends_at_once_works_alone(n_features, alone):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(80, n_features))
    noise = rng.normal(size=80)
    for y, both in ((X[:, 0] + 30 * (X[:, 0] > 0) + 0.1 * noise, False), (noise, n_features == 2)):
        problem = make_problem(X, y, 2, 0.01)
        labels = local_search(problem, random_state=0).labels
        race = choose_search(problem, labels, 1e-4, 1)
        while relative_gap(race.upper, race.lower) > 1e-4:
            race.advance()
        begun = {type(tree) for tree in race.trees if tree.nodes}
        assert begun == ({LabelSearch, BoxSearch} if both else {alone})


@pytest.mark.parametrize("block", range(4))
def test_no_violation_on_ill_conditioned_problems(block, capsys):
    wrong = certify_bounds.main(25, 25 * block, check=certify_bounds.ill_violations)
    assert wrong == 0, capsys.readouterr().out


@pytest.mark.parametrize("search", ["quadric", "families"])
def test_no_violation_with_one_search_forced(search, capsys):
    check = certify_bounds.violations_of(search, True)
    assert certify_bounds.main(20, 0, check=check) == 0, capsys.readouterr().out


def sixty_digits(problem, labels):
    """Objective of a partition in 60 digits, for a positive penalty."""
    total = mpmath.mpf(0)
    for k in range(problem.n_clusters):
        X = mpmath.matrix(problem.X[labels == k].tolist() or [[0.0] * problem.n_coefficients])
        y = mpmath.matrix(problem.y[labels == k].tolist() or [0.0])
        M = X.T * X + mpmath.diag([mpmath.mpf(v) for v in problem.penalty])
        b = X.T * y
        total += (y.T * y - b.T * mpmath.lu_solve(M, b))[0]
    return total


def test_the_judge_agrees_with_sixty_digits():
    judged = 0
    with mpmath.workdps(60):
        for seed in range(40):
            problem, _ = certify_bounds.ill_problem(seed)
            n = problem.n_samples
            if problem.penalty.min() == 0 or problem.n_clusters > 2:
                continue
            signs = itertools.product([0, 1], repeat=n - 1)
            best = min(sixty_digits(problem, np.array([0, *z])) for z in signs)
            exact = certify_bounds.exact_optimum(problem)
            exact = mpmath.mpf(exact.numerator) / exact.denominator
            assert abs(best - exact) <= best * mpmath.mpf(10) ** -15 + mpmath.mpf(10) ** -50
            judged += 1
    assert judged > 5


def collinear(seed, n, ridge=1e-20, noise=1e-6):
    """Two columns that differ by a billionth, one sample where lines cross."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    x[:2] = noise * rng.normal(size=2)
    other = x + 1e-9 * rng.normal(size=n)
    y = np.where(np.arange(n) % 2 == 0, 1.0, -1.0) * x + noise * rng.normal(size=n)
    return make_problem(np.column_stack([x, other]), y, 2, ridge=ridge)


@pytest.mark.parametrize("kind", [LabelSearch, BoxSearch, ColumnSearch, QuadricSearch])
@pytest.mark.parametrize("ridge", [1e-20, 1e-14, 1e-8])
def test_collinear_columns_and_a_tiny_penalty(kind, ridge):
    """A computed inverse of a singular matrix looks as it likes."""
    for seed in (0, 3, 4, 9):
        problem = collinear(seed, 8, ridge)
        optimum = certify_bounds.exact_optimum(problem)
        for labels in (np.arange(8) % 2, np.zeros(8, dtype=int), np.arange(8) // 4):
            tree = kind(problem, labels, 1e-6)
            tree.batch = 300
            for _ in range(10):
                assert tree.lower <= optimum, (seed, ridge)
                tree.advance()


@pytest.mark.parametrize("ridge", [1e-18, 1e-17, 1e-12, 1e-3])
def test_a_one_hot_pair_beside_the_intercept(ridge):
    for seed in (4, 21, 33):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=8)
        y = np.where(np.arange(8) % 2 == 0, 1, -1) * (1 + x) + 0.5 * rng.normal(size=8)
        problem = make_problem(np.column_stack([x > 0, x <= 0]).astype(float), y, 2, ridge=ridge)
        optimum = certify_bounds.exact_optimum(problem)
        tree = BoxSearch(problem, np.zeros(8, dtype=int), 1e-6)
        tree.batch = 200
        while not tree.finished and tree.nodes < 5_000:
            assert tree.lower <= optimum
            tree.advance()
        assert tree.lower <= optimum


def test_more_samples_than_the_search_over_labels_serves():
    """Boxes alone answer from 300 samples on."""
    rng = np.random.default_rng(7)
    n = 310
    x = rng.normal(size=n)
    other = x + 1e-9 * rng.normal(size=n)
    labels = np.arange(n) % 2
    y = np.where(labels == 0, 1.0, -1.0) * x + 1e-6 * rng.normal(size=n)
    x[0] = 1e-6 * rng.normal()
    other[0] = x[0] + 1e-9 * rng.normal()
    y[0] = 3e-6 * rng.normal()
    problem = make_problem(np.column_stack([x, other]), y, 2, ridge=1e-20)
    flipped = labels.copy()
    flipped[0] = 1
    with mpmath.workdps(60):
        known = min(sixty_digits(problem, z) for z in (labels, flipped))
    found = branch_and_bound(problem, random_state=0, max_nodes=20_000)
    assert found.lower_bound <= known
    assert (found.status == "optimal") == (found.gap <= 1e-4)


OFFSETS = [(1e8, 0, False), (1.7e9, 0, False), (1e12, 0, False), (1e9, 0, True), (1e10, 1, False)]


@pytest.mark.parametrize(("offset", "trend", "weighted"), [*OFFSETS, (1e12, 1, True)])
def test_offsets_and_trends_of_the_target_are_paid_for(offset, trend, weighted):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=8)
        y = offset * (1 + 0.7 * trend * x) + rng.choice([-1, 1], 8) * (1 + x)
        y = y + 0.3 * rng.normal(size=8)
        weight = rng.uniform(0.5, 2, 8) if weighted else None
        problem = make_problem(x[:, None], y, 2 + seed % 2, ridge=0.0, sample_weight=weight)
        optimum = certify_bounds.exact_optimum(problem)
        for found in (
            branch_and_bound(problem, gap=1e-9, random_state=0),
            brute_force(problem),
            *([enumerate_candidates(problem)] if seed % 2 == 0 else []),
        ):
            assert found.lower_bound <= optimum
            assert abs(Fraction(found.objective) - optimum) <= found.rounding_error
        # the bound loses little, although the objective itself is uncertain
        if optimum > 1e-2:
            proved = branch_and_bound(problem, gap=1e-5, random_state=0).lower_bound
            assert proved >= optimum * (1 - Fraction(1, 500))


def test_the_residual_that_replaces_the_target_is_as_good_as_it_says():
    rng = np.random.default_rng(0)
    for offset in (1e3, 1e9, 1e15):
        X = np.column_stack([np.ones(9), rng.normal(size=9)])
        y = offset + rng.normal(size=9)
        w = np.linalg.lstsq(X, y, rcond=None)[0]
        residual, error = residual_without(X, y, w)
        exact = [
            Fraction(t) - sum(Fraction(a) * Fraction(b) for a, b in zip(row, w, strict=True))
            for row, t in zip(X, y, strict=True)
        ]
        off = [float(a - Fraction(b)) for a, b in zip(exact, residual, strict=True)]
        assert np.linalg.norm(off) <= error <= 1e-10 * offset


def test_columns_that_depend_exactly_are_told_from_those_that_nearly_do():
    rng = np.random.default_rng(0)
    hot = np.eye(3)[rng.integers(0, 3, 20)]
    X = np.column_stack([np.ones(20), hot, rng.normal(size=20)])
    assert independent_columns(X, X, range(5)) == [0, 1, 2, 4]
    X[0, 3] += 2.0**-52
    assert independent_columns(X, X, range(5)) == [0, 1, 2, 3, 4]
    nearly = make_problem(X[:, 1:], rng.normal(size=20), 2, ridge=0.0)
    exactly = make_problem(hot, rng.normal(size=20), 2, ridge=0.0)
    assert rounding_error(nearly.proof_form, 1.0) == np.inf or (
        rounding_error(nearly.proof_form, 1.0) > 1
    )
    assert rounding_error(exactly.proof_form, 1.0) < 1e-6


@pytest.mark.parametrize("noise", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("gap", [1e-2, 1e-6, 1e-9])
def test_optimal_means_that_the_gap_is_proved(noise, gap):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(14, 1 + seed % 2))
        y = np.where(np.arange(14) % 2 == 0, 1.0, -1.0) * (1 + X[:, 0])
        problem = make_problem(X, y + noise * rng.normal(size=14), 2, ridge=0.0)
        best = branch_and_bound(problem, gap=gap, random_state=0)
        answers = [best, certificate(problem, best.labels, gap=gap), brute_force(problem, gap=gap)]
        if problem.n_coefficients == 2:
            answers.append(enumerate_candidates(problem, gap=gap))
        for found in answers:
            assert found.status == ("optimal" if found.gap <= gap else "feasible")
            assert bool(found.reason) == (found.status == "feasible")
        if noise == 1e-7 and gap == 1e-9:
            assert best.reason.startswith("limited by rounding: smallest provable gap")


@pytest.mark.parametrize("kind", [LabelSearch, BoxSearch, ColumnSearch, QuadricSearch])
@pytest.mark.parametrize("noise", [0.5, 1e-4, 1e-6])
def test_searches_end_when_rounding_forbids_the_gap(kind, noise):
    rng = np.random.default_rng(0)
    x = rng.normal(size=12)
    y = np.where(np.arange(12) % 2 == 0, 1.0, -1.0) * (1 + x) + noise * rng.normal(size=12)
    problem = make_problem(x[:, None], y + 100, 2, ridge=1e-3 * noise**2)
    tree = run(kind(problem, np.arange(12) % 2, 0.0), most=20_000)
    assert tree.finished
    assert tree.lower <= certify_bounds.exact_optimum(problem)


def test_a_perfect_fit_is_optimal():
    x = np.arange(12.0)
    y = np.where(np.arange(12) % 2, 1 + 2 * x, 5 - x)
    found = branch_and_bound(make_problem(x[:, None], y, 2, ridge=0), random_state=0)
    assert found.status == "optimal" and found.objective == found.lower_bound == 0


def test_a_problem_and_its_scaled_form_have_equal_objectives():
    """Also where clusters are rank deficient, with columns from 1e-8 to 1e8."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 9))
        d = int(rng.integers(1, 5))
        X = rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-8, 8, d)
        if seed % 3 == 0 and d > 1:
            X[:, 1] = 2 * X[:, 0]
        y = rng.normal(size=n)
        problem = make_problem(X, y, min(n, 3), ridge=0.0)
        labels = rng.integers(0, problem.n_clusters, n)
        one = objective(problem, labels)
        assert one == pytest.approx(objective(scaled(problem), labels), rel=1e-9, abs=1e-24)
        assert scaled(problem) is scaled(problem) is scaled(scaled(problem))
        if n <= d and n == (labels == labels[0]).sum():
            assert one < 1e-20


def test_a_node_counts_until_its_children_do(monkeypatch):
    original = Node.children
    trees = []
    seen = []

    def children(self, pick, n_clusters):
        assert self in [entry[2] for entry in trees[-1].heap]
        seen.append(trees[-1].lower)
        return original(self, pick, n_clusters)

    monkeypatch.setattr(Node, "children", children)
    for seed in (2, 16, 17):
        rng = np.random.default_rng(seed)
        problem = make_problem(rng.normal(size=(12, 1)), rng.normal(size=12), 3, ridge=0.1)
        trees.append(ColumnSearch(problem, np.zeros(12, dtype=int), 1e-6))
        run(trees[-1])
        assert max(seen) <= brute_force(problem).objective
        seen.clear()


def test_groups_prove_something_under_a_process_back_end():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1))
    z = np.arange(200) % 3
    y = X[:, 0] * np.array([-2, 0, 2])[z] + 4 * z + 0.2 * rng.normal(size=200)
    problem = make_problem(X, y, 3)
    start = make_solution(problem, z)
    threads = SumOfGroups(problem, start.labels, 0.05, 3, 2)
    with joblib.parallel_config(backend="loky"):
        processes = SumOfGroups(problem, start.labels, 0.05, 3, 2)
        for _ in range(3):
            threads.advance()
            processes.advance()
    assert processes.nodes == threads.nodes > 0
    assert processes.lower == threads.lower > 0


def test_groups_are_set_up_when_their_turn_comes():
    data = make_sd1(600, 5, noise=4.0, random_state=0, table="rq2")
    problem = make_problem(data.X, data.y, 2)
    groups = SumOfGroups(problem, np.arange(600) % 2, 1e-3, 6, 1)
    assert groups.lower == 0 and not groups.trees and not groups.finished
    for begun in (4, 6, 6):
        groups.advance()
        assert len(groups.trees) == begun and not groups.finished
    assert 0 <= groups.lower <= groups.upper


def test_nothing_begins_after_the_end_of_the_budget():
    data = make_sd1(150, 2, noise=4.0, random_state=0, table="rq2")
    problem = make_problem(data.X, data.y, 3)
    search = choose_search(problem, np.arange(150) % 3, 1e-3, 1, Budget(0.0))
    search.advance()
    assert search.nodes == 0 and search.lower == 0 and not search.finished
    fewer = make_problem(data.X[:60], data.y[:60], 3)
    families = FamilySearch(fewer, np.arange(60) % 3, 1e-3)
    while families.lower == 0:
        families.advance()
    before = families.nodes
    families.budget = Budget(0.0)
    families.advance()
    assert families.nodes == before


def test_a_family_ends_near_its_best_prices():
    """The best prices by a linear program over all clusters; concavity says how near."""
    for seed in range(4):
        data = make_sd1(12, 1, noise=1.0, random_state=seed, table="rq2")
        problem = make_problem(data.X, data.y, 3, ridge=0.1)
        labels = local_search(problem, 2, random_state=0).labels
        search = FamilySearch(problem, labels, 1e-4)
        while search.tree is None and not search.finished:
            search.advance()
        family = search.family
        sets = np.array(list(itertools.product([False, True], repeat=12)))[1:]
        costs = search.pricer.alternate(search.pricer.penalty, np.zeros(12), sets.copy(), 0)
        n = family.B.shape[1]
        A = np.column_stack([sets @ family.B.toarray(), -np.ones(len(sets))])
        total = np.append(-family.B.sum(axis=0), 3)
        limits = [(0, 1)] * n + [(0, None)]
        best = linprog(total, A_ub=A, b_ub=costs - sets @ family.base, bounds=limits)
        largest = family.base.sum() - best.fun
        assert family.bound <= max(largest, 0.0) + 1e-6 * family.upper
        assert family.value <= largest + 1e-6 * family.upper
        left = FAMILIES.exhausted * (family.upper - family.value) / FAMILIES.reach
        assert largest <= family.value + left + 1e-3 * family.upper


def test_families_begin_with_prices_and_clusters_of_the_one_before():
    data = make_sd1(90, 1, noise=3.0, random_state=0, table="rq2")
    problem = make_problem(data.X, data.y, 3, ridge=0.1)
    labels = local_search(problem, 1, random_state=0).labels
    search = FamilySearch(problem, labels, 1e-4)
    next(search.work)
    family = search.family
    begin = family.open
    opened = []

    def watched(base, B, c):
        before = () if family.B is None else (family.prices, len(family.sets))
        begin(base, B, c)
        opened.append((before, family.prices, len(family.program.b)))

    family.open = watched
    while len(opened) < 2:
        next(search.work)
    for (prices, n_sets), after, n_rows in opened[1:]:
        np.testing.assert_allclose(after, prices, rtol=1e-12)
        assert n_rows >= n_sets > 3
    assert search._stages() == [40, 90, 91]


def test_a_family_whose_program_fails_proves_what_it_has():
    data = make_sd1(12, 1, noise=1.0, random_state=0, table="rq2")
    problem = make_problem(data.X, data.y, 3, ridge=0.1)
    search = FamilySearch(problem, np.arange(12) % 3, 1e-4)
    next(search.work)
    family = search.family
    proved = []
    prove = family.prove

    def watched(prices, gain):
        proved.append(prices)
        yield from prove(prices, gain)

    family.prove = watched
    family._program = lambda: (np.inf, None)
    for _ in search.work:
        pass
    assert family.B is not None and len(proved) >= 1
    np.testing.assert_array_equal(proved[-1], family.prices)
    assert family.bound <= brute_force(problem).objective * (1 + 1e-9)


def test_searches_far_behind_families_rest_after_some_turns():
    data = make_sd1(130, 1, noise=3.0, random_state=0, table="rq2")
    problem = make_problem(data.X, data.y, 3, ridge=0.1)
    race = choose_search(problem, np.arange(130) % 3, 1e-4, 1)
    families = next(tree for tree in race.trees if isinstance(tree, FamilySearch))
    labels = next(tree for tree in race.trees if isinstance(tree, LabelSearch))
    families.best = 0.6 * race.upper
    others = [tree for tree in race.trees if isinstance(tree, (LabelSearch, SumOfGroups))]
    late = FAMILIES.after + FAMILIES.every - 1
    for turns, proved, resting in ((2, 0.1, []), (late, 0.1, others), (late, 0.3, [])):
        labels.lower = proved * race.upper
        race.turns = turns
        assert race._outdone() == resting
    labels.lower = 0.0
    race.turns = FAMILIES.every * FAMILIES.after
    assert race._outdone() == [] and len(others) == 2


def test_prices_of_every_sample_go_on_from_those_of_a_family():
    """The root of the branching has the family's prices and bound, and the end of the search
    leaves no partition unexamined."""
    data = make_sd1(12, 1, noise=1.0, random_state=0, table="rq2")
    problem = make_problem(data.X, data.y, 3, ridge=0.1)
    search = FamilySearch(problem, np.arange(12) % 3, 1e-4)
    while search.tree is None and not search.finished:
        assert search.partial
        search.advance()
    before = search.lower
    prices = search.family.prices
    np.testing.assert_array_equal(search.tree.node.mu, prices)
    assert not search.partial and search.tree.node.bound == before
    run(search, most=20_000)
    optimum = brute_force(problem).objective
    assert search.finished and search.lower <= optimum * (1 + 1e-9)
    assert search.lower >= search.upper * (1 - 2e-4) and search.upper <= optimum * (1 + 1e-9)


def tiny(seed, k):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(10, 1))
    return make_problem(X, rng.normal(size=10) + 3 * X[:, 0], k, ridge=0.1)


def slow(tree):
    """Make slices short, so that there is much to interrupt."""
    tree.batch = 7
    tree.slice = 1
    if isinstance(tree, (ColumnSearch, FamilySearch)):
        tree.pricer.work = 100
        tree.random_starts = 5
    for part in getattr(tree, "trees", []):
        slow(part)
    return tree


def groups(problem, labels, gap):
    return SumOfGroups(problem, labels, gap, 2, 1)


@pytest.mark.parametrize(
    ("kind", "k"),
    [
        (LabelSearch, 3),
        (BoxSearch, 2),
        (ColumnSearch, 3),
        (EnumerationSearch, 2),
        (QuadricSearch, 2),
        (FamilySearch, 2),
        (groups, 2),
    ],
)
def test_interrupts_at_random_moments(kind, k):
    """At 4 x MOMENTS moments of each search: the bound holds, and the best partition is kept."""
    rng = np.random.default_rng(0)
    for seed in range(4):
        problem = tiny(seed, k)
        optimum = certify_bounds.exact_optimum(problem)
        start = np.zeros(10, dtype=int)
        worst = objective(problem, start)

        def search(problem=problem, start=start):
            return slow(kind(problem, start, 1e-4))

        before = 10**9
        with Interrupt(before) as counter:
            tree = run(search())
        total = before - counter.left
        for n in rng.integers(1, total + 1, MOMENTS):
            tree = None
            with Interrupt(int(n)):
                tree = search()
                run(tree)
            if tree is None:
                continue
            assert tree.lower <= optimum, (seed, n)
            value = objective(problem, tree.labels)
            assert optimum * (1 - Fraction(1, 10**9)) <= value <= worst * (1 + 1e-9)
            assert value <= tree.upper * (1 + 1e-9)


def test_an_interrupted_branch_and_bound_keeps_what_it_has(monkeypatch):
    problem = tiny(3, 3)
    optimum = certify_bounds.exact_optimum(problem)
    start = make_solution(problem, np.arange(10) % 3)
    advance = LabelSearch.advance
    for most in range(1, 30, 4):
        calls = []

        def interrupted(self, calls=calls, most=most):
            calls.append(1)
            self.batch = 5
            if len(calls) >= most:
                raise KeyboardInterrupt
            advance(self)

        monkeypatch.setattr(LabelSearch, "advance", interrupted)
        found = branch_and_bound(problem, start=start, gap=1e-6)
        assert found.status == "interrupted" or found.gap <= 1e-6
        assert found.lower_bound <= optimum and found.objective <= start.objective


def test_the_bound_of_one_cluster_pays_for_rounding():
    for seed in range(12):
        problem = replace(certify_bounds.ill_problem(seed)[0], n_clusters=1)
        rows = np.arange(problem.n_samples)
        for found in (branch_and_bound(problem, gap=1e-9), prove_units(problem, rows, gap=1e-9)):
            assert found.lower_bound <= certify_bounds.exact_optimum(problem)
            assert (found.status == "optimal") == (found.gap <= 1e-9) == (not found.reason)

    rng = np.random.default_rng(9)
    one_hot = np.eye(2)[[0, 1, 1, 0, 1, 0]] * [1e7, 0.3]
    target = rng.normal(size=6)
    problem = make_problem(one_hot, target, 1, ridge=0.0, sample_weight=rng.uniform(0.5, 2, 6))
    exact = certify_bounds.exact_optimum(problem)  # uses that the columns depend up to rounding
    for found in (branch_and_bound(problem, gap=1e-9), search_and_prove(problem)):
        assert found.lower_bound <= exact < 0.1 * found.objective
        assert found.status == "feasible" and found.reason.startswith("limited by rounding")


def test_rounding_error_of_the_objective_is_reported():
    rng = np.random.default_rng(0)
    x = rng.normal(size=8)
    y = rng.choice([-1, 1], 8) * (1 + x)
    plain, far = (make_problem(x[:, None], y + c, 2, ridge=0.0) for c in (0.0, 1e12))
    near_zero = local_search(plain, random_state=0).rounding_error
    assert near_zero < 1e-12
    found = branch_and_bound(far, random_state=0)
    assert found.rounding_error > 1e-6
    labels = found.labels
    exact = certify_bounds.exact_optimum(replace(far, n_clusters=1))
    one = objective(replace(far, n_clusters=1), np.zeros_like(labels))
    assert (
        abs(Fraction(one) - exact)
        <= make_solution(replace(far, n_clusters=1), np.zeros_like(labels)).rounding_error
    )
