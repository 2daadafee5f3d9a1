"""LPC-NS-QPBO: the native exact algorithms, and SCIP on the same instances in the same run.

    python benchmarks/qpbo.py [--limit SECONDS]

Data like those of the paper's appendix E (two clusters, noise 1.5). One core. "native" is
`ns_qpbo`, proved to a gap of 1e-9, refit included; "sweep" is the enumeration of cells. SCIP gets
the convexified quadratic formulation, the linear one, and the OPB file, at a gap of 1e-4. Its times
at the limit are marked with > and make the ratio a lower bound.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import tempfile
import time
from pathlib import Path

from lpc_ns.base.errors import NoSolutionError
from lpc_ns.datasets import make_sd1
from lpc_ns.lpc.paper.arrangement import qpbo_exact
from lpc_ns.lpc.paper.opb import solve_opb, write_opb
from lpc_ns.lpc.paper.qpbo import ns_qpbo
from lpc_ns.lpc.paper.surrogate import surrogate_value
from lpc_ns.lpc.problem import make_problem, refit


def problem_of(n_samples, n_features):
    """An instance of the paper's experiment."""
    data = make_sd1(n_samples, n_features, noise=1.5, random_state=0, table="rq2")
    return make_problem(data.X, data.y, 2)


def timed(function, *args, **options):
    """Result and seconds."""
    begin = time.perf_counter()
    result = function(*args, **options)
    return result, time.perf_counter() - begin


def native(problem, **options):
    """Solve and refit; the solution and the coefficients."""
    solution = ns_qpbo(problem, random_state=0, **options)
    return solution, refit(problem, solution.labels)


def native_table():
    """Seconds of the native algorithms."""
    print(f"{'N':>9s} {'D':>2s} {'native, s':>10s} {'status':>9s} {'gap':>8s} {'sweep, s':>9s}")
    native(problem_of(100, 2))
    for n, d in (
        (2000, 1),
        (1_000_000, 1),
        (2000, 2),
        (10_000, 2),
        (100_000, 2),
        (2000, 3),
        (10_000, 3),
        (500, 4),
        (2000, 5),
    ):
        problem = problem_of(n, d)
        (solution, _), seconds = timed(native, problem, gap=1e-9)
        sweep = (
            f"{timed(qpbo_exact, problem)[1]:9.3f}"
            if d == 1 or (d == 2 and n <= 10_000)
            else f"{'-':>9s}"
        )
        print(
            f"{n:9d} {d:2d} {seconds:10.3f} {solution.surrogate_status:>9s}"
            f" {solution.surrogate_gap:8.1e} {sweep}",
            flush=True,
        )


def opb(problem, limit):
    """Value and relative gap of SCIP on the OPB file."""
    with tempfile.TemporaryDirectory() as folder:
        labels, bound = solve_opb(
            write_opb(problem, Path(folder) / "instance.opb"), time_limit=limit, gap=1e-4
        )
    value = surrogate_value(problem, labels)
    return value, (bound - value) / value


def formulation(problem, limit, name):
    """Value and relative gap of SCIP on a formulation."""
    solution = ns_qpbo(problem, solver="SCIP", formulation=name, time_limit=limit)
    return solution.surrogate_objective, solution.surrogate_gap


def scip_table(limit):
    """SCIP beside the native algorithm."""
    print(
        f"\n{'N':>5s} {'D':>2s} {'SCIP on':>10s} {'SCIP, s':>9s} {'gap':>8s} {'native, s':>10s}"
        f" {'ratio':>9s}"
    )
    ways = {
        "quadratic": lambda problem: formulation(problem, limit, "quadratic"),
        "linear": lambda problem: formulation(problem, limit, "linear"),
        "OPB": lambda problem: opb(problem, limit),
    }
    hopeless = set()
    for n, d in (
        (10, 1),
        (15, 1),
        (20, 1),
        (30, 1),
        (50, 1),
        (100, 1),
        (200, 1),
        (400, 1),
        (10, 2),
        (20, 2),
        (30, 2),
        (50, 2),
        (100, 2),
    ):
        problem = problem_of(n, d)
        (solution, _), seconds = timed(native, problem, gap=1e-9)
        for way, run in ways.items():
            if (way, d) in hopeless:
                continue
            try:
                (value, gap), spent = timed(run, problem)
                if value > solution.surrogate_objective * (1 + 1e-9):
                    raise SystemExit(
                        f"{way} found a better value than the native algorithm had proved optimal:"
                        f" N = {n}, D = {d}."
                    )
            except NoSolutionError:
                gap = float("nan")
                spent = limit
            mark = " " if spent < limit else ">"
            if mark == ">":
                hopeless.add((way, d))
            print(
                f"{n:5d} {d:2d} {way:>10s} {mark}{spent:8.2f} {gap:8.1e} {seconds:10.4f}"
                f" {mark}{spent / seconds:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=float, default=20.0, help="seconds for each run of SCIP")
    arguments = parser.parse_args()
    native_table()
    scip_table(arguments.limit)
