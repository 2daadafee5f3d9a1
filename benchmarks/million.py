"""A million samples: processor seconds and memory of one fit beyond the data.

    python benchmarks/million.py [N [method]]

The method is that of `LinearPredictiveClustering`, "auto" by default; "local" is what it is to be
compared with. Each process has one measurement, because the peak of memory cannot be reset. The
data are made by the parent's choice of N; D = 10, K = 3, float64.
"""

import resource
import sys
import time

import numpy as np

from lpc_ns.base.metrics import coefficient_distance
from lpc_ns.lpc.estimator import LinearPredictiveClustering


def peak_mb():
    """Peak resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make(n, d=10, k=3, noise=1.0, seed=0):
    """Samples from k random regressions that overlap in feature space, and their coefficients."""
    rng = np.random.default_rng(seed)
    X = rng.normal(1, 2, size=(n, d))
    W = rng.normal(0, 2, size=(k, d + 1))
    y = noise * rng.normal(size=n)
    label = rng.integers(0, k, n)
    for c in range(k):
        y[label == c] += X[label == c] @ W[c, 1:] + W[c, 0]
    return X, y, W


def main():
    n = int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000
    method = sys.argv[2] if len(sys.argv) > 2 else "auto"
    X, y, _ = make(500)
    LinearPredictiveClustering(3, n_init=1, random_state=0).fit(
        X, y
    )  # compile, or load what was compiled
    X, y, W = make(n)
    before = peak_mb()
    start = time.process_time()
    model = LinearPredictiveClustering(3, method=method, random_state=0).fit(X, y)
    seconds = time.process_time() - start
    distance = coefficient_distance(np.column_stack([model.intercept_, model.coef_]), W)
    data = (X.nbytes + y.nbytes) / 2**20
    print(
        f"{method}, N = {n:,}, D = 10, K = 3: {seconds:.1f} processor seconds,"
        f" {peak_mb() - before:.0f} MB beyond the data ({data:.0f} MB)"
    )
    print(
        f"sizes {model.cluster_sizes_.tolist()}, distance from the generating coefficients"
        f" {distance:.3f}, status {model.status_}"
    )


if __name__ == "__main__":
    main()
