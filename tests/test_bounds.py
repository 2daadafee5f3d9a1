"""Bounds: soundness against brute force, stops, scaling, and the published instances as targets."""

from dataclasses import replace
from types import SimpleNamespace

import certify_bounds
import numpy as np
import pytest
from conftest import data_or_skip

from lpc_ns.base.errors import InputError
from lpc_ns.datasets import load_reference_instances, make_lpc
from lpc_ns.lpc.problem import LPCProblem, brute_force, make_problem, make_solution, objective
from lpc_ns.lpc.proof import race as module
from lpc_ns.lpc.proof.boxes import BoxSearch
from lpc_ns.lpc.proof.labels import LabelSearch
from lpc_ns.lpc.proof.race import SumOfGroups, branch_and_bound, certificate, choose_search
from lpc_ns.lpc.search.local_search import local_search
from lpc_ns.lpc.tuning import FAMILIES


def overlapping(n=120, k=2, d=2, ridge=1.0, noise=3.5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(1, 2, size=(n, d))
    z = np.arange(n) % k
    y = np.einsum("ij,ij->i", X, rng.uniform(-2, 2, (k, d))[z]) + noise * rng.normal(size=n)
    return make_problem(X, y, k, ridge=ridge)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))  # `make certify` tries 10,000
def test_no_violation_on_random_problems(block, capsys):
    assert certify_bounds.main(15, 50 * block) == 0, capsys.readouterr().out


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("ridge", [1e-6, 1.0])
def test_adversarial_scaling(scale, k, ridge):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=9) * scale, rng.normal(size=9)])
    X[-1] = X[0] * (1 + 1e-9)
    problem = make_problem(X, rng.normal(size=9) + 1e4, k, ridge=ridge)
    best = min(brute_force(problem).objective, local_search(problem, random_state=0).objective)
    found = branch_and_bound(problem, random_state=0)
    assert found.lower_bound <= best * (1 + 1e-12) and found.objective <= best * (1 + 1e-6)
    assert found.status == "optimal"


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_bound_scales_with_the_target(factor):
    problem = overlapping(80)
    scaled = replace(problem, y=problem.y * factor)
    one = branch_and_bound(problem, random_state=0)
    two = branch_and_bound(scaled, random_state=0)
    assert two.status == "optimal"
    assert two.objective == pytest.approx(one.objective * factor**2, rel=1e-8)


