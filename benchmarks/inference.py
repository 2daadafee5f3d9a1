"""Sizes, powers and agreements of the inference chapters, one table per row of their claims.

    python benchmarks/inference.py ROW [--runs N] [--store]

Without ROW the rows are listed. `--runs` is the number of replications; `--store` writes the table
to nbs/results. Rates of tests use the warp-speed bootstrap of Giacomini, Politis and White (2013):
three draws of the null world per replication, and the quantile of all of them; a user's p-value has
draws of its own. `python benchmarks/inference.py targets` sets the stored tables beside what was
demanded of them.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_score

from lpc_ns.advisor import which_regime
from lpc_ns.base.errors import DataWarning
from lpc_ns.datasets import find_data
from lpc_ns.lpc.inference.estimator import MixtureOfRegressions
from lpc_ns.lpc.inference.nulls import (
    null_ratios,
    one_regression,
    residuals,
    sse_ratio,
    studentise,
    unimodal_density,
)
from lpc_ns.lpc.inference.number import mixture_ratios, select_n_clusters
from lpc_ns.lpc.inference.prediction import conformal_threshold, density_sets
from lpc_ns.lpc.inference.reality import reality_test
from lpc_ns.lpc.problem import make_problem
from lpc_ns.lpc.proof.units import prove_units
from lpc_ns.lpc.search.information import align
from lpc_ns.lpc.search.mixture import em_refit, hard_limit

RESULTS = Path(__file__).resolve().parents[1] / "nbs" / "results"
NORMAL = (np.empty(0), np.empty(0))
DRAWS = 3  # of the null world per replication


def signs(rng, n):
    """Fair signs."""
    return rng.choice([-1.0, 1.0], n)


ERRORS = {
    "normal": lambda rng, x: rng.standard_normal(len(x)),
    "t3": lambda rng, x: rng.standard_t(3, len(x)),
    "t5": lambda rng, x: rng.standard_t(5, len(x)) / np.sqrt(5 / 3),
    "laplace": lambda rng, x: rng.laplace(size=len(x)),
    "sd = exp(x/2)": lambda rng, x: np.exp(x / 2) * rng.standard_normal(len(x)),
    "sd = .3 + abs(x)": lambda rng, x: (0.3 + np.abs(x)) * rng.standard_normal(len(x)),
    "random coefficients": lambda rng, x: (
        rng.standard_normal(len(x)) + x * rng.standard_normal(len(x))
    ),
    "uniform": lambda rng, x: rng.uniform(-1, 1, len(x)),
    "chi2(3)": lambda rng, x: rng.chisquare(3, len(x)) - 3,
}
REGIMES = {
    "2 sigma": lambda rng, x: signs(rng, len(x)) + rng.standard_normal(len(x)),
    "2.5 sigma": lambda rng, x: 1.25 * signs(rng, len(x)) + rng.standard_normal(len(x)),
    "3 sigma": lambda rng, x: 1.5 * signs(rng, len(x)) + rng.standard_normal(len(x)),
    "4 sigma": lambda rng, x: 2 * signs(rng, len(x)) + rng.standard_normal(len(x)),
    "3 sigma, 30 : 70": lambda rng, x: (
        np.where(rng.random(len(x)) < 0.3, 1.5, -1.5) + rng.standard_normal(len(x))
    ),
    "crossing t = 2": lambda rng, x: 2 * signs(rng, len(x)) * x + rng.standard_normal(len(x)),
}


def rates(kind, n, d, runs, seed=0):
    """Rejection rates at .05 of the default and the strict test."""
    draw = {**ERRORS, **REGIMES}[kind]
    rng = np.random.default_rng([seed, n, d])
    seen = []
    normal = []
    strict = []
    for _ in range(runs):
        X = rng.normal(size=(n, d))
        world = one_regression(X)
        e, scale = studentise(world, draw(rng, X[:, 0]))
        seen.append(sse_ratio(world, e, scale, np.arange(n + 1), 2, rng))
        normal.extend(null_ratios(world, scale, NORMAL, 2, DRAWS, rng))
        strict.extend(null_ratios(world, scale, unimodal_density(e), 2, DRAWS, rng))
    seen = np.array(seen)
    return {
        "errors": kind,
        "N": n,
        "D": d,
        "runs": runs,
        "default": (seen < np.quantile(normal, 0.05)).mean(),
        "strict": (seen < np.quantile(strict, 0.05)).mean(),
    }


def size(runs=300):
    """Size of the reality test under normal errors, N = 100 to 2,000, D = 1 to 10; three times the
    runs up to 500 rows."""
    grid = [(n, d) for n in (100, 200, 500) for d in (1, 5, 10)] + [(1000, 5), (2000, 10)]
    return [rates("normal", n, d, 3 * runs if n <= 500 else runs) for n, d in grid]


def robust(runs=300):
    """Size under heavy tails, changing scale, and (strict test only) flat and skewed errors."""
    kinds = [k for k in ERRORS if k not in ("normal", "t5")]
    return [rates(kind, 200, d, runs) for kind in kinds for d in (1, 5)]


def power(runs=300):
    """Power at N = 200."""
    return [rates(kind, 200, d, runs) for kind in REGIMES for d in (1, 5)]


def uniform(runs=500):
    """P-values of the plain test against the uniform distribution."""
    from scipy.stats import kstest

    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    p = []
    for seed in range(runs):
        y = rng.standard_normal(40)
        test = reality_test(X, y, errors="plain", strict=False, n_draws=99, random_state=seed)
        p.append(test.p_value - rng.random() / 100)
    return [{"runs": runs, "mean": np.mean(p), "Kolmogorov-Smirnov p": kstest(p, "uniform").pvalue}]


def units(runs=200):
    """Units of four rows: do they differ, and in kinds? With the p-values that a user gets."""
    G = 40
    code = np.repeat(np.arange(G), 4)
    kinds = {
        "no units": lambda rng, x: 0 * x,
        "continuous intercepts sd 1": lambda rng, x: rng.standard_normal(G)[code],
        "continuous intercepts and slopes": lambda rng, x: (
            rng.standard_normal(G)[code] + rng.standard_normal(G)[code] * x
        ),
        "1 sigma apart": lambda rng, x: 0.5 * signs(rng, G)[code],
        "2 sigma apart": lambda rng, x: signs(rng, G)[code],
        "3 sigma apart": lambda rng, x: 1.5 * signs(rng, G)[code],
    }
    table = []
    for name, effect in kinds.items():
        rng = np.random.default_rng(0)
        found = []
        for seed in range(runs):
            x = rng.normal(size=len(code))
            y = effect(rng, x) + rng.standard_normal(len(code))
            test = reality_test(x[:, None], y, groups=code, n_draws=99, random_state=seed)
            found.append((test.p_value <= 0.05, test.strict_p_value <= 0.05))
        differ, kinds_too = np.mean(found, axis=0)
        table.append({"units": name, "runs": runs, "differ": differ, "in kinds": kinds_too})
    return table


def ceiling(runs=20_000):
    """Power against units one sigma apart, 40 of four rows: the most powerful test, which knows
    line, sigma and distance; and the F test of the units' means."""
    from scipy.stats import f

    rng = np.random.default_rng(0)

    def most_powerful(sums):
        """Logarithm of the likelihood ratio of sums that are +-2 or 0 in the mean."""
        return np.log(np.cosh(sums / 2)).sum(axis=1)

    null = most_powerful(2 * rng.standard_normal((runs, 40)))
    found = most_powerful(
        2 * rng.choice([-1.0, 1.0], (runs, 40)) + 2 * rng.standard_normal((runs, 40))
    )
    y = 0.5 * rng.choice([-1.0, 1.0], (runs, 40, 1)) + rng.standard_normal((runs, 40, 4))
    means = y.mean(axis=2)
    within = ((y - means[:, :, None]) ** 2).sum(axis=(1, 2)) / 120
    ratio = 4 * means.var(axis=1, ddof=1) / within
    return [
        {
            "runs": runs,
            "most powerful": (found > np.quantile(null, 0.95)).mean(),
            "F test of means": (ratio > f.isf(0.05, 39, 120)).mean(),
        }
    ]


