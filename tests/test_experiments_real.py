"""Second half of the experiments: quick forms, stored results against the published data where
LPC_NS_DATA points to them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from lpc_ns import datasets as ds
from lpc_ns.experiments import caveats, k5, rq3
from lpc_ns.experiments.methods import have_reference_instances
from lpc_ns.experiments.runner import load_experiment, load_results, run_experiment
from lpc_ns.lpc.problem import brute_force, make_problem, objective, residual_sse

pytestmark = pytest.mark.slow

needs_data = pytest.mark.skipif(
    not have_reference_instances(), reason="LPC_NS_DATA does not point to the published data"
)


def quick(name):
    """Rows of the quick form, after its table and figure have been made."""
    frame = run_experiment(name, verbose=0)
    experiment = load_experiment(name)
    assert len(experiment.summary(frame))
    plt.close(experiment.draw(frame))
    return frame


# Quick forms


def test_pbo_every_way_is_near_the_optimum():
    frame = quick("pbo")
    done = frame[~frame.limit]
    assert (
        (done.share > 0.95).all() and (frame.share < 1 + 1e-6).all() and (frame.gap > -1e-6).all()
    )
    assert set(done.way[done.n == 20]) >= {
        "OPB, SCIP",
        "linear, HiGHS",
        "quadratic, SCIP",
        "ours, exact",
    }
    late = frame[frame.limit].groupby("way").n.min()
    assert all((frame.n[frame.way == way] <= n).all() for way, n in late.items())


def test_k5_is_proved_on_a_small_sample():
    frame = quick("k5").set_index("method")
    best = frame.loc["ours (global)"]
    assert best.lower_bound <= best.objective <= frame.objective.min() * (1 + 1e-9)
    assert frame.loc["truth", "mismatch"] == 0 < best.mismatch
    assert (frame.objective >= best.lower_bound * (1 - 1e-9)).all()


def test_separability_quick():
    frame = quick("separability")
    for (second, _), rows in frame.groupby(["second", "direction"]):
        rows = rows.set_index("method")
        assert (
            rows.status["ours"] == "optimal" and (rows.objective >= rows.lower_bound["ours"]).all()
        )
        assert rows.e_sep.nunique() == 1
        if second == "flat":
            assert rows.objective["QPBO of residuals"] < rows.objective["LPC-NS-QPBO"]


def test_caveats_quick():
    frame = quick("caveats").set_index("part")
    assert 0.25 < frame.loc["one cluster", "ratio"] < 0.45
    assert (
        abs(frame.loc["bias", "fitted"] - caveats.hard_slope(2.0, 1.0))
        < 0.1
        < frame.loc["bias", "fitted"] - 2.0 + 0.1
    )


@needs_data
@pytest.mark.certify  # seconds of eight methods on published tables
def test_rq3_quick():
    frame = quick("rq3")
    ours = frame[frame.method == "ours (auto)"].set_index(["set", "ridge"]).objective
    rows = frame[frame.objective.notna()]
    best = ours.reindex(rows.set_index(["set", "ridge"]).index).to_numpy()
    assert (rows.objective.to_numpy() >= best * (1 - 1e-9))[~np.isnan(best)].all()
    assert (rows.lower_bound <= rows.objective * (1 + 1e-9)).all()


@pytest.mark.parametrize(
    ("module", "experiment"), [(k5, k5.SEPARABILITY), (caveats, caveats.CAVEATS)]
)
def test_full_form_without_the_published_data(module, experiment, monkeypatch):
    monkeypatch.setattr(module, "have_reference_instances", lambda: False)
    tasks = experiment.tasks(True)
    assert len(tasks) > 50 and not any("set" in task or "family" in task for task in tasks)


def test_no_published_assignment_is_better():
    for name, ours in (("rq3", "ours (auto)"), ("separability", "ours")):
        frame = load_results(name)
        keys = ["set", "ridge"] if name == "rq3" else ["family", "instance", "set"]
        rows = frame[frame.method.str.endswith("published")]
        best = frame[frame.method == ours].groupby(keys, dropna=False).objective.min()
        published = rows.groupby(keys, dropna=False).objective.min()
        assert (
            len(published) >= 17 and (published >= best.reindex(published.index) * (1 - 1e-9)).all()
        )


# Mathematics


@pytest.mark.parametrize(
    ("slope", "noise", "spread"),
    [(0.0, 1.0, 1.0), (0.5, 1.0, 2.0), (3.0, 0.2, 0.5), (1.0, 0.0, 1.0)],
)
def test_slope_of_hard_assignment_by_integration(slope, noise, spread):
    def folded(x):
        mean = slope * x
        tail = (
            0.0
            if noise == 0
            else 2 * noise * norm.pdf(mean / noise) - 2 * abs(mean) * norm.sf(abs(mean) / noise)
        )
        return abs(x) * (abs(mean) + tail) * norm.pdf(x / spread) / spread

    moment = 2 * quad(folded, 0, 12 * spread)[0]
    assert caveats.hard_slope(slope, noise, spread) == pytest.approx(moment / spread**2, rel=1e-7)
    mean_square = (slope * spread) ** 2 + noise**2
    assert caveats.true_slope(
        caveats.hard_slope(slope, noise, spread), mean_square, spread
    ) == pytest.approx(slope, abs=1e-6)


def test_free_samples_counts_partitions_that_exist():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        problem = make_problem(rng.normal(size=(9, 1)), rng.normal(size=9), 2, ridge=0.1)
        labels = brute_force(problem).labels
        every = [
            objective(problem, np.array([(c >> i) & 1 for i in range(9)])) for c in range(2**9)
        ]
        for tolerance in (0.1, 1.0):
            m = k5.free_samples(problem, labels, tolerance)
            assert 2**m <= sum(
                v <= (1 + tolerance) * objective(problem, labels) * (1 + 1e-12) for v in every
            )


def test_coefficients_are_aligned_by_labels():
    data = ds.make_sd1(60, 2, noise=1, random_state=0)
    problem = make_problem(data.X, data.y, 2, ridge=0)
    assert rq3.aligned_difference(problem, 1 - data.labels, data.labels) < 1e-9
    one = np.zeros(60, dtype=int)  # an empty cluster is left out
    assert np.isfinite(rq3.aligned_difference(problem, one, data.labels))


# Stored results against the published data


@needs_data
def test_stored_figures_of_published_labels():
    frame = load_results("rq3")
    for run in ds.load_published_assignments():
        data = ds.load_uci(run.dataset)
        identifier = int(run.dataset.split("_")[0])
        name = {"lpc_ns_mip": "LPC-NS-MIP, published", "lpc_ns_qpbo": "LPC-NS-QPBO, published"}[
            run.method
        ]
        row = frame[
            (frame.set == identifier) & (frame.method == name) & (frame.ridge == run.ridge)
        ].iloc[0]
        penalised = make_problem(data.X, data.y, 2, run.ridge)
        plain = make_problem(data.X, data.y, 2, 1e-10, penalize_intercept=False)
        assert row.objective == pytest.approx(objective(penalised, run.labels), rel=1e-9)
        assert row.sse == pytest.approx(residual_sse(plain, run.labels), rel=1e-3, abs=1e-12)
        assert row.published_mse == pytest.approx(run.mse, rel=1e-9)


@needs_data
def test_published_partition_of_heart_failure_is_the_target():
    heart = ds.load_uci(519)
    for run in ds.load_published_assignments():
        if run.dataset == "519_heart_failure":
            pure = all(np.ptp(heart.y[run.labels == k]) == 0 for k in (0, 1))
            assert pure == (run.method == "lpc_ns_qpbo")
    values, counts = np.unique(ds.load_uci(89).y, return_counts=True)
    assert len(values) == 3 and counts.min() == 1


@needs_data
def test_distance_of_two_levels_by_textbook():
    data = ds.load_uci(60)
    A = np.c_[data.X, np.ones(len(data.y))]
    fits = [
        np.linalg.lstsq(A[data.labels == k], data.y[data.labels == k], rcond=None)[0]
        for k in (0, 1)
    ]
    table = rq3.level_distances(60)
    assert len(table) == 1 and table.distance[0] == pytest.approx(
        np.linalg.norm(fits[0] - fits[1]), rel=1e-6
    )


@needs_data
def test_facebook_target_is_a_sum():
    facebook = ds.load_uci(368)
    assert (
        residual_sse(make_problem(facebook.X, facebook.y, 1, 0.0), np.zeros(433, dtype=int)) < 1e-20
    )
