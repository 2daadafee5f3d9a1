"""What part I finds, what it claims where nothing is, and how it predicts; one row for each target.

    python benchmarks/ibc.py [ROW ...] [--runs N] [--tables NAME ...]

cases: a product of effect 1 among p features with effects of 3 (noise .5, n = 500), fresh seeds:
in how many the product is taken first, and alone; and a slope that switches with the sign of
another feature: in how many the best cut is on that feature, within .1 of zero.
nulls: share of runs in which anything, and in which a product, is taken though no interaction
exists. speed: processor seconds of one step beside those of FAST, in the same run, one core.
trees: for five truths with one line, the share of runs in which the test at the root rejects, and
in which a tree is taken. tables: out-of-sample R2 on twenty real tables (`ibc_tables.py`), the same
folds for all methods, into nbs/results/ibc_tables.csv, tables that are there already left alone.
subjects: the Parkinson's recordings with rows and with subjects in folds. rules: printed rules read
again by a program, every table. growth: seconds of 16 cells, n = 824, p = 8. levels: the order of
levels against all groupings. gaps: an informative missing value against complete data. large: a fit
of 100,000 samples of 20 features.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import importlib.util
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from ibc_tables import CUBIST, TABLES
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lpc_ns import InteractionBasedClustering
from lpc_ns.base.errors import DataWarning
from lpc_ns.ibc.models.findings import Settings, choose_split, find_terms
from lpc_ns.ibc.split.gains import Price, Rows, best_grouping
from lpc_ns.ibc.split.growth import grow_tree
from lpc_ns.ibc.terms.forward import forward_products

RESULTS = Path(__file__).resolve().parents[1] / "nbs" / "results" / "ibc_tables.csv"

NULLS = ("normal", "t3", "unequal", "skewed", "made", "curved")


def strong(p, seed, n=500):
    """Every feature has an effect, two of them a product."""
    rng = np.random.default_rng([seed, p])
    X = rng.normal(size=(n, p))
    return X, 3 * X.sum(axis=1) + X[:, 0] * X[:, 1] + 0.5 * rng.normal(size=n)


def switching(p, seed, n=500):
    """Every feature but two has an effect; the slope of one switches with the other's sign."""
    rng = np.random.default_rng([seed, p, 1])
    X = rng.normal(size=(n, p))
    y = 3 * X[:, 2:].sum(axis=1) + 2 * np.sign(X[:, 1]) * X[:, 0]
    return X, y + 0.5 * rng.normal(size=n)


def null(kind, seed, n=500, p=20):
    """A truth without interactions."""
    rng = np.random.default_rng([seed, NULLS.index(kind), 2])
    X = rng.normal(size=(n, p))
    if kind == "curved":
        X = np.sqrt(0.5) * rng.normal(size=(n, 1)) + np.sqrt(0.5) * X
    if kind == "skewed":
        X = np.exp(0.7 * X)
    noise = rng.standard_t(3, n) if kind == "t3" else rng.normal(size=n)
    if kind == "unequal":
        noise = noise * np.exp(0.5 * X[:, 0] + 0.5 * X[:, 1])
    if kind == "made":
        X[:, 2] = X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=n)
        return X, X[:, 0] + X[:, 2] + 0.5 * noise
    if kind == "curved":
        return X, 2 * np.sin(2 * X[:, 0]) + np.exp(0.5 * X[:, 1]) + X[:, 2:8].sum(axis=1) + noise
    return X, X[:, :10].sum(axis=1) + noise


def best_cut(X, y):
    """The split that is chosen for regressions on the features."""
    settings = Settings(max_cells=2)
    return choose_split(X, y, X, find_terms(X, y, settings), settings).split


