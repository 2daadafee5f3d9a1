"""Part I on tables in blocks: cells of a sample, coefficients of all rows."""

import numpy as np
import pandas as pd
import pytest

from lpc_ns import InteractionBasedClustering
from lpc_ns.base.errors import InputError

dask = pytest.importorskip("dask", reason="needs the extra: pip install lpc_ns[dask]")
pytest.importorskip("pyarrow", reason="needs the extra: pip install lpc_ns[dask]")
import dask.array as da
import dask.dataframe as dd

from lpc_ns.ibc import blocks as room
from lpc_ns.ibc.split.cells import fit_cells

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(1200, 3)), columns=["age", "dose", "time"])
Y = 3 * np.sign(FRAME.dose - 0.3) * FRAME.age + FRAME.time + 0.5 * RNG.normal(size=1200)
FRAME["y"] = Y


def make(model="D", **options):
    return InteractionBasedClustering(model, split="threshold", cv=2, random_state=0, **options)


@pytest.fixture(autouse=True)
def threads():
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="module")
def whole():
    return make().fit(FRAME[["age", "dose", "time"]], FRAME.y)


@pytest.fixture(scope="module")
def sampled():
    """A fit whose sample is a third of the rows."""
    with pytest.MonkeyPatch.context() as patch, dask.config.set(scheduler="synchronous"):
        patch.setattr(room, "_SAMPLE", 400)
        return make().fit(dd.from_pandas(FRAME, npartitions=5).drop(columns="y"), lazy_y(5))


def lazy_y(parts):
    return dd.from_pandas(FRAME, npartitions=parts)["y"]


def forms(folder):
    """The table in several forms: features and target."""
    dd.from_pandas(FRAME, npartitions=3).to_parquet(folder)
    yield str(folder), "y"
    yield dd.from_pandas(FRAME, npartitions=1), "y"
    X = FRAME.to_numpy()[:, :3]
    empty = da.concatenate([da.from_array(X[:1]), da.ones((0, 3)), da.from_array(X[1:])])
    y = da.concatenate([da.from_array(Y[:1].to_numpy()), da.ones(0), da.from_array(Y[1:].values)])
    yield empty, y


def test_a_table_that_is_its_own_sample_is_fitted_as_in_memory(tmp_path, whole):
    for X, y in forms(tmp_path):
        model = make().fit(X, y)
        assert np.array_equal(model.coef_, whole.coef_)
        assert np.array_equal(model.labels_.compute(), whole.labels_)
        assert np.allclose(model.predict(X).compute(), whole.predict(FRAME.iloc[:, :3]))
        assert np.array_equal(model.assign(X).compute(), whole.labels_)


def test_all_rows_count_in_the_coefficients(sampled):
    labels = sampled.labels_.compute().to_numpy()
    design = sampled.models_["D"].design(FRAME.to_numpy()[:, :3])
    for k, (slopes, level) in enumerate(zip(sampled.coef_, sampled.intercept_, strict=True)):
        own = labels == k
        A = np.column_stack([np.ones(own.sum()), design[own]])
        best = np.linalg.lstsq(A, Y[own], rcond=None)[0]
        assert np.allclose([level, *slopes], best, atol=1e-9)
    assert str(int((labels == 0).sum())) in sampled.export_text()


@pytest.mark.parametrize("weighted", [False, True])
def test_a_penalty_that_was_asked_for_acts_on_all_rows(monkeypatch, weighted):
    monkeypatch.setattr(room, "_SAMPLE", 400)
    w = RNG.integers(1, 4, 1200).astype(float) if weighted else None
    given = dd.from_pandas(pd.Series(w), npartitions=2) if weighted else None
    X = dd.from_pandas(FRAME, npartitions=2).drop(columns="y")
    model = make(ridge=500.0).fit(X, lazy_y(2), given)
    design = model.models_["D"].design(FRAME.to_numpy()[:, :3])
    labels = model.labels_.compute().to_numpy()
    K = len(model.coef_)
    memory = fit_cells(design, Y.to_numpy(), labels, K, ridge=500.0, weights=w)
    assert np.allclose(model.coef_, memory.coef) and np.allclose(model.intercept_, memory.intercept)
    plain = make(ridge=0.0).fit(X, lazy_y(2), given)
    assert np.ptp(model.coef_, axis=0).sum() < 0.5 * np.ptp(plain.coef_, axis=0).sum()


def test_neither_weights_nor_offsets_nor_blocks_change_what_all_rows_say(monkeypatch, sampled):
    monkeypatch.setattr(room, "_SAMPLE", 400)
    X = dd.from_pandas(FRAME.drop(columns="y").assign(time=FRAME.time + 1e7), npartitions=2)
    even = dd.from_pandas(pd.Series(np.full(1200, 2.0)), npartitions=2)
    model = make().fit(X, lazy_y(2), even)
    assert np.allclose(model.coef_, sampled.coef_, rtol=1e-6, atol=1e-8)


def test_single_precision_and_constant_columns(monkeypatch):
    monkeypatch.setattr(room, "_SAMPLE", 400)
    X = FRAME[["age", "dose", "time"]].astype(np.float32).assign(one=np.float32(1))
    with pytest.warns(Warning, match="constant"):
        model = make("A").fit(dd.from_pandas(X, npartitions=3), lazy_y(3))
    assert np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "stack"}, "a mean of several models"),
        ({"honest": True}, "honest is True"),
        ({"n_committees": 3}, "n_committees is 3"),
    ],
)
def test_what_one_pass_cannot_refit_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        make(**options).fit(dd.from_pandas(FRAME, npartitions=2), "y")


def test_tables_that_part_one_cannot_read_in_blocks_are_refused(whole, sampled):
    holes = dd.from_pandas(FRAME.assign(age=FRAME.age.where(FRAME.index != 700)), npartitions=2)
    with pytest.raises(InputError, match="in 1 row, most often in 'age'"):
        make().fit(holes, "y")
    text = FRAME.assign(city=pd.Categorical(["a", "b"] * 600))
    with pytest.raises(InputError, match="'city' holds categories"):
        make().fit(dd.from_pandas(text, npartitions=2), "y")
    with pytest.raises(InputError, match="was fitted in memory"):
        whole.predict(dd.from_pandas(FRAME, npartitions=2))
    with pytest.raises(InputError, match="predict or assign, which take blocks"):
        sampled.predict_interval(dd.from_pandas(FRAME, npartitions=2))


def test_columns_are_known_by_name(sampled):
    turned = FRAME[["y", "time", "dose", "age"]]
    lazy = sampled.predict(dd.from_pandas(turned, npartitions=2)).compute()
    assert np.allclose(lazy, sampled.predict(FRAME[["age", "dose", "time"]]))
