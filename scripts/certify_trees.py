"""The cluster tree formulation and the exact algorithm against enumeration.

    python scripts/certify_trees.py [COUNT]

Random tiny problems, half of them on a grid so that values and whole points repeat, with prices,
margins and smallest leaves. Each is solved as a mixed-integer program, by the exact algorithms, and
by trying all trees, in five families: one feature per split with one cluster per leaf, L1 and L2;
clusters shared by leaves; hyperplanes in the plane with two clusters, L1; hyperplanes of all kinds
in two, three and four dimensions, with roots and shared clusters, which the program leaves out: the
sides that brute force tries are all divisions of the samples that a linear program can separate.
A sixth family is of tables with missing values and with weights of features and of samples, fitted
by `ClusterTree`: exactly, by default, and by local search, which may only be worse.
Objectives are recomputed from the trees and must agree to a relative 1e-6, and the proved bounds
must meet them to the gap that was asked for. The table goes to results/trees.csv; a disagreement
ends the run with status 1.
"""

import itertools
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from lpc_ns import ClusterTree
from lpc_ns.base.errors import DataWarning
from lpc_ns.tree.mip.hyperplanes import line_splits, separate
from lpc_ns.tree.mip.solve import mip_tree
from lpc_ns.tree.problem.enumeration import brute_force, feature_splits
from lpc_ns.tree.problem.objective import make_problem
from lpc_ns.tree.proof.exact import exact_tree
from lpc_ns.tree.proof.hyperplanes import hyperplane_tree

TOLERANCE = 1e-6
ROOT = Path(__file__).resolve().parents[1]


def random_points(rng, n, p):
    """Points on a coarse grid, or anywhere; never all the same."""
    while True:
        X = (
            rng.integers(0, 4, (n, p)) / 3
            if rng.random() < 0.5
            else rng.normal(size=(n, p)).round(3)
        )
        if (X != X[0]).any():
            return X