def cases(runs):
    """Counts for four numbers of features."""
    print(f"{'p':>4s} {'first':>6s} {'alone':>6s} {'cut':>6s}   of {runs}")
    for p in (10, 20, 30, 50):
        taken = [
            forward_products(*strong(p, seed), random_state=seed).terms for seed in range(runs)
        ]
        cuts = [best_cut(*switching(p, seed)) for seed in range(runs)]
        right = [c.variables == (1,) and abs(c.thresholds[0]) < 0.1 for c in cuts]
        first = sum(t[:1] == ((0, 1),) for t in taken)
        print(
            f"{p:4d} {first:6d} {sum(t == ((0, 1),) for t in taken):6d} {sum(right):6d}", flush=True
        )


def nulls(runs):
    """Shares of false claims."""
    print(f"\n{'':10s} {'any':>6s} {'product':>8s}   of {runs}")
    for kind in NULLS:
        found = [forward_products(*null(kind, s), random_state=s).terms for s in range(runs)]
        product = np.mean([any(i != j for i, j in terms) for terms in found])
        print(f"{kind:10s} {np.mean([len(t) > 0 for t in found]):6.3f} {product:8.3f}", flush=True)


def speed(runs):
    """Seconds of a selection, and of FAST."""
    for p in (20, 100):
        X, y = strong(p, 0)
        begin = time.process_time()
        forward_products(X, y, random_state=0)
        ours = time.process_time() - begin
        text = f"p = {p}: forward selection {ours:.3f} s"
        if importlib.util.find_spec("interpret"):
            from interpret.utils import measure_interactions

            A = np.column_stack([np.ones(len(X)), X])
            rest = y - A @ np.linalg.lstsq(A, y, rcond=None)[0]
            begin = time.process_time()
            measure_interactions(X, rest, interactions=20)
            fast = time.process_time() - begin
            text += f", FAST {fast:.3f} s, ratio {fast / ours:.1f}"
        print(text, flush=True)


ONE_LINE = ("normal", "t3", "unequal", "skewed", "correlated")


def one_line(kind, seed, n=300, p=5):
    """A truth with one line."""
    rng = np.random.default_rng([seed, ONE_LINE.index(kind), 3])
    X = rng.normal(size=(n, p))
    if kind == "correlated":
        X = np.sqrt(0.9) * rng.normal(size=(n, 1)) + np.sqrt(0.1) * X
    X = np.exp(0.7 * X) if kind == "skewed" else X
    noise = rng.standard_t(3, n) if kind == "t3" else rng.normal(size=n)
    noise *= np.exp(0.7 * X[:, 0]) if kind == "unequal" else 1
    return X, X[:, 0] + X[:, 1] + noise


def trees(runs):
    """Shares of false rejections and of trees where one line is true."""
    print(f"\n{'':10s} {'rejects':>8s} {'tree':>6s}   of {runs}")
    for kind in ONE_LINE:
        models = [
            InteractionBasedClustering(cv=4, random_state=s).fit(*one_line(kind, s))
            for s in range(runs)
        ]
        rejected = np.mean([m.root_test_.p_value <= 0.05 for m in models])
        tree = np.mean([m.model_ == "tree" for m in models])
        print(f"{kind:10s} {rejected:8.3f} {tree:6.3f}", flush=True)


def methods():
    """Makers of what is compared on the tables."""
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
    return {
        "ridge": ridge,
        "auto": InteractionBasedClustering(random_state=0),
        "ten trees": InteractionBasedClustering("tree", n_committees=10, random_state=0),
        "HGB": HistGradientBoostingRegressor(random_state=0),
        "RF": RandomForestRegressor(100, random_state=0, n_jobs=1),
    }


def outer_folds(X, y, groups):
    """Five folds, of large tables the first three; subjects kept together."""
    kind = KFold if groups is None else GroupKFold
    folds = list(kind(5, shuffle=True, random_state=0).split(X, y, groups))
    return folds[:3] if len(y) > 1050 else folds


