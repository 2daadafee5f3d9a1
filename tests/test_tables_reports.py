"""What reports say of tables in which something is missing: variation, weights, units."""

import html
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lpc_ns import ClusterTree, InteractionBasedClustering, LinearPredictiveClustering
from lpc_ns.base.metrics import mismatch
from lpc_ns.reports.evidence import Evidence, part_to_test, settle
from lpc_ns.reports.ibc import fit_ibc_table
from lpc_ns.reports.lpc import fit_lpc_table
from lpc_ns.reports.page import html_table
from lpc_ns.reports.tree import fit_tree_table


@pytest.fixture(scope="module")
def table():
    """A line, a column that does not vary, weights and units."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 60)
    return pd.DataFrame(
        {
            "x": x,
            "three": 3.0,
            "wt": rng.integers(1, 4, 60),
            "who": np.repeat(np.arange(20), 3),
            "y": 1 + 2 * x + 0.1 * rng.normal(size=60),
        }
    )


def test_a_constant_target_is_said_to_be_one(table):
    plain = table[["x", "three"]].assign(y=3.0)
    report = fit_ibc_table(plain, "y", folds=2, model="B", random_state=0)
    assert report.answer()[0] == "no" and "target is constant" in report.answer()[1]
    assert (report.comparison.table["r2"] > 0.99).all()
    assert max(map(len, str(report).splitlines())) < 400


def test_a_constant_column_has_no_slope(table):
    plain = table[["x", "three", "y"]]
    report = fit_lpc_table(
        plain, "y", standardize=False, method="local", n_init=1, evidence=False, random_state=0
    )
    lines = report.coefficients
    assert (lines["three"] == 0).all() and np.abs(report.model.coef_[:, 1]).max() > 0
    drawn = lines["intercept"].to_numpy() + np.outer(plain.x, lines["x"])
    own = drawn[np.arange(60), report.model.labels_]
    np.testing.assert_allclose(own, report.fitted)
    found = fit_ibc_table(plain, "y", folds=2, model="A", evidence=False, random_state=0)
    assert (found.equation.table["three"].iloc[0] == 0).all()


def test_weights_and_units_are_said(table):
    plain = table.drop(columns="three")
    told = "Rows have the weights in column 'wt'."
    lpc = fit_lpc_table(
        plain, "y", weights="wt", groups="who", method="local", n_init=1, evidence=False
    )
    assert told in str(lpc) and "Rows of a unit stay together: 20 units in column 'who'." in str(
        lpc
    )
    tree = fit_tree_table(plain.drop(columns="who"), 2, weights="wt")
    assert told in str(tree) and "Rows have the weights in column" in tree.to_html()


def test_an_exact_fit_is_printed_with_digits_that_say_something(table):
    exact = table[["x"]].assign(y=2 * table.x + 1 / 3)
    report = fit_ibc_table(exact, "y", folds=2, model="A", evidence=False, random_state=0)
    assert report.equation.digits <= 11


def test_a_part_of_a_table_keeps_its_few_units():
    groups = np.repeat(np.arange(12), 100)
    X = np.zeros((1200, 18))
    part, _ = part_to_test(X, groups * 1.0, 2, groups, "squared", np.random.default_rng(0))
    assert len(part.y) < 1200 and len(np.unique(part.groups)) == 12


def numbers_of_no_unit(report):
    """What a report says that no unit may change."""
    facts = report.summary()
    names = ("cluster_sizes", "gap", "objective", "n_leaves", "model", "products", "cell_sizes")
    return {name: facts[name] for name in names if name in facts}


def test_units_of_a_table_change_no_answer():
    rng = np.random.default_rng(3)
    x = rng.normal(size=60)
    y = np.where(rng.random(60) < 0.5, 1 + 2 * x, 3 - 1.5 * x) + 0.3 * rng.normal(size=60)
    plain = pd.DataFrame({"x": x, "g": rng.choice(list("abc"), 60), "y": y})
    fits = (
        lambda t: fit_lpc_table(t, "y", method="local", n_init=2, evidence=False, random_state=0),
        lambda t: fit_ibc_table(t, "y", model="B", cv=2, folds=2, evidence=False, random_state=0),
        lambda t: fit_tree_table(t, 3),
    )
    for factor, shift, scale, offset in ((-250.0, 4e4, -0.01, 7.0), (1e9, 1e12, 1e-9, 1e-6)):
        moved = plain.assign(x=factor * x + shift, y=scale * y + offset)
        for fit in fits:
            one = fit(plain)
            other = fit(moved)
            assert mismatch(one.model.labels_, other.model.labels_) == 0
            known = numbers_of_no_unit(one)
            for name, value in numbers_of_no_unit(other).items():
                if isinstance(value, float):
                    assert value == pytest.approx(known[name], rel=1e-8, abs=1e-8), name
                elif isinstance(value, list):
                    assert sorted(value) == sorted(known[name]), name
                else:
                    assert value == known[name], name
        slopes = [fits[0](t).coefficients["x"].to_numpy() for t in (plain, moved)]
        np.testing.assert_allclose(slopes[1] * factor / scale, slopes[0], rtol=1e-7)


def test_a_square_is_spelt_in_one_way():
    """Coefficients said x * x where the list of products said x^2."""
    x = np.linspace(-2, 2, 60)
    table = pd.DataFrame({"x": x, "z": np.cos(9 * x), "y": x**2 + 0.1 * np.sin(40 * x)})
    report = fit_ibc_table(table, "y", model="C", evidence=False, random_state=0)
    text = str(report)
    assert report.summary()["products"] == ["x^2"] and "x^2" in report.coefficients()
    assert "x * x" not in text + report.to_html()


def test_a_verdict_does_not_say_that_a_gate_sees_nothing():
    """It said "x tells them in part" and then "they cannot be seen in x"."""
    advice = SimpleNamespace(family="gated", models={})
    told = settle(False, Evidence("yes", "", None, advice, []))[1]
    assert "in part only" in told and "cannot be seen" not in told
    advice = SimpleNamespace(family="lpc", models={})
    assert "cannot be seen" in settle(False, Evidence("yes", "", None, advice, []))[1]


def test_a_page_has_no_empty_section_and_heads_stand_above_their_columns(table):
    page = fit_lpc_table(table[["x", "y"]], "y", 1, evidence=False, random_state=0).to_html()
    assert "<h2>Evidence</h2>" not in page and "<ul></ul>" not in page
    shown = html_table(pd.DataFrame({"p": [0.1], "in use": [True]}, index=["x"]))
    assert '<th class="text">in use</th>' in shown and "<th>p</th>" in shown


def test_dates_among_numbers_stand_as_the_numbers_do():
    page = html_table(pd.DataFrame({"cluster 0": ["2020-01-02", 3.5]}, index=["day", "x"]))
    assert 'class="text"' not in page and "<td>2020-01-02</td>" in page


def test_a_verdict_knows_what_the_test_of_regimes_says():
    """Part I said "no" above a test that rejected, and "unclear" where both kinds were found."""
    for several, family, p_value, answer in (
        (False, "plain", 0.3, "no"),
        (False, "plain", 0.005, "unclear"),
        (True, "gated", 0.005, "yes"),
        (True, "lpc", 0.3, "unclear"),
    ):
        evidence = Evidence("yes", "So.", None, SimpleNamespace(family=family, models={}), ())
        assert settle(several, evidence, p_value)[0] == answer
    assert "rejects one linear model (p = 0.005)" in settle(
        False, Evidence("no", "So.", None, SimpleNamespace(family="plain", models={}), ()), 0.005
    )[1]


def test_an_advice_that_the_verdict_names_is_not_said_twice():
    advice = SimpleNamespace(family="lpc", models={}, reasons=("Why.",), cost="Cost.")
    told = "The advice, from a test of its own, is, however, hidden regimes (lpc-ns lpc)."
    assert Evidence("unclear", told, None, advice).lines() == ["Why.", "Cost."]
    assert "nevertheless" in Evidence("unclear", "No test.", None, advice).lines()[0]


def test_a_wide_table_fits_a_printed_page():
    narrow = html_table(pd.DataFrame({"a": [1.5]}))
    wide = html_table(pd.DataFrame({f"column {i}": [1.2345678] for i in range(20)}), 8)
    assert "--fit" not in narrow and float(re.search("--fit: ([0-9.]+)", wide)[1]) < 0.6


def test_jupyter_shows_estimators_and_reports(table):
    """The diagram of scikit-learn, also before a fit and in a pipeline; the verdict of a report."""
    steps = make_pipeline(StandardScaler(), ClusterTree(2))
    for shown in (LinearPredictiveClustering(), InteractionBasedClustering(), steps):
        assert "sk-top-container" in shown._repr_html_()
    report = fit_tree_table(table, 2, method="local")
    page = report._repr_html_()
    assert page.index(html.escape(report.verdict())) < page.index("Centres")
    assert page.index("Rules") < page.index("Data")


def test_units_change_no_coefficient_of_a_tree():
    """Thresholds in folds had few digits in the units of the table, which moved held-out rows."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(150, 3))
    y = np.where(X[:, 1] > 0, 1 + 2 * X[:, 0], -X[:, 0]) + X[:, 2] + 0.3 * rng.normal(size=150)
    scale = np.array([1e3, 0.02, 7.0])
    tree = InteractionBasedClustering("tree", random_state=0)
    first = tree.fit(X, y)
    labels, slopes = first.labels_, first.coef_
    second = tree.fit(X * scale + [5e4, -3, 0.1], 250 * y + 1e5)
    assert (second.labels_ == labels).all()
    np.testing.assert_allclose(second.coef_ * scale / 250, slopes, atol=1e-8)


