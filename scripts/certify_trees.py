"""The cluster tree formulation and the exact algorithm against enumeration.

    python scripts/certify_trees.py [COUNT]

Random tiny problems, half of them on a grid so that values and whole points repeat, with prices,
margins and smallest leaves. Each is solved as a mixed-integer program, by the exact algorithm where
splits use one feature, and by trying all trees, in four families: one feature per split with one
cluster per leaf, L1 and L2; clusters shared by leaves; hyperplanes with two clusters, L1.
Objectives are recomputed from the trees and must agree to a relative 1e-6, and the proved bounds
must meet them. The table goes to results/trees.csv; a disagreement ends the run with status 1.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from lpc_ns.base.errors import DataWarning
from lpc_ns.tree.mip.hyperplanes import line_splits
from lpc_ns.tree.mip.solve import mip_tree
from lpc_ns.tree.problem.enumeration import brute_force, feature_splits
from lpc_ns.tree.problem.objective import make_problem
from lpc_ns.tree.proof.exact import exact_tree

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


FAMILIES = ("l1", "l2", "shared", "hyperplane")


def solutions(problem, hyperplane):
    """(method, solution) of every way to prove the optimum."""
    yield "program", mip_tree(problem, splits="hyperplane" if hyperplane else "feature", gap=1e-9)
    if not hyperplane:
        yield "exact", exact_tree(problem)


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
        problem = random_problem(seed, family, largest)
        hyperplane = family == "hyperplane"
        best = brute_force(problem, line_splits if hyperplane else feature_splits).objective
        size = {
            "n": problem.n_samples,
            "p": problem.n_features,
            "K": problem.n_clusters,
            "criterion": problem.criterion,
        }
        for method, found in solutions(problem, hyperplane):
            off = max(abs(found.objective - best), abs(found.lower_bound - best)) / max(best, 1e-9)
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
