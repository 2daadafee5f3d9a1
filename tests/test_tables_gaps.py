"""Missing values: filled inside the folds, kept, dropped, and told."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from lpc_ns import InteractionBasedClustering, advisor
from lpc_ns.base.errors import InputError
from lpc_ns.base.gaps import fill_gaps
from lpc_ns.base.numerics import spawn_seeds
from lpc_ns.base.selection import select
from lpc_ns.cli import main
from lpc_ns.ibc.models.columns import learn_columns
from lpc_ns.ibc.models.comparison import cross_fit
from lpc_ns.ibc.models.findings import Settings
from lpc_ns.reports.ibc import fit_ibc_table
from lpc_ns.reports.lpc import fit_lpc_table, prepare_table
from lpc_ns.reports.tree import fit_tree_table

pytestmark = pytest.mark.filterwarnings("ignore::lpc_ns.base.errors.DataWarning")


@pytest.fixture
def table():
    """A number, a category, both with gaps, and a target that needs them."""
    rng = np.random.default_rng(0)
    n = 80
    x = rng.uniform(0, 10, n)
    g = rng.choice(list("abc"), n, p=[0.5, 0.3, 0.2])
    y = 2 * x + np.where(g == "a", 5, 0) + 0.3 * rng.normal(size=n)
    table = pd.DataFrame({"x": x, "g": g, "y": y})
    table.loc[::9, "x"] = np.nan
    table.loc[4::13, "g"] = None
    return table


def held_out_by(table, missing):
    """Folds and held-out predictions of a linear model."""
    columns = learn_columns(table[["x", "g"]], missing)
    X = columns.apply(table[["x", "g"]])
    settings = Settings(main=columns.main, variables=columns.variables)
    gaps = columns.gaps(table[["x", "g"]])
    found = cross_fit(X, table.y.to_numpy(), settings, ["A"], cv=4, gaps=gaps)
    return found.folds, found.predictions[0, :, 0]


def spoiled(table, rows):
    """The table with other numbers in some rows, and another level, not the reference."""
    other = table.copy()
    there = np.intersect1d(rows, np.flatnonzero(table.x.notna()))
    other.loc[there, "x"] += 1000
    there = np.intersect1d(rows, np.flatnonzero(table.g == "b"))
    other.loc[there, "g"] = "c"
    return other


@pytest.mark.parametrize("missing", ["mark", "median"])
def test_a_fold_fills_gaps_by_its_training_rows(table, missing):
    folds, before = held_out_by(table, missing)
    for _, _, test in folds:
        asked = [i for i in test if table.isna().iloc[i].any()]
        rest = np.setdiff1d(test, asked)
        _, after = held_out_by(spoiled(table, rest), missing)
        np.testing.assert_allclose(after[asked], before[asked], rtol=1e-9)


@pytest.mark.parametrize("missing", ["mark", "median"])
def test_outer_folds_fill_gaps_by_their_training_rows(table, missing):
    model = InteractionBasedClustering(
        "A", split="median", cv=2, missing=missing, degree=1, random_state=0
    )
    before = model.compare_models(table[["x", "g"]], table.y, cv=2).predictions
    seed = int(spawn_seeds(0, 1)[0].generate_state(1)[0])
    _, test = next(KFold(2, shuffle=True, random_state=seed).split(before))
    asked = [i for i in test if table.isna().iloc[i].any()]
    other = spoiled(table, np.setdiff1d(test, asked))
    after = model.compare_models(other[["x", "g"]], other.y, cv=2).predictions
    np.testing.assert_allclose(after.loc[asked], before.loc[asked], rtol=1e-9)
    assert not np.allclose(after.drop(index=asked), before.drop(index=asked))


def test_the_advice_fills_gaps_by_the_training_rows(table, monkeypatch):
    prepared = prepare_table(table, "y", impute="median")
    assert np.isnan(prepared.seen[::9, 0]).all() and np.isnan(prepared.seen[4::13, 1:]).all()
    assert np.isfinite(prepared.X).all()
    asked = []

    def fill(X, known=slice(None)):
        asked.append(known)
        return fill_gaps(X, known)

    monkeypatch.setattr(advisor, "fill_gaps", fill)
    advisor.which_regime(prepared.seen, prepared.y, n_draws=49, random_state=0)
    folds = [rows for rows in asked if not isinstance(rows, slice)]
    assert len(folds) == 5 and all(len(rows) == 64 for rows in folds)
    report = fit_lpc_table(table, "y", impute="median", method="local", random_state=0)
    assert "g" in str(report) and report.evidence.advice is not None


@pytest.mark.parametrize("impute", [None, "median", "level"])
@pytest.mark.parametrize("model", ["A", "tree"])
def test_ibc_takes_gaps(table, impute, model):
    report = fit_ibc_table(
        table, "y", impute=impute, model=model, cv=2, folds=2, evidence=False, random_state=0
    )
    facts = report.summary()
    assert facts["n_samples"] == 80 and facts["n_dropped"] == 0
    notes = " ".join(facts["notes"])
    assert "'x': 9 missing values, kept" in notes and "of their training rows" in notes.replace(
        "those of", "of"
    )
    marked = [name for name in report.model.columns_ if "missing" in name]
    assert bool(marked) == (impute != "median")
    assert np.isfinite(report.labels().drop(columns="cell").to_numpy()).all()
    assert "<html" in report.to_html()


def test_ibc_on_the_command_line_with_gaps(table, tmp_path, capsys):
    table.loc[0, "y"] = np.nan
    table.to_csv(tmp_path / "t.csv", index=False)
    command = ["ibc", str(tmp_path / "t.csv"), "--target", "y", "--folds", "2", "--model", "A"]
    command.append("--no-evidence")
    told = {
        "": "79 samples",
        "--drop-missing": "15 of 80 rows were left out: they have missing values.",
        "--impute=median": "1 of 80 rows was left out: it has no target.",
    }
    for option, line in told.items():
        assert main([*command, *([option] if option else [])]) == 0
        assert line in capsys.readouterr().out
    assert json.loads((tmp_path / "t_ibc" / "report.json").read_text())["n_dropped"] == 1
    assert main([*command, "--drop-missing", "--impute", "median"]) == 2


def test_a_level_called_missing_is_not_the_missing_one():
    table = pd.DataFrame({"g": ["missing", "a", None, "b"] * 3, "g missing": range(12)})
    columns = learn_columns(table)
    assert columns.encoding.levels["g"] == ("missing", "a", "missing_", "b")
    table = table.assign(u=[1.0, None, 2.0] * 4, **{"u missing": 1.0})
    filled = select(table, impute="level").features
    assert (filled["u missing"] == 1).all() and filled["u missing_"].sum() == 4


def test_numbers_that_are_categories_are_filled_as_such():
    table = pd.DataFrame({"k": [1, 1, 1, 3, None, 9] * 5, "y": range(30)})
    chosen = select(table, "y", categories="k", impute="median")
    assert set(chosen.features.k) == {"1", "3", "9"} and (chosen.features.k == "1").sum() == 20
    names = prepare_table(table, "y", categories=["k"], impute="level").feature_names
    assert set(names) < {"k_1", "k_3", "k_9", "k_missing"}
    tree = fit_tree_table(table, 2, categories=["k"], impute="level", method="local")
    assert len(tree.model.encoding_.codes[0].levels) == 4


def test_what_cannot_be_filled_is_refused(table):
    with pytest.raises(InputError, match="not both"):
        select(table, "y", impute="median", drop_missing=True)
    for options in ({"impute": "median"}, {"keep_missing": True}):
        with pytest.raises(InputError, match="'x' has no values"):
            select(table.assign(x=np.nan), "y", **options)
    with pytest.raises(InputError, match="No row"):
        select(table.assign(y=np.nan), "y", keep_missing=True)