def lines(rng, K, n, gap, errors="normal"):
    """K lines `gap` sigmas apart."""
    x = rng.normal(size=n)
    z = rng.integers(0, K, n)
    slopes = np.linspace(-0.5, 0.5, K) if K > 1 else np.array([0.5])
    e = np.exp(0.4 * x) * rng.standard_normal(n) if errors == "het" else ERRORS[errors](rng, x)
    return x[:, None], gap * (z - (K - 1) / 2) + slopes[z] * x + e


def next_step(runs=150):
    """Size of two regimes against three, N = 200."""
    table = []
    for gap in (2.0, 3.0, 4.0):
        rng = np.random.default_rng(0)
        seen = []
        drawn = []
        first = np.arange(201)
        for seed in range(runs):
            X, y = lines(rng, 2, 200, gap)
            world = one_regression(X, scale=False)
            e = residuals(world.Q, y)
            seen.append(
                sse_ratio(world, e, np.ones(200), first, 3, rng)
                / sse_ratio(world, e, np.ones(200), first, 2, rng)
            )
            m = em_refit(X, y, n_clusters=2, shared_variance=True, random_state=seed)
            W = np.linalg.lstsq(world.X, m.predict_regimes(X), rcond=None)[0].T
            regimes = (np.ascontiguousarray(W), m.sigma, np.cumsum(m.shares))
            drawn.append(mixture_ratios(world, regimes, first, 2, 1, 1, rng)[0, 0])
        rate = (np.array(seen) < np.quantile(drawn, 0.05)).mean()
        table.append({"gap in sigmas": gap, "runs": runs, "rejects two for three": rate})
    return table


