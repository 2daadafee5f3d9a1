"""The paper's experiments: quick forms run and repeat themselves, interrupted runs resume, and
stored results keep their promises."""

import importlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from lpc_ns.base.errors import DataNotFoundError, InputError, LicenceError
from lpc_ns.cli import main
from lpc_ns.experiments import methods, runner
from lpc_ns.experiments.methods import (
    evaluate,
    have_reference_instances,
    latent_class_regression,
    reference_instance,
)
from lpc_ns.experiments.registry import EXPERIMENTS
from lpc_ns.experiments.runner import (
    Experiment,
    load_experiment,
    load_results,
    results_folder,
    run_experiment,
)
from lpc_ns.experiments.summaries import add_deviations
from lpc_ns.lpc.problem import brute_force, make_problem, objective, residual_sse

SYNTHETIC = ("table1", "rq1", "rq2-noise", "rq2-dim", "rq2-outliers", "alpha")
TIMED = ["seconds", "lower_bound", "status"]


@pytest.mark.parametrize("name", SYNTHETIC)
def test_quick_form_repeats_itself(name):
    experiment = load_experiment(name)
    tasks = experiment.tasks(False)
    chosen = tasks[:1] if name == "alpha" else [tasks[0], tasks[-1]]
    first = pd.DataFrame([row for task in chosen for row in experiment.run(task)])
    again = pd.DataFrame(experiment.run(tasks[0]))
    pd.testing.assert_frame_equal(
        first[: len(again)].drop(columns=TIMED), again.drop(columns=TIMED)
    )
    assert (
        experiment.name == name
        and tasks == experiment.tasks(False)
        and json.loads(json.dumps(tasks)) == tasks
    )
    assert len(experiment.summary(first)) and isinstance(experiment.draw(first), Figure)
    deviations = add_deviations(first)
    assert (first.lower_bound <= first.objective * (1 + 1e-9)).all()
    assert deviations.relative[first.method.str.startswith("ours")].max() < 1e-6
    assert (
        first.groupby("instance").lower_bound.max()
        <= first.groupby("instance").objective.min() * (1 + 1e-9)
    ).all()


@pytest.mark.parametrize("name", ["table1", "rq1", "rq2-noise", "rq2-dim", "rq2-outliers"])
def test_full_form_without_the_published_instances(name, monkeypatch):
    module = importlib.import_module(EXPERIMENTS[name].partition(":")[0])
    monkeypatch.setattr(module, "have_reference_instances", lambda: False)
    tasks = load_experiment(name).tasks(True)
    assert len(tasks) > 20 and not any("index" in task for task in tasks)
    assert name == "table1" or any(task["prove"] for task in tasks)


@pytest.mark.parametrize(
    "name", [name for name in EXPERIMENTS if (results_folder() / f"{name}.csv").is_file()]
)
def test_stored_rows_can_be_read_summarised_and_drawn(name):
    experiment = load_experiment(name)
    frame = load_results(name)
    assert len(experiment.summary(frame)) and isinstance(experiment.draw(frame), Figure)
    facts = json.loads((results_folder() / f"{name}.json").read_text())
    assert facts["full"] and facts["name"] == name and facts["versions"]["lpc_ns"]


@pytest.mark.parametrize("name", SYNTHETIC)
def test_no_published_assignment_is_better(name):
    frame = load_results(name)
    ours = "ours (global)" if name == "table1" else "ours (auto)"
    best_of_ours = (
        frame[frame.method == ours].groupby("instance").objective.max()
    )  # some data sets are filed twice
    published = frame[frame.method.str.endswith("published")]
    assert (published.objective >= best_of_ours[published.instance].to_numpy() * (1 - 1e-9)).all()
    bounds = frame.groupby("instance").lower_bound.max()
    assert (frame.objective >= bounds[frame.instance].to_numpy() * (1 - 1e-9)).all()


@pytest.mark.skipif(
    not have_reference_instances(),
    reason="the published instances are not in LPC_NS_DATA or the cache folder",
)
@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("vary_n", "rq1"),
        ("vary_k", "rq1"),
        ("vary_d", "rq2-dim"),
        ("vary_noise_std", "rq2-noise"),
        ("vary_outlier_ratio", "rq2-outliers"),
        ("vary_xtx", "table1"),
    ],
)
def test_published_runs_are_judged_from_their_labels(family, name):
    """The stored objectives of published runs, and the published mse: that of a refit without
    ridge."""
    frame = load_results(name)
    published = frame[frame.method.str.endswith("published")]
    shares = published.value if "value" in frame else [None] * len(published)
    stored = dict(
        zip(
            zip(published.instance, published.method, shares, strict=True),
            published.objective,
            strict=True,
        )
    )
    for index in range(len(methods.reference_instances(family))):
        instance, problem = reference_instance(family, index)
        share = instance.value if "value" in frame else None
        for method, run in instance.runs.items():
            value = objective(problem, run.labels)
            assert stored[
                instance.data.name, methods.PUBLISHED_NAMES[method], share
            ] == pytest.approx(value, rel=1e-9)
            free = make_problem(instance.data.X, instance.data.y, problem.n_clusters, 0.0)
            assert residual_sse(free, run.labels) / problem.n_samples == pytest.approx(
                run.mse, rel=2e-4
            )


