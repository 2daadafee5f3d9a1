"""What part I finds, what it claims where nothing is, and how it predicts; one row for each target.

    python benchmarks/ibc.py [ROW ...] [--runs N] [--tables NAME ...]

cases: a product of effect 1 among p features with effects of 3 (noise .5, n = 500), fresh seeds:
in how many the product is taken first, and alone; and a slope that switches with the sign of
another feature: in how many the best cut is on that feature, within .1 of zero.
nulls: share of runs in which anything, and in which a product, is taken though no interaction
exists. speed: processor seconds of one step beside those of FAST (where `interpret` is installed),
in the same run, one core. stages: the two-stage screen of 300 features against the exact one.
trees: for five truths with one line, the share of runs in which the test at the root rejects, and
in which a tree is taken. tables: out-of-sample R2 on twenty real tables (`ibc_tables.py`), the same
folds for all methods, into nbs/results/ibc_tables.csv, tables that are there already left alone.
subjects: the Parkinson's recordings with rows and with subjects in folds. rules: printed rules read
again by a program, every table. growth: seconds of 16 cells, n = 824, p = 8. levels: the order of
levels against all groupings. gaps: an informative missing value against complete data. large: a fit
of 100,000 samples of 20 features.

What a row demands and what it measured goes into nbs/results/ibc_targets.csv, which notebook 15
shows, if it was measured in as many runs as the defaults say or --store is given. --tiny: a few
runs of small size, to see that every row executes.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import importlib.util
import time
import warnings
from pathlib import Path
from typing import NamedTuple

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
from lpc_ns.ibc.fitting import check_input
from lpc_ns.ibc.models.findings import Settings, choose_split, find_terms, make_settings
from lpc_ns.ibc.models.trees import root_test
from lpc_ns.ibc.split.gains import Price, Rows, best_grouping
from lpc_ns.ibc.split.growth import grow_tree
from lpc_ns.ibc.terms.forward import forward_products, rank_beside_all
from lpc_ns.ibc.terms.ranking import standardise
from lpc_ns.ibc.terms.screening import best_pairs

FOLDER = Path(__file__).resolve().parents[1] / "nbs" / "results"
RESULTS = FOLDER / "ibc_tables.csv"
TARGETS = FOLDER / "ibc_targets.csv"
RUNS = {"nulls": 200, "trees": 300}  # 20 for the other rows

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


def record(entries, job):
    """Print what was demanded and measured, and store it if it is to be stored."""
    new = pd.DataFrame(entries, columns=["row", "what", "demanded", "measured", "runs"])
    print(new.drop(columns="row").to_string(index=False), flush=True)
    if not job.store:
        return
    known = pd.read_csv(TARGETS) if TARGETS.exists() else new[:0]
    kept = known[~known.set_index(["row", "what"]).index.isin(new.set_index(["row", "what"]).index)]
    order = {row: k for k, row in enumerate(ROWS)}
    table = new if kept.empty else pd.concat([kept, new], ignore_index=True)
    table.sort_values("row", key=lambda c: c.map(order), kind="stable").to_csv(TARGETS, index=False)


def cases(job):
    """Counts for four numbers of features."""
    for p in (10,) if job.tiny else (10, 20, 30, 50):
        seeds = range(job.runs)
        taken = [forward_products(*strong(p, seed), random_state=seed).terms for seed in seeds]
        cuts = [best_cut(*switching(p, seed)) for seed in seeds]
        right = sum(c.variables == (1,) and abs(c.thresholds[0]) < 0.1 for c in cuts)
        first = sum(t[:1] == ((0, 1),) for t in taken)
        alone = sum(t == ((0, 1),) for t in taken)
        entries = [
            ("cases", f"p = {p}: product first", "all", first, job.runs),
            ("cases", f"p = {p}: product alone", ">= .85", alone, job.runs),
            ("cases", f"p = {p}: cut of x1 within .1", "all", right, job.runs),
        ]
        record(entries, job)


def nulls(job):
    """Shares of false claims."""
    for kind in NULLS:
        options = {"n": 120, "p": 5} if job.tiny else {}
        seeds = range(job.runs)
        found = [forward_products(*null(kind, s, **options), random_state=s).terms for s in seeds]
        product = np.mean([any(i != j for i, j in terms) for terms in found])
        something = np.mean([len(terms) > 0 for terms in found])
        entries = [
            ("nulls", f"{kind}: any product", "<= .08", round(product, 3), job.runs),
            ("nulls", f"{kind}: product or square", "", round(something, 3), job.runs),
        ]
        record(entries, job)


def seconds_of(step, repeats=3):
    """The least processor seconds of a few calls, the first left out, and the last result."""
    result = step()
    taken = []
    for _ in range(repeats):
        begin = time.process_time()
        result = step()
        taken.append(time.process_time() - begin)
    return min(taken), result


def speed(job):
    """Seconds of a selection, and of FAST."""
    for p in (5,) if job.tiny else (20, 100):
        X, y = strong(p, 0)
        data = standardise(X, y)
        screen, _ = seconds_of(lambda data=data: rank_beside_all(data, 20))
        ours, _ = seconds_of(lambda X=X, y=y: forward_products(X, y, random_state=0))
        print(f"p = {p}: screen {screen:.3f} s, forward selection {ours:.3f} s", flush=True)
        if importlib.util.find_spec("interpret"):
            from interpret.utils import measure_interactions

            A = np.column_stack([np.ones(len(X)), X])
            rest = y - A @ np.linalg.lstsq(A, y, rcond=None)[0]
            fast, _ = seconds_of(lambda X=X, e=rest: measure_interactions(X, e, interactions=20))
            what = f"p = {p}: seconds of FAST / of the"
            goal = ">= 10" if p == 100 else ""
            entries = [
                ("speed", f"{what} screen", goal, round(fast / screen, 1), 3),
                ("speed", f"{what} selection and its bootstrap", "", round(fast / ours, 1), 3),
            ]
            record(entries, job)


def stages(job):
    """Seconds of the two-stage screen and of the exact one, and how far they agree."""
    n, p = (200, 110) if job.tiny else (1000, 300)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    y = X[:, :10].sum(axis=1) + 0.3 * X[:, 0] * X[:, 1] + rng.normal(size=n)
    data = standardise(X, y)
    quick, found = seconds_of(lambda: rank_beside_all(data, 100), 1)
    slow, exact = seconds_of(lambda: best_pairs(data, 100, main_effects="all"), 1)
    same = sum(a == b for a, b in zip(found.terms, exact.terms, strict=True))
    entries = [
        ("stages", "share of the exact screen's seconds", "<= .2", round(quick / slow, 3), 1),
        ("stages", "same terms in the same places of 100", "100", same, 1),
    ]
    record(entries, job)


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


def trees(job):
    """Shares of false rejections and of trees where one line is true. A tree is taken only if the
    test rejects, so that the others need no cross-validation."""
    for kind in ONE_LINE:
        rejected = 0
        taken = 0
        for seed in range(job.runs):
            X, y = one_line(kind, seed, *((120, 3) if job.tiny else ()))
            model = InteractionBasedClustering(cv=4, random_state=seed)
            samples = check_input(model, X, y, None, None)
            settings = make_settings(model, samples.columns)
            found = find_terms(samples.X, samples.y, settings)
            test = root_test(samples.X, samples.y, found, settings)
            if test is not None and test.rejected:
                rejected += 1
                taken += model.fit(X, y).model_ == "tree"
        entries = [
            ("trees", f"{kind}: root test rejects", "<= .08", round(rejected / job.runs, 3)),
            ("trees", f"{kind}: one linear model", ">= .95", round(1 - taken / job.runs, 3)),
        ]
        record([(*entry, job.runs) for entry in entries], job)


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


def tables(job):
    """The tables that are at hand, and means over all that are stored."""
    stored = pd.read_csv(RESULTS) if RESULTS.exists() and not job.tiny else pd.DataFrame()
    known = set() if stored.empty else set(zip(stored["table"], stored["method"], strict=True))
    warnings.simplefilter("ignore", DataWarning)
    for name in job.tables:
        try:
            rows = list(fold_scores(name, known))
        except (ImportError, OSError) as reason:
            print(f"{name:20s} is not at hand: {str(reason)[:60]}")
            continue
        stored = pd.concat([stored, pd.DataFrame(rows)], ignore_index=True)
        if not job.tiny:
            stored.to_csv(RESULTS, index=False)
    if stored.empty:
        return
    table = stored.pivot(index="table", columns="method", values="r2")
    table = table.assign(Cubist=pd.Series(CUBIST))
    means = table.drop(index="parkinsons_subjects", errors="ignore")
    print(table.round(3).to_string())
    own = stored[(stored["method"] == "auto") & (stored["table"] != "parkinsons_subjects")]
    behind = (means["Cubist"] - means["auto"]).sort_values(ascending=False)
    print(f"most behind Cubist:\n{behind.head(3).round(3).to_string()}")
    mean = means.mean().round(3)
    ahead = round(mean["auto"] - mean["Cubist"], 3)
    entries = [
        ("tables", "mean R2 of auto", ">= .665", mean["auto"]),
        ("tables", "mean R2 of ten trees", ">= .675", mean["ten trees"]),
        ("tables", "mean cells of auto", "about 7", own["cells"].mean().round(1)),
        ("tables", "most cells of auto", "<= 20", own["cells"].max()),
        ("tables", "auto less Cubist, mean", ">= .02", ahead),
        ("tables", "auto less Cubist, worst table", ">= -.03", round(-behind.iloc[0], 3)),
        *(
            ("tables", f"auto less Cubist on {name}", "", round(-gap, 3))
            for name, gap in behind.iloc[:3].items()
        ),
    ]
    record([(*entry, len(means)) for entry in entries], job)


def subjects(job):
    """Rows and subjects of the Parkinson's recordings side by side."""
    for name, goal in (("parkinsons_rows", ">= .9"), ("parkinsons_subjects", ">= -.35")):
        X, y, groups = TABLES[name]()
        train, test = outer_folds(X, y, groups)[0]
        train = train[::10] if job.tiny else train
        model = InteractionBasedClustering(random_state=0, cv=2 if job.tiny else None)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            model.fit(X.iloc[train], y[train], groups=None if groups is None else groups[train])
        warned = any("pass groups" in str(w.message) for w in told)
        r2 = 1 - ((model.predict(X.iloc[test]) - y[test]) ** 2).mean() / (
            (y[test] - y[train].mean()) ** 2
        ).mean()
        entries = [
            ("subjects", f"{name}: R2", goal, round(r2, 3), 1),
            ("subjects", f"{name}: cells", "1" if groups is not None else "<= 20",
             len(model.rules()), 1),
            ("subjects", f"{name}: warns of subjects", "yes" if groups is None else "no",
             "yes" if warned else "no", 1),
        ]
        record(entries, job)


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


