"""Tables in blocks: ratios of one run, on two worker processes.

    python benchmarks/scale.py [--store] [--coverage] [--acceleration] [N ...]

For each N (default 1e6; 1e7 and 1e8 where disk and time allow): Parquet files of D = 10, K = 3 are
made in a temporary folder and removed at the end; fits from files, passes from files and with
blocks in memory, peaks of the workers, the fit in memory up to N = 1e6, and the bound on the gap
with 99 % confidence for K = 2, D = 2. Seconds depend on the machine; read the ratios. `--store`
writes them to `nbs/results/scale.csv`, which chapter 29ec shows. `--coverage` counts instead how
often the bound holds where the optimum is proved, over twenty choices of the rows; chapter 29eb
shows `nbs/results/scale_coverage.csv`. `--acceleration` counts passes to a relative 1e-7 of the
least objective, plain and accelerated (`nbs/results/scale_passes.csv`, chapter 29ea).
"""

import argparse
import itertools
import resource
import tempfile
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pandas as pd

from lpc_ns.base.numerics import clock
from lpc_ns.base.profile import profile_blocks
from lpc_ns.base.sources import make_blocks
from lpc_ns.distributed import DaskLinearPredictiveClustering, working
from lpc_ns.distributed.estimator import persisted
from lpc_ns.distributed.moments import make_coordinates
from lpc_ns.distributed.passes import descend, one_pass, search_sample
from lpc_ns.lpc.estimator import LinearPredictiveClustering

BLOCK = 100_000
RESULTS = Path(__file__).resolve().parents[1] / "nbs" / "results" / "scale.csv"


def rows_of(block, n, d, k, noise):
    """One block of a mixture of regressions; any table is the beginning of a larger one."""
    rng = np.random.default_rng([0, block])
    W = np.random.default_rng(0).normal(0, 2, size=(k, d + 1))
    X = rng.normal(1, 2, size=(n, d))
    label = rng.integers(0, k, n)
    y = W[label, 0] + np.einsum("ij,ij->i", X, W[label, 1:]) + noise * rng.normal(size=n)
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(d)]).assign(y=y)