def random_problem(seed, family, largest=7):
    """A random problem of a family, the same for the same seed."""
    rng = np.random.default_rng([seed, len(family)])
    hyperplane = family == "hyperplane"
    shared = family == "shared"
    K = 2 if hyperplane else int(rng.integers(2, 4))
    n = int(rng.integers(5, largest + 1))
    X = random_points(rng, n, 2 if hyperplane else int(rng.integers(1, 3)))
    limits = (
        {"max_depth": int(rng.integers(1, 3))}
        if hyperplane
        else {"max_depth": 2} if shared else {"max_leaves": K}
    )
    loss_X = X if rng.random() < 0.7 else random_points(rng, n, 2)
    criterion = (
        family if family in ("l1", "l2") else "l1" if hyperplane or rng.random() < 0.5 else "l2"
    )
    prices = {
        "complexity": float(rng.choice([0, 0.02, 0.1])),
        "margin": float(rng.choice([0, 0.01])),
    }
    return make_problem(
        X,
        K,
        loss_X=loss_X,
        criterion=criterion,
        min_samples_leaf=int(rng.integers(1, n // K + 1)),
        **prices,
        **limits,
    )


def random_hyperplanes(seed, largest=8):
    """A random problem for hyperplanes in two to four dimensions, and the features in a split."""
    rng = np.random.default_rng([seed, 99])
    p = int(rng.integers(2, 5))
    K = int(rng.integers(2, 4))
    n = int(rng.integers(5, min(largest, 7 if p == 4 else 8) + 1))
    X = random_points(rng, n, p)
    if rng.random() < 0.2:
        X[-1] = X[0]
    limits = {"max_depth": int(rng.integers(1, 3)) if K == 2 else 2}
    if rng.random() < 0.3:
        limits["max_leaves"] = K
    squares = rng.random() < 0.6
    problem = make_problem(
        X,
        K,
        loss_X=X if rng.random() < 0.7 else random_points(rng, n, 2),
        criterion="l2" if squares else "l1",
        min_samples_leaf=int(rng.integers(1, n // K + 1)) if rng.random() < 0.5 else 1,
        complexity=float(rng.choice([0, 0.02, 0.1])),
        margin=float(rng.choice([0, 0.01])),
        root=bool(squares and rng.random() < 0.5),
        **limits,
    )
    return problem, int(rng.integers(2, p + 1))


def separable_splits(local_sparsity):
    """All divisions of a node that a linear program can separate, as candidates of brute force."""
    known = {}

    def splits(problem, rows):
        for way in itertools.product([False, True], repeat=len(rows) - 1):
            side = np.array([False, *way])
            key = (rows.tobytes(), side.tobytes())
            if side.any() and key not in known:
                pair = (rows[side], rows[~side])
                known[key] = separate(problem, *pair, local_sparsity=local_sparsity)
            if side.any() and known[key] is not None:
                yield rows[side], rows[~side], known[key]

    return splits


FAMILIES = ("l1", "l2", "shared", "hyperplane", "hyperplanes")


def posed(seed, family, largest):
    """A random problem, the splits that brute force tries, and the features in a split."""
    if family == "hyperplanes":
        problem, sparsity = random_hyperplanes(seed, largest + 1)
        return problem, separable_splits(sparsity), sparsity
    problem = random_problem(seed, family, largest)
    flat = family != "hyperplane"
    return problem, feature_splits if flat else line_splits, 1 if flat else 2


def solutions(problem, family, sparsity):
    """(method, solution, gap asked for) of every way to prove the optimum."""
    if family != "hyperplanes":
        splits = "feature" if sparsity == 1 else "hyperplane"
        yield "program", mip_tree(problem, splits=splits, gap=1e-9), 0.0
    if sparsity == 1:
        yield "exact", exact_tree(problem), 0.0
    else:
        yield "exact", hyperplane_tree(problem, local_sparsity=sparsity), 1e-6


def certify(seed, largest=7):
    """
    Compare the formulation and the exact algorithm with enumeration on one instance of every
    family.

    Returns
    -------
    list of dict
        One row per family and method: objective, bound, the enumerated optimum, and the larger
        relative difference from it.
    """
    rows = []
    for family in FAMILIES:
        problem, candidates, sparsity = posed(seed, family, largest)
        best = brute_force(problem, candidates).objective
        size = {
            "n": problem.n_samples,
            "p": problem.n_features,
            "K": problem.n_clusters,
            "criterion": problem.criterion,
        }
        for method, found, gap in solutions(problem, family, sparsity):
            short = max(abs(found.lower_bound - best) - gap * best, 0.0)
            off = max(abs(found.objective - best), short) / max(best, 1e-9)
            rows.append(
                {
                    "seed": seed,
                    "family": family,
                    **size,
                    "method": method,
                    "objective": found.objective,
                    "bound": found.lower_bound,
                    "status": found.status,
                    "enumeration": best,
                    "difference": off,
                }
            )
    return rows


def divisions(X):
    """The left sides of all splits of a table: by thresholds with missing values on either side,
    and by whether values are missing."""
    for column in X:
        values = X[column]
        gone = values.isna().to_numpy()
        if gone.any():
            yield gone
        for cut in np.unique(values[~gone]):
            yield values.le(cut).to_numpy() & ~gone
            yield values.le(cut).to_numpy() | gone


def least_loss(X, Z, weight, n_leaves, smallest=1, rows=None):
    """Least weighted loss of trees with at most so many leaves."""
    rows = np.ones(len(X), dtype=bool) if rows is None else rows
    if weight[rows].sum() < smallest:
        return np.inf
    center = np.average(Z[rows], axis=0, weights=weight[rows]) if weight[rows].any() else 0.0
    best = float(weight[rows] @ ((Z[rows] - center) ** 2).sum(axis=1))
    for side in divisions(X) if n_leaves > 1 else ():
        left = rows & side
        right = rows & ~side
        for a in range(1, n_leaves) if left.any() and right.any() else ():
            parts = ((left, a), (right, n_leaves - a))
            loss = sum(least_loss(X, Z, weight, n, smallest, part) for part, n in parts)
            best = min(best, loss)
    return best


def random_table(rng):
    """Few rows of two columns of numbers with gaps and ties."""
    n = int(rng.integers(6, 8))
    table = pd.DataFrame({"a": rng.integers(0, 4, n) / 3, "b": rng.normal(size=n)})
    for column in table:
        table.loc[rng.random(n) < 0.3, column] = np.nan
    return table


def scaled(table, feature_weights, weight):
    """Loss features: gaps at the weighted mean, ranges 1, weights."""
    columns = []
    for name in table:
        known = table[name].notna()
        mean = np.average(table[name][known], weights=weight[known])
        values = table[name].fillna(mean).to_numpy()
        root = np.sqrt(feature_weights.get(name, 1.0))
        columns.append(root * (values - values.min()) / (np.ptp(values) or 1.0))
    return np.column_stack(columns)


def certify_tables(seed):
    """
    Compare trees of a table with missing values and weights with enumeration.

    Returns
    -------
    list of dict
        One row per method, as from `certify`; local search differs only where it is better, or
        where its bound is above the optimum.
    """
    rng = np.random.default_rng([seed, 98])
    table = random_table(rng)
    weight = rng.integers(1, 4, len(table)).astype(float) if seed % 2 else np.ones(len(table))
    feature_weights = {"b": float(rng.choice([0.25, 1.0, 9.0]))}
    K = int(rng.integers(2, 4))
    options = {"min_samples_leaf": int(rng.integers(1, 3)), "feature_weights": feature_weights}
    target = scaled(table, feature_weights, weight)
    best = least_loss(table, target, weight, K, options["min_samples_leaf"])
    rows = []
    for method in ("exact", "auto", "local"):
        model = ClusterTree(K, method=method, random_state=0, **options)
        model.fit(table, sample_weight=weight)
        assert (model.predict(table) == model.labels_).all(), (seed, method)
        above = best - model.loss_ if method == "local" else abs(best - model.loss_)
        off = max(above, model.lower_bound_ * model.root_loss_ - best, 0.0)
        rows.append(
            {
                "seed": seed,
                "family": "tables",
                "n": len(table),
                "p": 2,
                "K": K,
                "criterion": "l2",
                "method": method,
                "objective": model.loss_,
                "bound": model.lower_bound_ * model.root_loss_,
                "status": "optimal" if method == "local" else model.status_,
                "enumeration": best,
                "difference": off / model.root_loss_,
            }
        )
    return rows


def main():
    warnings.simplefilter("ignore", DataWarning)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    table = pd.DataFrame(
        [
            row
            for seed in tqdm(range(count), desc="instances")
            for row in [*certify(seed), *certify_tables(seed)]
        ]
    )
    target = ROOT / "results" / "trees.csv"
    target.parent.mkdir(exist_ok=True)
    table.to_csv(target, index=False)
    print(
        table.groupby(["family", "method"])
        .difference.agg(["size", "max"])
        .to_string(float_format=lambda v: f"{v:.1e}")
    )
    wrong = table[(table.difference > TOLERANCE) | (table.status != "optimal")]
    print(
        f"{count} instances, {len(table)} comparisons, {len(wrong)} beyond {TOLERANCE:g}; written:"
        f" {target.relative_to(ROOT)}"
    )
    if len(wrong):
        raise SystemExit(wrong.to_string())


if __name__ == "__main__":
    main()
