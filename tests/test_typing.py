"""Type hints of the faces: right programs pass a type checker, and wrong ones do not."""

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import numpy as np
from lpc_ns import (
    ClusterTree,
    InteractionBasedClustering,
    LinearPredictiveClustering,
    MixtureOfRegressions,
    reality_test,
    select_n_clusters,
    which_regime,
)

X = np.zeros((9, 2))
y = [0.0] * 9
model = LinearPredictiveClustering(2, ridge=0.1, random_state=np.random.default_rng(0)).fit(X, y)
lines: np.ndarray = model.predict_regimes(X)
tree: ClusterTree = ClusterTree(3, max_depth=2).fit(X)
rules: str = tree.export_text()
regimes = InteractionBasedClustering("tree", max_cells=4).fit(X, y, groups=[1] * 9)
mixture: MixtureOfRegressions = MixtureOfRegressions(2).fit(X, y)
best: int = select_n_clusters(X, y, max_clusters=3).best
family: str = which_regime(X, y).family
p: float = reality_test(X, y).p_value
LinearPredictiveClustering("2")  # wrong
LinearPredictiveClustering(2, ridge="much")  # wrong
ClusterTree(3, depth=2)  # wrong
MixtureOfRegressions(2).fit(X)  # wrong
reality_test(X, y, n_draws="many")  # wrong
"""


def test_hints_hold(tmp_path):
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    options = ["--ignore-missing-imports", "--follow-imports=silent", f"--cache-dir={tmp_path}"]
    said, failed, _ = api.run([*options, str(program)])
    assert not failed, failed
    found = {int(line.split(":")[1]) for line in said.splitlines() if ": error:" in line}
    lines = PROGRAM.splitlines()
    assert found == {i for i, line in enumerate(lines, 1) if line.endswith("# wrong")}, said
