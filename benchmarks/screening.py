"""Exact screening of all pairs: seconds, memory, and the usual alternatives on the same data in the
same run.

    python benchmarks/screening.py [--limit SECONDS] [--small]

One core, seconds of processor time. Data: standard normal features, y = x_3 + 2 x_10 x_(p/2) +
noise. Every run has a process of its own, so that its peak memory is its own (data included) and an
alternative can be stopped after --limit seconds; > marks a run that was stopped, whose ratio is a
lower bound. "rank" is the place of the true product. A ratio is the time of a method over that of
`screen_pairs` on the same data.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import importlib.util
import multiprocessing
import resource
import time

import numpy as np


def make(n, p):
    """One product among p features, and a main effect."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, X[:, 3] + 2 * X[:, 10] * X[:, p // 2] + rng.standard_normal(n), (10, p // 2)


def exact(X, y, **options):
    """Ranked pairs by `screen_pairs`."""
    from lpc_ns.ibc.terms.screening import screen_pairs

    return lambda: screen_pairs(X, y, include_squares=False, **options).terms


def squares(X, y):
    """Ranked pairs by `screen_squares`."""
    from lpc_ns.ibc.terms.projections import screen_squares

    return lambda: screen_squares(X, y, include_squares=False).terms


def approximate(X, y):
    """Ranked pairs by `screen_approximate`, its kernel compiled beforehand."""
    from lpc_ns.ibc.terms.projections import screen_approximate

    screen_approximate(X[:20, :5], y[:20], random_state=0)
    return lambda: screen_approximate(X, y, random_state=0).terms


def lasso(X, y):
    """Pairs by the size of their coefficients in LassoCV on PolynomialFeatures."""
    from sklearn.linear_model import LassoCV
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    def run():
        products = PolynomialFeatures(2, interaction_only=True, include_bias=False)
        Z = StandardScaler().fit_transform(products.fit_transform(X))
        coef = np.abs(LassoCV(cv=5).fit(Z, y).coef_)
        order = [k for k in np.argsort(-coef, kind="stable") if products.powers_[k].sum() == 2][:20]
        return [tuple(np.flatnonzero(products.powers_[k]).tolist()) for k in order if coef[k] > 0]

    return run


def fast(X, y):
    """Ranked pairs by FAST, the interaction detection of explainable boosting machines."""
    from interpret.utils import measure_interactions

    return lambda: [tuple(pair) for pair, _ in measure_interactions(X, y, interactions=20)]


METHODS = {
    "screen_pairs": exact,
    "screen_pairs, float64": lambda X, y: exact(X, y, dtype="float64"),
    "screen_pairs, beside all": lambda X, y: exact(X, y, main_effects="all"),
    "screen_squares": squares,
    "screen_approximate": approximate,
    "PolynomialFeatures + LassoCV": lasso,
    "FAST (interpret)": fast,
}


def measure(name, n, p, limit, pipe):
    """In a process of its own: seconds (best of a few when quick), peak memory in MB, rank of the
    true product."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    X, y, truth = make(n, p)
    run = METHODS[name](X, y)
    best = np.inf
    for _ in range(5):
        begin = time.process_time()
        terms = run()
        best = min(best, time.process_time() - begin)
        if best > 1:
            break
    rank = next((k for k, term in enumerate(terms, 1) if tuple(sorted(term)) == truth), None)
    pipe.send((best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, rank))


def run(name, n, p, limit):
    """Seconds, megabytes and rank; None if its time was up."""
    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=measure, args=(name, n, p, limit, send))
    process.start()
    send.close()
    try:
        return receive.recv()
    except EOFError:
        return None
    finally:
        process.join()


def table(n, p, names, limit):
    """One table of methods on one data set."""
    print(
        f"\nn = {n}, p = {p}: {p * (p - 1) // 2:,} pairs\n{'':28s} {'seconds':>9s} {'ratio':>8s}"
        f" {'MB':>7s} {'rank':>5s}"
    )
    reference = None
    for name in names:
        if name.startswith("FAST") and importlib.util.find_spec("interpret") is None:
            print(f"{name:28s} not installed: pip install interpret-core")
            continue
        found = run(name, n, p, limit)
        seconds = found[0] if found else limit
        reference = reference or seconds
        mark = " " if found else ">"
        rest = f"{found[1]:7.0f} {found[2] or '-':>5}" if found else "      -     -"
        print(
            f"{name:28s} {mark}{seconds:8.3f} {mark}{seconds / reference:7.1f} {rest}", flush=True
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for each run")
    parser.add_argument("--small", action="store_true", help="leave p = 20,000 out")
    arguments = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    ours = list(METHODS)[:5]
    others = list(METHODS)[5:]
    table(500, 100, ours + others, arguments.limit)
    table(500, 300, ours + others, arguments.limit)
    table(500, 1000, [ours[0], ours[1], ours[3], ours[4]], arguments.limit)
    if not arguments.small:
        table(1000, 20_000, [ours[0], ours[3], ours[4]], arguments.limit)
