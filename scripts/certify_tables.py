"""Random tables through the three commands: exit 0 or one sentence, never a traceback.

    python scripts/certify_tables.py [--tables 200] [--seed 0] [--reading]

A table has random types of columns, gaps, names, an encoding, a separator, now and then a spoiled
row. Every command must end with status 0 and a page, or with status 2 and one line. `--reading`
only reads, selects and encodes: a finite matrix with different names, or one sentence.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from lpc_ns.base.encoding import learn_encoding
from lpc_ns.base.errors import InputError
from lpc_ns.base.selection import select
from lpc_ns.base.tables import read_table
from lpc_ns.cli import main as program

NAMES = (
    "x", "Preis in $", "cluster", "größe", "a_{b}^2", "row", "100 %", "intercept", "samples",
    "\\alpha", "年収", "question? " * 12, "y = 2", "#", "fitted", "a,b", 'say "no"', "Unnamed: 0",
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1")


def column(rng, n):
    """A column of a random kind."""
    kind = rng.integers(12)
    numbers = rng.normal(size=n) * 10.0 ** rng.integers(-4, 8) + 10.0 ** rng.integers(-2, 7)
    if kind < 4:
        return numbers
    if kind == 4:
        return rng.integers(-5, 6, n)
    if kind == 5:
        return rng.random(n) < 0.3
    if kind == 6:
        return pd.date_range("2020-02-25", periods=n).astype(str)
    if kind == 7:
        return rng.choice(["NA", "None", "a", "b b", "$c"], n)
    if kind == 8:
        return np.full(n, rng.choice(["one", 3, ""]))
    if kind == 9:
        dirty = pd.Series(numbers.round(3)).astype(str)
        dirty[rng.integers(n)] = rng.choice(["?", "-", "5%", "$1,000", "n/a"])
        return dirty
    if kind == 10:
        return [f"id{i}" for i in range(n)]
    return pd.cut(numbers, 4).astype(str)


def random_table(rng):
    """A table of 3 to 90 rows with a target called "target"."""
    n = int(rng.integers(3, 90))
    names = list(rng.choice(NAMES, size=int(rng.integers(1, 5)), replace=False))
    table = pd.DataFrame({name: column(rng, n) for name in names})
    table["target"] = column(rng, n) if rng.random() < 0.2 else rng.normal(size=n)
    if rng.random() < 0.4:
        table = table.mask(rng.random(table.shape) < 0.03)
    return table


def write(rng, table, path):
    """Write it as text of a random form, now and then with a row that is too long."""
    sep = str(rng.choice([",", ";", "\t", "|"]))
    text = table.to_csv(index=bool(rng.random() < 0.2), sep=sep, decimal="," if sep == ";" else ".")
    if rng.random() < 0.1:
        text += sep * table.shape[1] * 2 + "\n"
    encoding = str(rng.choice(ENCODINGS))
    path.write_bytes(text.encode(encoding, errors="replace"))


def commands(rng, path):
    """The three commands on a file, with random options."""
    common = [str(rng.choice(["--drop-missing", "--impute=median", "--impute=level", "--quiet"]))]
    yield ["lpc", path, "--target", "target", "--method", "local", "--n-init", "2", *common]
    yield ["ibc", path, "--target", "target", "--folds", "2", "--model", "B", *common]
    yield ["tree", path, "--n-clusters", "2", "--method", "local", *common]


def run(argv):
    """Exit status and number of lines of the errors that are no warnings; raises nothing."""
    out = io.StringIO()
    err = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = program([str(a) for a in argv])
    lines = [line for line in err.getvalue().splitlines() if not line.startswith("warning: ")]
    return status, lines


def certify(n_tables, seed=0, only=("lpc", "ibc", "tree")):
    """Run all; returns the number of each status and what went wrong."""
    counts = {}
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for k in range(n_tables):
            rng = np.random.default_rng([seed, k])
            path = Path(folder) / f"t{k}.csv"
            write(rng, random_table(rng), path)
            for argv in commands(rng, path):
                if argv[0] not in only:
                    continue
                status, lines = run(argv)
                counts[argv[0], status] = counts.get((argv[0], status), 0) + 1
                page = path.with_name(f"t{k}_{argv[0]}") / "report.html"
                fine = (status == 0 and not lines and page.is_file()) or (
                    status == 2 and len(lines) == 1
                )
                if not fine:
                    wrong.append((k, argv[0], status, lines[:2]))
    return counts, wrong


def read_and_encode(path, options, every_level):
    """What is wrong with reading, selecting and encoding a file; None if nothing is."""
    try:
        chosen = select(read_table(path), "target", **options)
        encoding = learn_encoding(chosen.features, every_level=every_level)
        numbers = encoding.apply(chosen.features)
    except InputError as refusal:
        return "refusal of several lines" if "\n" in str(refusal) else None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if numbers.shape != (len(chosen.y), len(encoding.names)) or not np.isfinite(numbers).all():
        return "not a finite number for every row and column"
    return None if len(set(encoding.names)) == len(encoding.names) else "names repeat"


def certify_reading(n_tables, seed=0):
    """Read, select and encode tables in three ways; returns what went wrong."""
    wrong = []
    ways = ({"drop_missing": True}, {"impute": "median"}, {"impute": "level"})
    with tempfile.TemporaryDirectory() as folder:
        for k in range(n_tables):
            rng = np.random.default_rng([seed, k])
            path = Path(folder) / "table.csv"
            write(rng, random_table(rng), path)
            found = [read_and_encode(path, options, bool(k % 2)) for options in ways]
            wrong += [(k, *way, what) for way, what in zip(ways, found, strict=True) if what]
    return wrong


def main():
    """The command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reading", action="store_true", help="read, select and encode only")
    args = parser.parse_args()
    if args.reading:
        wrong = certify_reading(args.tables, args.seed)
        print(f"{args.tables} tables read, selected and encoded in three ways: {len(wrong)} wrong")
        for line in wrong:
            print("WRONG", *line)
        return bool(wrong)
    counts, wrong = certify(args.tables, args.seed)
    for (command, status), n in sorted(counts.items()):
        print(f"{command}: exit status {status} for {n} tables")
    for line in wrong:
        print("WRONG", *line)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
