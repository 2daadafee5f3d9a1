"""Tables in blocks: one table for each row of goals.

    python benchmarks/scale.py [ROW ...] [--rows N ...] [--store]

Rows, and what they print ("sizes" without any):

    sizes         fits to Parquet files, two worker processes: passes, memory, the fit in memory,
                  the bound on the gap with 99 % confidence
    large         --rows 1e8: the same with five features and at most 1 GiB a worker
    blocks        the same data in 1, 20, 300 blocks, as array, data frame and files
    offset        columns far from zero
    killed        a worker that dies in the middle of a pass
    backends      searches, proofs and draws under joblib's back ends
    acceleration  passes to a relative 1e-7 of their end, plain and accelerated
    coverage      how often the bound on the gap holds where the optimum is proved

Files are made in a temporary folder and removed at the end. Seconds depend on the machine; read
the ratios. `--store` writes nbs/results/scale_ROW.csv, which the chapters 29e to 29ec show.
"""

import argparse
import itertools
import os
import signal
import tempfile
import threading
from pathlib import Path

import dask
import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

from lpc_ns.base.numerics import clock
from lpc_ns.base.profile import profile_blocks
from lpc_ns.base.sources import make_blocks
from lpc_ns.distributed import DaskLinearPredictiveClustering, working
from lpc_ns.distributed.estimator import persisted
from lpc_ns.distributed.moments import make_coordinates
from lpc_ns.distributed.passes import descend, one_pass, search_sample
from lpc_ns.ibc.estimator import InteractionBasedClustering
from lpc_ns.lpc.estimator import LinearPredictiveClustering
from lpc_ns.lpc.inference.reality import reality_test
from lpc_ns.lpc.problem import make_problem
from lpc_ns.lpc.proof.race import branch_and_bound
from lpc_ns.lpc.search.local_search import local_search

BLOCK = 100_000
ALONE = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
RESULTS = Path(__file__).resolve().parents[1] / "nbs" / "results"


def rows_of(block, n, d, k, noise):
    """One block of a mixture of regressions; any table is the beginning of a larger one."""
    rng = np.random.default_rng([0, block])
    W = np.random.default_rng(0).normal(0, 2, size=(k, d + 1))
    X = rng.normal(1, 2, size=(n, d))
    label = rng.integers(0, k, n)
    y = W[label, 0] + np.einsum("ij,ij->i", X, W[label, 1:]) + noise * rng.normal(size=n)
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(d)]).assign(y=y)