def test_offset_of_the_target_costs_nothing_without_a_penalty_on_the_intercept():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 1))
    y = rng.normal(size=30)
    plain, offset = (
        make_problem(X, y + c, 2, ridge=0.1, penalize_intercept=False) for c in (0.0, 1e6)
    )
    one = branch_and_bound(plain, random_state=0)
    two = branch_and_bound(offset, random_state=0)
    assert one.status == two.status == "optimal"
    assert one.objective == pytest.approx(two.objective, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_no_penalty_at_all(seed):
    rng = np.random.default_rng(seed)
    problem = make_problem(
        rng.normal(size=(10, 1 + seed % 2)), rng.normal(size=10), 2 + seed % 2, ridge=0
    )
    best = brute_force(problem).objective
    found = branch_and_bound(problem, random_state=0)
    assert found.status == "optimal" and found.lower_bound <= best + 1e-14
    assert found.objective == pytest.approx(best, rel=1e-6, abs=1e-12)


def test_both_searches_agree():
    for seed in range(3):
        problem = overlapping(30, seed=seed, noise=1.0)
        start = local_search(problem, random_state=0).labels
        trees = [kind(problem, start, 1e-6) for kind in (LabelSearch, BoxSearch)]
        for tree in trees:
            while not tree.finished:
                tree.advance()
        assert trees[0].upper == pytest.approx(trees[1].upper, rel=1e-9)
        assert trees[0].lower == pytest.approx(trees[1].lower, rel=1e-5)


@pytest.mark.parametrize("kind", [LabelSearch, BoxSearch])
def test_incumbent_is_found_from_the_worst_start(kind):
    problem = overlapping(30, noise=0.5)
    tree = kind(problem, np.zeros(30, dtype=int), 1e-6)
    while not tree.finished:
        tree.advance()
    assert tree.upper <= local_search(problem, random_state=0).objective * (1 + 1e-9)
    assert objective(problem, tree.labels) == pytest.approx(tree.upper, rel=1e-9)


@pytest.mark.parametrize("room", [0, 3, 40])
def test_bound_holds_when_there_is_no_room_for_boxes(room):
    data = make_lpc(2, 60, 2, noise=3.5, random_state=0)
    problem = make_problem(data.X, data.y, 2)
    best = branch_and_bound(problem, gap=1e-6, random_state=0)
    tree = BoxSearch(problem, best.labels, 1e-6)
    tree.pool.now["room"] = room
    while not tree.finished:
        tree.advance()
        assert tree.pool.now["room"][0] >= 0 and tree.lower <= best.objective
    assert room == 40 or tree.lower < best.lower_bound


def test_bound_never_falls_and_never_passes_the_objective():
    found = branch_and_bound(
        overlapping(42, k=3, ridge=0.01, noise=2.5), random_state=0, max_nodes=400_000
    )
    objectives, lower = np.array([point[1:] for point in found.trace]).T
    assert (
        (np.diff(objectives) <= 0).all()
        and (np.diff(lower) >= 0).all()
        and (lower <= objectives).all()
    )
    assert found.trace[-1][1:] == (found.objective, found.lower_bound)


def test_same_seed_same_certificate():
    problem = overlapping(42, k=3, ridge=0.01)
    one, two = (
        branch_and_bound(problem, random_state=3, max_nodes=500_000, n_jobs=j) for j in (1, 2)
    )
    np.testing.assert_array_equal(one.labels, two.labels)
    assert one.lower_bound == two.lower_bound and one.nodes == two.nodes


@pytest.mark.parametrize(
    ("n", "k", "d", "limit"), [(70, 3, 2, 1), (5000, 2, 5, 0.3), (400, 3, 2, 0.15)]
)
def test_time_limit(ticking, n, k, d, limit):
    problem = overlapping(n, k=k, d=d, ridge=0.01)
    start = local_search(problem, n_init=2, random_state=0)
    found = branch_and_bound(problem, time_limit=limit, start=start)
    assert found.status == "time_limit" and 0 < found.lower_bound < found.objective
    assert found.objective == objective(problem, found.labels)


def test_keyboard_interrupt(monkeypatch):
    problem = overlapping(70, k=3, ridge=0.01)
    calls = []
    advance = LabelSearch.advance

    def interrupted(self):
        calls.append(1)
        if len(calls) == 20:
            raise KeyboardInterrupt
        advance(self)

    monkeypatch.setattr(LabelSearch, "advance", interrupted)
    found = branch_and_bound(problem, random_state=0)
    assert found.status == "interrupted" and 0 < found.lower_bound < found.objective


def test_groups_share_the_penalty_and_stay_below_the_whole():
    problem = overlapping(400)
    labels = local_search(problem, random_state=0).labels
    optimum = branch_and_bound(problem, gap=1e-6, random_state=0).objective
    parts = [module.part(problem, rows) for rows in module.deal(problem, labels, 4)]
    np.testing.assert_allclose(sum(part.penalty for part in parts), problem.penalty)
    bounds = [branch_and_bound(part, random_state=0).lower_bound for part in parts]
    assert 0.9 * optimum < sum(bounds) <= optimum


def test_one_cluster_and_fewer_samples_than_clusters():
    one = branch_and_bound(overlapping(20, k=1), random_state=0)
    assert one.status == "optimal" and one.gap < 1e-9
    few = make_problem(np.arange(3.0)[:, None], [1.0, -1.0, 5.0], 3, ridge=0.1)
    assert branch_and_bound(few, random_state=0).objective == pytest.approx(
        brute_force(few).objective
    )


def test_exact_fit():
    X = np.arange(20.0)[:, None]
    problem = make_problem(X, np.where(np.arange(20) % 2, 1 + 2 * X[:, 0], 5 - X[:, 0]), 2, ridge=0)
    found = branch_and_bound(problem, random_state=0)
    assert found.status == "optimal" and found.objective < 1e-20


def test_identical_samples():
    problem = make_problem(np.ones((40, 1)), np.r_[np.zeros(20), np.ones(20)], 2, ridge=0.1)
    found = branch_and_bound(problem, random_state=0, max_nodes=100_000)
    assert found.status == "optimal" and found.gap <= 1e-4


def test_certificate_of_a_given_partition():
    problem = overlapping(60)
    best = branch_and_bound(problem, random_state=0)
    given = certificate(problem, best.labels)
    assert given.status == "optimal" and given.objective == best.objective
    same = certificate(problem, local_search(problem, random_state=0))
    assert same.status == "optimal"
    poor = certificate(problem, np.zeros(60, dtype=int))
    assert poor.status == "feasible" and poor.lower_bound <= best.objective < poor.objective
    assert (poor.labels == 0).all() and poor.gap > 0.1


@pytest.mark.parametrize("labels", [[0, 1], np.full(60, 2), np.full(60, -1), np.full(60, 0.5)])
def test_unusable_labels(labels):
    with pytest.raises(InputError, match="labels"):
        certificate(overlapping(60), labels)
    with pytest.raises(InputError, match="labels"):
        branch_and_bound(overlapping(60), start=labels)


@pytest.mark.parametrize(
    "parameters", [{"gap": -1}, {"gap": float("nan")}, {"time_limit": -1}, {"max_nodes": 0}]
)
def test_unusable_parameters(parameters):
    with pytest.raises(InputError):
        branch_and_bound(overlapping(20), **parameters)


def test_a_start_that_is_given_is_used():
    problem = overlapping(60)
    labels = np.zeros(60, dtype=int)
    start = make_solution(problem, labels)
    for given in (start, labels):
        found = branch_and_bound(problem, start=given)
        assert found.status == "optimal" and found.trace[0][1] == start.objective


def test_sample_weights():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(9, 1))
    y = rng.normal(size=9)
    weight = rng.integers(0, 3, 9)
    problem = make_problem(X, y, 2, ridge=0.1, sample_weight=weight)
    assert isinstance(problem, LPCProblem)
    assert branch_and_bound(problem, random_state=0).objective == pytest.approx(
        brute_force(problem).objective, rel=1e-6
    )


