"""A rule on a date prints a date, which decides all samples as the model does."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lpc_ns import ClusterTree, InteractionBasedClustering
from lpc_ns.base.moments import Moment
from lpc_ns.cli import main
from lpc_ns.tree.show.rules import left_side


def dated(kind, n=120, seed=0):
    """Two groups before and after a moment, and a target whose slope turns there."""
    rng = np.random.default_rng(seed)
    late = np.arange(n) >= 70
    moments = {
        "days": pd.date_range("2019-11-20", periods=n),
        "minutes": pd.date_range("2020-02-28 22:10", periods=n, freq="7min"),
        "zone": pd.date_range("2020-02-28", periods=n, tz="Europe/Berlin"),
        "months": pd.period_range("2011-03", periods=n, freq="M"),
        "durations": pd.to_timedelta(np.arange(n) * 1000 + 17, unit="s"),
        "seconds": pd.date_range("2020-02-28 22:10:07", periods=n, freq="1003ms"),
    }
    x = rng.normal(size=n)
    y = np.where(late, 2, -2) * x + 0.2 * rng.normal(size=n)
    return pd.DataFrame({"t": moments[kind], "x": x}), y, late


def says(rule, column):
    """Which rows a rule `t <= moment` or `t > moment` holds for, read by pandas alone."""
    _, sign, text = rule.split(" ", 2)
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if getattr(column.dt, "tz", None) is not None:
        assert text.endswith(" UTC")
    is_span = pd.api.types.is_timedelta64_dtype(column.dtype)
    if is_span and text.count(":") == 1:
        text += ":00"
    moment = pd.Timedelta(text) if is_span else pd.Timestamp(text)
    return (column <= moment if sign == "<=" else column > moment).to_numpy()


@pytest.mark.parametrize("kind", ["days", "minutes", "zone", "months", "durations", "seconds"])
def test_the_printed_moment_of_a_tree_decides_all_samples(kind):
    table = dated(kind)[0]
    model = ClusterTree(2, random_state=0).fit(table[["t"]])
    rules = model.rules()
    for row in rules.itertuples():
        assert np.array_equal(says(row.rule, table.t), model.labels_ == row.cluster)
    shown = rules.rule.iloc[0].split(" <= ")[1]
    assert model.export_dict()["threshold_text"] == shown
    assert shown in model.export_text() and shown in model.plot_tree().texts[-3].get_text()


@pytest.mark.parametrize("kind", ["days", "minutes", "durations"])
@pytest.mark.parametrize("model", ["B", "tree"])
def test_the_printed_moment_of_a_regime_decides_all_samples(kind, model):
    table, y, late = dated(kind)
    fit = InteractionBasedClustering(model=model, candidates=["t"], random_state=0).fit(table, y)
    assert len(fit.rules()) > 1
    if len(fit.rules()) == 2:
        for k, rule in enumerate(fit.rules()):
            assert np.array_equal(says(rule, table.t), fit.labels_ == k)
        assert np.mean(fit.labels_ == late) > 0.95


def test_gaps_and_sums_of_dates():
    """A date with gaps keeps its text; in a weighted sum it counts in days, and says so."""
    table, _, _ = dated("days")
    gaps = table.assign(t=table.t.where(np.arange(len(table)) % 9 > 0))
    rule = ClusterTree(2, random_state=0, feature_weights={"t": 9}).fit(gaps).rules().rule
    assert rule.str.contains(r"t (?:<=|>) 20(?:19|20)-\d\d-\d\d").all()
    assert rule.str.contains("(or missing)", regex=False).sum() == 1
    split = SimpleNamespace(feature=np.array([-1]), weights=np.array([[0.5, -1.0]]))
    side = left_side(split, 0, [Moment("t", "2019-11-20", daily=True), "x"])
    assert side == "0.5 t (days since 2019-11-20) - x"


def test_reports_print_dates(tmp_path):
    """Text, page, JSON and files of all three commands, and of labels that are explained."""
    table, y, late = dated("days")
    table.assign(y=y).to_csv(tmp_path / "d.csv", index=False)
    pd.DataFrame({"cluster": late.astype(int)}).to_csv(tmp_path / "k.csv", index=False)
    for extra in ([], ["--explain", str(tmp_path / "k.csv")]):
        argv = ["tree", str(tmp_path / "d.csv"), "--drop", "y", "x", "--n-clusters", "2", *extra]
        assert main([*argv, "--quiet"]) == 0
        out = tmp_path / "d_tree"
        tree = json.loads((out / "report.json").read_text())["tree"]
        assert tree["threshold_text"] in (out / "report.html").read_text()
        assert tree["threshold_text"] in pd.read_csv(out / "rules.csv").rule[0]
    assert tree["threshold_text"] == "2020-01-28"  # of row 69, the last before the groups part
    centers = pd.read_csv(tmp_path / "d_tree" / "centers.csv")
    assert pd.to_datetime(centers.t).between("2019-11-20", "2020-03-18").all()


def test_axes_of_dates_have_dates():
    """Days since the first date stand at ticks that are beginnings of months."""
    table, _, _ = dated("days")
    model = ClusterTree(3, random_state=0).fit(table)
    ax = model.plot_partition(table, ["t", "x"])
    ax.figure.canvas.draw()
    labels = [tick.get_text() for tick in ax.get_xticklabels()]
    assert "2020" in labels and "Feb" in labels
    where = dict(zip(labels, ax.get_xticks(), strict=True))["2020"]
    assert where == (pd.Timestamp("2020-01-01") - pd.Timestamp("2019-11-20")).days
    assert isinstance(model.encoding_.names[0], Moment)
