"""An interrupt at any moment of a search for trees: the best tree so far and a bound that holds."""

import sys
from functools import partial

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from lpc_ns.tree.mip.solve import mip_tree
from lpc_ns.tree.problem.objective import make_problem, minmax, tree_objective
from lpc_ns.tree.proof.exact import exact_tree
from lpc_ns.tree.proof.hyperplanes import hyperplane_tree
from lpc_ns.tree.search import local
from lpc_ns.tree.search.local import local_tree

pytestmark = pytest.mark.slow
DOORS = ("exact_tree", "hyperplane_tree", "local_tree", "mip_tree", "conclusion", "__init__")


class Interruption:
    """Raises KeyboardInterrupt before one line of `lpc_ns.tree`, or counts the lines."""

    def __init__(self, moment=None):
        self.moment = moment
        self.lines = 0

    def line(self, frame, event, _):
        if event == "line":
            self.lines += 1
            if self.lines == self.moment:
                raise KeyboardInterrupt
        return self.line

    def call(self, frame, event, _):
        inside = "/lpc_ns/tree/" in frame.f_code.co_filename.replace("\\", "/")
        return self.line if inside and frame.f_code.co_name not in DOORS else None

    def run(self, search):
        before = sys.gettrace()
        sys.settrace(self.call)
        try:
            return search()
        finally:
            sys.settrace(before)


BLOBS = make_blobs(24, 2, centers=4, cluster_std=2.0, random_state=0)[0]
X = minmax(BLOBS).transform(BLOBS)
PRICED = {"max_depth": 2, "complexity": 0.01, "margin": 0.001, "root": True}
LOCAL = partial(local_tree, n_init=1, random_state=0)
SEARCHES = {
    "own clusters": (exact_tree, make_problem(X, 4), 30),
    "shared clusters": (exact_tree, make_problem(X, 2, max_depth=2, criterion="l1"), 30),
    "root": (exact_tree, make_problem(X, 3, **PRICED), 30),
    "local": (LOCAL, make_problem(X[:12], 3), 30),
    "local, shared": (LOCAL, make_problem(X[:12], 3, max_depth=2), 20),
    "hyperplanes": (hyperplane_tree, make_problem(X[:9], 2, **PRICED), 20),
    "program": (mip_tree, make_problem(X[:8], 2, criterion="l1", max_depth=1), 12),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_an_interrupt_at_any_moment(name, monkeypatch):
    monkeypatch.setattr(local, "TUNED", local.TUNED._replace(most_rounds=5))
    search, problem, times = SEARCHES[name]
    optimum = (hyperplane_tree if name == "hyperplanes" else exact_tree)(problem)
    assert optimum.status == "optimal"
    whole = Interruption()
    whole.run(partial(search, problem))
    rng = np.random.default_rng(len(name))
    for moment in rng.integers(1, whole.lines, times):
        found = Interruption(moment).run(partial(search, problem))
        assert found.status in ("interrupted", "optimal"), (name, moment)
        assert found.lower_bound <= optimum.objective + 1e-12, (name, moment)
        assert found.objective == tree_objective(problem, found.tree) >= optimum.lower_bound - 1e-12
        assert found.status != "optimal" or found.objective <= optimum.objective + 1e-6