def counting(calls, stop_at=None):
    """An experiment that notes its tasks and is interrupted at one of them, once."""

    def run(task):
        calls.append(task["seed"])
        if task["seed"] == stop_at and calls.count(stop_at) == 1:
            raise KeyboardInterrupt
        return [{"seed": task["seed"], "value": np.float64(task["seed"]) / 3}]

    return Experiment(
        "counting",
        "Counting",
        lambda full: [{"seed": s} for s in range(4)],
        run,
        pd.DataFrame.describe,
        None,
    )


def test_resume_redoes_nothing_and_only_on_request(tmp_path):
    calls = []
    with pytest.raises(KeyboardInterrupt):
        run_experiment(counting(calls, 2), folder=tmp_path, verbose=0)
    log = tmp_path / "counting-quick.jsonl"
    assert len(log.read_text().splitlines()) == 2
    log.write_text(log.read_text()[:-5])  # a disk that was full
    run_experiment(counting(calls), folder=tmp_path, verbose=0)
    assert calls == [0, 1, 2, 1, 2, 3] and not log.exists()
    with pytest.raises(KeyboardInterrupt):
        run_experiment(counting([], 2), folder=tmp_path, verbose=0)
    again = []
    frame = run_experiment(counting(again), folder=tmp_path, resume=False, verbose=0)
    assert again == [0, 1, 2, 3] and frame.value.tolist() == [0, 1 / 3, 2 / 3, 1]


def test_rows_of_another_version_are_not_reused(tmp_path):
    entry = {"version": "0.0.0", "task": {"seed": 0}, "rows": [{"seed": 0, "value": 99.0}]}
    (tmp_path / "counting-quick.jsonl").write_text(json.dumps(entry) + "\n")
    assert run_experiment(counting([]), folder=tmp_path, verbose=0).value[0] == 0


def test_em_is_no_better_than_the_optimum_and_usually_as_good():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(10):
        X = rng.normal(size=(12, 1))
        labels = rng.integers(0, 2, 12)
        problem = make_problem(X, np.where(labels, 3, -3) * X[:, 0] + 0.1 * rng.normal(size=12), 2)
        value = latent_class_regression(problem, random_state=seed).objective
        best = brute_force(problem).objective
        assert value >= best * (1 - 1e-9)
        hits += value <= best * (1 + 1e-9)
    assert hits >= 8


def test_a_licence_that_is_too_small_falls_back_to_scip(monkeypatch):
    asked = []

    def method(problem, *, solver, **_):
        asked.append(solver)
        if solver != "SCIP":
            raise LicenceError("too large")
        return "solution"

    backends = {**methods.BACKENDS, "GUROBI": type("Backend", (), {"installed": True})}
    monkeypatch.setattr(methods, "BACKENDS", backends)
    assert (
        methods.by_mip(method, None, 0, 1) == "solution"
        and asked[0] == "GUROBI"
        and asked[-1] == "SCIP"
    )


def test_greedy_rows_are_mean_and_best():
    rng = np.random.default_rng(1)
    problem = make_problem(rng.normal(size=(30, 2)), rng.normal(size=30), 2)
    mean, best = evaluate(problem, "Greedy", seed=0)
    assert (
        mean["method"] == "Greedy (mean of 20)"
        and best["objective"] <= mean["objective"]
        and mean["lower_bound"] == 0
    )


def test_command_line(tmp_path, capsys, monkeypatch):
    whole = load_experiment("table1")
    short = replace(whole, tasks=lambda full: whole.tasks(full)[::3])
    monkeypatch.setattr(runner, "load_experiment", lambda name: short)
    assert main(["reproduce", "table1", "--out", str(tmp_path)]) == 0
    assert "proved optimal" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "table1-quick.csv",
        "table1-quick.json",
        "table1-quick.png",
    ]


def test_unknown_names_and_missing_results(capsys, monkeypatch, tmp_path):
    assert main(["reproduce", "table9"]) == 2
    assert "must be one of 'table1'" in capsys.readouterr().err
    monkeypatch.setattr(runner, "results_folder", lambda: tmp_path)
    with pytest.raises(DataNotFoundError, match="lpc-ns reproduce rq1 --full"):
        load_results("rq1")
    with pytest.raises(InputError):
        load_results("rq9")
