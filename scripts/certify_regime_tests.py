"""Size and power of the tests of D over C: 500 data sets in each cell of a table.

    python scripts/certify_regime_tests.py [n_runs]

n = 300 samples, and 100 in one row. Noise of variance one on average, of four kinds; the
coefficient of the product x0 x1 is 2 + d sign(x1). With a given pair there are 4 features and the
true pair is in C; with a pair that was found there are 10, and C has the pair or square that
screening ranks first on the same data. Counts of rejections at the level of 5 % go to
nbs/results/ibc_regime_tests.csv if there are 500 runs, and violations of the claims about the
default test make the exit status 1. 500 runs take about a quarter of an hour.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from lpc_ns.ibc.fixed_tests import chow_test, wald_test
from lpc_ns.ibc.regime_tests import sup_f_test, sup_lm_test
from lpc_ns.ibc.terms.screening import screen_pairs
from lpc_ns.ibc.tuning import TUNED

RESULTS = Path(__file__).resolve().parents[1] / "nbs" / "results" / "ibc_regime_tests.csv"
N_DRAWS = 199
NOISES = {
    "normal": lambda x, rng: rng.normal(size=len(x)),
    "t3": lambda x, rng: rng.standard_t(3, len(x)) / np.sqrt(3),
    "step": lambda x, rng: rng.normal(size=len(x)) * np.where(x > 0, 3, 1) / np.sqrt(5),
    "smooth": lambda x, rng: rng.normal(size=len(x)) * np.exp(x / 2 - 0.25),
}
SIGNALS = {
    "d = 0": lambda X: 2 * X[:, 0] * X[:, 1],
    "d = 0, n = 100": lambda X: 2 * X[:, 0] * X[:, 1],
    "no product": lambda X: 0 * X[:, 0],
    "d = 0.3": lambda X: (2 + 0.3 * np.sign(X[:, 1])) * X[:, 0] * X[:, 1],
    "d = 1": lambda X: (2 + np.sign(X[:, 1])) * X[:, 0] * X[:, 1],
    "curve": lambda X: 2 * X[:, 0] * X[:, 1] + X[:, 2] ** 2 / 2,
}
NULLS = ("d = 0", "d = 0, n = 100", "no product")
GIVEN = ("d = 0", "d = 0, n = 100", "d = 0.3", "d = 1", "curve")
FOUND = ("d = 0", "no product", "d = 1")
CELLS = [(truth, "given") for truth in GIVEN] + [(truth, "found") for truth in FOUND]


def make_data(truth, pair, noise, seed):
    """One data set: features, target, and a generator for the tests."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(100 if truth.endswith("n = 100") else 300, 4 if pair == "given" else 10))
    return X, X[:, 0] + X[:, 1] + SIGNALS[truth](X) + NOISES[noise](X[:, 1], rng), rng


def rejections(truth, pair, noise, seed):
    """Which tests reject, on one data set: the default test, and where C is true all of them."""
    X, y, rng = make_data(truth, pair, noise, seed)
    terms = [(0, 1)] if pair == "given" else screen_pairs(X, y, top=1).terms
    default = sup_lm_test(X, y, terms=terms, n_bootstrap=N_DRAWS, random_state=rng)
    if truth not in NULLS:
        return {"sup-LM": default.rejected}
    halves = X[:, 1] > 0
    largest_f = sup_f_test(X, y, terms=terms, n_permutations=N_DRAWS, random_state=rng)
    naive = stats.f.sf(largest_f.statistic, *largest_f.df)
    return {
        "naive": naive <= TUNED.level,
        "Bonferroni": naive * len(largest_f.path) <= TUNED.level,
        "sup-F, permutation": largest_f.rejected,
        "sup-LM": default.rejected,
        "Chow, fixed": chow_test(X, y, halves, terms=terms).rejected,
        "Wald HC3, fixed": wald_test(X, y, halves, terms=terms).rejected,
        "BIC": largest_f.bic_d < largest_f.bic_c,
    }


def count(truth, pair, noise, n_runs):
    """Rejections of every test in `n_runs` data sets, seeds 0 to n_runs - 1."""
    table = pd.DataFrame([rejections(truth, pair, noise, seed) for seed in range(n_runs)])
    return [
        (truth, pair, noise, test, int(rejected), n_runs) for test, rejected in table.sum().items()
    ]


def violations(table):
    """What contradicts the claims about the default test."""
    for row in table[table["test"] == "sup-LM"].itertuples():
        rate = row.rejected / row.runs
        if row.truth == "d = 0" and not 0.02 <= rate <= 0.07:
            yield f"size {rate} for {row.noise} noise, pair {row.pair}, outside .02 to .07"
        if row.truth == "no product" and rate > 0.07:
            yield f"size {rate} for {row.noise} noise without a product, above .07"
        if row.truth == "d = 1" and rate < 0.9:
            yield f"power {rate} for {row.noise} noise, pair {row.pair}, below .9"


def main(n_runs=500):
    """Fill the table; returns the number of violations."""
    begin = time.perf_counter()
    rows = [
        row
        for truth, pair in CELLS
        for noise in NOISES
        for row in count(truth, pair, noise, n_runs)
    ]
    table = pd.DataFrame(rows, columns=["truth", "pair", "noise", "test", "rejected", "runs"])
    if n_runs == 500:
        RESULTS.parent.mkdir(exist_ok=True)
        table.to_csv(RESULTS, index=False)
    rates = table.assign(rate=table["rejected"] / table["runs"]).pivot(
        index=["truth", "pair", "test"], columns="noise", values="rate"
    )
    print(rates[list(NOISES)].to_string())
    wrong = list(violations(table))
    print(
        *wrong,
        f"{n_runs} runs a cell, {len(wrong)} violations, {time.perf_counter() - begin:.0f} s",
        sep="\n",
    )
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)
