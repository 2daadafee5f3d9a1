"""First fit = second fit = next process: a seed gives one answer, compiled or not."""

import json
import os
import subprocess
import sys

FITS = """
import json
from sklearn.datasets import make_blobs
from lpc_ns import ClusterTree
X = make_blobs(60, 3, centers=6, cluster_std=2.5, random_state=0)[0]
rows = []
for options in ({}, {}, {"time_limit": 600}):
    model = ClusterTree(6, n_init=1, random_state=0, **options).fit(X)
    numbers = (model.objective_, model.lower_bound_, model.gap_, model.status_)
    rows.append([model.labels_.tolist(), *numbers])
print(json.dumps(rows))
"""


def test_first_fit_second_fit_next_process(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    cold, warm = (
        json.loads(
            subprocess.run(
                [sys.executable, "-c", FITS], env=environment, capture_output=True, check=True
            ).stdout
        )
        for _ in range(2)
    )
    assert cold == warm
    assert cold[0] == cold[1]
    assert cold[0][0] == cold[2][0] and cold[0][1] == cold[2][1]