def test_many_samples():
    data = make_lpc(2, 5_000, 2, noise=3.5, random_state=0)
    found = branch_and_bound(make_problem(data.X, data.y, 2, ridge=1.0), gap=0.05, random_state=0)
    assert found.status == "optimal"


@pytest.mark.parametrize("instance_id", ["9aae68e810fc", "7b185c1ccee2", "54cfc163bf88"])
def test_published_instances_are_proved_optimal(instance_id):
    instances = data_or_skip(load_reference_instances, "vary_n")
    instance = next(i for i in instances if i.id == instance_id)
    problem = make_problem(
        np.round(instance.data.X, 2), np.round(instance.data.y, 2), 2, instance.ridge
    )
    found = branch_and_bound(problem, gap=1e-6, random_state=0, max_nodes=1_000_000)
    assert found.status == "optimal"
    assert found.objective <= objective(problem, instance.runs["globalopt"].labels) * (1 + 1e-9)


def six_coefficients(n):
    """Two lines far apart, five features."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    y = np.where(np.arange(n) % 2 == 0, 1, -1) * (3 + X.sum(axis=1)) + 0.3 * rng.normal(size=n)
    return make_problem(X, y, 2, ridge=0.1)


def test_groups_that_are_solved_become_fewer_and_prove_more():
    problem = six_coefficients(240)
    start = local_search(problem, n_init=4, random_state=0)
    groups = SumOfGroups(problem, start.labels, 1e-4, 4, 1)
    found = []
    while not groups.finished:
        groups.advance()
        found.append((len(groups.rows), groups.lower, groups.nodes))
    sizes, bounds, nodes = np.array(found).T
    assert set(sizes) == {4, 3, 2} and (np.diff(sizes) <= 0).all()
    assert (np.diff(bounds) >= 0).all() and (np.diff(nodes) >= 0).all()
    assert bounds[sizes == 4].max() < bounds[-1] <= start.objective
    assert groups.advance() == 0 and len(groups.rows) == 2


def test_a_chosen_deal_leaves_groups_less_to_save_than_the_deal_in_turn():
    problem = six_coefficients(245)
    labels = np.arange(245) % 2
    saved = {}
    for n_deals in (1, 100):
        groups = module.deal(problem, labels, 3, n_deals)
        assert sorted(np.concatenate(groups)) == list(range(245))
        for k in range(2):
            sizes = [np.sum(labels[rows] == k) for rows in groups]
            assert max(sizes) - min(sizes) <= 1
        kept = sum(objective(module.part(problem, rows), labels[rows]) for rows in groups)
        saved[n_deals] = objective(problem, labels) - kept
    assert 0 <= saved[100] < 0.6 * saved[1]
    chosen = SumOfGroups(problem, labels, 1e-4, 3, 1).rows
    in_turn = module.deal(problem, labels, 3)
    assert not all(np.array_equal(a, b) for a, b in zip(chosen, in_turn, strict=True))


def test_labels_of_the_whole_rest_where_groups_are_far_ahead():
    race = choose_search(six_coefficients(240), np.arange(240) % 2, 1e-4, 1)
    labels, groups = race.trees
    assert isinstance(labels, LabelSearch) and isinstance(groups, SumOfGroups)
    groups.before = 0.7 * race.upper
    race.turns = FAMILIES.after + 1
    for proved, resting in ((0.1, [labels]), (0.5, [])):
        labels.lower = proved * race.upper
        assert race._outdone() == resting
    labels.lower = 0.0
    race.turns = FAMILIES.every * FAMILIES.after
    assert race._outdone() == []


def test_a_group_whose_gap_is_proved_waits_for_no_other_search():
    groups = SumOfGroups(six_coefficients(240), np.arange(240) % 2, 1e-4, 3, 1)
    for lower, sizes in ((0.999, 3), (0.99995, 2)):
        searching = {"finished": False, "upper": 1.0, "lower": lower, "nodes": 5, "effort": 1}
        tree = SimpleNamespace(advance=lambda: None, **searching)
        groups.trees = [tree] * 3
        assert not groups.finished
        groups.advance()
        assert len(groups.rows) == sizes
    assert groups.lower >= 3 * 0.99995 and groups.nodes > 15