def write(folder, n_rows, d, k, noise=1.0):
    """A table as files of one block each."""
    for block in range(-(-n_rows // BLOCK)):
        part = rows_of(block, min(BLOCK, n_rows - block * BLOCK), d, k, noise)
        part.to_parquet(f"{folder}/part-{block:05d}.parquet", compression=None)


def peak():
    """Peak of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def passes(folder, lines):
    """Nanoseconds a row of a pass from files, and with blocks in the workers' memory."""
    seconds = []
    for persist in (False, True):
        blocks = persisted(make_blocks(folder, "y"), persist)
        seen = profile_blocks(blocks, 1000, np.uint64(0))
        at = make_coordinates(seen.tally.mean, seen.spread, 0.01)
        posed = at.pose(*lines)
        one_pass(blocks, at, posed)
        begin = clock()
        one_pass(blocks, at, posed, posed)
        seconds.append(clock() - begin)
    return [1e9 * s / blocks.n_rows for s in seconds]


def measure(n_rows, client):
    """The figures for one size, a dict."""
    with tempfile.TemporaryDirectory() as folder:
        write(folder, n_rows, 10, 3)
        first = f"{folder}/part-00000.parquet"
        DaskLinearPredictiveClustering(3, n_init=1, persist=False).fit(first, "y")
        idle = max(client.run(peak).values())
        begin = clock()
        model = DaskLinearPredictiveClustering(3, persist=False, random_state=0).fit(folder, "y")
        seconds = clock() - begin
        most = max(client.run(peak).values())
        files, kept = passes(folder, (model.coef_, model.intercept_))
        print(f"N = {n_rows:.0e}: {model.n_passes_} passes, {seconds:.1f} s", flush=True)
        print(f"  pass from files {files:.0f} ns/row, {files / kept:.1f} times one in memory")
        print(f"  peak of a worker {most:.0f} MB, {idle:.0f} after a fit to one file", flush=True)
        found = {
            "rows": n_rows,
            "passes": model.n_passes_,
            "ns_a_row_and_pass": round(files),
            "times_a_pass_in_memory": round(files / kept, 1),
            "peak_mb": round(most),
            "peak_of_one_file_mb": round(idle),
        }
        if n_rows <= 1_000_000:
            table = pd.read_parquet(folder)
            begin = clock()
            local = LinearPredictiveClustering(3, method="local", random_state=0)
            local.fit(table.drop(columns="y"), table["y"])
            ratio = seconds / (clock() - begin)
            gap = model.objective_ / local.objective_ - 1
            print(f"  objective against memory {gap:+.1e}, seconds {ratio:.1f} times")
            found |= {"objective_against_memory": f"{gap:.1e}", "times_memory": round(ratio, 1)}
        return found


def certificates(n_rows):
    """The bound on the gap, with the ridge in proportion to the rows."""
    with tempfile.TemporaryDirectory() as folder:
        write(folder, n_rows, 2, 2, noise=0.3)
        model = DaskLinearPredictiveClustering(ridge=1e-6 * n_rows, random_state=0)
        model.fit(folder, "y").certify(10, 2000)
        print(f"  gap at most {model.gap_confidence_bound_:.2%}, 99 % confidence", flush=True)
        return {"gap_99": round(model.gap_confidence_bound_, 5)}


def judged(model, distance, rng):
    """Put lines that are off those of a fit in its place, with what they cost."""
    at = model._coordinates
    lines = at.pose(model.coef_, model.intercept_)
    lines = lines + distance * rng.normal(size=lines.shape)
    model.coef_, model.intercept_ = at.restate(lines)
    model._rule = lines
    cost = one_pass(model._blocks, at, lines).loss + at.penalty_of(lines)
    model.objective_ = float(at.unit * cost)


def coverage(n_rows=4000, n_draws=20):
    """How often the bound on the gap holds, over the choice of the rows."""
    rows = []
    for noise, ridge in itertools.product((0.3, 1.0), (1e-6 * n_rows, 0.01)):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(n_rows, 1))
        y = rng.choice([-1.0, 1.0], n_rows) * (2 + X[:, 0]) + noise * rng.standard_t(5, n_rows)
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
    return pd.DataFrame(rows)


def mixture(n, d, shares, noise):
    """A mixture of regressions with these shares, as blocks."""
    rng = np.random.default_rng(0)
    W = rng.normal(0, 2, size=(len(shares), d + 1))
    X = rng.normal(1, 2, size=(n, d))
    label = rng.choice(len(shares), n, p=shares)
    y = W[label, 0] + np.einsum("ij,ij->i", X, W[label, 1:]) + noise * rng.normal(size=n)
    return make_blocks(da.from_array(X, chunks=(BLOCK, d)), da.from_array(y, chunks=BLOCK))


def acceleration(n_rows=300_000):
    """Passes from the same start until an objective is reached, plain and accelerated."""
    rows = []
    for name, d, shares, noise in (
        ("little overlap", 10, (1 / 3, 1 / 3, 1 / 3), 1.0),
        ("overlap", 2, (1 / 4, 1 / 4, 1 / 4, 1 / 4), 2.0),
        ("a regime of one row in a thousand", 5, (0.6, 0.399, 0.001), 0.3),
    ):
        blocks = mixture(n_rows, d, shares, noise)
        seen = profile_blocks(blocks, 10_000, np.uint64(0))
        at = make_coordinates(seen.tally.mean, seen.spread, 0.01)
        sample = (seen.X, seen.y, seen.w)
        seed = np.random.SeedSequence(0)
        share = len(seen.y) / n_rows
        start = search_sample(sample, at, len(shares), share, seed=seed, n_init=8)
        found = {}
        for kind, window in (("plain", 0), ("accelerated", 6)):
            run = descend(blocks, at, start, window=window, max_passes=120, tol=1e-9)
            found[kind] = np.array([value for _, value, _ in run.trace])
        least = min(values.min() for values in found.values())
        row = {"data": name}
        for kind, values in found.items():
            near = np.flatnonzero(values <= least * (1 + 1e-7))
            row[kind] = int(near[0]) + 1 if len(near) else f"> {len(values)}"
        rows.append(row)
        print(row, flush=True)
    return pd.DataFrame(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", metavar="N", nargs="*", type=float, default=[1e6])
    parser.add_argument("--coverage", action="store_true", help="only count how often bounds hold")
    parser.add_argument("--acceleration", action="store_true", help="only count passes")
    parser.add_argument("--store", action="store_true", help="write nbs/results/scale.csv")
    args = parser.parse_args()
    if args.acceleration:
        with dask.config.set(scheduler="synchronous"):
            found = acceleration()
        if args.store:
            found.to_csv(RESULTS.with_name("scale_passes.csv"), index=False)
        return
    if args.coverage:
        with dask.config.set(scheduler="synchronous"):
            found = coverage()
        print(found.to_string(float_format="%.4f"))
        if args.store:
            found.round(5).to_csv(RESULTS.with_name("scale_coverage.csv"), index=False)
        return
    rows = []
    for n_rows in map(int, args.sizes):
        with working(workers=2) as client:
            rows.append(measure(n_rows, client) | certificates(n_rows))
        if args.store:
            pd.DataFrame(rows).to_csv(RESULTS, index=False)


if __name__ == "__main__":
    main()