def number(runs=20):
    """Hit rates of the ladder and of criteria, N = 200, four sigmas."""
    table = []
    for errors in ("normal", "t5", "het"):
        for K in (1, 2, 3):
            rng = np.random.default_rng(K)
            hits = []
            for seed in range(runs):
                chosen = select_n_clusters(*lines(rng, K, 200, 4.0, errors), 4, random_state=seed)
                t = chosen.table
                hits.append([c == K for c in (chosen.best, t.bic.idxmin(), t.icl.idxmin())])
            ladder, bic, icl = np.mean(hits, axis=0)
            row = {"errors": errors, "K": K, "runs": runs}
            table.append(row | {"ladder": ladder, "BIC": bic, "ICL": icl})
    return table


def coverage(runs=200):
    """Coverage of 95 % intervals, and bias of refit and of hard labels, N = 200."""
    table = []
    for gap in (2.0, 3.0, 4.0):
        rng = np.random.default_rng(5)
        W = np.array([[-gap / 2, -0.5], [gap / 2, 1.0]])
        inside = []
        soft = []
        for seed in range(runs):
            x = rng.normal(size=200)
            z = rng.integers(0, 2, 200)
            y = (np.column_stack([np.ones(200), x]) * W[z]).sum(axis=1) + rng.standard_normal(200)
            m = em_refit(x[:, None], y, n_clusters=2, random_state=seed)
            V = np.column_stack([m.intercept, m.coef])
            se = np.sqrt(np.diag(m.covariance()))[:4].reshape(2, 2)
            order = align(V, W)
            inside.append(np.abs(V[order] - W) < 1.96 * se[order])
            soft.append(V[order] - W)
        limit, _ = hard_limit(rng.normal(size=(2000, 1)), _truth(W))
        table.append(
            {
                "gap in sigmas": gap,
                "runs": runs,
                "coverage": np.mean(inside),
                "bias of the refit": np.abs(np.mean(soft, axis=0)).max(),
                "bias of hard labels (computed)": np.abs(limit - W).max(),
            }
        )
    return table


def _truth(W):
    """The mixture with the true coefficients."""
    from lpc_ns.lpc.search.density import MixtureDensity

    return MixtureDensity(W[:, 1:], W[:, 0], np.ones(2), np.full(2, 0.5), None)


