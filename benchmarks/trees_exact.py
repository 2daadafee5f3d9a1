"""Exact cluster trees: the published cases, iris, many samples, and seven balls without a limit of depth.

    python benchmarks/trees_exact.py [--limit SECONDS]

One core. Seconds are the smallest of three runs after a first one (or that one, if it takes longer than a second).
"MIP" is the formulation of notebook 30 with a free back end on the same problem in the same run, with the same time limit. Seconds that
were published for another machine and solver are printed for orientation only.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, make_blobs

from lpc_ns.datasets import load_cluster_tree_cases
from lpc_ns.errors import DataNotFoundError
from lpc_ns.tree.exact import exact_tree
from lpc_ns.tree.formulation import make_problem, minmax, mip_tree


def solve(problem, limit):
    """Best of three runs."""
    first = exact_tree(problem, time_limit=limit)
    runs = [first] if first.seconds > 1 else [exact_tree(problem, time_limit=limit) for _ in range(3)]
    return min(runs, key=lambda run: run.seconds)


def line(name, solution, extra=""):
    """One line of a table."""
    numbers = f"{solution.objective:12.8f} {solution.gap:8.1e} {solution.status:>10s} {solution.nodes:10,d} {solution.seconds:8.3f}"
    print(f"{name:46s} {numbers} {extra}", flush=True)


def published_table(limit):
    """The published cases with one-feature splits, beside the published times and the formulation."""
    try:
        cases = load_cluster_tree_cases()
    except DataNotFoundError as reason:
        print(f"Published cases left out: {reason}")
        return
    for case in cases.values():
        if case.local_sparsity > 1:
            continue
        Z = minmax(case.X).transform(case.X)
        options = {"max_depth": case.max_depth, "complexity": case.complexity, "margin": case.margin}
        solution = solve(make_problem(Z, case.n_clusters, root=True, **options), limit)
        if solution.objective > case.reference["gurobi_obj"] + 1e-6:
            raise SystemExit(f"{case.name}: {solution.objective} is worse than the published {case.reference['gurobi_obj']}.")
        line(f"{case.name} (published run {case.reference['gurobi_time']:.1f} s)", solution)


def mip_table(limit):
    """The formulation on small problems that it can hope to solve."""
    for n in (12, 20, 30):
        X = make_blobs(n, 2, centers=3, cluster_std=1.5, random_state=3)[0]
        problem = make_problem(minmax(X).transform(X), 3, criterion="l1", max_depth=2)
        ours, mip = solve(problem, limit), mip_tree(problem, time_limit=limit)
        ratio = f"MIP {mip.seconds:7.2f} s, gap {mip.gap:.1e}, {mip.seconds / ours.seconds:,.0f} times as long"
        line(f"blobs, n = {n}, depth 2, K = 3 shared, l1", ours, ratio)


def iris_table(limit):
    """Iris, clusters with a leaf each and shared."""
    X = load_iris().data
    for criterion in ("l2", "l1"):
        line(f"iris, 3 clusters, 3 leaves, {criterion}", solve(make_problem(X, 3, criterion=criterion), limit))
        line(f"iris, 3 clusters shared, depth 2, {criterion}", solve(make_problem(X, 3, criterion=criterion, max_depth=2), limit))
    for K in (5, 6, 7):
        line(f"iris, {K} leaves, no limit of depth, l2", solve(make_problem(X, K), limit))


def size_table(limit):
    """Many samples."""
    for n, depth, criterion in ((10_000, 2, "l2"), (10_000, 2, "l1"), (100_000, 2, "l2"), (2000, 3, "l2"), (10_000, 3, "l2")):
        X = make_blobs(n, 4, centers=2**depth, random_state=0)[0]
        problem = make_problem(X, 2**depth, criterion=criterion, max_depth=depth)
        line(f"blobs, n = {n}, p = 4, depth {depth}, {criterion}", solve(problem, limit))
    for n in (300, 1000):
        X = make_blobs(n, 4, centers=3, cluster_std=3, random_state=0)[0]
        line(f"blobs, n = {n}, p = 4, depth 2, K = 3 shared, l2", solve(make_problem(X, 3, max_depth=2), limit))


def balls_table(limit):
    """Seven balls: what a limit of depth costs."""
    centers = 3.0 * np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])
    X = np.repeat(centers, 30, axis=0) + np.random.default_rng(0).uniform(-0.6, 0.6, size=(210, 3))
    inertia = KMeans(7, n_init=10, random_state=0).fit(X).inertia_
    for name, options in (("depth 3", {"max_depth": 3, "max_leaves": 7}), ("no limit of depth", {})):
        solution = solve(make_problem(X, 7, **options), limit)
        line(f"seven balls, 7 leaves, {name}", solution, f"{solution.loss / inertia:.4f} times k-means")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for each run")
    seconds = parser.parse_args().limit
    exact_tree(make_problem(np.random.default_rng(0).normal(size=(20, 2)), 2, max_depth=2))
    print(f"{'':46s} {'objective':>12s} {'gap':>8s} {'status':>10s} {'nodes':>10s} {'seconds':>8s}")
    for table in (published_table, mip_table, iris_table, size_table, balls_table):
        table(seconds)
