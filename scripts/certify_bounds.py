"""Soundness of the bounds: random tiny problems against brute force.

    python scripts/certify_bounds.py [n_problems] [first_seed]

Every problem has at most 10 samples, 2 or 3 clusters, a ridge between 1e-6 and 100, and a target
with or without an offset; features and target come on scales from 1e-6 to 1e6, and some samples are
near-copies of others. Checked, for each of them:

- branch and bound from local search, and from the worst start, where only the search itself can
  find the optimum, end at the optimum;
- no bound, at any moment of either search, exceeds the optimum;
- node bounds hold: of a branch on the stack against the enumeration of its completions, of a box
  against the partitions whose coefficients lie in it.

Any violation is printed and makes the exit status 1. 500 problems take about half a minute.
"""

import itertools
import sys
import time

import numpy as np

from lpc_ns.lpc.problem import brute_force, make_problem, make_solution, objective, refit
from lpc_ns.lpc.proof.branching import _BoxTree, _dive, _LabelTree, _partition_value
from lpc_ns.lpc.proof.columns import _ColumnTree
from lpc_ns.lpc.proof.enumeration import _Enumeration
from lpc_ns.lpc.proof.race import branch_and_bound
from lpc_ns.lpc.search.local_search import local_search

ROUNDING = 1e-9  # relative rounding of brute force itself, on badly scaled problems


def random_problem(seed):
    """A small problem that is hard on bounds."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 11))
    d = int(rng.integers(1, 4))
    k = int(rng.integers(2, 4))
    X = rng.normal(size=(n, d))
    y = rng.normal(size=n)
    if rng.random() < 0.5:
        y += X @ rng.normal(0, 3, d) * rng.choice([-1, 1], n)
    if rng.random() < 0.25:
        X[-2:] = X[:2] * (1 + 1e-9)
        y[-2:] = y[:2] + rng.normal(0, 1e-9, 2)
    if rng.random() < 0.3:
        X = X * 10.0 ** rng.choice([-6, 0, 6], d)
    y = (y + rng.choice([0.0, 10.0, 1000.0])) * rng.choice([1e-6, 1.0, 1.0, 1.0, 1e6])
    return (
        make_problem(
            X, y, k, ridge=10.0 ** rng.uniform(-6, 2), penalize_intercept=rng.random() < 0.8
        ),
        rng,
    )


def best_known(problem, found):
    """Brute force, which picks by a closed form that loses digits on bad scales, and local search
    for such cases."""
    return min(brute_force(problem).objective, found.objective)


def slack(problem, optimum):
    """What rounding explains, in brute force: relative, and relative to the target's size."""
    return ROUNDING * optimum + 1e-14 * float(problem.y @ problem.y)


def ends_at_optimum(problem, optimum, found):
    """Both starts of branch and bound end at the optimum, proved."""
    worst = make_solution(problem, np.zeros(problem.n_samples, dtype=int))
    for name, start in (("local search", found), ("worst start", worst)):
        proved = branch_and_bound(problem, gap=1e-6, start=start)
        if proved.lower_bound > optimum + slack(problem, optimum):
            yield f"{name}: bound {proved.lower_bound!r} above the optimum {optimum!r}"
        if proved.status != "optimal" or proved.objective > optimum * (1 + 2e-6) + slack(
            problem, optimum
        ):
            yield (
                f"{name}: {proved.status} with {proved.objective!r}, bound {proved.lower_bound!r},"
                f" optimum {optimum!r}"
            )


def searches(problem):
    """All searches that can work on a problem, whether or not branch and bound would choose
    them."""
    two = problem.n_clusters == 2
    penalised = problem.penalty.min() > 0
    fits = {
        _LabelTree: True,
        _BoxTree: two and penalised,
        _ColumnTree: not two and penalised,
        _Enumeration: two and problem.n_coefficients == 2,
    }
    return [kind for kind, possible in fits.items() if possible]