def fold_scores(name, known):
    """One row per method: mean R2 over the folds, cells, processor seconds."""
    X, y, groups = TABLES[name]()
    for method, model in methods().items():
        if (name, method) in known:
            continue
        r2 = []
        cells = []
        begin = time.process_time()
        for train, test in outer_folds(X, y, groups):
            options = {}
            if groups is not None and isinstance(model, InteractionBasedClustering):
                options = {"groups": groups[train]}
            model.fit(X.iloc[train], y[train], **options)
            base = ((y[test] - y[train].mean()) ** 2).mean()
            r2.append(1 - ((model.predict(X.iloc[test]) - y[test]) ** 2).mean() / base)
            cells.append(len(model.rules()) if hasattr(model, "rules") else np.nan)
        seconds = (time.process_time() - begin) / len(r2)
        print(f"{name:20s} {method:10s} {np.mean(r2):7.3f} {np.mean(cells):5.1f} {seconds:7.2f} s",
              flush=True)
        yield {"table": name, "method": method, "r2": round(float(np.mean(r2)), 4),
               "cells": np.round(np.mean(cells), 2)}


def tables(runs, names=None):
    """The tables that are at hand, and means over all that are stored."""
    stored = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame()
    known = set() if stored.empty else set(zip(stored["table"], stored["method"], strict=True))
    warnings.simplefilter("ignore", DataWarning)
    for name in names or TABLES:
        try:
            rows = list(fold_scores(name, known))
        except (ImportError, OSError) as reason:
            print(f"{name:20s} is not at hand: {str(reason)[:60]}")
            continue
        stored = pd.concat([stored, pd.DataFrame(rows)], ignore_index=True)
        stored.to_csv(RESULTS, index=False)
    table = stored.pivot(index="table", columns="method", values="r2")
    table = table.assign(Cubist=pd.Series(CUBIST))
    means = table.drop(index="parkinsons_subjects", errors="ignore")
    print(table.round(3).to_string())
    print(f"means over {len(means)} tables without the subjects:")
    print(means.mean().round(4).to_string())
    own = stored[(stored["method"] == "auto") & (stored["table"] != "parkinsons_subjects")]
    behind = (means["Cubist"] - means["auto"]).sort_values(ascending=False)
    print(f"cells of auto {own['cells'].mean():.2f}; most behind Cubist:")
    print(behind.head(3).round(3).to_string())


def subjects(runs):
    """Rows and subjects of the Parkinson's recordings side by side."""
    for name in ("parkinsons_rows", "parkinsons_subjects"):
        X, y, groups = TABLES[name]()
        train, test = outer_folds(X, y, groups)[0]
        model = InteractionBasedClustering(random_state=0)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            model.fit(X.iloc[train], y[train], groups=None if groups is None else groups[train])
        warned = any("pass groups" in str(w.message) for w in told)
        r2 = 1 - ((model.predict(X.iloc[test]) - y[test]) ** 2).mean() / (
            (y[test] - y[train].mean()) ** 2
        ).mean()
        test = model.root_test_
        print(f"{name}: R2 {r2:.3f}, {len(model.rules())} cells, p = {test.p_value:.3f},"
              f" warned: {warned}", flush=True)


def read_rules(rules, X):
    """Cells by the printed texts of rules about numbers."""
    cells = np.full(len(X), -1)
    for cell, rule in enumerate(rules):
        inside = np.ones(len(X), dtype=bool)
        for part in rule.split(" and "):
            name, _, rest = part.rpartition(" <= ")
            if not name:
                name, _, rest = part.rpartition(" > ")
                inside &= X[name].to_numpy() > float(rest)
            else:
                inside &= X[name].to_numpy() <= float(rest)
        cells[inside] = cell
    return cells


