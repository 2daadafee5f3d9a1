"""Tuning of the shares: it never returns less than it has seen, and it ends."""

import numpy as np
import pytest

from lpc_ns.datasets import make_sd1, make_sd2
from lpc_ns.lpc.paper.imbalance import alpha_grid, tune_alpha
from lpc_ns.lpc.paper.qpbo import ns_qpbo
from lpc_ns.lpc.problem import LPCSolution, make_problem, objective


def uneven(seed, n=80, d=2, share=0.8):
    """Two regressions of uneven size."""
    data = make_sd1(n, d, noise=3.5, balance=(share, 1 - share), random_state=seed, table="rq2")
    return make_problem(data.X, data.y, 2)


@pytest.mark.parametrize("rule", ["iterate", "grid"])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_best_of_what_was_seen(rule, d):
    for seed in range(5):
        problem = uneven(seed, d=d)
        tuned = tune_alpha(problem, rule)
        plain = ns_qpbo(problem, random_state=0)
        assert tuned.solution.objective == tuned.objectives.min() <= plain.objective * (1 + 1e-9)
        assert tuned.solution.objective == pytest.approx(objective(problem, tuned.solution.labels))
        assert len(tuned.alphas) == len(tuned.objectives)
        assert tuned.ending in ("fixed point", "cycle", "grid")


def test_a_fixed_point_reproduces_itself():
    for seed in range(10):
        problem = uneven(seed)
        tuned = tune_alpha(problem)
        if tuned.ending == "fixed point":
            last = ns_qpbo(problem, alpha=tuned.alphas[-1], random_state=0)
            before = ns_qpbo(problem, alpha=tuned.alphas[-2], random_state=0)
            np.testing.assert_array_equal(last.labels, before.labels)


def test_cycles_are_seen():
    problem = uneven(0, n=10)
    partitions = [np.repeat([0, 1], [6, 4]), np.repeat([0, 1], [7, 3])]

    def flip(problem, alpha):
        labels = partitions[int(alpha[0] < 0.65)]
        return LPCSolution(labels, objective(problem, labels))

    tuned = tune_alpha(problem, method=flip)
    assert tuned.ending == "cycle" and len(tuned.alphas) == 3
    assert tune_alpha(problem, method=flip, max_iter=1).ending == "max_iter"


def test_three_clusters_and_empty_ones():
    data = make_sd2(60, 2, noise=1.0, balance=(0.6, 0.2, 0.2), random_state=0, table="rq2")
    problem = make_problem(data.X, data.y, 3)
    tuned = tune_alpha(problem, "grid", alpha_grid(3, 8))
    assert len(tuned.objectives) == len(alpha_grid(3, 8))
    flat = make_problem(np.ones((6, 1)), np.ones(6), 3)
    assert (tune_alpha(flat).alphas > 0).all()
