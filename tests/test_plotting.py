"""The figures show the numbers that they were given."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from lpc_ns.base.errors import InputError
from lpc_ns.plotting import (
    assignment_margins,
    partial_residuals,
    plot_branches,
    plot_coefficients,
    plot_margins,
    plot_regimes,
    plot_threshold_path,
    plot_threshold_stability,
    plot_trace,
    regime_colors,
)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def data():
    """Four regimes, the third of them without samples, in four features."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4))
    labels = rng.choice([0, 1, 3], 90)
    coef = rng.normal(size=(4, 4))
    intercept = rng.normal(size=4)
    y = intercept[labels] + np.sum(coef[labels] * X, axis=1) + rng.normal(0, 0.3, 90)
    return X, y, labels, coef, intercept


@pytest.mark.parametrize("feature", range(4))
def test_distance_from_the_line_is_the_residual(data, feature):
    X, y, labels, coef, intercept = data
    residual = y - intercept[labels] - np.sum(coef[labels] * X, axis=1)
    adjusted, offset = partial_residuals(X, y, labels, coef, feature)
    assert np.allclose(
        adjusted - (intercept + offset)[labels] - coef[labels, feature] * X[:, feature], residual
    )
    ax = plot_regimes(*data, feature=feature)
    for k, points, line in zip([0, 1, 3], ax.collections, ax.lines, strict=True):
        assert np.allclose(
            points.get_offsets(), np.column_stack([X[:, feature], adjusted])[labels == k]
        )
        (x0, x1), (y0, y1) = line.get_data()
        assert np.isclose((y1 - y0) / (x1 - x0), coef[k, feature])
        assert (x0, x1) == (X[labels == k, feature].min(), X[labels == k, feature].max())
    assert [text.get_text().split(" (")[0] for text in ax.get_legend().get_texts()] == [
        "regime 0",
        "regime 1",
        "regime 3",
    ]


def test_default_feature_moves_y_most(data):
    X, y, labels, coef, intercept = data
    X = X * [1, 1, 50, 1]
    coef[:, 2] = [0.1, -0.1, 99, 0]
    assert plot_regimes(X, y, labels, coef, intercept).get_xlabel() == "x2"
    coef[[0, 1, 3], 2] = 0.1
    assert plot_regimes(X, y, labels, coef, intercept).get_xlabel() != "x2"


def test_estimator_and_arrays_give_the_same_figure(data):
    X, y, labels, coef, intercept = data
    model = SimpleNamespace(labels_=labels, coef_=coef, intercept_=intercept)
    frame = pd.DataFrame(X, columns=list("abcd"))
    series = pd.Series(y, name="price")
    by_arrays = plot_regimes(*data, feature=1)
    by_model = plot_regimes(frame, series, model, feature="b")
    for one, other in zip(by_arrays.collections, by_model.collections, strict=True):
        assert np.array_equal(one.get_offsets(), other.get_offsets())
    assert by_model.get_xlabel() == "b"
    assert by_model.get_ylabel().startswith("price")
    assert plot_margins(frame, series, model).get_xlabel() == "margin in units of price"


def test_margins_against_a_loop(data):
    X, y, labels, coef, intercept = data
    margins = assignment_margins(*data)
    for i in range(len(y)):
        size = {k: abs(y[i] - intercept[k] - X[i] @ coef[k]) for k in (0, 1, 3)}
        own = size.pop(labels[i])
        assert np.isclose(margins[i], min(size.values()) - own)
    best = np.argmin(np.abs(y[:, None] - X @ coef.T - intercept), axis=1)
    assert (assignment_margins(X, y, best, coef, intercept) >= 0).all()


def test_margin_figure_holds_the_sorted_margins(data):
    margins = assignment_margins(*data)
    labels = data[2]
    ax = plot_margins(*data)
    assert len(ax.collections) == 3
    for k, area in zip([0, 1, 3], ax.collections, strict=True):
        drawn = set(np.round(area.get_paths()[0].vertices[:, 0], 9))
        assert set(np.round(margins[labels == k], 9)) <= drawn