def rules(runs, names=None):
    """Share of rows whose cell is that of the printed rules, training and new ones."""
    warnings.simplefilter("ignore", DataWarning)
    for name in names or TABLES:
        try:
            X, y, _ = TABLES[name]()
        except (ImportError, OSError):
            continue
        half = np.arange(len(y)) % 2 == 0
        model = InteractionBasedClustering("tree", cv=2, random_state=0).fit(X[half], y[half])
        read = read_rules(model.rules(), X) if len(model.rules()) > 1 else np.zeros(len(y), int)
        same = (read == model.apply(X)).mean()
        print(f"{name:20s} {len(model.rules()):3d} cells, {same:.4f} of rows", flush=True)


def growth(runs):
    """Seconds of a growth of 16 cells."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(824, 8))
    y = np.sin(2 * X[:, 0]) * X[:, 1] + X[:, 2] * X[:, 3] + 0.3 * rng.normal(size=824)
    values = np.ascontiguousarray(X.T)
    seconds = []
    for _ in range(4):
        begin = time.process_time()
        tree = grow_tree(X, y, values, [0] * 8, max_cells=16)
        seconds.append(time.process_time() - begin)
    print(f"{tree.n_cells} cells in {min(seconds[1:]):.3f} s")


def levels(runs):
    """Share of the exact gain that order and moves reach."""
    for L, n, q in ((6, 300, 4), (8, 500, 6), (10, 500, 6)):
        shares = []
        for seed in range(25):
            rng = np.random.default_rng([seed, L])
            codes = rng.integers(L, size=n)
            Z = np.column_stack([np.ones(n), rng.normal(size=(n, q - 1))])
            slopes = np.where(rng.random(L) < 0.5, 1, -1)[codes]
            e = slopes * Z[:, 1] + rng.normal(size=n)
            data = (Rows(Z, e - e.mean(), np.ones(n)), np.arange(n), codes, L, Price(1.0, 10, 12))
            shares.append(best_grouping(*data, along=True)[0] / best_grouping(*data)[0])
        print(f"L = {L:2d}: mean {np.mean(shares):.4f}, least {np.min(shares):.4f}", flush=True)


def gaps(runs):
    """R2 with an informative missing value of the split variable, and with complete data."""
    scores = []
    for seed in range(runs):
        rng = np.random.default_rng([seed, 9])
        X = rng.normal(size=(1600, 4))
        high = X[:, 0] > 0.3
        y = np.where(high, 2, -2) * X[:, 1] + X[:, 2] + rng.normal(size=1600)
        gone = rng.random(1600) < np.where(high, 0.6, 0.05)
        Z = X.copy()
        Z[gone, 0] = np.nan
        model = InteractionBasedClustering("tree", degree=1, max_cells=4, cv=4, random_state=0)
        scores.append([model.fit(A[:800], y[:800]).score(A[800:], y[800:]) for A in (Z, X)])
    print("missing {:.3f}, complete {:.3f}".format(*np.mean(scores, axis=0)))


def large(runs):
    """Seconds of a fit."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 20))
    y = np.where(X[:, 1] > 0.5, 2, -1) * X[:, 0] + X[:, 2:6].sum(axis=1) + rng.normal(size=100_000)
    InteractionBasedClustering(cv=2, random_state=0).fit(X[:500], y[:500])
    begin = time.process_time()
    model = InteractionBasedClustering(random_state=0).fit(X, y)
    print(f"{time.process_time() - begin:.1f} s, {model.model_}: {model.rules()[:3]}")


ROWS = {
    "cases": cases,
    "nulls": nulls,
    "speed": speed,
    "trees": trees,
    "tables": tables,
    "subjects": subjects,
    "rules": rules,
    "growth": growth,
    "levels": levels,
    "gaps": gaps,
    "large": large,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help=", ".join(ROWS))
    parser.add_argument("--runs", type=int, help="data sets (20; 200 for nulls, 300 for trees)")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), help="tables (default: all)")
    arguments = parser.parse_args()
    for row in arguments.rows or list(ROWS):
        n_runs = arguments.runs or {"nulls": 200, "trees": 300}.get(row, 20)
        more = (arguments.tables,) if row in ("tables", "rules") else ()
        ROWS[row](n_runs, *more)
