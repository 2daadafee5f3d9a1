"""Search and proof: the same answer in a first fit, in a second, and in the next process."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from lpc_ns import LinearPredictiveClustering
from lpc_ns.base.numerics import compile_seconds
from lpc_ns.datasets import make_sd1
from lpc_ns.lpc.auto import evidence, in_reach, proof_slices, search_and_prove, trial_slices, warm
from lpc_ns.lpc.problem import make_problem
from lpc_ns.lpc.proof.race import branch_and_bound, time_for_search
from lpc_ns.lpc.search.local_search import local_search

pytestmark = pytest.mark.slow

FITS = """
import json, sys
import numpy as np
from lpc_ns import LinearPredictiveClustering
from lpc_ns.datasets import make_sd1

data = make_sd1(n_samples=130, n_features=3, noise=3.0, random_state=0, table="rq2")

def answer(**options):
    m = LinearPredictiveClustering(2, random_state=0, **options).fit(data.X, data.y)
    return [m.labels_.tolist(), m.objective_, m.lower_bound_, m.gap_, m.status_, m.solution_.nodes]

print(json.dumps([answer(**options) for options in json.loads(sys.argv[1])]))
"""
TIMED = """
import json
from lpc_ns import LinearPredictiveClustering
from lpc_ns.datasets import make_sd1

data = make_sd1(n_samples=60, n_features=12, noise=12.0, random_state=0, table="rq2")
m = LinearPredictiveClustering(2, time_limit=2, random_state=0).fit(data.X, data.y)
print(json.dumps([m.status_, m.solution_.nodes, m.solution_.seconds, m.lower_bound_]))
"""


def fresh(program, cache, *arguments):
    """What a program prints in a process of its own with the given folder of compiled kernels."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return json.loads(done.stdout)


def hard_problem(n=130):
    data = make_sd1(n_samples=n, n_features=5, noise=4.0, random_state=0, table="rq2")
    return make_problem(data.X, data.y, 2)


def test_first_fit_second_fit_and_next_process(tmp_path):
    """Compilation, threads and earlier fits leave no trace in any number."""
    first, second, threads = fresh(FITS, tmp_path, json.dumps([{}, {}, {"n_jobs": 3}]))
    assert first == second == threads
    assert fresh(FITS, tmp_path, "[{}]") == [first]
    assert first[4] == "feasible" and 0 < first[2] < first[1] and first[5] > 1000


def test_no_clock_pays_for_compilation(tmp_path):
    """Two seconds in a fresh process with an empty cache, where compilation takes longer than
    that, are two seconds of work."""
    status, nodes, seconds, bound = fresh(TIMED, tmp_path)
    assert status == "time_limit" and seconds >= 2 and nodes > 0 and bound > 0


def test_work_grows_with_that_of_the_search():
    small = hard_problem(40)
    assert proof_slices(small, 8) == proof_slices(small, 1)
    large = hard_problem(3000)
    assert proof_slices(large, 16) > 1.9 * proof_slices(large, 8) > 2 * proof_slices(small, 8)


@pytest.mark.parametrize("jobs", [2, 5])
def test_slices_do_not_depend_on_threads(jobs):
    problem = hard_problem()
    start = local_search(problem, n_init=2, random_state=0)
    one, many = (
        branch_and_bound(problem, start=start, max_slices=20, n_jobs=n) for n in (None, jobs)
    )
    assert one.nodes == many.nodes and one.lower_bound == many.lower_bound > 0
    np.testing.assert_array_equal(one.labels, many.labels)
    assert one.status == "feasible"


def test_more_slices_prove_more():
    problem = hard_problem()
    found = [
        branch_and_bound(problem, max_slices=n, random_state=0, gap=1e-6) for n in (8, 24, 72)
    ]
    assert found[0].nodes < found[1].nodes < found[2].nodes
    assert 0 < found[0].lower_bound < found[1].lower_bound <= found[2].lower_bound


def test_a_clock_that_is_given_is_named():
    stopped = search_and_prove(hard_problem(), time_limit=0, random_state=0)
    assert stopped.status == "time_limit" and stopped.lower_bound == 0


