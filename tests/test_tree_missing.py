"""Missing values, weights of features and weights of samples against trying all trees."""

import numpy as np
import pandas as pd
import pytest
from certify_trees import certify_tables

from lpc_ns import ClusterTree
from lpc_ns.base.errors import InputError


@pytest.mark.parametrize("seed", range(8))
def test_exact_and_local_search_send_missing_values_where_trying_all_trees_does(seed):
    for row in certify_tables(seed):
        assert row["difference"] < 1e-9 and row["status"] == "optimal", row


DOSES = pd.DataFrame(
    {"age": [1.0, 2, 3, 8, 9, 10, 11], "dose": [5, np.nan, 5.5, np.nan, 20, 21, 20.5]}
)


def test_rules_say_where_missing_values_go_and_predictions_follow_them():
    model = ClusterTree(2, scaling=None, feature_weights={"age": 0.0}, method="exact")
    model.fit(DOSES)
    told = dict(zip(model.rules().rule, model.rules().samples, strict=True))
    assert told == {"dose <= 10": 2, "dose > 10 (or missing)": 5}
    assert "dose >  10 (or missing)" in model.export_text()
    assert model.export_dict()["missing"] == "right"
    new = pd.DataFrame({"age": [5.0, 5, 5], "dose": [np.nan, -100.0, 1e6]})
    assert model.predict(new).tolist() == [1, 0, 1]
    assert np.isfinite(model.transform(new)).all()
    assert np.isfinite(model.score(DOSES)) and np.isfinite(model.silhouette(DOSES))


def test_arrays_lists_and_frames_with_gaps_give_one_tree():
    frame = ClusterTree(3, random_state=0).fit(DOSES)
    array = ClusterTree(3, random_state=0).fit(DOSES.to_numpy())
    assert array.export_text(["age", "dose"]) == frame.export_text()
    assert array.loss_ == frame.loss_
    rows = [5, 3, 0, 6, 1, 2, 4]
    moved = ClusterTree(3, random_state=0).fit(DOSES.iloc[rows])
    assert moved.loss_ == pytest.approx(frame.loss_, rel=1e-12)


def test_a_missing_text_is_a_level():
    table = DOSES[["age"]].assign(group=["a", None, "a", "b", "b", None, "b"])
    model = ClusterTree(3, scaling="gower").fit(table)
    assert model.encoding_.levels["group"] == ("b", "a", "missing")
    assert (model.predict(table) == model.labels_).all()
    assert model.explain(table, table.group.isna()).errors == 0


def test_gaps_that_no_split_can_place_are_refused():
    model = ClusterTree(2).fit(DOSES)
    with pytest.raises(InputError, match="'age' has missing values, the first at row 1"):
        model.predict(DOSES.assign(age=[1, np.nan, 3, 4, 5, 6, 7]))
    with pytest.raises(InputError, match="'dose' has no value"):
        ClusterTree(2).fit(DOSES.assign(dose=np.nan))
    with pytest.raises(InputError, match="local_sparsity is 2 and X has missing values"):
        ClusterTree(2, local_sparsity=2).fit(DOSES)
    with pytest.raises(InputError, match="loss_X contains NaN in 2 places"):
        ClusterTree(2).fit(DOSES, loss_X=DOSES.to_numpy())
    with pytest.raises(InputError, match="contains inf"):
        ClusterTree(2).fit(DOSES.replace(1.0, np.inf))
