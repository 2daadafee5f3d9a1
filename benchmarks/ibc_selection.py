"""What the estimator of part I promises, on simulated data: the right family, no R^2 from noise,
intervals that cover in every regime.

    python benchmarks/ibc_selection.py [families] [noise] [coverage]

families: which of A to D `auto` chooses (a tree without products is a B, with products a D), for
each of four truths, among 2, 5 and 10 features, in two blocks of 12 data sets of 500 samples; at
least 9 of 12 should be right. noise: 5-fold R^2 of `auto` on 200 samples of 200 features of pure
noise, beside that of a regression on the five best products, chosen inside the folds, or before on
the whole table. coverage: share of 5,000 new targets inside 90 % intervals, in the quiet and in the
noisy regime, whose noise is ten times larger; where the regimes are those of the slope (model B),
and where only the noise has regimes (model A). Every data set has a seed that is used nowhere else
in the project.

Results go to nbs/results/ibc_families.csv, ibc_noise.csv and ibc_coverage.csv, which notebook 15
shows. Exit status 1 if a promise is broken. All three take about ten minutes on one core.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold

from lpc_ns.ibc.estimator import InteractionBasedClustering
from lpc_ns.ibc.models.families import FAMILIES
from lpc_ns.ibc.terms.screening import screen_pairs

RESULTS = Path(__file__).resolve().parents[1] / "nbs" / "results"
SIGNALS = {
    "A": lambda i, j: 1.2 * i,
    "B": lambda i, j: 1.5 * np.sign(j) * i,
    "C": lambda i, j: i * j,
    "D": lambda i, j: (2 + 1.5 * np.sign(j)) * i * j,
}


def one_truth(family, p, seed, n=500):
    """Features and target of a data set of a family, with noise of variance one; beyond two
    features the last has an effect of its own."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    noise = rng.normal(size=n)
    return X, SIGNALS[family](X[:, 0], X[:, 1]) + (X[:, -1] if p > 2 else 0) + noise


def families(n_blocks=2, n_runs=12, first_seed=80_000):
    """What `auto` chooses: one row per truth, number of features and block."""
    rows = []
    for block in range(n_blocks):
        for p in (2, 5, 10):
            seeds = first_seed + 1000 * p + n_runs * block + np.arange(n_runs)
            for truth in FAMILIES:
                chosen = [
                    InteractionBasedClustering(random_state=int(s))
                    .fit(*one_truth(truth, p, s))
                    .family_
                    for s in seeds
                ]
                counts = {name: chosen.count(name) for name in FAMILIES}
                rows.append({"p": p, "block": block, "truth": truth, **counts})
                print(*rows[-1].values(), flush=True)
    table = pd.DataFrame(rows)
    right = [row[row["truth"]] for _, row in table.iterrows()]
    return table, min(right) >= 0.75 * n_runs


def r2(y, prediction):
    """R^2."""
    return 1 - ((y - prediction) ** 2).sum() / ((y - y.mean()) ** 2).sum()


def best_products(X, y, rows=slice(None)):
    """The five products of largest partial F on some rows, as columns for all rows."""
    return np.column_stack(
        [X[:, i] * X[:, j] for i, j in screen_pairs(X[rows], y[rows], top=5).terms]
    )


def noise(n_runs=10, first_seed=60_000):
    """R^2 that is made of nothing, honestly and not: one row per data set."""
    rows = []
    for seed in range(first_seed, first_seed + n_runs):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 200))
        y = rng.normal(size=200)
        everything = best_products(X, y)
        held_out = {name: np.empty(200) for name in ("auto", "inside", "before")}
        for train, test in KFold(5, shuffle=True, random_state=seed).split(X):
            held_out["auto"][test] = (
                InteractionBasedClustering(random_state=seed)
                .fit(X[train], y[train])
                .predict(X[test])
            )
            for name, columns in (("inside", best_products(X, y, train)), ("before", everything)):
                held_out[name][test] = (
                    LinearRegression().fit(columns[train], y[train]).predict(columns[test])
                )
        rows.append(
            {"seed": seed, **{name: r2(y, prediction) for name, prediction in held_out.items()}}
        )
        print(*rows[-1].values(), flush=True)
    table = pd.DataFrame(rows)
    return table, table["auto"].mean() <= 0.01


def coverage(n_runs=20, first_seed=70_000):
    """Coverage of 90 % intervals: one row per model and data set."""
    rows = []
    for model, n in (("B", 400), ("B", 1000), ("A", 1000)):
        for seed in range(first_seed, first_seed + n_runs):
            rng = np.random.default_rng(seed)
            X = rng.normal(size=(n + 5000, 3))
            noisy = X[:, 1] > 0
            slope = 1.5 * np.where(noisy & (model == "B"), -1, 1)
            y = slope * X[:, 0] + np.where(noisy, 3.0, 0.3) * rng.normal(size=len(X))
            low, high = (
                InteractionBasedClustering(model, random_state=seed)
                .fit(X[:n], y[:n])
                .predict_interval(X[n:])
                .T
            )
            inside = (low <= y[n:]) & (y[n:] <= high)
            side = noisy[n:]
            rows.append(
                {
                    "model": model,
                    "n": n,
                    "seed": seed,
                    "quiet": inside[~side].mean(),
                    "noisy": inside[side].mean(),
                }
            )
        print(
            model, n, *pd.DataFrame(rows[-n_runs:])[["quiet", "noisy"]].mean().round(4), flush=True
        )
    table = pd.DataFrame(rows)
    means = table.groupby(["model", "n"])[["quiet", "noisy"]].mean().to_numpy()
    return table, (np.abs(means - 0.9) <= 0.02).all()


PARTS = {"families": families, "noise": noise, "coverage": coverage}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    names = parser.parse_args().parts or list(PARTS)
    kept = []
    for name in names:
        table, keeps = PARTS[name]()
        RESULTS.mkdir(exist_ok=True)
        table.round(4).to_csv(RESULTS / f"ibc_{name}.csv", index=False)
        print(f"{name}: {'kept' if keeps else 'BROKEN'}", flush=True)
        kept.append(keeps)
    return not all(kept)


if __name__ == "__main__":
    sys.exit(main())
