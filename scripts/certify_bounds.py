"""Soundness of the bounds: random tiny problems against brute force and exact arithmetic.

    python scripts/certify_bounds.py [n_problems] [first_seed]
    python scripts/certify_bounds.py --ill [n_problems] [first_seed]
    python scripts/certify_bounds.py [--ill] --search quadric [n_problems] [first_seed]

Every problem of the first family has at most 10 samples, 2 or 3 clusters, a ridge between 1e-6 and
100, and a target with or without an offset; features and target come on scales from 1e-6 to 1e6,
and some samples are near-copies of others. Checked, for each of them:

- branch and bound from local search, and from the worst start, where only the search itself can
  find the optimum, end at the optimum, and say that they do unless rounding forbids it;
- no bound, at any moment of either search, exceeds the optimum;
- node bounds hold: of a branch on the stack against the enumeration of its completions, of a box
  against the partitions whose coefficients lie in it.

The second family is ill-conditioned: collinear and nearly collinear columns, one-hot pairs beside
the intercept, columns from 1e-8 to 1e8, offsets of the target up to 1e12 and trends, no ridge or
one from 1e-20 to 100, weights, and duplicated samples. Every search that can work on a problem is
forced to, with slices of random length, and no bound on the way may exceed the optimum by
anything: that is worked out over all partitions in integer arithmetic, without rounding.

With `--search` only the bounds of one search on the way are checked: labels, boxes, quadric,
columns, families, enumeration or groups.

Any violation is printed and makes the exit status 1. 500 problems take about half a minute.
"""

import argparse
import itertools
import sys
import time
from fractions import Fraction

import numpy as np

from lpc_ns.lpc.problem import (
    brute_force,
    make_problem,
    make_solution,
    objective,
    partitions,
    refit,
)
from lpc_ns.lpc.proof.boxes import BoxSearch
from lpc_ns.lpc.proof.columns import ColumnSearch
from lpc_ns.lpc.proof.enumeration import EnumerationSearch, enumerate_candidates
from lpc_ns.lpc.proof.families import FamilySearch
from lpc_ns.lpc.proof.labels import LabelSearch, dive, partition_value
from lpc_ns.lpc.proof.quadrics import QuadricSearch
from lpc_ns.lpc.proof.race import SumOfGroups, branch_and_bound
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
        ended = proved.status == "optimal" or proved.reason.startswith("limited by rounding")
        if not ended or proved.objective > optimum * (1 + 2e-6) + slack(problem, optimum):
            yield (
                f"{name}: {proved.status} with {proved.objective!r}, bound {proved.lower_bound!r},"
                f" optimum {optimum!r}"
            )


def two_groups(problem, labels, gap):
    """The search over groups, forced on a problem of any size."""
    return SumOfGroups(problem, labels, gap, 2, 1)


def searches(problem):
    """All searches that can work on a problem, whether or not branch and bound would choose
    them."""
    two = problem.n_clusters == 2
    penalised = problem.penalty.min() > 0
    fits = {
        LabelSearch: True,
        BoxSearch: two and penalised,
        QuadricSearch: two and penalised,
        ColumnSearch: penalised,
        FamilySearch: penalised,
        EnumerationSearch: two and problem.n_coefficients == 2,
        two_groups: problem.n_samples >= 4,
    }
    return [kind for kind, possible in fits.items() if possible]


def bounds_on_the_way(problem, limit, rng, gap=1e-6, slices=20, only=None):
    """No bound of any search exceeds the limit, whenever it is stopped."""
    for kind in [kind for kind in searches(problem) if only in (None, kind)]:
        tree = kind(problem, rng.integers(0, problem.n_clusters, problem.n_samples), gap)
        tree.batch = int(rng.integers(1, 100))
        if kind is EnumerationSearch:
            tree.slice = 1
        if kind in (ColumnSearch, FamilySearch):
            tree.pricer.n_boxes = int(rng.choice([20, 500]))
        for _ in range(slices):
            if tree.lower > limit:
                yield (
                    f"{kind.__name__} after {tree.nodes} nodes: bound {tree.lower!r} above the"
                    f" optimum {float(limit)!r}"
                )
            if tree.finished:
                break
            tree.advance()


def label_bound(problem, rng):
    """The bounds of a node on the stack and of an open branch, at a random moment, against all of
    their completions."""
    n = problem.n_samples
    k = problem.n_clusters
    tree = LabelSearch(problem, rng.integers(0, k, n), 1e-6)
    S = tree.stack
    dive(tree.data, S, tree.gap, tree.rounding, int(rng.integers(1, 40)))
    level = int(S.now["level"][0])
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
            best = min(best, partition_value(tree.data, z, k))
        if bound - tree.rounding > best + slack(problem, best):
            yield f"{known} labels known: bound {bound!r} above the best completion {best!r}"


