"""Trees of tables in blocks are those of memory, or are refused in one sentence."""

import numpy as np
import pandas as pd
import pytest

from lpc_ns import ClusterTree
from lpc_ns.base.errors import InputError

dask = pytest.importorskip("dask", reason="needs the extra: pip install lpc_ns[dask]")
pytest.importorskip("pyarrow", reason="needs the extra: pip install lpc_ns[dask]")
import dask.array as da
import dask.dataframe as dd

from lpc_ns.tree import blocks as room
from lpc_ns.tree.blocks import sampled_gap

RNG = np.random.default_rng(0)
CENTERS = RNG.normal(0, 6, size=(4, 3))
X = CENTERS[RNG.integers(0, 4, 3000)] + RNG.normal(size=(3000, 3))
FRAME = pd.DataFrame(X, columns=["age", "dose", "time"])


@pytest.fixture(autouse=True)
def threads():
    with dask.config.set(scheduler="threads"):
        yield


@pytest.fixture(scope="module")
def whole():
    return ClusterTree(4, method="histogram", random_state=0).fit(X)


def forms(folder):
    """The table in several forms."""
    dd.from_pandas(FRAME, npartitions=4).to_parquet(folder)
    yield da.from_array(X, chunks=(700, 2))
    yield da.from_array(X, chunks=(3000, 3))
    empty = da.concatenate([da.from_array(X[:10]), da.ones((0, 3)), da.from_array(X[10:])])
    yield empty.rechunk({1: -1})
    yield dd.from_pandas(FRAME, npartitions=5)
    yield str(folder)


def test_the_form_of_the_table_decides_nothing(tmp_path, whole):
    for table in forms(tmp_path / "table"):
        tree = ClusterTree(4, random_state=0).fit(table)
        np.testing.assert_array_equal(np.asarray(tree.labels_.compute()), whole.labels_)
        np.testing.assert_array_equal(tree.tree_.threshold, whole.tree_.threshold)
        assert tree.objective_ == pytest.approx(whole.objective_, rel=1e-12)
        assert tree.lower_bound_ == pytest.approx(whole.lower_bound_, rel=1e-9)
        assert tree.cluster_sizes_.tolist() == whole.cluster_sizes_.tolist()
        assert (np.asarray(tree.predict(table).compute()) == whole.labels_).all()


def test_a_sample_finds_the_structure_and_passes_the_cuts(monkeypatch, whole):
    monkeypatch.setattr(room, "_SAMPLE", 500)
    tree = ClusterTree(4, random_state=0).fit(da.from_array(X, chunks=(400, 3)))
    assert tree.loss_ <= 1.01 * whole.loss_
    labels = tree.labels_.compute()
    Z = (X - X.min(axis=0)) / np.ptp(X, axis=0)
    loss = sum(((Z[labels == k] - Z[labels == k].mean(axis=0)) ** 2).sum() for k in range(4))
    assert tree.loss_ == pytest.approx(loss, rel=1e-10)
    assert tree.cluster_sizes_.tolist() == np.bincount(labels).tolist()
    for k in range(4):
        np.testing.assert_allclose(tree.cluster_centers_[k], X[labels == k].mean(axis=0))


def test_frames_name_what_the_rules_say(whole):
    tree = ClusterTree(4, random_state=0).fit(dd.from_pandas(FRAME, npartitions=3))
    named = ClusterTree(4, method="histogram", random_state=0).fit(FRAME)
    assert tree.export_text() == named.export_text()
    assert tree.feature_names_in_.tolist() == ["age", "dose", "time"]
    assert (tree.predict(FRAME) == whole.labels_).all()
    assert tree.score(FRAME) == pytest.approx(whole.score(X), rel=1e-9)


def test_the_bound_with_confidence_speaks_of_the_same_tree(whole):
    lazy = da.from_array(X, chunks=(700, 3))
    tree = ClusterTree(4, random_state=0).fit(lazy)
    for model, table in ((tree, lazy), (whole, X)):
        assert 0 <= 1 - model.price_of_explainability_**-1 <= sampled_gap(model, table, 3, 60) < 0.5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"criterion": "l1"}, "criterion is 'l1'"),
        ({"method": "exact"}, "method is 'exact'"),
        ({"max_leaves": 6}, "a cluster for every leaf"),
        ({"local_sparsity": 2}, "local_sparsity is 2"),
    ],
)
def test_what_bins_of_blocks_cannot_do_is_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        ClusterTree(4, **parameters).fit(da.from_array(X, chunks=(1000, 3)))


def test_tables_that_bins_cannot_read_are_refused():
    gone = FRAME.assign(age=FRAME.age.where(FRAME.age > FRAME.age.min()))
    text = FRAME.assign(kind=pd.Categorical(np.where(FRAME.age > 0, "a", "b")))
    pairs = (gone, "infinite in 1 row, most often in 'age'"), (text, "'kind' holds categories")
    for frame, message in pairs:
        with pytest.raises(InputError, match=message):
            ClusterTree(3).fit(dd.from_pandas(frame, npartitions=2))
    with pytest.raises(InputError, match="sample_weight is given"):
        ClusterTree(3).fit(da.from_array(X), sample_weight=np.ones(3000))
    with pytest.raises(InputError, match="No Parquet file"):
        ClusterTree(3).fit("nowhere.parquet")


def test_an_offset_costs_no_digits():
    far = X + np.array([0, 1e12, 0])
    local = ClusterTree(4, method="histogram", random_state=0).fit(far)
    tree = ClusterTree(4, random_state=0).fit(da.from_array(far, chunks=(700, 3)))
    assert np.isclose(tree.objective_, local.objective_, rtol=1e-12)
    assert np.isclose(tree.root_loss_, local.root_loss_, rtol=1e-12)


def test_equal_samples_leave_no_loss_and_no_split(tmp_path):
    two = np.column_stack([np.arange(40) % 2.0, np.ones(40)])
    with pytest.warns(Warning, match="constant column"):
        tree = ClusterTree(2, random_state=0).fit(da.from_array(two, chunks=(7, 2)))
    assert 0 <= tree.loss_ < 1e-12 and 0 <= tree.lower_bound_ <= tree.objective_
    with pytest.raises(InputError, match=r"constant \(40 rows\)"):
        ClusterTree(2).fit(da.ones((40, 2), chunks=(7, 2)))


def test_truth_values_are_no_numbers(tmp_path):
    frame = dd.from_pandas(FRAME.assign(old=FRAME.age > 0), npartitions=2)
    frame.to_parquet(tmp_path)
    for table in (frame, str(tmp_path)):
        with pytest.raises(InputError, match="'old' holds truth values"):
            ClusterTree(2).fit(table)


@pytest.mark.parametrize("at", [1, 3])
def test_an_interrupt_between_passes_keeps_the_cuts_so_far(monkeypatch, whole, at):
    plain = room.BlockBins.recut
    calls = []

    def pressed(*args):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return plain(*args)

    monkeypatch.setattr(room.BlockBins, "recut", pressed)
    model = ClusterTree(4, random_state=0).fit(da.from_array(X, chunks=(700, 3)))
    assert model.status_ == "interrupted" and len(calls) == at
    Z = model._loss_scaling.transform(X)
    labels = model.labels_.compute()
    loss = sum(((Z[labels == k] - Z[labels == k].mean(0)) ** 2).sum() for k in set(labels))
    assert model.loss_ == pytest.approx(loss) and model.loss_ >= whole.loss_ * (1 - 1e-9)
    assert model.lower_bound_ <= whole.objective_