GOLDEN = {
    "golden_classic": ["aphids", "co2", "no", "equiv_no", "tone", "kalvelagen", "overlap"],
    "golden_classic2": ["gated", "panel", "weighted", "sd1"],
    "golden_synthetic_uci": ["sd2", "390_stock_portfolio", "87_servo"],
}


def golden():
    """Data and records of flexmix and mixtools."""
    folder = find_data("inference_golden/golden.R").parent
    for file, names in GOLDEN.items():
        records = json.loads((folder / f"{file}.json").read_text())
        for name in names:
            table = pd.read_csv(folder / "data" / f"{name}.csv")
            columns = [c for c in table if c[0] == "x" and c[1:].isdigit()]
            yield name, table[columns], table.y, records[name]


def flexmix(runs=0):
    """Log-likelihoods: flexmix's, the same fit with its factor, and our maximum."""
    table = []
    for name, X, y, records in golden():
        for K in (2, 3):
            for variance in ("own", "shared"):
                record = records[f"K{K}_{variance}"]
                R = np.array(
                    record.get("posterior", np.eye(K)[np.array(record.get("clusters", 1)) - 1])
                )
                shared = variance == "shared"
                same = em_refit(
                    X,
                    y,
                    posterior=R,
                    guard=0,
                    flexmix_factor=True,
                    shared_variance=shared,
                    tol=1e-14,
                )
                begin = time.process_time()
                best = em_refit(X, y, n_clusters=K, guard=0, shared_variance=shared, random_state=0)
                seconds = time.process_time() - begin
                table.append(
                    {
                        "set": name,
                        "K": K,
                        "variance": variance,
                        "flexmix": record["logLik"],
                        "ours with its factor": same.log_likelihood - record["logLik"],
                        "our maximum": best.log_likelihood - record["logLik"],
                        "ms": 1000 * seconds,
                    }
                )
    return table


def errors(runs=0):
    """Standard errors against flexmix's refit, K = 2, own variances: largest relative
    difference."""
    table = []
    for name, X, y, records in golden():
        theirs = records["K2_own"]["refit"]
        if "se" not in theirs or None in theirs["se"]:
            continue
        ours = em_refit(X, y, n_clusters=2, guard=0, random_state=0, tol=1e-13).summary().table
        ours = np.sort(ours[~ours.term.isin(["log sigma", "logit"])].se)
        wanted = [s for n, s in zip(theirs["names"], theirs["se"], strict=True) if "coef" in n]
        table.append({"set": name, "largest": np.abs(ours / np.sort(wanted) - 1).max()})
    return table


def degenerate(runs=12):
    """Share of reported fits with a degenerate regime, too many regimes for the data."""
    table = []
    grid = ((60, 1, 1, 2), (60, 4, 1, 2), (60, 4, 2, 3), (150, 8, 1, 2), (150, 2, 2, 4))
    for N, D, true, K in grid:
        rng = np.random.default_rng(10)
        bad = []
        for seed in range(runs):
            X = np.column_stack([np.ones(N), rng.normal(size=(N, D))])
            W = rng.normal(size=(true, D + 1)) * 2
            y = (X * W[rng.integers(0, true, N)]).sum(axis=1) + rng.standard_normal(N)
            m = em_refit(X[:, 1:], y, n_clusters=K, n_random=10, random_state=seed)
            bad.append(m.shares.min() * N < D + 2 or m.sigma.min() < 0.05 * m.sigma.max())
        row = {"N": N, "D": D, "true K": true, "fitted K": K, "runs": runs}
        table.append(row | {"degenerate": np.mean(bad)})
    return table


