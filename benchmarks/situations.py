"""What the advisor says of tables that people have, beside the right answer.

    python benchmarks/situations.py [--runs N] [--store]

One row for each situation: a maker of tables, the families that are right, and how often each of
them is the answer of `which_regime`; `doubted` counts tables in which a rival explains what would
be called regimes. `--store` writes nbs/results/inference_situations.csv, which notebook 51 shows.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from lpc_ns.advisor import which_regime

RESULTS = Path(__file__).resolve().parents[1] / "nbs" / "results" / "inference_situations.csv"
SEEN = ("plain", "ibc", "tree")  # whatever is visible, but no hidden regimes


def series(rng, n, rho):
    """Errors that drift."""
    e = rng.normal(size=n)
    for i in range(1, n):
        e[i] += rho * e[i - 1]
    return e


def coin(rng, n, share=0.5):
    """Hidden labels."""
    return rng.random(n) < share


def lines(X, z, gap):
    """Two lines that cross, `gap` apart where all features are 0."""
    return np.where(z, gap / 2 + 1.5 * X[:, 0], -gap / 2 - X[:, 0]) + 0.5 * X[:, 2]


ERRORS = {
    "normal errors": lambda rng, X: rng.normal(size=len(X)),
    "errors t with 2 degrees": lambda rng, X: rng.standard_t(2, len(X)),
    "Cauchy errors": lambda rng, X: rng.standard_cauchy(len(X)),
    "lognormal errors": lambda rng, X: np.exp(rng.normal(size=len(X))),
    "chi2(3) errors": lambda rng, X: rng.chisquare(3, len(X)),
    "uniform errors": lambda rng, X: rng.uniform(-2, 2, len(X)),
    "sd = exp(x/2)": lambda rng, X: np.exp(X[:, 0] / 2) * rng.normal(size=len(X)),
    "two hidden variances, 1 and 16": lambda rng, X: (
        np.where(coin(rng, len(X)), 1, 4) * rng.normal(size=len(X))
    ),
    "1 % outliers, 30 sd, one side": lambda rng, X: (
        rng.normal(size=len(X)) + 30 * coin(rng, len(X), 0.01)
    ),
    "drift, correlation .97": lambda rng, X: series(rng, len(X), 0.97),
}
CURVES = {
    "y = x^2": lambda x: 2 * x**2,
    "y = sin 2x": lambda x: 2 * np.sin(2 * x),
    "y = |x|": lambda x: 2 * np.abs(x),
    "y = exp x": np.exp,
}
HIDDEN = {
    "hidden, 3.4 sd": lambda rng, X: lines(X, coin(rng, len(X)), 3.4),
    "hidden, parallel, 4 sd": lambda rng, X: X[:, 0] + 4 * coin(rng, len(X)),
    "hidden, crossing": lambda rng, X: 2 * np.where(coin(rng, len(X)), 1, -1) * X[:, 0],
    "hidden, 20 : 80": lambda rng, X: lines(X, coin(rng, len(X), 0.2), 5),
    "hidden, beside a curve": lambda rng, X: lines(X, coin(rng, len(X)), 6) + X[:, 1] ** 2,
}
SWITCHES = {
    "switch": lambda X: lines(X, X[:, 1] > 0.2, 2),
    "switch, 10 : 90": lambda X: lines(X, X[:, 1] > 1.28, 4),
    "switch, parallel lines": lambda X: X[:, 0] + 3 * (X[:, 1] > 0.2),
}
LEVELS = {
    "units, normal levels": (("plain",), lambda rng: 1.5 * rng.normal(size=60)),
    "units, skewed levels": (("plain",), lambda rng: 1.5 * rng.exponential(size=60)),
    "units, flat levels": (("plain",), lambda rng: rng.uniform(-3, 3, 60)),
    "units, two kinds": (("lpc",), lambda rng: 3.0 * rng.integers(0, 2, 60)),
}


def situations(rng, n=400):
    """Name, right families, and table of each situation."""
    X = rng.normal(size=(n, 3))
    e = rng.normal(size=n)
    line = 1 + X @ [1.0, -0.5, 0.8]
    for name, draw in ERRORS.items():
        yield name, ("plain",), X, line + draw(rng, X), None
    yield "y rounded to its sd", ("plain",), X, np.round(line + e), None
    yield "y counts, mean exp(x)", SEEN, X, rng.poisson(np.exp(1 + X[:, 0])) * 1.0, None
    yield "y of two values", ("plain",), X, (line + e > 0) * 1.0, None
    yield "y cut off at 0", SEEN, X, np.maximum(line + e, 0), None
    yield "features lognormal", ("plain",), np.exp(X), np.exp(X) @ [1.0, -0.5, 0.8] + e, None
    double = np.column_stack([X, np.ones(n), X[:, 0], X[:, 1] + 1e-6 * e[::-1]])
    yield "constant, double, collinear", ("plain",), double, line + e, None
    gaps = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    yield "20 % missing", ("plain",), gaps, line + e, None
    three = np.repeat(np.arange(n // 3), 3)
    yield "rows three times", ("plain",), X[three], (line + e)[three], None
    codes = np.column_stack([X[:, :2], rng.integers(0, 6, n)])
    level = 1.5 * rng.normal(size=6)[codes[:, 2].astype(int)]
    yield "codes of six levels", SEEN, codes, X[:, 0] + level + e, None
    wide = rng.normal(size=(100, 30))
    yield "100 rows, 30 features", ("plain",), wide, wide[:, 0] + e[:100], None
    for name, curve in CURVES.items():
        yield name, SEEN, X, curve(X[:, 0]) + X[:, 1] + 0.5 * e, None
    for name, mean in HIDDEN.items():
        yield name, ("lpc",), X, mean(rng, X) + e, None
    for name, mean in SWITCHES.items():
        yield name, ("ibc",), X, mean(X) + e, None
    gate = rng.random(n) < 1 / (1 + np.exp(-1.5 * X[:, 1] - X[:, 2]))
    yield "gated", ("gated",), X, lines(X, gate, 4) + e, None
    unit = np.repeat(np.arange(60), 6)
    for name, (right, draw) in LEVELS.items():
        yield name, right, X[:360], (line + e)[:360] + draw(rng)[unit], unit


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--store", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = {}
    for seed in range(given.runs):
        for name, right, X, y, unit in situations(np.random.default_rng(seed)):
            advice = which_regime(X, y, unit, random_state=seed)
            row = rows.setdefault(name, {"answers": [], "right": right, "doubted": 0})
            row["answers"].append(advice.family)
            row["doubted"] += bool("test" in advice.models and advice.models["test"].doubts)
    table = pd.DataFrame(
        {
            "situation": name,
            "right": " or ".join(row["right"]),
            "answers": ", ".join(
                f"{family} {row['answers'].count(family)}"
                for family in dict.fromkeys(sorted(row["answers"]))
            ),
            "right in": sum(a in row["right"] for a in row["answers"]) / given.runs,
            "doubted": row["doubted"],
        }
        for name, row in rows.items()
    )
    print(table.to_string(index=False))
    if given.store:
        table.to_csv(RESULTS, index=False)


if __name__ == "__main__":
    main()
