"""Tables in blocks: the same answer whatever the blocks, and refusals in one sentence."""

import errno
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lpc_ns import ClusterTree, LinearPredictiveClustering
from lpc_ns.base.errors import DataWarning, InputError
from lpc_ns.lpc.problem import make_problem, objective

dask = pytest.importorskip("dask", reason="needs the extra: pip install lpc_ns[dask]")
pytest.importorskip("pyarrow", reason="needs the extra: pip install lpc_ns[dask]")
import dask.array as da
import dask.dataframe as dd

from lpc_ns.base.sources import make_blocks
from lpc_ns.distributed import (
    DaskLinearPredictiveClustering,
    passes,
    write_labels,
)

N = 12_000
NAMES = [f"x{j}" for j in range(3)]
MODEL = {"n_clusters": 3, "n_init": 2, "sample_size": 3000, "random_state": 0}


@pytest.fixture(autouse=True)
def synchronous():
    """One thread, so that tests are the same everywhere."""
    with dask.config.set(scheduler="synchronous"):
        yield


def mixture(n=N, seed=0, noise=0.4):
    """Rows of three regressions that overlap."""
    rng = np.random.default_rng(seed)
    X = rng.normal(1, 2, size=(n, 3))
    W = rng.normal(0, 2, size=(3, 4))
    label = rng.integers(0, 3, n)
    return X, W[label, 0] + np.einsum("ij,ij->i", X, W[label, 1:]) + noise * rng.normal(size=n)


X, Y = mixture()
FRAME = pd.DataFrame(X, columns=NAMES).assign(y=Y)


def arrays(chunk, features=X, target=Y):
    """Dask arrays in chunks of rows."""
    return da.from_array(features, chunks=(chunk, -1)), da.from_array(target, chunks=chunk)


