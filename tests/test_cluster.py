"""Two worker processes: the same bits, also when one of them dies; and dask under joblib."""

import os
import signal
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("distributed", reason="needs the extra: pip install lpc_ns[dask]")
pytest.importorskip("pyarrow", reason="needs the extra: pip install lpc_ns[dask]")
import dask
import dask.array as da
import joblib

from lpc_ns.base.errors import InputError, NoSolutionError
from lpc_ns.distributed import DaskLinearPredictiveClustering, working, write_labels
from lpc_ns.distributed.estimator import workers_memory
from lpc_ns.experiments.runner import Experiment, run_experiment
from lpc_ns.lpc.inference.reality import reality_test
from lpc_ns.lpc.problem import make_problem
from lpc_ns.lpc.proof.race import branch_and_bound
from lpc_ns.lpc.search.local_search import local_search

MODEL = {"n_clusters": 2, "n_init": 2, "sample_size": 2000, "random_state": 0}
N = 8000
LONGEST = 240  # seconds; what waits longer waits for ever


@contextmanager
def bounded():
    """Fail instead of waiting for ever."""

    def fail(*_):
        raise TimeoutError(f"Nothing came for {LONGEST} seconds.")

    if not hasattr(signal, "alarm"):
        yield
        return
    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module", autouse=True)
def client():
    """Two processes of one thread each, which workers of the tests are."""
    cluster = working(workers=2)
    with bounded():
        client = cluster.__enter__()
    yield client
    with bounded():
        cluster.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def in_time():
    """Every test ends."""
    with bounded():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table in eight row groups."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    sides = rng.random(N) < 0.4
    y = np.where(sides, 1 + X @ [2, 0, 1], -1 - X @ [0, 2, 1]) + 0.4 * rng.normal(size=N)
    path = tmp_path_factory.mktemp("table")
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y)
    table.to_parquet(path / "table.parquet", row_group_size=1000)
    return path


@pytest.fixture(scope="module")
def alone(folder):
    """The fit in this process."""
    with dask.config.set(scheduler="synchronous"):
        return DaskLinearPredictiveClustering(**MODEL, persist=False).fit(folder, "y")


def test_processes_give_the_same_bits(folder, alone, tmp_path):
    assert workers_memory() > 0
    for persist in (False, "auto"):
        found = DaskLinearPredictiveClustering(**MODEL, persist=persist).fit(folder, "y")
        assert found.objective_ == alone.objective_
        assert np.array_equal(found.coef_, alone.coef_)
    labels = pd.read_parquet(write_labels(found, tmp_path / "labels"))["label"]
    assert np.array_equal(labels, alone.labels_.compute(scheduler="synchronous"))


def test_a_worker_that_dies_in_a_pass_changes_no_bit(tmp_path):
    reads = tmp_path / "reads"
    deadly = tmp_path / "deadly"

    def load(i):
        """A block; the fourth time that block 2 is read its worker dies, once."""
        rng = np.random.default_rng(i)
        X = rng.normal(size=(1000, 2))
        sides = rng.random(1000) < 0.4
        y = np.where(sides, 1 + X @ [2, 0], -1 - X @ [0, 2]) + 0.4 * rng.normal(size=1000)
        if i == 2 and deadly.exists():
            with reads.open("a") as file:
                file.write("x")
            if reads.stat().st_size == 4:
                deadly.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return np.column_stack([X, y])

    def fit():
        rows = [da.from_delayed(dask.delayed(load)(i), (1000, 3), float) for i in range(6)]
        table = da.concatenate(rows)
        return DaskLinearPredictiveClustering(**MODEL, persist=False).fit(table[:, :2], table[:, 2])

    calm = fit()
    deadly.touch()
    struck = fit()
    assert not deadly.exists() and reads.stat().st_size >= 4
    assert struck.objective_ == calm.objective_ and struck.n_passes_ == calm.n_passes_
    assert np.array_equal(struck.coef_, calm.coef_)


def test_a_slow_worker_is_awaited_and_lost_ones_are_one_sentence(folder):
    impatient = {"distributed.deploy.lost-worker-timeout": "1ms"}
    with dask.config.set(impatient), working(workers=1) as client:
        (before,) = client.run(os.getpid).values()
        os.kill(before, signal.SIGKILL)
        assert client.submit(os.getpid).result() != before
        client.cluster.scheduler.no_workers_timeout = 0.2
        client.cluster.scale(0)
        with pytest.raises(NoSolutionError, match="All workers are gone and none came back"):
            DaskLinearPredictiveClustering(**MODEL).fit(folder, "y")


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals are those of POSIX")
def test_workers_do_not_hear_an_interrupt_that_is_for_the_program(client):
    def heard():
        os.kill(os.getpid(), signal.SIGINT)
        return signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    before = client.run(os.getpid)
    assert not any(client.run(heard).values())
    assert client.run(os.getpid) == before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_errors_of_a_task_arrive_as_they_are(folder):
    with pytest.raises(InputError, match="no column 'z' for y"):
        DaskLinearPredictiveClustering(**MODEL).fit(folder, "z")
    X = da.full((400, 1), np.nan, chunks=100)
    with pytest.raises(InputError, match="400 rows have values that are missing"):
        DaskLinearPredictiveClustering(**MODEL).fit(X, da.ones(400, chunks=100))


def test_search_and_proof_by_groups_under_dask_give_the_numbers_of_threads():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(140, 1))
    y = np.where(rng.random(140) < 0.5, 1 + 2 * X[:, 0], -1 - X[:, 0]) + 0.3 * rng.normal(size=140)
    problem = make_problem(X, y, 3)
    found = {}
    for backend in ("threading", "dask"):
        with joblib.parallel_config(backend=backend):
            start = local_search(problem, 2, random_state=0, n_jobs=2)
            found[backend] = branch_and_bound(problem, start=start, max_slices=12, n_jobs=2)
    assert np.array_equal(found["dask"].labels, found["threading"].labels)
    assert found["dask"].lower_bound == found["threading"].lower_bound > 0


def test_cross_validation_under_dask_gives_the_numbers_of_threads():
    from lpc_ns.ibc.estimator import InteractionBasedClustering

    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 2))
    y = X[:, 0] + (X[:, 1] > 0) * X[:, 0] + 0.2 * rng.normal(size=60)
    found = []
    for backend in ("threading", "dask"):
        with joblib.parallel_config(backend=backend):
            model = InteractionBasedClustering(
                model="B", split=["median"], n_jobs=2, random_state=0
            ).fit(X, y)
            found.append(model.predict(X))
    assert np.array_equal(*found)


def test_draws_under_dask_are_those_of_threads():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 1))
    y = rng.normal(size=30)
    found = {}
    for backend in ("threading", "dask"):
        with joblib.parallel_config(backend=backend, n_jobs=2):
            found[backend] = reality_test(X, y, n_draws=29, random_state=0)
    np.testing.assert_array_equal(found["dask"].draws, found["threading"].draws)
    np.testing.assert_array_equal(found["dask"].strict_draws, found["threading"].strict_draws)


def squared(task):
    """The rows of a task."""
    return [{"seed": task["seed"], "value": task["seed"] ** 2}]


@pytest.mark.parametrize("backend", ["dask", "multiprocessing"])
def test_experiments_under_other_back_ends_have_the_rows_of_one_process(backend):
    tasks = [{"seed": seed} for seed in range(4)]
    squares = Experiment("squares", "Squares", lambda full: tasks, squared, None, None)
    alone = run_experiment(squares, verbose=0)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        there = run_experiment(squares, verbose=0)
    pd.testing.assert_frame_equal(alone, there)
