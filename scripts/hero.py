"""Draw nbs/hero.png, the picture at the top of the README and of the site.

    python scripts/hero.py

Three panels, one for each part of the book, each fitted here by the package's own estimators.
"""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from site_paths import NBS
from sklearn.datasets import load_iris

from lpc_ns import ClusterTree, InteractionBasedClustering, LinearPredictiveClustering
from lpc_ns.plotting import MARKERS, regime_colors


def scatter(ax, x, y, labels):
    """Samples in the colour and the marker of their regime."""
    for k, color in enumerate(regime_colors(labels.max() + 1)):
        inside = labels == k
        ax.scatter(
            x[inside], y[inside], s=14, color=color, marker=MARKERS[k], alpha=0.75, linewidths=0
        )


def line(ax, x, slope, intercept, color):
    """A fitted line over the range of the samples."""
    ends = np.array([x.min(), x.max()])
    ax.plot(ends, intercept + slope * ends, color=color, linewidth=2.6)


def switched_slope(ax):
    """A variable that switches the slope of another one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = 1.5 * np.sign(X[:, 1]) * X[:, 0] + 0.6 * rng.normal(size=300)
    model = InteractionBasedClustering(random_state=0).fit(X, y)
    scatter(ax, X[:, 0], y, model.labels_)
    for k, color in enumerate(regime_colors(2)):
        inside = model.labels_ == k
        slope, intercept = np.polyfit(X[inside, 0], y[inside], 1)
        line(ax, X[:, 0], slope, intercept, color)
    left, right = regime_colors(2)
    ax.text(-2.5, 5.2, "$x_1 \\leq 0$", color=left, fontsize=12)
    ax.text(1.7, 5.2, "$x_1 > 0$", color=right, fontsize=12)
    ax.set(xlabel="$x_0$", ylabel="$y$")
    ax.set_title("1. A variable switches the slope", loc="left")


def hidden_lines(ax):
    """Two regressions in one cloud, and how good the partition is at least."""
    rng = np.random.default_rng(4)
    x = rng.uniform(-2, 2, size=160)
    line_of = rng.random(160) < 0.5
    y = np.where(line_of, 1.6 * x + 1.0, -0.5 * x - 0.8) + 0.45 * rng.normal(size=160)
    model = LinearPredictiveClustering(n_clusters=2, method="global", random_state=0)
    model.fit(x[:, None], y)
    if model.status_ != "optimal":
        raise SystemExit("The picture says that the partition is proved optimal, and it is not.")
    scatter(ax, x, y, model.labels_)
    for k, color in enumerate(regime_colors(2)):
        line(ax, x, model.coef_[k, 0], model.intercept_[k], color)
    ax.text(-2.0, 4.1, "proved: no partition is better", fontsize=11)
    ax.set(xlabel="$x$", ylabel="$y$", ylim=(-4, 4.9))
    ax.set_title("2. Two lines in one cloud", loc="left")


def rules(ax):
    """Clusters that are rules."""
    table = load_iris(as_frame=True).data
    tree = ClusterTree(n_clusters=3).fit(table)
    if tree.status_ != "optimal":
        raise SystemExit("The picture says that the tree is proved optimal, and it is not.")
    tree.plot_partition(table, ax=ax)
    ax.get_legend().remove()
    ax.text(0.87, 6.75, "length > 5", fontsize=11)
    ax.text(0.87, 1.15, "length $\\leq$ 5", fontsize=11)
    ax.text(0.13, 6.2, "width\n$\\leq$ 0.8", fontsize=11)
    ax.set_title("3. Groups that are rules", loc="left")


def main():
    plt.rcParams.update({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False})
    plt.rcParams.update({"axes.titlesize": 13, "axes.titleweight": "bold"})
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.7), dpi=110)
    for draw, ax in zip((switched_slope, hidden_lines, rules), axes, strict=True):
        draw(ax)
    figure.tight_layout(w_pad=2.5)
    figure.savefig(NBS / "hero.png")


if __name__ == "__main__":
    main()
