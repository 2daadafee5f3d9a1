"""Local search against the baseline, in one run on one machine: objective ratios and seconds.

    python benchmarks/local_search.py

On synthetic problems of growing difficulty, and on the published reference instances where a data
folder has them. A ratio above 1 is the other method's excess over local search.
"""

import time

import numpy as np
import pandas as pd

from lpc_ns.base.errors import DataNotFoundError
from lpc_ns.datasets import REFERENCE_FAMILIES, load_reference_instances, make_lpc
from lpc_ns.lpc.problem import make_problem, objective
from lpc_ns.lpc.search.local_search import greedy, local_search


def synthetic():
    """Greedy with 20 starts, greedy with the time that local search took, and local search."""
    rows = []
    for n, d, k, noise in [
        (120, 2, 2, 3.5),
        (120, 3, 3, 2.5),
        (300, 3, 4, 3.0),
        (600, 8, 3, 2.0),
        (2000, 3, 3, 3.5),
    ]:
        rng = np.random.default_rng(n + d)
        data = make_lpc(k, n, d, coef=rng.normal(0, 1.5, (k, d + 1)), noise=noise, random_state=0)
        problem = make_problem(data.X, data.y, k)
        ours = local_search(problem, random_state=0)
        few = greedy(problem, random_state=0)
        start = time.perf_counter()
        best = np.inf
        while time.perf_counter() - start < ours.seconds:
            best = min(
                best,
                greedy(problem, random_state=int(1e6 * (time.perf_counter() - start))).objective,
            )
        rows.append(
            {
                "N": n,
                "D": d,
                "K": k,
                "ours [s]": ours.seconds,
                "share": ours.share_of_restarts,
                "greedy mean / ours": few.restart_objectives.mean() / ours.objective,
                "greedy best of 20 / ours": few.objective / ours.objective,
                "greedy, same time / ours": best / ours.objective,
            }
        )
    print(pd.DataFrame(rows).round(4).to_string(index=False))


def published():
    """Every published GlobalOpt assignment against ours: eq. (1), data rounded to two decimals as
    published."""
    rows = []
    for family in REFERENCE_FAMILIES:
        for instance in load_reference_instances(family):
            if "globalopt" not in instance.runs:
                continue
            X = np.round(instance.data.X, 2)
            y = np.round(instance.data.y, 2)
            run = instance.runs["globalopt"]
            problem = make_problem(X, y, len(instance.data.coef), instance.ridge)
            ours = local_search(problem, random_state=0)
            published = objective(problem, run.labels)
            rows.append((family, problem.n_clusters, published / ours.objective, ours.seconds))
    table = pd.DataFrame(rows, columns=["family", "K", "published / ours", "seconds"])
    ratio = table["published / ours"]
    worse = (ratio < 1 - 1e-6).sum()
    better = (ratio > 1 + 1e-6).sum()
    print(
        f"\n{len(table)} published GlobalOpt assignments: ours worse on {worse}, better on"
        f" {better}; ",
        end="",
    )
    print(f"median {table.seconds.median():.3f} s, worst {table.seconds.max():.3f} s")
    print(
        table.groupby(["family", "K"])
        .agg({"published / ours": ["min", "max"], "seconds": ["median", "max"]})
        .round(4)
        .to_string()
    )


if __name__ == "__main__":
    small = make_problem(np.random.default_rng(0).normal(size=(30, 2)), np.arange(30.0), 2)
    local_search(small, n_init=1), greedy(small, n_init=1)  # compile, or load what was compiled
    synthetic()
    try:
        published()
    except DataNotFoundError as reason:
        print(f"\nPublished instances: {reason}")
