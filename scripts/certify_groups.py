"""Soundness of proofs over units: small random panels against brute force.

    python scripts/certify_groups.py [n_problems] [first_seed]

Every problem has six or seven units of one to five rows, 2 or 3 clusters, a ridge between 0 and 1,
and columns on scales from 1e-3 to 1e3; some have weights, duplicated columns or an offset of the
target. Checked, for each of them:

- the proof ends at the optimum over all partitions that give every unit one cluster, and says so
  unless rounding forbids it;
- no bound exceeds the optimum, after any number of nodes.

Any violation is printed and makes the exit status 1.
"""

import itertools
import sys

import numpy as np

from lpc_ns.lpc.problem import make_problem, objective
from lpc_ns.lpc.proof.units import prove_units


def panel(seed):
    """A small problem and the units of its rows."""
    rng = np.random.default_rng(seed)
    G = int(rng.integers(6, 8))
    K = 2 + seed % 2
    groups = np.repeat(np.arange(G), rng.integers(1, 6, G))
    N = len(groups)
    X = rng.normal(size=(N, int(rng.integers(1, 4)))) * 10.0 ** rng.integers(-3, 4)
    if seed % 7 == 0:
        X = np.column_stack([X, X[:, 0]])
    y = rng.normal(size=N) + rng.choice([-2, 2], G)[groups] + X[:, 0] / np.abs(X).max()
    y += 1e4 * (seed % 5 == 0)
    weights = rng.uniform(0.5, 2, N) if seed % 3 == 0 else None
    ridge = (0.0, 1e-6, 0.01, 1.0)[seed % 4]
    shuffle = rng.permutation(N)
    problem = make_problem(
        X[shuffle], y[shuffle], K, ridge, True, None if weights is None else weights[shuffle]
    )
    return problem, groups[shuffle]


def optimum(problem, groups):
    """Least objective over all labels of units."""
    names, code = np.unique(groups, return_inverse=True)
    labels = itertools.product(range(problem.n_clusters), repeat=len(names) - 1)
    return min(objective(problem, np.array((0, *z))[code]) for z in labels)


def violations(seed):
    """What is wrong with the proofs of one problem."""
    problem, groups = panel(seed)
    best = optimum(problem, groups)
    found = prove_units(problem, groups, random_state=seed)
    wrong = []
    if found.objective > best * (1 + 1e-9) + found.rounding_error:
        wrong.append(f"objective {found.objective} above the optimum {best}")
    if found.status != "optimal" and "rounding" not in found.reason:
        wrong.append(f"status {found.status}: {found.reason}")
    if any(len(np.unique(found.labels[groups == g])) > 1 for g in np.unique(groups)):
        wrong.append("a unit is divided")
    rng = np.random.default_rng(seed)
    bounds = [found.lower_bound]
    for most in rng.integers(1, 60, 4):
        bounds.append(prove_units(problem, groups, max_nodes=int(most)).lower_bound)
    if max(bounds) > best + found.rounding_error:
        wrong.append(f"bound {max(bounds)} above the optimum {best}")
    return [f"seed {seed}: {text}" for text in wrong]


def main():
    """Check as many problems as the command line says; 200 by default."""
    n_problems, first = (*map(int, sys.argv[1:]), *(200, 0)[len(sys.argv) - 1 :])
    wrong = [text for seed in range(first, first + n_problems) for text in violations(seed)]
    print(*wrong, f"{n_problems} panels, {len(wrong)} violations", sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