def box_bound(problem, rng):
    """The bounds of boxes that were divided in a search against partitions whose coefficients lie
    in them."""
    if problem.n_clusters != 2 or problem.penalty.min() == 0:
        return
    n = problem.n_samples
    tree = BoxSearch(problem, rng.integers(0, 2, n), 1e-6)
    tree.batch = int(rng.integers(2, 40))
    tree.advance()
    pool = tree.pool
    V = tree.pair.V
    p = problem.n_coefficients
    R = np.linalg.lstsq(V, tree.form.X, rcond=None)[0]
    if np.linalg.matrix_rank(V) < p:
        return
    tried = rng.integers(0, 2, size=(40, n))
    W = np.array([refit(tree.form, z) for z in tried])
    mean = np.linalg.lstsq(tree.form.X, tree.form.y - tree.pair.y, rcond=None)[0]
    s = (W.mean(axis=1) - mean) @ R.T
    d = (W[:, 1] - W[:, 0]) / 2 @ R.T
    values = [objective(problem, z) for z in tried]
    for q in range(pool.now["waiting"][0]):
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
    limit = optimum + slack(problem, optimum)
    yield from bounds_on_the_way(problem, limit, rng)
    yield from label_bound(problem, rng)
    yield from box_bound(problem, rng)


FINE = 2**400  # denominator of exact costs, rounded down to multiples of 1 / FINE