def rules(job):
    """Share of rows whose cell is that of the printed rules, training and new ones."""
    warnings.simplefilter("ignore", DataWarning)
    shares = []
    for name in job.tables:
        try:
            X, y, _ = TABLES[name]()
        except (ImportError, OSError):
            continue
        half = np.arange(len(y)) % 2 == 0
        model = InteractionBasedClustering("tree", cv=2, random_state=0).fit(X[half], y[half])
        read = read_rules(model.rules(), X) if len(model.rules()) > 1 else np.zeros(len(y), int)
        shares.append((read == model.apply(X)).mean())
        print(f"{name:20s} {len(model.rules()):3d} cells, {shares[-1]:.4f} of rows", flush=True)
    if shares:
        what = "least share of rows that printed rules put into their cell"
        record([("rules", what, "1", min(shares), len(shares))], job)


def growth(job):
    """Seconds of a growth of 16 cells."""
    n = 200 if job.tiny else 824
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 8))
    y = np.sin(2 * X[:, 0]) * X[:, 1] + X[:, 2] * X[:, 3] + 0.3 * rng.normal(size=n)
    values = np.ascontiguousarray(X.T)
    seconds, tree = seconds_of(lambda: grow_tree(X, y, values, [0] * 8, max_cells=16))
    what = f"seconds of {tree.n_cells} cells, n = {n}, p = 8"
    record([("growth", what, "<= .2", round(seconds, 3), 3)], job)


