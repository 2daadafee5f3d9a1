"""Certificates: published GlobalOpt seconds (32 threads, 5 % gap, limit 7,200 s) beside ours on one
core, instance by instance.

    python benchmarks/certificates.py [section ...] [--rows PATTERN] [--store]

Sections, all by default: two, three, four, noise, outliers, features, hard, large, uci, quadrics,
prices, default, calibration, searches, goals. Seconds are processor seconds of one core, so a busy
machine does not matter; they include local search, and limits are counted in them. A published
instance has X and y rounded to two decimals, as its solver saw them; "-" stands where no GlobalOpt
run was published. `--rows` runs only the rows of `goals` whose names match; `--store` writes the
tables of the last six to nbs/results, where rows of `goals` that were not run stay.
"""

import argparse
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from lpc_ns.base import budget
from lpc_ns.base.errors import DataNotFoundError
from lpc_ns.base.numerics import relative_gap
from lpc_ns.datasets import UCI_DATASETS, load_reference_instances, load_uci, make_lpc
from lpc_ns.lpc.auto import search_and_prove, warm
from lpc_ns.lpc.problem import make_problem
from lpc_ns.lpc.proof import race
from lpc_ns.lpc.proof.boxes import BoxSearch
from lpc_ns.lpc.proof.families import FamilySearch
from lpc_ns.lpc.proof.labels import LabelSearch
from lpc_ns.lpc.proof.quadrics import QuadricSearch
from lpc_ns.lpc.proof.race import SumOfGroups, branch_and_bound
from lpc_ns.lpc.search.local_search import greedy, local_search

RESULTS = Path(__file__).resolve().parents[1] / "nbs" / "results"
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
    """K >= 3, up to four coefficients: what forty seconds prove with prices, and with the other
    searches alone."""
    problems = []
    for k, n, d in ((3, 300, 2), (3, 1_000, 2), (3, 10_000, 2), (3, 300, 3), (4, 300, 2)):
        data = make_lpc(k, n, d, noise=3.5, random_state=0)
        problems.append(("generator", make_problem(data.X, data.y, k, ridge=1.0)))
    X, y = standardised(load_iris().data, 3)
    problems.append(("iris, petal width", make_problem(X, y, 3, ridge=0.01)))
    hard_one = instances("vary_outlier_ratio", 3, (120,))[0]
    problems.append((f"outliers {hard_one.id}", problem_of(hard_one)))
    for name, problem in problems:
        yield row(name, problem, 1e-4, 40)
        yield row(f"{name}, without", problem, 1e-4, 40, without=("FamilySearch",))