def whole_numbers(values, squared=()):
    """Integers m and an exponent e with values = m 2^e, for which the numbers in `squared` are
    whole multiples of 2^(2e)."""
    parts = [float(v).as_integer_ratio() for v in values]
    more = [float(v).as_integer_ratio()[1].bit_length() for v in squared]
    e = max([d.bit_length() - 1 for _, d in parts] + [b // 2 for b in more])
    return [n * 2**e // d for n, d in parts], -e


def exact_costs(problem):
    """Objectives of one cluster with the samples in the bits of 0, ..., 2^N - 1, exact up to
    1 / FINE, by elimination without fractions."""
    p = problem.n_coefficients
    columns = [whole_numbers(problem.X[:, j], [problem.penalty[j]]) for j in range(p)]
    columns.append(whole_numbers(problem.y))
    rows = list(zip(*(m for m, _ in columns), strict=True))
    outer = [[a * b for a in row for b in row] for row in rows]
    empty = [0] * (p + 1) ** 2
    for j in range(p):
        empty[j * (p + 2)] = int(Fraction(float(problem.penalty[j])) * 4 ** -columns[j][1])
    sums = [empty]
    for bits in range(1, 2 ** len(rows)):
        i = bits.bit_length() - 1
        sums.append([a + b for a, b in zip(sums[bits - 2**i], outer[i], strict=True)])
    unit = 4 ** -columns[p][1]
    return [FINE * value // (last * unit) for value, last in map(eliminated, sums)]


def eliminated(entries):
    """Numerator and denominator of what is left of the last diagonal entry of a positive
    semidefinite matrix of integers when the others are eliminated."""
    m = int(len(entries) ** 0.5)
    A = [entries[a * m : a * m + m] for a in range(m)]
    last = 1
    for k in range(m - 1):
        pivot = A[k][k]
        if pivot == 0:
            continue
        for a in range(k + 1, m):
            A[a] = [(pivot * v - A[a][k] * w) // last for v, w in zip(A[a], A[k], strict=True)]
        last = pivot
    return A[m - 1][m - 1], last


def exact_optimum(problem):
    """The smallest objective of all partitions, as a fraction."""
    costs = exact_costs(problem)
    strings = partitions(problem.n_samples, problem.n_clusters)
    bits = 2 ** np.arange(problem.n_samples)
    sets = np.array([(strings == k) @ bits for k in range(problem.n_clusters)])
    best = min(sum(costs[s] for s in column) for column in sets.T.tolist())
    return Fraction(best + problem.n_clusters, FINE)


def ill_features(rng, n, d):
    """Features with what makes matrices singular, or nearly."""
    X = rng.normal(size=(n, d))
    kind = rng.integers(6)
    if kind == 1 and d > 1:
        X[:, 1] = X[:, 0] * rng.choice([1.0, 2.0, 3.0])
    if kind == 2 and d > 1:
        X[:, 1] = X[:, 0] + 10.0 ** -rng.uniform(3, 15) * X[:, 1]
    if kind == 3 and d > 1:
        X[:, 0] = X[:, 0] > 0
        X[:, 1] = 1 - X[:, 0]
    if kind == 4:
        X = X + 10.0 ** rng.uniform(0, 8, d)
    if kind == 5:
        X = np.round(X)
    if rng.random() < 0.4:
        X = X * 10.0 ** rng.uniform(-8, 8, d)
    return X


def ill_problem(seed):
    """A small problem that is as badly conditioned as problems get."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    d = int(rng.integers(1, 4))
    X = ill_features(rng, n, d)
    size = np.abs(X).max(axis=0)
    line = (X / np.where(size > 0, size, 1)) @ rng.normal(0, 2, d) + rng.normal()
    y = rng.choice([-1, 1], n) * line + 10.0 ** -rng.uniform(0, 7) * rng.normal(size=n)
    if rng.random() < 0.3:
        X[-1] = X[0] * (1 + rng.choice([0.0, 1e-9]))
        y[-1] = y[0] + rng.choice([0.0, 1e-9, 1.0])
    if rng.random() < 0.4:
        y = y + 10.0 ** rng.uniform(0, 12)
    if rng.random() < 0.3:
        y = y + 10.0 ** rng.uniform(0, 12) * line
    ridge = 0.0 if rng.random() < 0.35 else 10.0 ** rng.uniform(-20, 2)
    weights = rng.choice([0.0, 0.5, 1.0, 1.7], n) if rng.random() < 0.3 else None
    if weights is not None and not weights.any():
        weights = None
    problem = make_problem(
        X,
        y,
        int(rng.integers(2, 4)),
        ridge=ridge,
        penalize_intercept=rng.random() < 0.7,
        sample_weight=weights,
    )
    return problem, rng


def ill_violations(seed):
    """Everything that is wrong with one ill-conditioned problem."""
    problem, rng = ill_problem(seed)
    optimum = exact_optimum(problem)
    gap = 10.0 ** -rng.uniform(2, 9)
    yield from bounds_on_the_way(problem, optimum, rng, gap, slices=12)
    solutions = {"branch and bound": branch_and_bound(problem, gap=gap, max_nodes=20_000)}
    if problem.n_clusters == 2 and problem.n_coefficients == 2:
        solutions["enumeration"] = enumerate_candidates(problem, gap=gap)
    for name, found in solutions.items():
        if found.lower_bound > optimum:
            yield f"{name}: bound {found.lower_bound!r} above the optimum {float(optimum)!r}"
        if (found.status == "optimal") != (found.gap <= gap):
            yield f"{name}: {found.status} at a gap of {found.gap!r}, {gap!r} asked for"
        if found.status == "feasible" and not found.reason:
            yield f"{name}: feasible without a reason"
        if found.objective + found.rounding_error < optimum * (1 - Fraction(1, 10**12)):
            yield f"{name}: objective {found.objective!r} below the optimum {float(optimum)!r}"
    tried = brute_force(problem)
    if tried.lower_bound > optimum * (1 + Fraction(2, 10**9)):
        yield f"brute force: bound {tried.lower_bound!r} above the optimum {float(optimum)!r}"


SEARCHES = {
    "labels": LabelSearch,
    "boxes": BoxSearch,
    "quadric": QuadricSearch,
    "columns": ColumnSearch,
    "families": FamilySearch,
    "enumeration": EnumerationSearch,
    "groups": two_groups,
}


def violations_of(name, ill):
    """A check of one search alone, forced on every problem that it can work on."""

    def check(seed):
        problem, rng = (ill_problem if ill else random_problem)(seed)
        if ill:
            limit = exact_optimum(problem)
        else:
            limit = best_known(problem, local_search(problem, 2, random_state=0))
            limit = limit + slack(problem, limit)
        gap = 10.0 ** -rng.uniform(2, 9)
        yield from bounds_on_the_way(problem, limit, rng, gap, 30, SEARCHES[name])

    return check


def main(n_problems=500, first=0, check=violations):
    """Check that many problems; returns the number of violations."""
    begin = time.perf_counter()
    wrong = 0
    for seed in range(first, first + n_problems):
        for text in check(seed):
            wrong += 1
            print(f"seed {seed}: {text}", flush=True)
    print(f"{n_problems} problems, {wrong} violations, {time.perf_counter() - begin:.0f} s")
    return wrong


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("numbers", nargs="*", type=int)
    arguments.add_argument("--ill", action="store_true")
    arguments.add_argument("--search", choices=SEARCHES)
    given = arguments.parse_args()
    check = ill_violations if given.ill else violations
    if given.search:
        check = violations_of(given.search, given.ill)
    sys.exit(main(*given.numbers, check=check) > 0)
