"""Certificates: published GlobalOpt seconds (32 threads, 5 % gap, limit 7,200 s) beside ours on one
core, instance by instance.

    python benchmarks/certificates.py [section ...]

Sections, all by default: two, three, four, noise, outliers, features, hard, large, uci, quadrics,
prices. Seconds include local search. A published instance has X and y rounded to two decimals, as
its solver saw them; "-" stands where no GlobalOpt run was published.
"""

import sys
import time

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_iris

from lpc_ns.base.errors import DataNotFoundError
from lpc_ns.datasets import UCI_DATASETS, load_reference_instances, load_uci, make_lpc
from lpc_ns.lpc.problem import make_problem
from lpc_ns.lpc.proof import race
from lpc_ns.lpc.proof.race import branch_and_bound

EXACT = 1e-6


def instances(family, n_clusters, sizes, n_features=None):
    """Published instances of a family with the given numbers of samples, each once."""
    found = {}
    for instance in load_reference_instances(family):
        n, d = instance.data.X.shape
        if len(instance.data.coef) == n_clusters and n in sizes and n_features in (None, d):
            found.setdefault((n, instance.id), instance)
    return [found[key] for key in sorted(found)]


def problem_of(instance):
    """The problem as the published solver saw it."""
    return make_problem(
        np.round(instance.data.X, 2),
        np.round(instance.data.y, 2),
        len(instance.data.coef),
        instance.ridge,
    )


def row(name, problem, gap, limit, published=float("nan"), without=()):
    """One line of a table, without the searches of these names."""
    chosen = race.searches_for
    race.searches_for = lambda p: [kind for kind in chosen(p) if kind.__name__ not in without]
    cpu = time.process_time()
    try:
        result = branch_and_bound(problem, gap=gap, time_limit=limit, random_state=0)
    finally:
        race.searches_for = chosen
    return {
        "instance": name,
        "N": problem.n_samples,
        "D": problem.n_coefficients - 1,
        "K": problem.n_clusters,
        "published [s]": published,
        "aim": f"{gap:.0%}" if gap > 1e-3 else "0",
        "gap [%]": 100 * result.gap,
        "seconds": result.seconds,
        "CPU": time.process_time() - cpu,
        "nodes": result.nodes,
        "status": result.status,
    }


def published_rows(found, gap, limit):
    """One line for every published instance."""
    for instance in found:
        run = instance.runs.get("globalopt")
        yield row(
            instance.id, problem_of(instance), gap, limit, run.seconds if run else float("nan")
        )


def two():
    """K = 2, D = 2: exact."""
    yield from published_rows(
        instances("vary_n", 2, (50, 100, 150, 200, 400, 600, 800, 1000, 1500, 2000)), EXACT, 20
    )


def three():
    """K = 3, D = 2: 5 %, and exact for the smaller ones."""
    yield from published_rows(instances("vary_n", 3, (45, 60, 75, 90)), 0.05, 60)
    yield from published_rows(instances("vary_n", 3, (45, 60)), EXACT, 60)


def four():
    """K = 4: 5 %."""
    yield from published_rows(instances("vary_k", 4, (36,)), 0.05, 60)


def noise():
    """K = 2, D = 3, noise: exact."""
    yield from published_rows(instances("vary_noise_std", 2, (120,)), EXACT, 20)


def outliers():
    """K = 2, D = 3, outliers: exact."""
    yield from published_rows(instances("vary_outlier_ratio", 2, (120,)), EXACT, 20)


def features():
    """K = 2, N = 60, up to 16 features: exact."""
    yield from published_rows(instances("vary_d", 2, (60,)), EXACT, 20)


def hard():
    """K = 3, D = 3, outliers: what ten minutes prove."""
    yield from published_rows(instances("vary_outlier_ratio", 3, (120,))[:1], 0.05, 600)


def large():
    """The first experiment's generator, many samples."""
    for n in (2_000, 100_000):
        data = make_lpc(2, n, 2, noise=3.5, random_state=0)
        yield row(f"generator, N = {n}", make_problem(data.X, data.y, 2, ridge=1.0), 1e-4, 300)


def uci():
    """The ten real data sets: whatever a minute proves."""
    for number in UCI_DATASETS:
        data = load_uci(number)
        yield row(data.name, make_problem(data.X, data.y, 2, ridge=0.01), 1e-4, 60)


def standardised(features, column):
    """Two or three clusters in which one column of a table is explained by the others."""
    table = (features - features.mean(axis=0)) / features.std(axis=0)
    return np.delete(table, column, axis=1), table[:, column]


def quadrics():
    """K = 2, four to nine coefficients: what a minute proves, with the quadric bound and
    without."""
    tables = {f"UCI {n}": (load_uci(n).X, load_uci(n).y) for n in (87, 390, 60)}
    tables["iris, petal width"] = standardised(load_iris().data, 3)
    data = load_breast_cancer().data
    tables["breast, radius"] = standardised(data[:, [0, 1, 4, 5, 6, 7, 8, 9]], 0)
    for name, (X, y) in tables.items():
        problem = make_problem(X, y, 2, ridge=0.01)
        yield row(name, problem, 1e-4, 60)
        yield row(f"{name}, without", problem, 1e-4, 60, without=("QuadricSearch",))


def prices():
    """K >= 3, up to four coefficients: what forty seconds prove, with families of prices and
    without."""
    problems = {}
    for k, n, d in ((3, 300, 2), (3, 1_000, 2), (3, 10_000, 2), (3, 300, 3), (4, 300, 2)):
        data = make_lpc(k, n, d, noise=3.5, random_state=0)
        problem = make_problem(data.X, data.y, k, ridge=1.0)
        problems.setdefault("generator", []).append(problem)
    problems["iris, petal width"] = [make_problem(*standardised(load_iris().data, 3), 3)]
    for name, several in problems.items():
        for problem in several:
            yield row(name, problem, 1e-3, 40)
            yield row(f"{name}, without", problem, 1e-3, 40, without=("FamilySearch",))


SECTIONS = {
    f.__name__: f
    for f in (two, three, four, noise, outliers, features, hard, large, uci, quadrics, prices)
}


def main(names):
    """Print the table of each section and its summary."""
    pd.set_option("display.width", 160)
    for name in names:
        section = SECTIONS[name]
        print(f"\n{name}: {section.__doc__}")
        try:
            table = pd.DataFrame(section())
        except DataNotFoundError as reason:
            print(reason)
            continue
        formats = {
            "published [s]": "{:.1f}".format,
            "gap [%]": "{:.4f}".format,
            "seconds": "{:.2f}".format,
            "CPU": "{:.2f}".format,
        }
        print(table.to_string(index=False, na_rep="-", formatters=formats))
        summary = table.groupby(["N", "D", "K", "aim"]).agg(
            instances=("seconds", "size"),
            proved=("status", lambda status: int((status == "optimal").sum())),
            median=("seconds", "median"),
            worst=("seconds", "max"),
            published_median=("published [s]", "median"),
            worst_gap=("gap [%]", "max"),
        )
        print("\n" + summary.round(2).to_string(na_rep="-"), flush=True)


if __name__ == "__main__":
    data = make_lpc(2, 40, 2, random_state=0)
    branch_and_bound(
        make_problem(data.X, data.y, 2), random_state=0
    )  # compile, or load what was compiled
    main(sys.argv[1:] or SECTIONS)
