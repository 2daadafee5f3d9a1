"""Every formulation of the paper on every free back end, and every native algorithm, against
enumeration.

    python scripts/certify_formulations.py [COUNT]

Random tiny problems (at most 12 samples, 2 or 3 clusters, 1 or 2 features, ridge 0.01 to 10, equal
and unequal shares), solved at a relative MIP gap of 1e-9. What each method found is recomputed from
its labels and compared with the best of all label vectors, to a relative 1e-6. The table goes to
results/formulations.csv; a disagreement ends the run with status 1.
"""

import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from lpc_ns.lpc.paper.arrangement import qpbo_exact
from lpc_ns.lpc.paper.global_mip import global_mip
from lpc_ns.lpc.paper.ns_mip import ns_mip
from lpc_ns.lpc.paper.opb import solve_opb, write_opb
from lpc_ns.lpc.paper.qpbo import ns_qpbo
from lpc_ns.lpc.paper.surrogate import surrogate_objective, surrogate_value
from lpc_ns.lpc.problem import brute_force, make_problem, objective
from lpc_ns.lpc.search.local_search import local_search

TOLERANCE = 1e-6
GAP = 1e-9
ROOT = Path(__file__).resolve().parents[1]


def random_instance(seed, largest=12):
    """A random problem and shares, the same for the same seed."""
    rng = np.random.default_rng(seed)
    K = 2 + seed % 2
    d = 1 + seed // 2 % 2
    n = int(rng.integers(5, (largest if K == 2 else min(largest, 9)) + 1))
    X = rng.normal(1, 2, size=(n, d))
    slope = rng.normal(0, 2, size=(K, d))[np.arange(n) % K]
    y = (X * slope).sum(axis=1) + rng.normal(0, 2, n) + rng.choice([0.0, 5.0])
    shares = np.full(K, 1 / K) if seed // 4 % 2 else rng.dirichlet(np.full(K, 4.0))
    return make_problem(X, y, K, ridge=10 ** rng.uniform(-2, 1)), shares


def enumerate_surrogates(problem, shares):
    """Smallest value of eq. (8) and largest of eq. (12) over all label vectors, by moments and
    explicit inverses."""
    X = problem.X
    y = problem.y
    K = problem.n_clusters
    penalty = np.diag(problem.penalty)
    lowest = np.inf
    highest = -np.inf
    strings = itertools.product(range(K), repeat=problem.n_samples)
    while batch := list(itertools.islice(strings, 20_000)):
        labels = np.array(batch)
        eight = np.full(len(labels), y @ y)
        twelve = np.zeros(len(labels))
        for k, share in enumerate(shares):
            member = (labels == k).astype(float)
            b = member @ (X * y[:, None])
            M = np.einsum("sn,np,nq->spq", member, X, X) + penalty
            W = b @ np.linalg.inv(share * X.T @ X + penalty)
            eight += np.einsum("sp,spq,sq->s", W, M, W) - 2 * (b * W).sum(axis=1)
            twelve += (b * W).sum(axis=1)
        lowest = min(lowest, eight.min())
        highest = max(highest, twelve.max())
    return lowest, highest


def runs(problem, shares):
    """(equation, method, value recomputed from its labels) of every way to solve the problem."""
    for formulation in ("big-m", "indicator"):
        found = global_mip(problem, formulation=formulation, gap=GAP, random_state=0)
        yield "(1)", f"GlobalOpt {formulation}, SCIP", objective(problem, found.labels)
    yield "(1)", "local search", local_search(problem, random_state=0).objective
    for formulation, solver in (("big-m", "SCIP"), ("indicator", "SCIP"), ("cubic", "HIGHS")):
        found = ns_mip(
            problem, alpha=shares, formulation=formulation, solver=solver, gap=GAP, random_state=0
        )
        yield (
            "(8)",
            f"LPC-NS-MIP {formulation}, {solver}",
            surrogate_objective(problem, found.labels, found.alpha),
        )
    for solver, formulation in (
        ("native", None),
        ("SCIP", "quadratic"),
        ("SCIP", "linear"),
        ("HIGHS", "linear"),
    ):
        found = ns_qpbo(
            problem, alpha=shares, solver=solver, formulation=formulation, gap=GAP, random_state=0
        )
        yield (
            "(12)",
            f"LPC-NS-QPBO {formulation or ''}, {solver}",
            surrogate_value(problem, found.labels, found.alpha),
        )
    if problem.n_clusters == 2:
        found = qpbo_exact(problem, shares)
        yield (
            "(12)",
            "LPC-NS-QPBO sweep, native",
            surrogate_value(problem, found.labels, found.alpha),
        )
    with tempfile.TemporaryDirectory() as folder:
        labels, _ = solve_opb(write_opb(problem, Path(folder) / "tiny.opb", shares, tolerance=GAP))
        yield "(12)", "LPC-NS-QPBO OPB file, SCIP", surrogate_value(problem, labels, shares)


def certify(seed, largest=12):
    """
    Compare every method with enumeration on one instance.

    Returns
    -------
    list of dict
        One row per method with its value, the enumerated optimum and their relative difference.
    """
    problem, shares = random_instance(seed, largest)
    lowest, highest = enumerate_surrogates(problem, shares)
    best = {"(1)": brute_force(problem).objective, "(8)": lowest, "(12)": highest}
    size = {
        "seed": seed,
        "N": problem.n_samples,
        "D": problem.n_coefficients - 1,
        "K": problem.n_clusters,
        "ridge": problem.penalty[0],
    }
    return [
        {
            **size,
            "equation": eq,
            "method": method,
            "value": value,
            "optimum": best[eq],
            "difference": value / best[eq] - 1,
        }
        for eq, method, value in runs(problem, shares)
    ]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    table = pd.DataFrame(
        [row for seed in tqdm(range(count), desc="instances") for row in certify(seed)]
    )
    target = ROOT / "results" / "formulations.csv"
    target.parent.mkdir(exist_ok=True)
    table.to_csv(target, index=False)
    worst = (
        table.assign(difference=table.difference.abs())
        .groupby(["equation", "method"])
        .difference.agg(["size", "max"])
    )
    print(worst.to_string(float_format=lambda v: f"{v:.1e}"))
    wrong = table[table.difference.abs() > TOLERANCE]
    print(
        f"{count} instances, {len(table)} comparisons, {len(wrong)} beyond {TOLERANCE:g}; written:"
        f" {target.relative_to(ROOT)}"
    )
    if len(wrong):
        raise SystemExit(wrong.to_string())


if __name__ == "__main__":
    main()
