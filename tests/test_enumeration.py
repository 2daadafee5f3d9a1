"""Enumeration of candidate partitions: published optima, other searches, and input that it does not
serve."""

import json

import numpy as np
import pytest
from conftest import data_or_skip

from lpc_ns.base.errors import InputError
from lpc_ns.datasets import find_data, load_regression_mixture, make_lpc
from lpc_ns.lpc.problem import make_problem
from lpc_ns.lpc.proof.enumeration import enumerate_candidates
from lpc_ns.lpc.proof.race import branch_and_bound


def test_optima_of_classic_two_regime_data():
    path = data_or_skip(find_data, "regression_mixtures/golden.json")
    cases = json.loads(path.read_text())["cases"]
    for name, case in cases.items():
        data = load_regression_mixture(name)
        found = enumerate_candidates(make_problem(data.X, data.y, 2, ridge=0.0))
        assert found.objective == pytest.approx(case["k2"], rel=1e-6), name
        assert sorted(np.bincount(found.labels)) == sorted(case["k2_sizes"]), name
        assert found.gap < 1e-7


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_agrees_with_branch_and_bound(offset):
    for seed in range(4):
        data = make_lpc(2, 60, 1, noise=3.5, random_state=seed)
        problem = make_problem(data.X + offset, data.y, 2, ridge=1.0)
        found = enumerate_candidates(problem)
        searched = branch_and_bound(problem, gap=1e-8, random_state=0)
        assert searched.status == "optimal" and found.objective == pytest.approx(
            searched.objective, rel=1e-7
        )


@pytest.mark.parametrize("penalty", [{"ridge": 0.0}, {"ridge": 0.5, "penalize_intercept": False}])
def test_branch_and_bound_uses_it_where_boxes_need_a_penalty(penalty):
    data = make_lpc(2, 80, 1, noise=3.5, random_state=0)
    problem = make_problem(data.X, data.y, 2, **penalty)
    found = branch_and_bound(problem, random_state=0)
    assert found.status == "optimal" and found.objective == pytest.approx(
        enumerate_candidates(problem).objective, rel=1e-9
    )


def test_refuses_what_it_does_not_serve():
    data = make_lpc(2, 20, 2, random_state=0)
    with pytest.raises(InputError, match="2 clusters and 2 features: use branch_and_bound"):
        enumerate_candidates(make_problem(data.X, data.y, 2))