def million(runs=1_000_000):
    """Refit with standard errors of a million rows, D = 10, K = 3: seconds and memory."""
    import resource

    rng = np.random.default_rng(0)
    X = rng.normal(size=(runs, 10))
    W = rng.normal(size=(3, 11)) * 2
    z = rng.integers(0, 3, runs)
    y = W[z, 0] + (X * W[z, 1:]).sum(axis=1) + rng.standard_normal(runs)
    em_refit(X[:500], y[:500], z[:500], n_random=0).summary()
    labels = np.where(rng.random(runs) < 0.9, z, rng.integers(0, 3, runs))
    begin = time.perf_counter()
    cpu = time.process_time()
    em_refit(X, y, labels, n_random=0).summary()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [
        {
            "rows": runs,
            "seconds": time.perf_counter() - begin,
            "CPU seconds": time.process_time() - cpu,
            "GB at most": memory,
        }
    ]


def example(kind, n, rng, noise=1.0):
    """Data of one family."""
    X = rng.normal(size=(n, 3))
    a, b, c = X.T
    e = noise * rng.standard_normal(n)
    if kind == "plain":
        return X, 1 + X @ rng.normal(size=3) + e
    if kind == "ibc":
        return X, np.where(b > 0.3 * rng.normal(), 1 + 1.5 * a, -a) + 0.5 * c + e
    if kind == "lpc":
        z = rng.random(n) < rng.uniform(0.35, 0.65)
        return X, np.where(z, 1.7 + 1.5 * a, -1.7 - a) + 0.5 * c + e
    if kind == "far":
        return X, signs(rng, n) * (3 + 2 * a) + e
    if kind == "gated":
        z = rng.random(n) < 1 / (1 + np.exp(-1.5 * b - c))
        return X, np.where(z, 1.7 + 1.5 * a, -1.7 - a) + e
    cell = 2 * (b > 0.2) + np.where(b > 0.2, c > -0.3, c > 0.4)
    return X, np.choose(cell, [1.5 * a, 2 - a, -2 + 0.5 * a, 1 + 2 * a]) + e


def advisor(runs=10):
    """Share of tables whose family is recognised, N = 500, sigma 1."""
    table = []
    for kind in ("plain", "ibc", "lpc", "gated", "tree"):
        rng = np.random.default_rng(4)
        answers = [
            which_regime(*example(kind, 500, rng), random_state=seed).family for seed in range(runs)
        ]
        table.append(
            {"truth": kind, "runs": runs}
            | {f: answers.count(f) for f in ("plain", "ibc", "lpc", "gated", "tree")}
        )
    return table


def uci():
    """The ten tables of the paper, at most 600 rows of each."""
    for file in sorted(find_data("uci_lpc/87_servo.csv").parent.glob("*_*.csv")):
        table = pd.read_csv(file).drop(columns="reference_cluster", errors="ignore")
        y = table["target"] if "target" in table else table.iloc[:, -1]
        X = table.drop(columns=y.name)
        if len(y) > 600:
            rows = np.random.default_rng(0).choice(len(y), 600, replace=False)
            X = X.iloc[rows]
            y = y.iloc[rows]
        yield file.stem, X.loc[:, X.nunique() > 1], y


def prediction(runs=5):
    """Cross-validated R^2 (of as many folds as runs) of MixtureOfRegressions and of OLS."""
    folds = KFold(runs, shuffle=True, random_state=0)
    table = []
    for name, X, y in uci():
        ols = cross_val_score(LinearRegression(), X, y, cv=folds).mean()
        ours = cross_val_score(MixtureOfRegressions(random_state=0), X, y, cv=folds).mean()
        table.append({"set": name, "N": len(y), "OLS": ols, "default": ours, "gain": ours - ols})
    return table


def oracle_length(kind, X, y):
    """Mean length of the shortest sets with a coverage of 90 %, by the true lines, error and gate
    of `example`; constant shares are those of these rows."""
    a, b, c = X.T
    if kind == "plain":
        line = LinearRegression().fit(X, y).predict(X)
        means = np.column_stack([line, line])
    elif kind == "far":
        means = np.column_stack([3 + 2 * a, -3 - 2 * a])
    else:
        means = np.column_stack([1.7 + 1.5 * a, -1.7 - a])
        means += 0.5 * c[:, None] if kind == "lpc" else 0
    like = norm.pdf(y[:, None], means)
    p = 1 / (1 + np.exp(-1.5 * b - c)) if kind == "gated" else np.full(len(y), 0.5)
    for _ in range(50 if kind in ("lpc", "far") else 0):
        first = p * like[:, 0]
        p = np.full(len(y), (first / (first + (1 - p) * like[:, 1])).mean())
    shares = np.column_stack([p, 1 - p])
    threshold = conformal_threshold(np.log((shares * like).sum(axis=1)), 0.9)
    return density_sets(means, np.ones(2), shares, threshold, 0.9).length.mean()