def write(folder, n_rows, d, k, noise=1.0, size=BLOCK):
    """A table as files of one block each."""
    for block in range(-(-n_rows // size)):
        part = rows_of(block, min(size, n_rows - block * size), d, k, noise)
        part.to_parquet(f"{folder}/part-{block:05d}.parquet", compression=None)


def peak():
    """Peak of the memory of this process in MB; that of getrusage would be its parent's."""
    line = next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def fit_files(folder, k, **options):
    """A fit to files that are read in every pass."""
    options = {"persist": False, "random_state": 0} | options
    return DaskLinearPredictiveClustering(k, **options).fit(str(folder), "y")


def measure(client, n_rows, d, size=BLOCK):
    """Fit to files: passes, seconds, and memory of the workers beside what they may take."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as small:
        write(folder, n_rows, d, 3, size=size)
        write(small, 1000, d, 3)
        fit_files(small, 3, n_init=1)
        idle = max(client.run(peak).values())
        begin = clock()
        model = fit_files(folder, 3)
        seconds = clock() - begin
        most = max(client.run(peak).values())
        spent = model.trace_[-1][0] - model.trace_[0][0]
        row = {
            "rows": n_rows,
            "features": d,
            "passes": model.n_passes_,
            "seconds": round(seconds, 1),
            "ns_a_row_and_pass": round(1e9 * spent / (model.n_passes_ - 1) / n_rows),
            "peak_mb": round(most),
            "idle_mb": round(idle),
            "allowed_mb": round(idle + 8 * size * (d + 1) * 8 / 2**20 + 100),
        }
        print(row, model.status_, flush=True)
        return row | (beside(folder, model, seconds) if d == 10 else {})


def beside(folder, model, seconds):
    """A pass from files beside one in the workers' memory; the fit beside that in memory."""
    blocks = make_blocks(folder, "y")
    spent = []
    for kept in (blocks, persisted(blocks, True)):
        lines = model._coordinates.pose(model.coef_, model.intercept_)
        one_pass(kept, model._coordinates, lines)
        begin = clock()
        one_pass(kept, model._coordinates, lines, lines)
        spent.append(clock() - begin)
    row = {"times_a_pass_in_memory": round(spent[0] / spent[1], 1)}
    if blocks.n_rows <= 1_000_000:
        table = pd.read_parquet(folder)
        begin = clock()
        local = LinearPredictiveClustering(3, method="local", random_state=0)
        local.fit(table.drop(columns="y"), table["y"])
        gap = model.objective_ / local.objective_ - 1
        ratio = round(seconds / (clock() - begin), 1)
        row |= {"objective_against_memory": f"{gap:.1e}", "times_memory": ratio}
    print(row, flush=True)
    return row


def certified(n_rows):
    """The bound on the gap, with the ridge in proportion to the rows."""
    with tempfile.TemporaryDirectory() as folder:
        write(folder, n_rows, 2, 2, noise=0.3)
        model = fit_files(folder, 2, ridge=1e-6 * n_rows).certify(10, 2000)
        print(f"gap at most {model.gap_confidence_bound_:.2%}, 99 % confidence", flush=True)
        return {"gap_99": round(model.gap_confidence_bound_, 5)}


def sizes(n_rows):
    """Fits to tables of several sizes, each with workers of its own."""
    rows = []
    for n in n_rows or [1_000_000]:
        with working(workers=2) as client:
            rows.append(measure(client, n, 10) | certified(n))
    return pd.DataFrame(rows)


def large(n_rows):
    """Fits to tables that two workers of 1 GiB each cannot hold."""
    rows = []
    for n in n_rows or [100_000_000]:
        with LocalCluster(memory_limit="1GiB", **ALONE) as there, Client(there) as client:
            rows.append(measure(client, n, 5, size=500_000))
    return pd.DataFrame(rows)


def blocks(n_rows):
    """The same table in different blocks, in threads and on one, two and three workers."""
    n = (n_rows or [30_000])[0]
    table = rows_of(0, n, 5, 3, 1.0)
    X, y = table.drop(columns="y").to_numpy(), table["y"].to_numpy()
    forms = {
        f"array, {k} blocks": lambda k=k: (
            da.from_array(X, chunks=(-(-n // k), 5)),
            da.from_array(y, chunks=-(-n // k)),
        )
        for k in (1, 20, 300)
    }
    forms["data frame, 20 partitions"] = lambda: (dd.from_pandas(table, npartitions=20), "y")
    forms["data frame, 300 partitions"] = lambda: (dd.from_pandas(table, npartitions=300), "y")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        table.to_parquet(f"{folder}/table.parquet", row_group_size=n // 20)
        forms["files, 20 row groups"] = lambda: (folder, "y")
        for name, form in forms.items():
            rows.append({"form": name, "on": "threads"} | fitted(*form()))
        for n_workers in (1, 2, 3):
            with working(workers=n_workers):
                there = {"form": "files, 20 row groups", "on": f"workers: {n_workers}"}
                rows.append(there | fitted(folder, "y"))
    first = rows[0]
    for row in rows:
        row["labels_that_differ"] = int((row["labels"] != first["labels"]).sum())
        row["objective_off"] = f"{abs(row['objective'] / first['objective'] - 1):.0e}"
    return pd.DataFrame(rows).drop(columns=["labels", "objective"])


def fitted(X, y):
    """Passes, objective and labels of a fit."""
    model = DaskLinearPredictiveClustering(3, random_state=0).fit(X, y)
    labels = np.asarray(model.labels_.compute())
    return {"passes": model.n_passes_, "objective": model.objective_, "labels": labels}


def offset(n_rows):
    """Largest relative error of the slopes where all columns are far from zero."""
    n = (n_rows or [50_000])[0]
    table = rows_of(0, n, 4, 3, 1.0)
    X, y = table.drop(columns="y").to_numpy(), table["y"].to_numpy()
    cut = (da.from_array(y, chunks=10_000),)
    near = {}
    rows = []
    for ridge, far in itertools.product((0.0, 0.01), (0.0, 1e3, 1e5, 1e7)):
        options = {"ridge": ridge, "random_state": 0}
        there = da.from_array(X + far, chunks=(10_000, 4))
        found = {
            "in_blocks": DaskLinearPredictiveClustering(3, **options).fit(there, *cut),
            "in_memory": LinearPredictiveClustering(3, method="local", **options).fit(X + far, y),
        }
        row = {"ridge": ridge, "offset": far}
        for name, model in found.items():
            own = near.setdefault((ridge, name), model.coef_)
            row[name] = f"{np.abs(model.coef_ / own - 1).max():.0e}"
        rows += [row] if far else []
    return pd.DataFrame(rows)


def struck(folder, persist, wait=None):
    """A fit on two workers, one of which is killed after some seconds; and what was seen."""
    with working(workers=2) as client:
        fit_files(f"{folder}/part-00000.parquet", 3, n_init=1)
        before = set(client.run(os.getpid).values())
        if wait is not None:
            threading.Timer(wait, os.kill, (min(before), signal.SIGKILL)).start()
        begin = clock()
        model = fit_files(folder, 3, persist=persist, n_init=2)
        seconds = clock() - begin
        died = len(before - set(client.run(os.getpid).values()))
    return model, {"workers_that_died": died, "seconds": round(seconds, 1)}


def killed(n_rows):
    """A fit one of whose two workers dies in a pass, against the same fit undisturbed."""
    n = (n_rows or [500_000])[0]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write(folder, n, 10, 3, size=n // 20)
        for persist in (False, True):
            calm, seen = struck(folder, persist)
            wait = seen["seconds"] - calm.trace_[-1][0] / 2
            other, again = struck(folder, persist, wait)
            differ = (other.coef_ != calm.coef_).sum() + (other.objective_ != calm.objective_)
            row = {"persist": persist, "workers_that_died": again["workers_that_died"]}
            row |= {"seconds": again["seconds"], "undisturbed": seen["seconds"]}
            rows.append(row | {"passes": other.n_passes_, "numbers_that_differ": int(differ)})
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def backends(n_rows):
    """Searches, proofs and draws under joblib's back ends: the numbers of one process?"""
    n = (n_rows or [20_000])[0]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    y = np.where(rng.random(n) < 0.5, 1 + X @ [2, 0], -1 - X @ [0, 1]) + 0.3 * rng.normal(size=n)
    few, some = slice(200), slice(1000)
    problem = make_problem(X, y, 3)
    small = make_problem(X[few, :1], y[few], 3)
    tasks = {
        "search": lambda: local_search(problem, 8, random_state=0, n_jobs=2).labels,
        "proof by groups": lambda: (
            branch_and_bound(small, max_slices=20, n_jobs=2, random_state=0).lower_bound
        ),
        "draws of the reality test": lambda: (
            reality_test(X[few], y[few], n_draws=39, random_state=0, n_jobs=2).draws
        ),
        "cross-validation": lambda: (
            InteractionBasedClustering(n_jobs=2, random_state=0)
            .fit(X[some], y[some])
            .predict(X[some])
        ),
    }
    with working(workers=2):
        rows = []
        for name, task in tasks.items():
            alone = np.asarray(task())
            row = {"task": name, "numbers": alone.size}
            for backend in ("threading", "loky", "dask"):
                with joblib.parallel_config(backend=backend, n_jobs=2):
                    row[f"{backend}_differ"] = int((np.asarray(task()) != alone).sum())
            rows.append(row)
            print(row, flush=True)
    return pd.DataFrame(rows)


def judged(model, distance, rng):
    """Put lines that are off those of a fit in its place, with what they cost."""
    at = model._coordinates
    lines = at.pose(model.coef_, model.intercept_)
    lines = lines + distance * rng.normal(size=lines.shape)
    model.coef_, model.intercept_ = at.restate(lines)
    model._rule = lines
    cost = one_pass(model._blocks, at, lines).loss + at.penalty_of(lines)
    model.objective_ = float(at.unit * cost)


def coverage(n_rows, n_draws=20):
    """How often the bound on the gap holds, over the choice of the rows."""
    n = (n_rows or [4000])[0]
    rows = []
    for noise, ridge in itertools.product((0.3, 1.0), (1e-6 * n, 0.01)):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(n, 1))
        y = rng.choice([-1.0, 1.0], n) * (2 + X[:, 0]) + noise * rng.standard_t(5, n)
        blocks = (da.from_array(X, chunks=(1000, 1)), da.from_array(y, chunks=1000))
        best = LinearPredictiveClustering(2, ridge=ridge, time_limit=60, random_state=0).fit(X, y)
        for distance in (0.0, 0.02):
            model = DaskLinearPredictiveClustering(2, ridge=ridge, random_state=0).fit(*blocks)
            judged(model, distance, np.random.default_rng(1))
            least = max(0.0, 1 - best.objective_ / model.objective_)
            most = 1 - best.lower_bound_ / model.objective_
            bounds = []
            for seed in range(n_draws):
                model.certify(10, 200, gap=1e-2, max_slices=60, random_state=seed)
                bounds.append(model.gap_confidence_bound_)
            bounds = np.array(bounds)
            row = {"noise": noise, "ridge": ridge, "off": distance}
            row |= {"gap_at_least": least, "gap_at_most": most, "median_bound": np.median(bounds)}
            rows.append(row | {"smallest_bound": bounds.min(), "held": int((bounds >= most).sum())})
            rows[-1]["of"] = n_draws
            print(rows[-1], flush=True)
    return pd.DataFrame(rows).round(5)


def mixture(n, d, shares, noise):
    """A mixture of regressions with these shares, as blocks."""
    rng = np.random.default_rng(0)
    W = rng.normal(0, 2, size=(len(shares), d + 1))
    X = rng.normal(1, 2, size=(n, d))
    label = rng.choice(len(shares), n, p=shares)
    y = W[label, 0] + np.einsum("ij,ij->i", X, W[label, 1:]) + noise * rng.normal(size=n)
    return make_blocks(da.from_array(X, chunks=(BLOCK, d)), da.from_array(y, chunks=BLOCK))


def acceleration(n_rows):
    """Passes from the same start to a relative 1e-7 of the end, and that end above the lower."""
    n = (n_rows or [300_000])[0]
    rows = []
    for name, d, shares, noise in (
        ("little overlap", 10, (1 / 3, 1 / 3, 1 / 3), 1.0),
        ("overlap", 2, (1 / 4, 1 / 4, 1 / 4, 1 / 4), 2.0),
        ("a regime of one row in a thousand", 5, (0.6, 0.399, 0.001), 0.3),
    ):
        blocks = mixture(n, d, shares, noise)
        seen = profile_blocks(blocks, 10_000, np.uint64(0))
        at = make_coordinates(seen.tally.mean, seen.spread, 0.01)
        sample = (seen.X, seen.y, seen.w)
        seed = np.random.SeedSequence(0)
        share = len(seen.y) / n
        start = search_sample(sample, at, len(shares), share, seed=seed, n_init=8)
        found = {}
        for kind, window in (("plain", 0), ("accelerated", 6)):
            run = descend(blocks, at, start, window=window, max_passes=120, tol=1e-9)
            found[kind] = np.array([value for _, value, _ in run.trace])
        least = min(values.min() for values in found.values())
        row = {"data": name}
        for kind, values in found.items():
            row[kind] = int(np.argmax(values <= values.min() * (1 + 1e-7))) + 1
            row[f"{kind}_ends_above"] = f"{values.min() / least - 1:.0e}"
        rows.append(row)
        print(row, flush=True)
    return pd.DataFrame(rows)


ROWS = {
    row.__name__: row
    for row in (sizes, large, blocks, offset, killed, backends, acceleration, coverage)
}
IN_ONE_THREAD = ("acceleration", "coverage")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", metavar="ROW", nargs="*", default=["sizes"], help=", ".join(ROWS))
    parser.add_argument("--rows", metavar="N", nargs="+", type=float, default=[])
    parser.add_argument("--store", action="store_true", help="write nbs/results/scale_ROW.csv")
    args = parser.parse_args()
    for name in args.names:
        with dask.config.set({"scheduler": "synchronous"} if name in IN_ONE_THREAD else {}):
            found = ROWS[name](list(map(int, args.rows)))
        print(found.to_string(index=False), flush=True)
        if args.store:
            found.to_csv(RESULTS / f"scale_{name}.csv", index=False)


if __name__ == "__main__":
    main()