def tables():
    """The ten UCI tables, whole and three random halves of each, and four of scikit-learn."""
    rng = np.random.default_rng(0)
    for number in UCI_DATASETS:
        data = load_uci(number)
        yield data.name, data.X, data.y
        for half in range(1, 4):
            rows = np.sort(rng.choice(len(data.y), len(data.y) // 2, replace=False))
            yield f"{data.name}, half {half}", data.X[rows], data.y[rows]
    yield "iris", *standardised(load_iris().data, 3)
    yield "wine", *standardised(load_wine().data, 0)
    breast = load_breast_cancer().data
    yield "breast", *standardised(breast[:, [0, 1, 4, 5, 6, 7, 8, 9]], 0)
    diabetes = load_diabetes()
    yield "diabetes", diabetes.data, diabetes.target


def default():
    """The default fit with two clusters, standardised: the gap that it proves, the share of its
    restarts that agree, and whether 24 more restarts find nothing better."""
    for name, X, y in tables():
        keep = X.std(axis=0) > 0
        X = (X[:, keep] - X[:, keep].mean(axis=0)) / X[:, keep].std(axis=0)
        problem = make_problem(X, (y - y.mean()) / y.std(), 2, ridge=0.01)
        begin = time.process_time()
        found = search_and_prove(problem, random_state=0)
        seconds = time.process_time() - begin
        proved = found.status == "optimal"
        best = found if proved else local_search(problem, 24, random_state=1)
        yield {
            "table": name,
            "N": problem.n_samples,
            "p": problem.n_coefficients,
            "gap": found.gap,
            "agreeing": found.share_of_restarts,
            "restarts": len(found.restart_objectives),
            "right": bool(found.objective <= best.objective * (1 + 1e-6)),
            "proved": proved,
            "seconds": seconds,
        }


def provable():
    """Small tables of the collections with two clusters."""
    for family in ("vary_n", "vary_noise_std", "vary_outlier_ratio", "vary_d", "vary_xtx"):
        for instance in instances(family, 2, (50, 60, 100, 120))[::4][:6]:
            yield f"{family} {instance.id}", problem_of(instance)
    for number in (87, 89, 368, 519):
        data = load_uci(number)
        yield data.name, make_problem(data.X, data.y, 2, ridge=0.01)


def calibration():
    """Tables with a proved optimum: how often a search whose restarts agree has found it. The
    default search and twenty alternations, with three seeds each."""
    for name, problem in provable():
        proved = branch_and_bound(problem, gap=1e-5, max_slices=100, random_state=7)
        if proved.status != "optimal":
            continue
        for seed in range(3):
            for search, found in (
                ("default", local_search(problem, random_state=seed)),
                ("alternation", greedy(problem, 20, random_state=seed)),
            ):
                share = found.share_of_restarts
                yield {
                    "table": name,
                    "search": search,
                    "seed": seed,
                    "agreeing": round(share, 4),
                    "restarts": len(found.restart_objectives),
                    "excess": max(0.0, found.objective / proved.objective - 1),
                    "optimal": bool(found.objective <= proved.objective * (1 + 2e-5)),
                }


def generator(n_clusters, n_samples, n_features):
    """The first experiment's generator, with much noise."""
    data = make_lpc(n_clusters, n_samples, n_features, noise=3.5, random_state=0)
    return make_problem(data.X, data.y, n_clusters, ridge=1.0)


def uci_problem(number):
    """Two clusters in a real data set."""
    data = load_uci(number)
    return make_problem(data.X, data.y, 2, ridge=0.01)


def table_problem(name, n_clusters):
    """Clusters in one of scikit-learn's tables."""
    if name == "diabetes":
        X, y = load_diabetes(return_X_y=True)
        return make_problem((X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std(), 2, 0.01)
    features, column = {
        "iris": (load_iris().data, 3),
        "wine": (load_wine().data, 0),
        "breast": (load_breast_cancer().data[:, [0, 1, 4, 5, 6, 7, 8, 9]], 0),
    }[name]
    return make_problem(*standardised(features, column), n_clusters, ridge=0.01)


def alone(kind, problem, start, seconds):
    """The gap in per cent that one search, or groups of samples, proves in so many seconds."""
    allowed = budget.Budget(seconds)
    if kind is SumOfGroups:
        n_groups = problem.n_samples // race.group_size(problem)
        tree = SumOfGroups(problem, start.labels, 1e-4, n_groups, None, allowed)
    else:
        tree = kind(problem, start.labels, 1e-4)
        tree.budget = allowed
    while not (tree.finished or allowed.late()):
        tree.advance()
    return 100 * relative_gap(start.objective, min(tree.lower, start.objective))


def searches():
    """What each search proves alone in five seconds, in per cent of the incumbent's value: the
    generator with much noise."""
    for k, n, d in GRID:
        problem = generator(k, n, d)
        start = local_search(problem, n_init=8, random_state=0)
        found = {"K": k, "p": d + 1, "N": n}
        for kind in (LabelSearch, BoxSearch, QuadricSearch, FamilySearch, SumOfGroups):
            fits = kind in race.searches_for(problem)
            if kind is SumOfGroups:
                fits = n >= 2 * race.group_size(problem)
            gap = alone(kind, problem, start, 5) if fits else np.nan
            found[kind.__name__] = round(gap, 1)
        yield found


# clusters, samples, features
GRID = (
    *((2, n, 3) for n in (60, 200, 1_000)),
    *((2, n, 5) for n in (60, 120, 300)),
    *((3, n, 2) for n in (60, 120, 300, 1_000)),
    *((3, n, 3) for n in (60, 120, 300)),
    *((4, n, 2) for n in (60, 120, 300)),
)


# name, problem, seconds, gap in % before the bounds of chapters 25d and 25e, and the gap aimed at
GOALS = (
    *((f"UCI {n}", lambda n=n: uci_problem(n), 10, 0, 0) for n in (87, 89, 519, 368, 925)),
    ("UCI 320", lambda: uci_problem(320), 60, 0, 0),
    ("UCI 390", lambda: uci_problem(390), 10, 23, 0),
    ("UCI 60", lambda: uci_problem(60), 60, 31, 15),
    ("UCI 60", lambda: uci_problem(60), 300, None, 10),
    ("UCI 597", lambda: uci_problem(597), 20, 50, None),
    ("UCI 189", lambda: uci_problem(189), 20, 96, None),
    ("diabetes", lambda: table_problem("diabetes", 2), 20, 99.9, None),
    ("wine", lambda: table_problem("wine", 2), 20, 99.9, None),
    ("breast radius", lambda: table_problem("breast", 2), 60, 93, 65),
    ("iris petal width", lambda: table_problem("iris", 2), None, 50, 20),
    ("iris petal width", lambda: table_problem("iris", 2), 20, None, 0),
    ("iris three lines", lambda: table_problem("iris", 3), 60, 43, 15),
    ("iris three lines", lambda: table_problem("iris", 3), 300, None, 10),
    ("outliers, a tenth", lambda: outlier_problem("7fbba4e32226"), 60, None, 15),
    ("outliers, three tenths", lambda: outlier_problem("044232cdd4ec"), 60, None, 15),
    ("outliers, three tenths", lambda: outlier_problem("044232cdd4ec"), 300, 51, 10),
    ("generator 3, 300, 2", lambda: generator(3, 300, 2), 20, None, 0),
    ("generator 3, 1000, 2", lambda: generator(3, 1_000, 2), 20, 16.5, 1),
    ("generator 3, 10000, 2", lambda: generator(3, 10_000, 2), 40, None, 4),
    ("generator 3, 300, 3", lambda: generator(3, 300, 3), 20, 5.5, 1.5),
    ("generator 4, 300, 2", lambda: generator(4, 300, 2), 60, None, 5),
    ("generator 2, 400, 2", lambda: generator(2, 400, 2), 0.3, 0, 0),
    ("generator 2, 100000, 2", lambda: generator(2, 100_000, 2), 60, None, 0),
    ("generator 2, 1000000, 2", lambda: generator(2, 1_000_000, 2), 120, None, 5),
)


def outlier_problem(name):
    """A published instance with outliers, three lines and three features."""
    found = instances("vary_outlier_ratio", 3, (120,))
    return problem_of(next(instance for instance in found if instance.id == name))


def keep(row):
    """Put a row of `goals` in the place of the stored one."""
    path = RESULTS / "certificates_goals.csv"
    key = ["instance", "seconds allowed"]
    table = pd.DataFrame([row])
    if path.exists():
        table = pd.concat([pd.read_csv(path), table]).drop_duplicates(key, keep="last")
    order = {(name, seconds or 0): at for at, (name, _, seconds, *_) in enumerate(GOALS)}
    place = [
        order.get((name, seconds), len(order)) for name, seconds in table[key].fillna(0).values
    ]
    table.iloc[np.argsort(place, kind="stable")].round(5).to_csv(path, index=False)


def goals(pattern="", store=False):
    """What is proved in the seconds given, by the default fit where none are: gaps in per cent
    before the bounds of chapters 25d and 25e, aimed at, and measured."""
    for name, make, seconds, before, goal in GOALS:
        if not re.search(pattern, f"{name}, {seconds} s"):
            continue
        problem = make()
        if seconds is None:
            found = search_and_prove(problem, random_state=0)
        else:
            found = branch_and_bound(problem, time_limit=seconds, random_state=0)
        measured = {
            "instance": name,
            "N": problem.n_samples,
            "p": problem.n_coefficients,
            "K": problem.n_clusters,
            "seconds allowed": seconds,
            "before [%]": before,
            "goal [%]": goal,
            "gap [%]": round(100 * found.gap, 2),
            "seconds": found.seconds,
            "status": found.status,
        }
        if store:
            keep(measured)
        yield measured


GAPS = (two, three, four, noise, outliers, features, hard, large, uci, quadrics, prices)
SECTIONS = {f.__name__: f for f in (*GAPS, default, calibration, searches, goals)}
STORED = ("quadrics", "prices", "default", "calibration", "searches", "goals")
FORMATS = {
    "published [s]": "{:.1f}".format,
    "gap [%]": "{:.4f}".format,
    "seconds": "{:.2f}".format,
}


def summary_of(name, table):
    """What the rows of a section come to."""
    if name == "default":
        return table[["gap", "agreeing", "right", "proved", "seconds"]].agg(["median", "mean"])
    if name == "calibration":
        shares = pd.cut(table["agreeing"], [0, 0.1, 0.2, 0.5, 0.99, 1])
        each = table.groupby(["search", shares], observed=True)
        return each.agg(
            runs=("optimal", "size"), right=("optimal", "mean"), worst_excess=("excess", "max")
        )
    if name == "searches":
        return table.groupby("K").median()
    if name == "goals":
        aimed = table["goal [%]"].notna()
        met = table["gap [%]"] <= table["goal [%]"].astype(float) + 0.01
        return pd.DataFrame({"rows": [len(table)], "goals": [aimed.sum()], "met": [met.sum()]})
    return table.groupby(["N", "D", "K", "aim"]).agg(
        instances=("seconds", "size"),
        proved=("status", lambda status: int((status == "optimal").sum())),
        median=("seconds", "median"),
        worst=("seconds", "max"),
        published_median=("published [s]", "median"),
        worst_gap=("gap [%]", "max"),
    )


def main(names, pattern, store):
    """Print the table of each section and its summary."""
    pd.set_option("display.width", 160)
    for name in names:
        section = SECTIONS[name]
        print(f"\n{name}: {section.__doc__}")
        try:
            table = pd.DataFrame(goals(pattern, store) if name == "goals" else section())
        except DataNotFoundError as reason:
            print(reason)
            continue
        print(table.to_string(index=False, na_rep="-", formatters=FORMATS))
        print("\n" + summary_of(name, table).round(3).to_string(na_rep="-"), flush=True)
        if store and name in STORED and name != "goals":
            table.round(5).to_csv(RESULTS / f"certificates_{name}.csv", index=False)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("sections", nargs="*", help=", ".join(SECTIONS))
    arguments.add_argument("--rows", default="", help="pattern of rows of goals")
    arguments.add_argument("--store", action="store_true", help="write tables to nbs/results")
    given = arguments.parse_args()
    warm()  # compile, or load what was compiled
    budget.clock = time.process_time
    main(given.sections or SECTIONS, given.rows, given.store)
