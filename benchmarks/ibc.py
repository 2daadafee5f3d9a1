"""What the screen of products beside all main effects finds, and what it claims where nothing is.

    python benchmarks/ibc.py [cases] [nulls] [speed] [--runs N]

cases: a product of effect 1 among p features with effects of 3 (noise .5, n = 500), fresh seeds:
in how many the product is taken first, and alone; and a slope that switches with the sign of
another feature: in how many the best cut is on that feature, within .1 of zero.
nulls: share of runs in which anything, and in which a product, is taken though no interaction
exists. speed: processor seconds of one step beside those of FAST, in the same run, one core.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import importlib.util
import time

import numpy as np

from lpc_ns.ibc.models.findings import Settings, choose_split, find_terms
from lpc_ns.ibc.terms.forward import forward_products

NULLS = ("normal", "t3", "unequal", "skewed", "made", "curved")


def strong(p, seed, n=500):
    """Every feature has an effect, two of them a product."""
    rng = np.random.default_rng([seed, p])
    X = rng.normal(size=(n, p))
    return X, 3 * X.sum(axis=1) + X[:, 0] * X[:, 1] + 0.5 * rng.normal(size=n)


def switching(p, seed, n=500):
    """Every feature but two has an effect; the slope of one switches with the other's sign."""
    rng = np.random.default_rng([seed, p, 1])
    X = rng.normal(size=(n, p))
    y = 3 * X[:, 2:].sum(axis=1) + 2 * np.sign(X[:, 1]) * X[:, 0]
    return X, y + 0.5 * rng.normal(size=n)


def null(kind, seed, n=500, p=20):
    """A truth without interactions."""
    rng = np.random.default_rng([seed, NULLS.index(kind), 2])
    X = rng.normal(size=(n, p))
    if kind == "curved":
        X = np.sqrt(0.5) * rng.normal(size=(n, 1)) + np.sqrt(0.5) * X
    if kind == "skewed":
        X = np.exp(0.7 * X)
    noise = rng.standard_t(3, n) if kind == "t3" else rng.normal(size=n)
    if kind == "unequal":
        noise = noise * np.exp(0.5 * X[:, 0] + 0.5 * X[:, 1])
    if kind == "made":
        X[:, 2] = X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=n)
        return X, X[:, 0] + X[:, 2] + 0.5 * noise
    if kind == "curved":
        return X, 2 * np.sin(2 * X[:, 0]) + np.exp(0.5 * X[:, 1]) + X[:, 2:8].sum(axis=1) + noise
    return X, X[:, :10].sum(axis=1) + noise


def best_cut(X, y):
    """The split that is chosen for regressions on the features."""
    settings = Settings(max_cells=2)
    return choose_split(X, y, X, find_terms(X, y, settings), settings).split


def cases(runs):
    """Counts for four numbers of features."""
    print(f"{'p':>4s} {'first':>6s} {'alone':>6s} {'cut':>6s}   of {runs}")
    for p in (10, 20, 30, 50):
        taken = [
            forward_products(*strong(p, seed), random_state=seed).terms for seed in range(runs)
        ]
        cuts = [best_cut(*switching(p, seed)) for seed in range(runs)]
        right = [c.variables == (1,) and abs(c.thresholds[0]) < 0.1 for c in cuts]
        first = sum(t[:1] == ((0, 1),) for t in taken)
        print(
            f"{p:4d} {first:6d} {sum(t == ((0, 1),) for t in taken):6d} {sum(right):6d}", flush=True
        )


def nulls(runs):
    """Shares of false claims."""
    print(f"\n{'':10s} {'any':>6s} {'product':>8s}   of {runs}")
    for kind in NULLS:
        found = [forward_products(*null(kind, s), random_state=s).terms for s in range(runs)]
        product = np.mean([any(i != j for i, j in terms) for terms in found])
        print(f"{kind:10s} {np.mean([len(t) > 0 for t in found]):6.3f} {product:8.3f}", flush=True)


def speed(runs):
    """Seconds of a selection, and of FAST."""
    for p in (20, 100):
        X, y = strong(p, 0)
        begin = time.process_time()
        forward_products(X, y, random_state=0)
        ours = time.process_time() - begin
        text = f"p = {p}: forward selection {ours:.3f} s"
        if importlib.util.find_spec("interpret"):
            from interpret.utils import measure_interactions

            A = np.column_stack([np.ones(len(X)), X])
            rest = y - A @ np.linalg.lstsq(A, y, rcond=None)[0]
            begin = time.process_time()
            measure_interactions(X, rest, interactions=20)
            fast = time.process_time() - begin
            text += f", FAST {fast:.3f} s, ratio {fast / ours:.1f}"
        print(text, flush=True)


ROWS = {"cases": cases, "nulls": nulls, "speed": speed}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="cases, nulls, speed")
    parser.add_argument("--runs", type=int, help="data sets (default: 20 for cases, 200 for nulls)")
    arguments = parser.parse_args()
    for row in arguments.rows or list(ROWS):
        ROWS[row](arguments.runs or (200 if row == "nulls" else 20))
