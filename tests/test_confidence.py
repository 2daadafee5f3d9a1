"""The bound on the gap of a table in blocks, whatever the ridge."""

import numpy as np
import pytest

from lpc_ns.distributed.confidence import Effort, bounds_of_group
from lpc_ns.distributed.moments import make_coordinates
from lpc_ns.lpc.problem import brute_force, make_problem, refit
from lpc_ns.lpc.proof.boxes import BoxSearch

pytest.importorskip("dask", reason="needs the extra: pip install lpc_ns[dask]")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 1))
Y = np.where(RNG.random(400) < 0.5, 1 + 2 * X[:, 0], -1 - X[:, 0]) + 0.4 * RNG.normal(size=400)
TABLE = np.column_stack([X, Y])
LABELS = (np.abs(Y - 1 - 2 * X[:, 0]) > np.abs(Y + 1 + X[:, 0])).astype(int)


def bounds(ridge, box, n=200, **options):
    """Costs and bound of some rows under good lines."""
    at = make_coordinates(TABLE.mean(axis=0), TABLE.std(axis=0), ridge, **options)
    V, u = (TABLE - at.center).T / at.scale[:, None]
    lines = refit(make_problem(V[:, None], u, 2, 1e-6), LABELS)
    effort = Effort(max_slices=60, box=box)
    return bounds_of_group(X[:n], Y[:n], np.empty(0), (lines, lines), at, n / 400, effort)


@pytest.mark.parametrize("options", [{}, {"standardize": False}, {"penalize_intercept": False}])
@pytest.mark.parametrize("ridge", [0.0, 1e-9, 1e-5, 0.1])
def test_the_bound_costs_the_same_whatever_the_ridge(ridge, options):
    upper, lower = bounds(ridge, 10.0, **options)
    assert 0.9 * upper < lower <= upper


@pytest.mark.parametrize("seed", range(6))
def test_bounds_in_boxes_hold(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(9, 1))
    y = rng.normal(size=9)
    tiny = make_problem(x, y, 2, ridge=1e-3)
    best = brute_force(tiny)
    far = np.abs(refit(tiny, best.labels)).max()
    for B in (1.001 * far, 0.5 * far):
        within = (np.eye(2), np.zeros(2), B)
        search = BoxSearch(tiny, np.zeros(9, dtype=int), 1e-6, within=within)
        while not search.finished:
            search.advance()
        inside = [rng.uniform(-B, B, size=(2, 2)) for _ in range(2000)]
        away = (((y[:, None] - tiny.X @ W.T) ** 2).min(axis=1).sum() for W in inside)
        values = [a + 1e-3 * (W**2).sum() for a, W in zip(away, inside, strict=True)]
        assert search.lower <= min(values)
        if B > far:
            assert search.lower == pytest.approx(best.objective, rel=1e-5)