@pytest.mark.parametrize("prove", [search_and_prove, branch_and_bound])
def test_a_search_that_would_take_the_whole_limit_leaves_the_proof_a_share(ticking, prove):
    data = make_sd1(n_samples=400, n_features=2, noise=4.0, random_state=0, table="rq2")
    found = prove(make_problem(data.X, data.y, 3), time_limit=0.6, random_state=0)
    assert found.status == "time_limit" and 0 < found.lower_bound < found.objective


def test_where_only_labels_can_be_searched_a_partition_has_all_the_time():
    assert time_for_search(three_regressions(1_500), 3.0) == 3.0
    assert time_for_search(three_regressions(50), None) is None
    data = make_sd1(n_samples=400, n_features=2, noise=4.0, random_state=0, table="rq2")
    assert time_for_search(make_problem(data.X, data.y, 3), 3.0) == 2.0


def three_regressions(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    z = rng.integers(0, 3, n)
    y = (X @ rng.normal(0, 2, (5, 3)))[np.arange(n), z] + rng.normal(size=n)
    return make_problem(X, y, 3)


def test_a_proof_that_can_say_nothing_is_not_begun(monkeypatch):
    problem = three_regressions(9_000)
    assert in_reach(problem, 150) and not in_reach(problem, 149)
    assert in_reach(three_regressions(2_000), 1)
    monkeypatch.setattr("lpc_ns.lpc.auto.proof_slices", lambda problem, n_restarts: 149)
    found = search_and_prove(problem, n_init=2, random_state=0)
    assert found.nodes == 0 and found.lower_bound == 0 and found.status == "feasible"
    assert found.reason == f"no proof is in reach with so many samples; {evidence(found)}"
    monkeypatch.setattr("lpc_ns.lpc.auto.branch_and_bound", None)
    search_and_prove(problem, n_init=2, random_state=0)


def test_a_proof_is_given_up_where_its_trial_says_nothing():
    rng = np.random.default_rng(0)
    noise = make_problem(rng.normal(size=(150, 12)), rng.normal(size=150), 2)
    start = local_search(noise, n_init=3, random_state=0)
    tried = branch_and_bound(noise, start=start, max_slices=400, trial=(20, 0.9))
    assert tried.status == "feasible" and tried.gap > 0.9
    assert tried.nodes == branch_and_bound(noise, start=start, max_slices=20).nodes
    further = branch_and_bound(noise, start=start, max_slices=60, trial=(20, 1.0))
    assert further.nodes > 2 * tried.nodes
    assert trial_slices(noise) == 76 < trial_slices(three_regressions(9_000))


def test_a_useless_bound_is_not_called_a_proof(monkeypatch):
    monkeypatch.setattr("lpc_ns.lpc.auto.proof_slices", lambda problem, n_restarts: 1)
    rng = np.random.default_rng(0)
    noise = make_problem(rng.normal(size=(150, 12)), rng.normal(size=150), 2)
    found = search_and_prove(noise, n_init=3, random_state=0)
    assert found.gap > 0.9 and found.reason.startswith("no useful bound is in reach")
    assert found.reason.endswith("of 3 restarts ended at the same value")


def test_warm_compiles_all_that_a_fit_needs():
    """After `warm` no search of part II compiles anything, whatever the shape of the problem."""
    warm()
    before = compile_seconds()
    for n, d, K, options in (
        (120, 1, 2, {"ridge": 0}),
        (120, 2, 2, {}),
        (120, 6, 2, {}),
        (90, 2, 3, {}),
        (60, 2, 2, {"method": "greedy"}),
    ):
        data = make_sd1(n_samples=n, n_features=d, noise=3.0, random_state=0, table="rq2")
        model = LinearPredictiveClustering(K, n_init=2, random_state=0, **options)
        model.fit(data.X, data.y)
        assert model.mixture_.log_likelihood < np.inf
    model.set_params(method="local").fit(data.X, data.y, groups=np.arange(60) // 3)
    assert compile_seconds() == before