def bounds_on_the_way(problem, optimum, rng):
    """No bound of any search exceeds the optimum, whenever it is stopped."""
    for kind in searches(problem):
        tree = kind(problem, rng.integers(0, problem.n_clusters, problem.n_samples), 1e-6)
        tree.batch = int(rng.integers(1, 100))
        for _ in range(20):
            if tree.lower > optimum + slack(problem, optimum):
                yield (
                    f"{kind.__name__} after {tree.nodes} nodes: bound {tree.lower!r} above the"
                    f" optimum {optimum!r}"
                )
            if tree.finished:
                break
            tree.advance()


def label_bound(problem, rng):
    """The bounds of a node on the stack and of an open branch, at a random moment, against all of
    their completions."""
    n = problem.n_samples
    k = problem.n_clusters
    tree = _LabelTree(problem, rng.integers(0, k, n), 1e-6)
    X = tree.form.X
    y = tree.form.y
    penalty = tree.form.penalty
    S = tree.stack
    _dive(X, y, penalty, tree.gap, tree.rounding, S, int(rng.integers(1, 40)))
    level = S.state[0]
    cases = [(level, S.labels[S.order[:level]], S.cost[level])] if level >= 0 else []
    for q in range(level):
        if S.next[q] < S.count[q]:
            cases.append(
                (
                    q + 1,
                    np.append(S.labels[S.order[:q]], S.branch[q, S.next[q]]),
                    S.bound[q, S.next[q]],
                )
            )
    for known, labels, bound in cases[:1] + cases[-1:]:
        z = np.zeros(n, dtype=np.int64)
        z[S.order[:known]] = labels
        best = np.inf
        for rest in itertools.product(range(k), repeat=n - known):
            z[S.order[known:]] = rest
            best = min(best, _partition_value(X, y, z, k, penalty))
        if bound - tree.rounding > best + slack(problem, best):
            yield f"{known} labels known: bound {bound!r} above the best completion {best!r}"


def box_bound(problem, rng):
    """The bounds of boxes that were divided in a search against partitions whose coefficients lie
    in them."""
    if problem.n_clusters != 2 or problem.penalty.min() == 0:
        return
    n = problem.n_samples
    tree = _BoxTree(problem, rng.integers(0, 2, n), 1e-6)
    tree.batch = int(rng.integers(2, 40))
    tree.advance()
    pool = tree.pool
    p = problem.n_coefficients
    R = np.linalg.lstsq(tree.V, tree.form.X, rcond=None)[0]
    if np.linalg.matrix_rank(tree.V) < p:
        return
    partitions = rng.integers(0, 2, size=(40, n))
    W = np.array([refit(tree.form, z) for z in partitions])
    mean = np.linalg.lstsq(tree.form.X, tree.form.y - tree.y, rcond=None)[0]
    s = (W.mean(axis=1) - mean) @ R.T
    d = (W[:, 1] - W[:, 0]) / 2 @ R.T
    values = [objective(problem, z) for z in partitions]
    for q in range(pool.state[0]):
        low = pool.low[pool.place[q]]
        high = pool.high[pool.place[q]]
        for sign in (1, -1):
            points = np.column_stack([s, sign * d])
            margin = 1e-7 * (np.abs(high) + np.abs(low))
            inside = ((points >= low + margin) & (points <= high - margin)).all(axis=1)
            for j in np.flatnonzero(inside):
                if pool.key[q] - tree.rounding > values[j] + slack(problem, values[j]):
                    yield (
                        f"box: bound {pool.key[q]!r} above {values[j]!r}, the value of a partition"
                        " in it"
                    )


def violations(seed):
    """Everything that is wrong with one problem."""
    problem, rng = random_problem(seed)
    found = local_search(problem, 2, random_state=0)
    optimum = best_known(problem, found)
    yield from ends_at_optimum(problem, optimum, found)
    yield from bounds_on_the_way(problem, optimum, rng)
    yield from label_bound(problem, rng)
    yield from box_bound(problem, rng)


def main(n_problems=500, first=0):
    """Check that many problems; returns the number of violations."""
    begin = time.perf_counter()
    wrong = 0
    for seed in range(first, first + n_problems):
        for text in violations(seed):
            wrong += 1
            print(f"seed {seed}: {text}", flush=True)
    print(f"{n_problems} problems, {wrong} violations, {time.perf_counter() - begin:.0f} s")
    return wrong


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)