def test_coefficients_with_intercept_and_intervals(data):
    *_, coef, intercept = data
    values = np.column_stack([intercept, coef])
    intervals = values[..., None] + [-0.5, 0.7]
    ax = plot_coefficients(coef, intercept, intervals=intervals, feature_names=list("abcd"))
    for k in range(4):
        assert np.allclose(ax.lines[k].get_xdata(), values[k])
        ends = np.array([segment[:, 0] for segment in ax.collections[k].get_segments()])
        assert np.allclose(ends, intervals[k])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["intercept", "a", "b", "c", "d"]
    heights = np.array([line.get_ydata() for line in ax.lines[:4]])
    assert (np.abs(heights - np.arange(5)) < 0.5).all()


def test_empty_regime_of_an_estimator_is_left_out(data):
    _, _, labels, coef, intercept = data
    ax = plot_coefficients(SimpleNamespace(labels_=labels, coef_=coef, intercept_=intercept))
    assert np.allclose([line.get_xdata() for line in ax.lines[:3]], coef[[0, 1, 3]])


def test_trace_draws_what_is_finite_and_changes_nothing():
    trace = np.array([[0, np.inf, -np.inf], [1, 9, -np.inf], [2, 8, 3]])
    before = trace.copy()
    ax = plot_trace(SimpleNamespace(trace=trace), xlabel="iterations")
    assert np.array_equal(trace, before)
    assert len(plot_trace(trace).lines) == 2
    objective, bound = (line.get_ydata() for line in ax.lines)
    assert np.array_equal(objective, [np.nan, 9, 8], equal_nan=True)
    assert np.array_equal(bound, [np.nan, np.nan, 3], equal_nan=True)
    assert plot_trace([(0, 5)], ax=ax) is ax
    assert len(ax.lines) == 3


def test_legend_stands_beside_the_data(data):
    for ax in (
        plot_regimes(*data),
        plot_margins(*data),
        plot_coefficients(data[3]),
        plot_trace([(0, 1), (1, 0)]),
    ):
        ax.figure.canvas.draw()
        assert ax.get_legend().get_window_extent().x0 > ax.get_window_extent().x1
        assert ax.get_legend().get_window_extent().x1 <= ax.figure.bbox.x1 + 1


def test_colours_repeat_after_eight():
    colors = regime_colors(10)
    assert len(set(colors)) == 8
    assert colors[8:] == colors[:2]


def test_refusals(data):
    X, y, labels, coef, intercept = data
    for call, message in (
        (lambda: plot_regimes(X, y, labels, coef[:, :2], intercept), "coef has shape"),
        (lambda: plot_regimes(X, y, labels, coef, intercept[:2]), "intercept has shape"),
        (lambda: plot_regimes(X, y, labels + 0.5, coef, intercept), "whole numbers"),
        (lambda: plot_regimes(X, y, labels, coef, intercept, feature=4), "feature is 4"),
        (lambda: plot_regimes(X, y, labels, coef, intercept, feature_names=["a"]), "1 names"),
        (lambda: plot_coefficients(coef, intervals=np.ones((4, 3, 2))), "intervals has shape"),
        (lambda: plot_coefficients(coef, intervals=coef[..., None] + [1, 0]), "lower"),
        (lambda: plot_trace([]), "non-empty"),
        (lambda: plot_trace([(0, 1), (1, 2, 3)]), "of one kind"),
    ):
        with pytest.raises(InputError, match=message):
            call()


@pytest.fixture
def branches():
    """Three cells, the second of them without samples."""
    rng = np.random.default_rng(1)
    x = pd.Series(rng.normal(size=80), name="dose")
    labels = rng.choice([0, 2], 80)
    return (
        x,
        pd.Series(np.array([1, 0, -2])[labels] * x + rng.normal(0, 0.1, 80), name="response"),
        labels,
    )


