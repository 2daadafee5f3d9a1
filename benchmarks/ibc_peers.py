"""Interaction-based clustering and its peers on real data: 5-fold R^2, selection inside the folds.

    python benchmarks/ibc_peers.py [--data NAME ...] [--models NAME ...] [--resume]

Scikit-learn's diabetes data, the ten UCI sets where a data folder has them, and California housing
if scikit-learn has it already. Models: A, B, C, D, pooled, stack and auto of
InteractionBasedClustering, gradient boosting of scikit-learn, and, where installed, Cubist (pip
install cubist), explainable boosting machines (pip install interpret-core) and a linear model tree
(pip install linear-tree; its version 0.3.5 needs scikit-learn before 1.7). All have their defaults,
except that the boosting machine has the 8 bags and 10 interactions of its earlier versions, which
cost a tenth of today's. Every model sees the same folds; R^2 is that of the out-of-fold predictions
together. Folds are drawn at random, for the Parkinson's data once more with all recordings of an
age in one fold: the 600 recordings are of 42 patients, whom their age nearly identifies.

Results go to nbs/results/ibc_peers.csv, which notebook 15 shows, row by row: rows of this run
replace those of the same data and model, and a package that is missing leaves a row that says so.
With --resume, rows that have a result already are left alone. Seconds are printed and not stored. A
full run takes about half an hour on one core, most of it for the boosting machine.
"""

import argparse
import importlib
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import fetch_california_housing, load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, KFold

from lpc_ns.base.errors import DataNotFoundError
from lpc_ns.datasets import UCI_DATASETS, load_uci
from lpc_ns.ibc.estimator import InteractionBasedClustering

RESULTS = Path(__file__).resolve().parents[1] / "nbs" / "results" / "ibc_peers.csv"
KEYS = ["data", "model"]


def ibc(model):
    """A maker of our estimator with one of its models."""
    return lambda: InteractionBasedClustering(model=model, random_state=0)


def imported(module, name, **parameters):
    """A maker of an estimator from a package that may be missing."""
    return lambda: getattr(importlib.import_module(module), name)(**parameters)


MODELS = {
    **{name: ibc(name) for name in ("A", "B", "C", "D", "pooled", "stack", "auto")},
    "gradient boosting": lambda: HistGradientBoostingRegressor(random_state=0),
    "Cubist": imported("cubist", "Cubist", random_state=0),
    "EBM": imported(
        "interpret.glassbox",
        "ExplainableBoostingRegressor",
        outer_bags=8,
        interactions=10,
        random_state=0,
        n_jobs=1,
    ),
    "linear tree": imported("lineartree", "LinearTreeRegressor", base_estimator=LinearRegression()),
}


def load_all():
    """The data sets that are available, by name: table, target and groups of rows that stay
    together, or None."""
    sets = {"diabetes": load_diabetes(return_X_y=True, as_frame=True, scaled=False)}
    for entry in UCI_DATASETS.values():
        try:
            data = load_uci(entry.id)
        except DataNotFoundError as reason:
            print(f"{entry.name}: {reason}")
            continue
        sets[entry.name] = pd.DataFrame(data.X, columns=list(data.feature_names)), pd.Series(data.y)
    try:
        sets["california"] = fetch_california_housing(
            return_X_y=True, as_frame=True, download_if_missing=False
        )
    except OSError:
        print("california: not in scikit-learn's data folder, left out")
    sets = {name: (X, y, None) for name, (X, y) in sets.items()}
    if "parkinsons" in sets:
        X, y, _ = sets["parkinsons"]
        sets["parkinsons by age"] = X, y, X["age"].to_numpy()
    return sets


def plain(X, y):
    """Columns with names that no package objects to."""
    return X.set_axis([f"x{j}" for j in range(X.shape[1])], axis=1).reset_index(
        drop=True
    ), y.reset_index(drop=True)


def out_of_fold_r2(model, X, y, groups):
    """R^2 of the predictions of every sample by the fit that did not see it, nor its group if there
    are groups."""
    prediction = np.empty(len(y))
    folds = KFold(5, shuffle=True, random_state=0) if groups is None else GroupKFold(5)
    for train, test in folds.split(X, groups=groups):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prediction[test] = clone(model).fit(X.iloc[train], y.iloc[train]).predict(X.iloc[test])
    return r2_score(y, prediction)


def evaluate(name, X, y, groups):
    """One row of results: R^2, or why there is none."""
    try:
        model = MODELS[name]()
    except ImportError as reason:
        return {"r2": np.nan, "note": f"not installed: {reason.name}"}
    try:
        return {"r2": out_of_fold_r2(model, X, y, groups), "note": ""}
    except Exception as reason:  # a peer's failure on a data set is a result
        return {
            "r2": np.nan,
            "note": f"failed: {type(reason).__name__}: {reason}".splitlines()[0][:120],
        }


def stored():
    """The result file as a table, empty if there is none."""
    return pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=[*KEYS, "r2"])


def store(row):
    """Put a row into the result file, in place of an older one of the same data and model."""
    tables = [table for table in (stored(), pd.DataFrame([row])) if len(table)]
    table = pd.concat(tables).drop_duplicates(KEYS, keep="last")
    RESULTS.parent.mkdir(exist_ok=True)
    order = {name: i for i, name in enumerate(MODELS)}
    table.sort_values(KEYS, key=lambda c: c.map(order) if c.name == "model" else c).round(
        {"r2": 4}
    ).to_csv(RESULTS, index=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="*")
    parser.add_argument("--models", nargs="*", choices=list(MODELS))
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    done = (
        set(stored().dropna(subset="r2")[KEYS].itertuples(index=False, name=None))
        if args.resume
        else set()
    )
    for data, (X, y, groups) in load_all().items():
        if args.data and data not in args.data:
            continue
        X, y = plain(X, y)
        for model in args.models or MODELS:
            if (data, model) in done:
                continue
            start = time.perf_counter()
            row = {
                "data": data,
                "n": len(y),
                "p": X.shape[1],
                "model": model,
                **evaluate(model, X, y, groups),
            }
            print(
                f"{data:18} {model:18} {row['r2']:8.4f} {time.perf_counter() - start:8.1f} s "
                f" {row['note']}",
                flush=True,
            )
            store(row)


if __name__ == "__main__":
    main()