def levels(job):
    """Share of the exact gain that order and moves reach."""
    for L, n, q in ((6, 300, 4), (8, 500, 6), (10, 500, 6))[: 1 if job.tiny else 3]:
        shares = []
        for seed in range(job.runs):
            rng = np.random.default_rng([seed, L])
            codes = rng.integers(L, size=n)
            Z = np.column_stack([np.ones(n), rng.normal(size=(n, q - 1))])
            slopes = np.where(rng.random(L) < 0.5, 1, -1)[codes]
            e = slopes * Z[:, 1] + rng.normal(size=n)
            data = (Rows(Z, e - e.mean(), np.ones(n)), np.arange(n), codes, L, Price(1.0, 10, 12))
            shares.append(best_grouping(*data, along=True)[0] / best_grouping(*data)[0])
        what = f"{L} levels: share of the exact gain"
        record([("levels", what, ">= .99", round(np.mean(shares), 4), job.runs)], job)


def gaps(job):
    """R2 with an informative missing value of the split variable, and with complete data."""
    scores = []
    for seed in range(job.runs):
        rng = np.random.default_rng([seed, 9])
        X = rng.normal(size=(1600, 4))
        high = X[:, 0] > 0.3
        y = np.where(high, 2, -2) * X[:, 1] + X[:, 2] + rng.normal(size=1600)
        gone = rng.random(1600) < np.where(high, 0.6, 0.05)
        Z = X.copy()
        Z[gone, 0] = np.nan
        model = InteractionBasedClustering("tree", degree=1, max_cells=4, cv=4, random_state=0)
        scores.append([model.fit(A[:800], y[:800]).score(A[800:], y[800:]) for A in (Z, X)])
    missing, complete = np.mean(scores, axis=0)
    print(f"missing {missing:.3f}, complete {complete:.3f}")
    what = "R2 that an informative missing value costs"
    record([("gaps", what, "<= .08", round(complete - missing, 3), job.runs)], job)