def test_branches_have_the_lines_of_their_cells(branches):
    x, y, labels = branches
    ax = plot_branches(x, y, labels, regime_names=["low", "middle", "high"])
    for k, line in zip([0, 2], ax.lines, strict=True):
        assert np.allclose(
            np.polyfit(*line.get_data(), 1), np.polyfit(x[labels == k], y[labels == k], 1)
        )
    assert [text.get_text().split(" (")[0] for text in ax.get_legend().get_texts()] == [
        "low",
        "high",
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("dose", "response")
    level = plot_branches(np.ones(5), np.arange(5.0), np.zeros(5, dtype=int)).lines[0]
    assert np.allclose(level.get_ydata(), 2)


def test_path_is_sorted_finite_and_marked():
    thresholds = np.array([3.0, 1.0, 2.0, 4.0])
    statistic = np.array([5.0, 1.0, 9.0, np.nan])
    ax = plot_threshold_path(thresholds, statistic, critical_value=7, label="age")
    assert np.array_equal(ax.lines[0].get_xydata(), [[1, 1], [2, 9], [3, 5]])
    assert np.array_equal(ax.lines[1].get_xydata(), [[2, 9]])
    assert set(ax.lines[2].get_ydata()) == {7}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "age (largest at 2)",
        "critical value 7",
    ]
    assert ax.get_ylim()[0] == 0
    assert plot_threshold_path([0.5], [2.0], ax=ax) is ax
    assert len(ax.lines) == 5


def test_stability_counts_every_resample():
    thresholds = np.append(np.random.default_rng(2).normal(size=200), [np.nan] * 50)
    ax = plot_threshold_stability(thresholds, chosen=0.1, level=0.8, xlabel="age")
    shade, *bars = ax.patches
    assert np.allclose(
        [shade.get_x(), shade.get_x() + shade.get_width()], np.nanquantile(thresholds, [0.1, 0.9])
    )
    assert sum(bar.get_height() for bar in bars) == 200
    assert "200 of 250 resamples" in [text.get_text() for text in ax.get_legend().get_texts()]
    ticks = ax.collections[-1].get_segments()
    assert np.allclose(sorted(tick[0, 0] for tick in ticks), np.sort(thresholds[:200]))
    one = plot_threshold_stability([2.0, 2.0, 2.0])
    assert sum(bar.get_height() for bar in one.patches[1:]) == 3


def test_regime_names_in_legends(data):
    names = ["a <= 1", "1 < a <= 2", "2 < a <= 3", "a > 3"]
    texts = [
        text.get_text()
        for text in plot_coefficients(data[3], regime_names=names).get_legend().get_texts()
    ]
    assert texts == names
    texts = [
        text.get_text().split(" (")[0]
        for text in plot_regimes(*data, regime_names=names).get_legend().get_texts()
    ]
    assert texts == [names[0], names[1], names[3]]


def test_refusals_of_split_figures(branches):
    x, y, labels = branches
    for call, message in (
        (
            lambda: plot_branches(x, y, labels, regime_names=["low", "high"]),
            "labels run from 0 to 2",
        ),
        (lambda: plot_branches(x[:70], y, labels), "x has shape"),
        (lambda: plot_branches(x, y, labels / 2), "whole numbers"),
        (
            lambda: plot_coefficients([[1.0], [2.0]], regime_names=["low"]),
            "regime_names has 1 names",
        ),
        (lambda: plot_threshold_path([1, 2], [1.0]), "statistic has shape"),
        (lambda: plot_threshold_path([1, 2], [np.nan, np.nan]), "no path"),
        (
            lambda: plot_threshold_path([1, 2], [1.0, 2.0], critical_value=-1),
            "critical_value is -1",
        ),
        (lambda: plot_threshold_stability([[1.0]]), "must be a vector"),
        (lambda: plot_threshold_stability([]), "0 finite values"),
        (lambda: plot_threshold_stability([1.0], level=1.0), "level is 1.0"),
    ):
        with pytest.raises(InputError, match=message):
            call()
