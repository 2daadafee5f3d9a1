"""The cluster tree formulation and the exact algorithm against enumeration.

    python scripts/certify_trees.py [COUNT]

Random tiny problems, half of them on a grid so that values and whole points repeat, with prices,
margins and smallest leaves. Each is solved as a mixed-integer program, by the exact algorithms, and
by trying all trees, in five families: one feature per split with one cluster per leaf, L1 and L2;
clusters shared by leaves; hyperplanes in the plane with two clusters, L1; hyperplanes of all kinds
in two, three and four dimensions, with roots and shared clusters, which the program leaves out: the
sides that brute force tries are all divisions of the samples that a linear program can separate.
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


def main():
    warnings.simplefilter("ignore", DataWarning)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    table = pd.DataFrame(
        [row for seed in tqdm(range(count), desc="instances") for row in certify(seed)]
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
