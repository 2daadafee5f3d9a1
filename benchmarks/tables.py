"""Reading and encoding of a table of 300,000 x 20 with five columns of text, against pandas.

    python benchmarks/tables.py [--rows 300000] [--repeats 5]

Ours and `pandas.get_dummies(pandas.read_csv(...))` take turns on one file; CPU seconds are medians,
the last column is the median of the ratios of neighbours. Ours also finds separator, decimal mark
and encoding, looks for texts that mean a missing value, orders levels, and returns one matrix of
float64; `to_numpy` says what that costs pandas.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from lpc_ns.base.encoding import learn_encoding
from lpc_ns.base.selection import select
from lpc_ns.base.tables import read_table


def make_table(n_rows, most, seed=0):
    """Fifteen columns of numbers, and five of text with 2 to `most` levels."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(n_rows, 15)).round(4)).add_prefix("x")
    for j, n_levels in enumerate(np.linspace(2, most, 5).astype(int)):
        levels = [f"level {i}" for i in range(n_levels)]
        table[f"g{j}"] = rng.choice(levels, n_rows)
    return table


def dummies(path):
    """By pandas."""
    return pd.get_dummies(pd.read_csv(path))


def dummies_as_matrix(path):
    """By pandas, and a matrix of it."""
    return pd.get_dummies(pd.read_csv(path), dtype=float).to_numpy()


def read_and_encode(path):
    """By us, as an estimator does it."""
    table = read_table(path)
    return learn_encoding(table).apply(table)


def read_select_and_encode(path):
    """By us, as the command line does it."""
    features = select(read_table(path), "x0").features
    return learn_encoding(features).apply(features)


def seconds(function, path):
    """CPU seconds of a call."""
    begin = time.process_time()
    function(path)
    return time.process_time() - begin


def compare(path, repeats):
    """A row for each way."""
    base = []
    ours = (dummies_as_matrix, read_and_encode, read_select_and_encode)
    taken = {function.__name__: [] for function in ours}
    for _ in range(repeats):
        for function in ours:
            base.append(seconds(dummies, path))
            taken[function.__name__].append((seconds(function, path), base[-1]))
    rows = [("get_dummies(read_csv)", np.median(base), 1.0)]
    for name, pairs in taken.items():
        own, theirs = np.transpose(pairs)
        rows.append((name, np.median(own), np.median(own / theirs)))
    return pd.DataFrame(rows, columns=["way", "CPU seconds", "ratio"])


def main():
    """The command line of this benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        for most in (6, 30):
            make_table(args.rows, most).to_csv(path, index=False)
            for function in (dummies, read_select_and_encode):
                function(path)
            print(f"Texts with 2 to {most} levels")
            rows = compare(path, args.repeats)
            print(rows.to_string(index=False, float_format="{:.2f}".format), end="\n\n")


if __name__ == "__main__":
    main()