def test_a_tree_says_that_its_cells_are_shrunken():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (120, 2))
    y = np.where(X[:, 0] > 0, 3 * X[:, 1], -3 * X[:, 1])
    for noise, shrunken in ((0.3, True), (0.0, False)):
        plain = pd.DataFrame(X, columns=["u", "v"]).assign(y=y + noise * rng.normal(size=120))
        report = fit_ibc_table(
            plain, "y", model="tree", cv=2, folds=2, evidence=False, random_state=0
        )
        assert report.is_tree
        for page in (str(report), report.to_html()):
            assert ("are shrunken towards those" in page) == shrunken


def test_columns_that_are_sums_of_others_are_named_and_not_drawn():
    """Wages by education, experience and age: a picture held two of them and moved the third."""
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 200))
    plain = pd.DataFrame({"a": a, "b": b, "a + b": a + b + 0.02 * rng.normal(size=200), "c": c})
    y = np.where(rng.random(200) < 0.5, c, -c) + a + 0.1 * rng.normal(size=200)
    report = fit_lpc_table(
        plain.assign(y=y), "y", 2, method="local", ridge=0.0, evidence=False, random_state=0
    )
    assert "Nearly sums of other columns are a, b, a + b, in 99%" in " ".join(report.table.notes)
    assert report.figure().axes[0].get_xlabel() == "c"
    alone = fit_lpc_table(
        plain[["a", "b", "c"]].assign(y=y), "y", 2, method="local", evidence=False, random_state=0
    )
    assert not any("Nearly" in note for note in alone.table.notes)


def test_names_of_rows_break_after_signs_only():
    names = ["species_Chinstrap", "how_satisfied_are_you_with <1>", "a" * 40]
    page = html_table(pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=names))
    assert "<th>species_Chinstrap</th>" in page and "--name: 40" in page
    assert "<th>how_<wbr>satisfied_<wbr>are_<wbr>you_<wbr>with &lt;1&gt;</th>" in page