def fit(X, y="y", w=None, **parameters):
    """A fit whose warnings about small blocks do not matter."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*blocks have", category=DataWarning)
        return DaskLinearPredictiveClustering(**(MODEL | parameters)).fit(X, y, w)


@pytest.fixture(scope="module")
def whole():
    """The fit to one block."""
    with dask.config.set(scheduler="synchronous"):
        return fit(*arrays(N))


def emptied():
    """The table with partitions that have no rows before, between and after the others."""
    table = dd.from_pandas(FRAME, npartitions=3)
    none = table[table["x0"] > 1e9]
    return dd.concat([none, table, none], interleave_partitions=True)


FORMS = {
    "20 blocks": lambda: arrays(N // 20),
    "chunks of columns": lambda: (da.from_array(X, chunks=(700, 2)), da.from_array(Y, chunks=900)),
    "a data frame": lambda: (dd.from_pandas(FRAME, npartitions=7),),
    "two collections": lambda: (
        dd.from_pandas(FRAME[NAMES], npartitions=5),
        dd.from_pandas(FRAME["y"], npartitions=5),
    ),
    "unknown sizes": lambda: (
        dd.from_pandas(FRAME[NAMES], npartitions=4).to_dask_array(),
        dd.from_pandas(FRAME["y"], npartitions=4).to_dask_array(),
    ),
    "empty partitions": lambda: (emptied(),),
}


@pytest.mark.parametrize("form", FORMS)
def test_blocks_decide_nothing(form, whole):
    other = fit(*FORMS[form]())
    assert other.n_passes_ == whole.n_passes_
    assert other.objective_ == pytest.approx(whole.objective_, rel=1e-10)
    assert np.allclose(other.coef_, whole.coef_, rtol=1e-9)
    labels = np.asarray(other.labels_.compute())
    order = np.argsort(np.asarray(other._blocks.lay_out(first, dtype=float, names="x").compute()))
    mine = np.argsort(X[:, 0])
    assert np.array_equal(labels[order], whole.labels_.compute()[mine])


def test_three_hundred_small_blocks_decide_nothing_and_are_warned_of(whole):
    with pytest.warns(DataWarning, match="300 blocks have 40 rows each"):
        other = DaskLinearPredictiveClustering(**MODEL).fit(*arrays(N // 300))
    assert other.objective_ == pytest.approx(whole.objective_, rel=1e-10)
    assert np.array_equal(other.labels_.compute(), whole.labels_.compute())


def first(block):
    """The first feature of a block."""
    return block.X[:, 0]


def test_files_are_read_by_row_group(tmp_path, whole):
    for k, part in enumerate(np.array_split(np.arange(N), 3)):
        FRAME.iloc[part].to_parquet(tmp_path / f"part{k}.parquet", row_group_size=1500)
    names = [str(tmp_path / f"part{k}.parquet") for k in range(3)]
    for source in (tmp_path, str(tmp_path / "*.parquet"), names):
        blocks = make_blocks(source, "y")
        assert blocks.lengths.tolist() == [1500, 1500, 1000] * 3
    found = fit(tmp_path)
    assert found.objective_ == pytest.approx(whole.objective_, rel=1e-10)
    assert np.array_equal(found.labels_.compute(), whole.labels_.compute())
    assert np.allclose(found.predict(tmp_path).compute(), whole.to_local().predict(X))


def test_files_of_dask_and_of_cut_frames_are_read_as_they_were_written(tmp_path, whole):
    dd.from_pandas(FRAME, npartitions=12).to_parquet(tmp_path / "dask")
    blocks = make_blocks(tmp_path / "dask", "y")
    assert blocks.encoding.names == tuple(NAMES)  # not the index
    read = blocks.lay_out(first, dtype=float, names="x").compute()
    assert np.array_equal(read, X[:, 0])  # part.2 before part.10
    FRAME[FRAME["x0"] > 0].to_parquet(tmp_path / "cut.parquet")
    assert make_blocks(tmp_path / "cut.parquet", "y").encoding.names == tuple(NAMES)


def test_files_that_do_not_fit_together_are_refused(tmp_path):
    some = FRAME[:50]
    some.to_parquet(tmp_path / "a.parquet")
    some.assign(x1="text").to_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_text("x0,y\n1,2\n")
    some.assign(kind=some["x0"] > 0).to_parquet(tmp_path / "kinds", partition_cols=["kind"])
    here = str(tmp_path)
    for paths, message in (
        ([f"{here}/a.parquet", f"{here}/z.parquet"], "No Parquet file is there for .*z.parquet"),
        ([f"{here}/a.parquet", f"{here}/b.parquet"], "'x1' holds numbers in .*a.parquet, and text"),
        (f"{here}/c.parquet", "c.parquet cannot be read as a Parquet file"),
        (f"{here}/kinds", "folders of its own"),
    ):
        with pytest.raises(InputError, match=message):
            make_blocks(paths, "y")


def test_an_exact_fit_is_no_sign_of_changing_blocks():
    label = np.arange(N) % 3
    exact = np.einsum("ij,ij->i", X, np.eye(3)[label]) + label
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(*arrays(4000, X, exact), ridge=0)
    assert found.sse_ < 1e-15


def test_values_beyond_the_range_of_numbers_are_refused():
    for factor, message in ((1e120, "'x0' has values beyond 1e.100"), (1e-200, "hardly varies")):
        with pytest.raises(InputError, match=message):
            fit(*arrays(4000, factor * X))


def test_objective_is_near_that_of_the_fit_in_memory(whole):
    local = LinearPredictiveClustering(3, method="local", n_init=4, random_state=0).fit(X, Y)
    assert abs(whole.objective_ / local.objective_ - 1) <= 1e-7
    problem = make_problem(whole.scales_.features(X), whole.scales_.target(Y), 3)
    labels = whole.labels_.compute()
    assert objective(problem, labels) == pytest.approx(whole.objective_, rel=1e-12)
    assert whole.cluster_sizes_.tolist() == np.bincount(labels).tolist()
    assert whole.status_ == "feasible" and whole.lower_bound_ == 0


@pytest.mark.parametrize("penalised", [True, False])
def test_in_own_units_the_objective_is_that_of_the_printed_equation(penalised):
    shifted = X + np.array([0.0, 30.0, -5.0])
    found = fit(*arrays(2500, shifted), standardize=False, ridge=0.5, penalize_intercept=penalised)
    problem = make_problem(shifted, Y, 3, 0.5, penalised)
    assert objective(problem, found.labels_.compute()) == pytest.approx(found.objective_, rel=1e-10)


def test_offsets_cost_nothing(whole):
    far = fit(*arrays(3000, X + 1e7))
    assert np.allclose(far.coef_, whole.coef_, rtol=1e-9)
    own = fit(*arrays(3000, X + 1e7), standardize=False, ridge=0)
    near = fit(*arrays(3000), standardize=False, ridge=0)
    assert np.allclose(own.coef_, near.coef_, rtol=1e-9)


def test_single_precision_is_as_good_as_the_data(whole):
    single = fit(*arrays(3000, X.astype(np.float32), Y.astype(np.float32)))
    assert single.objective_ == pytest.approx(whole.objective_, rel=1e-6)
    assert single.coef_.dtype == np.float64


def test_weights_count_like_copies():
    w = np.random.default_rng(1).integers(0, 4, N).astype(float)
    rows = np.repeat(np.arange(N), w.astype(int))
    weighted = fit(dd.from_pandas(FRAME.assign(w=w), npartitions=5), "y", "w")
    copied = fit(*arrays(4000, X[rows], Y[rows]))
    assert weighted.objective_ == pytest.approx(copied.objective_, rel=1e-5)
    assert weighted.cluster_weights_ == pytest.approx(copied.cluster_weights_, abs=1e-3)
    labels = weighted.labels_.compute().to_numpy()
    sums = np.bincount(labels, w)
    assert sums / sums.sum() == pytest.approx(weighted.cluster_weights_)


def test_missing_rows_are_refused_or_left_out():
    holes = FRAME.copy()
    holes.iloc[[5, 4000, 9000], 1] = [np.nan, np.inf, np.nan]
    holes.iloc[77, 3] = np.nan
    table = dd.from_pandas(holes, npartitions=4)
    with pytest.raises(InputError, match=r"4 rows .*3 in 'x1', 1 in 'y'.*block 0 .rows 0 to 2999"):
        fit(table)
    cut = (0, 3000, 0, N - 3000)  # the first block with rows is the second
    pieces = da.from_array(holes[NAMES].to_numpy(), chunks=(cut, 3))
    with pytest.raises(InputError, match=r"block 1 .rows 0 to 2999"):
        fit(pieces, da.from_array(Y, chunks=(cut,)))
    found = fit(table, missing="drop")
    kept = np.isfinite(holes).all(axis=1)
    assert found.n_samples_ == kept.sum() and found.n_dropped_ == 4
    assert np.array_equal(found.labels_.compute() == -1, ~kept)
    clean = fit(dd.from_pandas(holes[kept].reset_index(drop=True), npartitions=4))
    assert found.objective_ == pytest.approx(clean.objective_, rel=1e-6)


def test_categories_become_columns(tmp_path):
    kind = np.random.default_rng(2).integers(0, 3, N)
    table = FRAME.assign(kind=pd.Categorical(np.array(["u", "v", "w"])[kind]))
    table["y"] += np.array([0, 4, -3])[kind]
    found = fit(dd.from_pandas(table, npartitions=5))
    assert found.encoding_.names == ("x0", "x1", "x2", "kind_v", "kind_w")
    local = found.to_local()
    features = table.drop(columns="y")
    lazy = dd.from_pandas(features, npartitions=2)
    assert np.allclose(found.predict(lazy).compute(), local.predict(features))
    assert np.array_equal(
        found.assign(lazy, dd.from_pandas(table["y"], npartitions=2)).compute(),
        local.assign(features, table["y"]),
    )
    text = table.assign(kind=table["kind"].astype(str))
    text.to_parquet(tmp_path / "text.parquet", row_group_size=5000)
    read = fit(tmp_path / "text.parquet")
    assert read.objective_ == pytest.approx(found.objective_, rel=1e-3)
    with pytest.raises(InputError, match=r"Column 'kind' is text; make it categories with"):
        fit(dd.from_pandas(text, npartitions=2))
    other = features.assign(kind=pd.Categorical(["z"] * N))
    with pytest.raises(InputError, match="has the level 'z'"):
        found.predict(dd.from_pandas(other, npartitions=1)).compute()


def test_answers_for_new_rows_are_lazy_and_agree_with_memory(whole):
    new, y = mixture(1000, seed=5)
    lazy, target = arrays(300, new, y)
    local = whole.to_local()
    assert np.allclose(whole.predict_regimes(lazy).compute(), local.predict_regimes(new))
    assert np.array_equal(whole.assign(lazy, target).compute(), local.assign(new, y))
    assert whole.score(lazy, target) == pytest.approx(local.score(new, y), rel=1e-12)
    assert np.array_equal(whole.predict(new), local.predict(new))
    assert not hasattr(local, "labels_") and local.objective_ == whole.objective_


def test_a_rare_regime_is_seen_by_the_second_sample():
    rng = np.random.default_rng(0)
    n = 30_000
    features = rng.normal(size=(n, 2))
    rare = rng.random(n) < 0.003
    y = np.where(rng.random(n) < 0.5, features @ [2.0, 0], features @ [0, -2.0])
    y += 0.3 * rng.normal(size=n)
    y[rare] = 9 + features[rare] @ [-3.0, 4.0]
    found = fit(*arrays(10_000, features, y), sample_size=1000, refine_sample=True)
    assert found.intercept_[-1] == pytest.approx(9, abs=0.2)
    assert found.coef_[-1] == pytest.approx([-3, 4], abs=0.2)


def test_one_cluster_is_one_regression():
    found = fit(*arrays(5000), n_clusters=1, ridge=0)
    exact = np.linalg.lstsq(np.column_stack([np.ones(N), X]), Y, rcond=None)[0]
    assert np.allclose(found.coef_[0], exact[1:]) and found.n_passes_ == 1
    assert found.single_sse_ == found.sse_
    assert fit(*arrays(5000), ridge=0).single_sse_ == pytest.approx(found.sse_, rel=1e-12)


def test_a_sample_that_is_the_table_is_the_search_and_the_passes():
    small, target = arrays(100, X[:500], Y[:500])
    local = LinearPredictiveClustering(3, method="local", random_state=0).fit(X[:500], Y[:500])
    found = fit(small, target, n_init=None)
    assert found.objective_ <= local.objective_ * 1.02


def test_constant_columns_are_warned_of():
    constant = np.column_stack([X, np.full(N, 3.0)])
    with pytest.warns(DataWarning, match=r"1 constant column in X \(x3\)"):
        found = fit(*arrays(4000, constant))
    assert found.coef_[:, 3] == pytest.approx(0, abs=1e-9)


def test_passes_that_do_not_converge_say_so():
    with pytest.warns(DataWarning, match="Not converged after 2 passes"):
        found = fit(*arrays(4000), max_passes=2)
    assert found.status_ == "max_passes" and len(found.trace_) == 2


def interrupting(monkeypatch, at):
    """Let the user press Ctrl-C in a pass."""
    plain = passes.one_pass
    calls = []

    def pressed(*args):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return plain(*args)

    monkeypatch.setattr(passes, "one_pass", pressed)


def test_an_interrupt_keeps_the_best_pass(monkeypatch):
    interrupting(monkeypatch, 3)
    found = fit(*arrays(4000))
    assert found.status_ == "interrupted" and found.n_passes_ == 2
    problem = make_problem(found.scales_.features(X), found.scales_.target(Y), 3)
    labels = found.labels_.compute()
    assert objective(problem, labels) == pytest.approx(found.objective_, rel=1e-9)
    interrupting(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        fit(*arrays(4000))


@pytest.mark.parametrize("n_clusters", [1, 3])
def test_an_interrupt_of_the_last_fit_keeps_the_passes(monkeypatch, n_clusters):
    whole = fit(*arrays(4000), n_clusters=n_clusters)

    def pressed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(passes, "triangles_of", pressed)
    if n_clusters == 1:  # there were no passes
        with pytest.raises(KeyboardInterrupt):
            fit(*arrays(4000), n_clusters=1)
        return
    found = fit(*arrays(4000))
    assert found.status_ == "interrupted" and found.n_passes_ == whole.n_passes_
    assert found.objective_ == pytest.approx(whole.objective_, rel=1e-6)
    assert found.single_sse_ == pytest.approx(whole.single_sse_, rel=1e-9)


def test_blocks_that_change_between_passes_are_noticed():
    rng = np.random.default_rng(0)

    def changing(i):
        return mixture(4000, seed=int(rng.integers(100)))[1][:, None]

    y = da.map_blocks(lambda block_info=None: changing(0), chunks=((4000,) * 3, (1,)), dtype=float)
    with pytest.warns(DataWarning, match="blocks differ between passes"):
        fit(arrays(4000)[0], y[:, 0])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 0}, "n_clusters is 0"),
        ({"ridge": -1}, "ridge is -1"),
        ({"tol": -1}, "tol is -1"),
        ({"missing": "fill"}, "missing is 'fill'"),
        ({"persist": 3}, "persist is 3"),
        ({"sample_size": 0}, "sample_size is 0"),
        ({"sample_size": 2}, "n_clusters"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        fit(*arrays(6000), **parameters)


def test_the_class_in_memory_names_the_lazy_one():
    with pytest.raises(InputError, match=r"use lpc_ns.distributed.DaskLinearPredictiveClustering"):
        LinearPredictiveClustering().fit(*arrays(4000))
    with pytest.raises(InputError, match="would pull all of it into memory; use predict"):
        ClusterTree(2).fit(X[:50]).transform(arrays(4000)[0])
    with pytest.raises(InputError, match="ndarray, in memory"):
        DaskLinearPredictiveClustering().fit(X, Y)


def test_chunks_of_other_lengths_are_refused():
    cut = dd.from_pandas(FRAME, npartitions=4)
    other = dd.from_pandas(FRAME.iloc[:-5], npartitions=4)
    pair = (cut[NAMES].to_dask_array(), other["y"].to_dask_array())
    with pytest.raises(InputError, match="the chunks do not fit"):
        fit(*pair)


def test_products_and_thresholds_are_found_in_files_as_in_memory(tmp_path):
    from lpc_ns.ibc.split.scan import threshold_scan
    from lpc_ns.ibc.terms.screening import screen_pairs

    table = FRAME[:2000].assign(y=lambda t: t["x0"] * t["x2"] + np.where(t["x1"] > 2, t["x0"], 0))
    table["y"] += Y[:2000]
    table.to_parquet(tmp_path / "table.parquet", row_group_size=700)
    for kind in ("pair", "all"):
        memory = screen_pairs(table[NAMES], table["y"], main_effects=kind)
        found = screen_pairs(tmp_path, "y", main_effects=kind)
        assert found.terms == memory.terms and found.feature_names == memory.feature_names
        assert found.f_statistic == pytest.approx(memory.f_statistic, rel=1e-10)
    memory = threshold_scan(table[NAMES], table["y"], table["x1"], min_samples_leaf=100)
    found = threshold_scan(tmp_path, "y", "x1", min_samples_leaf=100)
    assert found.gain.max() > 0.999 * memory.gain.max()
    assert found.n_below.min() >= 100 and found.n_samples == 2000
    place = np.searchsorted(memory.n_below, found.n_below)
    assert np.array_equal(found.thresholds, memory.thresholds[place])
    assert found.sse == pytest.approx(memory.sse[place], rel=1e-10)


def test_the_mixture_is_that_of_memory_with_weights_and_holes(tmp_path):
    from lpc_ns.lpc.search.mixture import em_refit

    table = FRAME[:1500].assign(w=np.arange(1500) % 3 + 1.0)
    table.loc[[3, 900], ["x0", "y"]] = np.nan
    table.to_parquet(tmp_path / "table.parquet", row_group_size=400)
    found = fit(tmp_path, "y", "w", missing="drop")
    mixture = found.mixture_
    labels = found.labels_.compute()
    kept = labels >= 0
    rows = (table.loc[kept, NAMES], table.loc[kept, "y"])
    memory = em_refit(*rows, posterior=np.eye(3)[labels[kept]], sample_weight=table["w"][kept])
    assert mixture.n_iter == memory.n_iter and mixture.n_units == table["w"][kept].sum()
    assert mixture.log_likelihood == pytest.approx(memory.log_likelihood, rel=1e-9)
    assert mixture.icl == pytest.approx(memory.icl, rel=1e-9)
    assert mixture.summary().table.se.to_numpy() == pytest.approx(
        memory.summary().table.se, rel=1e-5
    )
    likeliest = mixture.labels.compute()
    assert np.array_equal(likeliest == -1, ~kept)
    assert np.array_equal(likeliest[kept], memory.labels)
    assert found.mixture_ is mixture
    single = fit(tmp_path, "y", "w", missing="drop", n_clusters=1).mixture_
    assert single.entropy == 1.0 and single.converged


def test_an_interrupt_keeps_the_last_step_of_the_mixture(monkeypatch):
    from lpc_ns.distributed import mixture as room

    found = fit(*arrays(4000))
    whole = found.mixture_
    maximise = room.maximise
    calls = []

    def struck(sums, rules):
        calls.append(rules)
        if len(calls) == last:
            raise KeyboardInterrupt
        return maximise(sums, rules)

    last = 4
    monkeypatch.setattr(room, "maximise", struck)
    with pytest.warns(Warning, match="after 2 passes: it was interrupted"):
        cut = room.refit_mixture(found._blocks, found._coordinates, found._rule)
    assert cut.n_iter == 2 and not cut.converged and whole.converged
    assert np.isfinite(cut.log_likelihood) and cut.log_likelihood <= whole.log_likelihood + 1e-6
    assert np.array_equal(cut.posterior.compute().argmax(axis=1), cut.labels.compute())
    last = 2
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        room.refit_mixture(found._blocks, found._coordinates, found._rule)


def test_parameters_are_those_of_scikit_learn():
    from sklearn.base import clone

    model = clone(DaskLinearPredictiveClustering(3, ridge=0.5, missing="drop"))
    assert model.get_params()["ridge"] == 0.5 and model.missing == "drop"


def test_certificates_hold_whatever_the_order():
    rng = np.random.default_rng(3)
    x = rng.normal(size=240)
    y = np.where(rng.random(240) < 0.5, 1 + 2 * x, -1 - x) + 0.3 * rng.normal(size=240)
    order = np.argsort(y)
    optimum = LinearPredictiveClustering(2, ridge=1.0, method="global", random_state=0).fit(
        x[:, None], y
    )
    bounds = []
    for rows in (np.arange(240), order):
        found = fit(*arrays(80, x[rows, None], y[rows]), n_clusters=2, ridge=1.0)
        assert found.objective_ == pytest.approx(optimum.objective_, rel=1e-2)
        found.certify(6, 40, max_slices=20)
        assert 0 < found.lower_bound_ <= optimum.objective_ * (1 + 1e-9)
        assert found.gap_ == pytest.approx(1 - found.lower_bound_ / found.objective_)
        bounds.append(found.lower_bound_)
        found.certify(3, 40, max_slices=20)
        assert found.gap_confidence_bound_ >= 1 - optimum.objective_ / found.objective_
    assert bounds[1] < bounds[0]  # sorted rows make a weak proof
    with pytest.raises(InputError, match="confidence is 2"):
        found.certify(confidence=2)


def test_the_program_reads_tables_in_blocks(tmp_path, capsys, monkeypatch):
    from lpc_ns.cli import main

    FRAME.assign(key=np.arange(N)).to_parquet(tmp_path / "part0.parquet", row_group_size=5000)
    source = str(tmp_path / "*.parquet")
    given = ["lpc", source, "--target", "y", "--n-clusters", "3", "--n-init", "2", "--id", "key"]
    assert main([*given, "--engine", "dask", "--out", tmp_path / "out"]) == 0
    assert "Fitted: 3 regressions with" in capsys.readouterr().out
    labels = pd.read_parquet(tmp_path / "out" / "labels")
    coefficients = pd.read_csv(tmp_path / "out" / "coefficients.csv", index_col=0)
    assert len(labels) == N and list(coefficients.columns) == ["intercept", *NAMES]
    assert not list(tmp_path.rglob("*.unfinished"))
    assert main([*given, "--engine", "dask", "--out", tmp_path / "out"]) == 2
    assert "is there already" in capsys.readouterr().err
    for option in (["--group", "key"], ["--jobs", "2"], ["--gap", ".1"], ["--no-encode"]):
        assert main([*given, "--engine", "dask", *option]) == 2
        assert f"{option[0]} is not there with --engine dask" in capsys.readouterr().err
    assert main([*given, "--engine", "dask", "--drop", "z"]) == 2
    assert "no column 'z' for drop" in capsys.readouterr().err
    late = tmp_path / "late.csv"
    late.write_text("n,y\n" + "1,2\n" * 2000 + ",3\n")
    lpc = ["lpc", "--target", "y", "--engine", "dask", "--out", tmp_path / "late"]
    assert main([*lpc, late]) == 2
    assert "1 row has values that are missing" in capsys.readouterr().err
    late.write_text("n,y\n" + "1,2\n" * 2000 + "word,3\n")
    assert main([*lpc, late]) == 2
    assert "late.csv cannot be read in blocks: could not convert" in capsys.readouterr().err
    late.write_text("n,y\n" + "1.5,2\n" * 2000 + "word,3\n")
    assert main([*lpc, late]) == 2
    assert "in blocks: column 'n': could not convert string to float: 'word'." in (
        capsys.readouterr().err
    )
    late.write_text("n;y\n1;2\n")
    assert main([*lpc, late]) == 2
    assert "has the one column 'n;y'; CSV files are read in blocks if" in (
        capsys.readouterr().err
    )
    assert main([*given, "--workers", "2"]) == 2
    assert "need --engine dask" in capsys.readouterr().err
    monkeypatch.setattr("lpc_ns.reports.blocks._SHARE_OF_MEMORY", 0)
    table = tmp_path / "table.csv"
    FRAME[:50].to_csv(table, index=False)
    assert main(["lpc", table, "--target", "y", "--no-evidence", "--method", "greedy"]) == 0
    assert "--engine dask reads it in blocks" in capsys.readouterr().err


def test_a_full_disk_leaves_labels_that_say_they_are_unfinished(tmp_path, monkeypatch):
    found = fit(*arrays(len(Y) // 4))
    plain = pd.DataFrame.to_parquet
    rows = []

    def full(table, path):
        rows.append(len(table))
        if len(rows) > 2:
            Path(path).write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(table, path)

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(InputError, match=r"2 of 4 blocks of labels could not.*No space left"):
        write_labels(found, tmp_path / "labels")
    kept = sorted(path.name for path in (tmp_path / "labels.unfinished").iterdir())
    assert not (tmp_path / "labels").exists() and len(kept) == 4
    assert sum(name.endswith(".unfinished") for name in kept) == 2
    monkeypatch.undo()
    assert len(pd.read_parquet(write_labels(found, tmp_path / "labels"))) == len(Y)