def sets(runs=5):
    """Coverage of 90 % sets on 1,000 fresh rows, and their length over that of OLS intervals; the
    same of the shortest sets there are, which know the mixture."""
    table = []
    for kind in ("plain", "lpc", "far", "gated"):
        rng = np.random.default_rng(9)
        found = []
        for seed in range(runs):
            X, y = example(kind, 1500, rng)
            model = MixtureOfRegressions(random_state=seed).fit(X[:500], y[:500])
            regions = model.predict_interval(X[500:])
            line = LinearRegression().fit(X[:500], y[:500])
            width = 2 * norm.ppf(0.95) * np.std(y[:500] - line.predict(X[:500]))
            known = oracle_length(kind, X[500:], y[500:]) / width
            found.append((regions.contains(y[500:]).mean(), regions.length.mean() / width, known))
        covered, length, known = np.mean(found, axis=0)
        name = {"lpc": "hidden, 3.4 sigma", "far": "hidden, 6 sigma"}.get(kind, kind)
        row = {"regimes": name, "N": 500, "runs": runs}
        table.append(
            row
            | {"coverage": covered, "length over OLS": length}
            | {"oracle over OLS": known, "length over oracle": length / known}
        )
    return table


def speed(runs=3):
    """CPU seconds of one p-value (199 draws, N = 500, D = 5): default, and with the strict one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 5))
    y = rng.standard_normal(500)
    table = []
    for strict in (False, True):
        reality_test(X, y, strict=strict, n_draws=9, random_state=0)
        begin = time.process_time()
        for seed in range(runs):
            reality_test(X, y, strict=strict, random_state=seed)
        table.append({"strict": strict, "CPU seconds": (time.process_time() - begin) / runs})
    return table


def analyses(runs=199):
    """Worked analyses: real tables, is it real, how many, how sure, told by x?"""
    folder = find_data("inference_golden/golden.R").parent / "data"
    sets = {name: pd.read_csv(folder / f"{name}.csv") for name in GOLDEN["golden_classic"][:6]}
    sets |= {name: pd.read_csv(folder / f"{name}.csv") for name in ("87_servo", "60_liver")}
    uci = find_data("uci_lpc/87_servo.csv").parent
    sets["320"] = pd.read_csv(next(uci.glob("320_*.csv"))).drop(columns="reference_cluster")
    table = []
    for name, data in sets.items():
        y = data["y"] if "y" in data else data["target"]
        X = data.drop(columns=[c for c in ("y", "target") if c in data])
        X = X.loc[:, X.nunique() > 1]
        test = reality_test(X, y, n_draws=runs, random_state=0)
        chosen = select_n_clusters(X, y, 4, random_state=0)
        mixture = em_refit(X, y, n_clusters=2, random_state=0)
        gated = em_refit(X, y, posterior=mixture.posterior, concomitant=X)
        table.append(
            {
                "set": name,
                "N": len(y),
                "coefficients": X.shape[1] + 1,
                "ratio": test.statistic,
                "5 % point": test.critical_value,
                "p": test.p_value,
                "p strict": test.strict_p_value,
                "ladder": chosen.best,
                "BIC": chosen.table.bic.idxmin(),
                "entropy": mixture.entropy,
                "BIC gain of a gate": mixture.bic - gated.bic,
            }
        )
    return table


def parkinsons():
    """Total UPDRS of 42 subjects, one row per week: mean time and score of its recordings."""
    table = pd.read_csv(find_data("uci_raw/parkinsons_updrs.data"), sep=None, engine="python")
    table["week"] = table.test_time.round()
    columns = ["test_time", "total_UPDRS"]
    weeks = table.groupby(["subject#", "week"], as_index=False)[columns].mean()
    return weeks[["test_time"]], weeks.total_UPDRS, weeks["subject#"]


def panels(runs=199):
    """Worked analyses of units: do they differ, in kinds, how many, and what rows alone would
    say."""
    panel = pd.read_csv(find_data("inference_golden/golden.R").parent / "data" / "panel.csv")
    X, y, subject = parkinsons()
    within = [X, y.to_frame()]
    within = [t - t.groupby(subject).transform("mean") for t in within]
    sets = {
        "panel": (panel[["x1"]], panel.y, panel.id),
        "Parkinsons": (X, y, subject),
        "the same, from each subject's mean": (within[0], within[1].total_UPDRS, subject),
    }
    table = []
    for name, (X, y, unit) in sets.items():
        test = reality_test(X, y, groups=unit, n_draws=runs, random_state=0)
        rows = reality_test(X, y, n_draws=runs, random_state=0)
        chosen = select_n_clusters(X, y, 4, groups=unit, random_state=0)
        mixture = em_refit(X, y, n_clusters=2, groups=unit, random_state=0)
        table.append(
            {
                "set": name,
                "units": unit.nunique(),
                "rows": len(y),
                "ratio": test.statistic,
                "5 % point": test.critical_value,
                "p differ": test.p_value,
                "p in kinds": test.strict_p_value,
                "ladder": chosen.best,
                "entropy": mixture.entropy,
                "p by rows": rows.p_value,
            }
        )
    return table


def proof(runs=3):
    """Proofs over units with draws of lines, at most 5 million nodes: K = 3, a thousand units of
    five rows; K = 5, a hundred of eight."""
    table = []
    for K, G, rows in ((3, 1000, 5), (5, 100, 8)):
        for seed in range(runs):
            rng = np.random.default_rng(seed)
            unit = np.repeat(np.arange(G), rows)
            X = rng.normal(size=(G * rows, 2))
            W = 2 * rng.normal(size=(K, 3))
            z = rng.integers(0, K, G)[unit]
            y = W[z, 0] + (X * W[z, 1:]).sum(axis=1) + rng.standard_normal(len(z))
            begin = time.process_time()
            found = prove_units(make_problem(X, y, K), unit, random_state=0, max_nodes=5_000_000)
            table.append(
                {
                    "K": K,
                    "units": G,
                    "rows": rows,
                    "seed": seed,
                    "gap": found.gap,
                    "nodes": found.nodes,
                    "CPU seconds": time.process_time() - begin,
                }
            )
    return table


def _stored(row, column, keep=lambda table: table):
    """A column of a stored table, of the rows that are kept."""
    return keep(pd.read_csv(RESULTS / f"inference_{row}.csv"))[column]


def _runs(row):
    """Runs of the cells of a stored table, as text; nothing where they are not stored."""
    table = pd.read_csv(RESULTS / f"inference_{row}.csv")
    if "runs" not in table:
        return ""
    low = table.runs.min()
    high = table.runs.max()
    return f"{low}" if low == high else f"{low} to {high}"


def _span(values):
    """Smallest and largest of a column."""
    low = f"{min(values):.3f}"
    high = f"{max(values):.3f}"
    return low if low == high else f"{low} to {high}"


SKEWED = ("uniform", "chi2(3)")
TARGETS = (
    ("size, normal errors", ".02 to .08", "size", "default", None),
    ("size, tails and changing scale", "<= .09", "robust", "default", ("errors", SKEWED, False)),
    ("the same, strict", "<= .07", "robust", "strict", ("errors", SKEWED, False)),
    ("strict size, flat and skewed", "<= .07", "robust", "strict", ("errors", SKEWED, True)),
    ("power, 3 sigma", ">= .95", "power", "default", ("errors", ("3 sigma",), True)),
    (
        "power, 3 sigma, 30 : 70",
        ">= .85",
        "power",
        "default",
        ("errors", ("3 sigma, 30 : 70",), True),
    ),
    ("power, crossing t = 2", ">= .95", "power", "default", ("errors", ("crossing t = 2",), True)),
    ("strict power, 4 sigma", ">= .80", "power", "strict", ("errors", ("4 sigma",), True)),
    ("units differ, 1 sigma", ">= .90", "units", "differ", ("units", ("1 sigma apart",), True)),
    (
        "in kinds, size",
        "<= .07",
        "units",
        "in kinds",
        ("units", ("1 sigma apart", "2 sigma apart", "3 sigma apart"), False),
    ),
    ("in kinds, 3 sigma", ">= .90", "units", "in kinds", ("units", ("3 sigma apart",), True)),
    ("size, two against three", "<= .10", "next_step", "rejects two for three", None),
    ("ladder, K = 1 to 3", ">= .85", "number", "ladder", None),
    ("BIC, normal errors", ">= .90", "number", "BIC", ("errors", ("normal",), True)),
    ("ICL, normal errors", ">= .90", "number", "ICL", ("errors", ("normal",), True)),
    ("coverage of intervals", ".90 to .98", "coverage", "coverage", None),
    ("bias of the refit", "< .05", "coverage", "bias of the refit", None),
    ("flexmix's likelihoods, ours", "within .001", "flexmix", "ours with its factor", None),
    ("maximum over flexmix's, K = 2", ">= 0", "flexmix", "our maximum", ("K", (2,), True)),
    ("standard errors, flexmix's", "within .01", "errors", "largest", None),
    ("degenerate regimes reported", "0", "degenerate", "degenerate", None),
    ("coverage of 90 % sets", ">= .87", "sets", "coverage", None),
    ("their length over the shortest there are", "", "sets", "length over oracle", None),
    (
        "their length, hidden regimes 6 sigma apart",
        "<= .65",
        "sets",
        "length over OLS",
        ("regimes", ("hidden, 6 sigma",), True),
    ),
    ("R2 over OLS, ten UCI sets", ">= -.03", "prediction", "gain", None),
)


def _advice_right():
    """Shares of the tables of each family that are recognised."""
    advice = pd.read_csv(RESULTS / "inference_advisor.csv").set_index("truth")
    counts = advice[advice.index]
    return np.diag(counts) / counts.sum(axis=1)


def targets(runs=0):
    """What was demanded, and what the stored tables say."""
    table = []
    for name, demand, row, column, rule in TARGETS:
        keep = (lambda t: t) if rule is None else (lambda t, r=rule: t[t[r[0]].isin(r[1]) == r[2]])
        stored = (RESULTS / f"inference_{row}.csv").exists()
        measured = _span(_stored(row, column, keep)) if stored else "not stored"
        found = {"measured": measured, "runs": _runs(row) if stored else "", "row": row}
        table.append({"property": name, "demand": demand} | found)
    right = {"measured": _span(_advice_right()), "runs": _runs("advisor"), "row": "advisor"}
    return [*table, {"property": "advisor, five families", "demand": ">= .90"} | right]


ROWS = {
    f.__name__: f
    for f in (
        size,
        robust,
        power,
        uniform,
        units,
        ceiling,
        next_step,
        number,
        coverage,
        flexmix,
        errors,
        degenerate,
        million,
        speed,
        prediction,
        sets,
        advisor,
        analyses,
        panels,
        proof,
        targets,
    )
}


def main():
    """Print one row."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("row", nargs="?", choices=list(ROWS))
    parser.add_argument("--runs", type=int, help="number of replications")
    parser.add_argument("--store", action="store_true", help="write the table to nbs/results")
    given = parser.parse_args()
    if given.row is None:
        for name, row in ROWS.items():
            print(f"{name:12s} {row.__doc__}")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        table = ROWS[given.row](**({} if given.runs is None else {"runs": given.runs}))
    table = pd.DataFrame(table)
    print(table.round(4).to_string(index=False))
    if given.store:
        table = table.drop(columns="ms", errors="ignore")
        table.round(4).to_csv(RESULTS / f"inference_{given.row}.csv", index=False)


if __name__ == "__main__":
    main()