def large(job):
    """Seconds of a fit."""
    n = 2000 if job.tiny else 100_000
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 20))
    y = np.where(X[:, 1] > 0.5, 2, -1) * X[:, 0] + X[:, 2:6].sum(axis=1) + rng.normal(size=n)
    InteractionBasedClustering(cv=2, random_state=0).fit(X[:500], y[:500])
    begin = time.process_time()
    model = InteractionBasedClustering(random_state=0, cv=2 if job.tiny else None).fit(X, y)
    seconds = time.process_time() - begin
    print(f"{model.model_}: {model.rules()[:3]}")
    what = f"processor seconds of a fit, n = {n}, p = 20"
    record([("large", what, "<= 60", round(seconds), 1)], job)


class Job(NamedTuple):
    """How much is to be done."""

    runs: int
    tables: tuple = tuple(TABLES)
    tiny: bool = False
    store: bool = False


ROWS = {
    "cases": cases,
    "nulls": nulls,
    "speed": speed,
    "stages": stages,
    "trees": trees,
    "tables": tables,
    "subjects": subjects,
    "rules": rules,
    "growth": growth,
    "levels": levels,
    "gaps": gaps,
    "large": large,
}

def main(arguments=None):
    """Read the command line and go through the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help=", ".join(ROWS))
    parser.add_argument("--runs", type=int, help="data sets (20; 200 for nulls, 300 for trees)")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), help="tables (default: all)")
    parser.add_argument("--tiny", action="store_true", help="a few runs of small size")
    parser.add_argument("--store", action="store_true", help="store also what has other runs")
    given = parser.parse_args(arguments)
    for row in given.rows or list(ROWS):
        runs = given.runs or (2 if given.tiny else RUNS.get(row, 20))
        whole = not (given.runs or given.tables or given.tiny)
        tables = tuple(given.tables or (("servo",) if given.tiny else TABLES))
        print(f"\n{row}", flush=True)
        ROWS[row](Job(runs, tables, given.tiny, given.store or whole))


if __name__ == "__main__":
    main()
