"""What a terminal shows, and which letters figures have."""

import os
import pty
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from lpc_ns import ClusterTree
from lpc_ns.cli import main
from lpc_ns.reports import page
from lpc_ns.tree.estimator import tree_path

PROGRAM = """
import lpc_ns.base.budget as budget
from lpc_ns.cli import main
bar = budget.tqdm
budget.tqdm = lambda *given, **options: bar(*given, **{**options, "delay": 0})
raise SystemExit(main({argv}))
"""


@pytest.fixture
def path(tmp_path):
    """A table of two lines."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 60)
    y = np.where(rng.random(60) < 0.5, 1 + 2 * x, 20 - 1.5 * x)
    pd.DataFrame({"x": x, "y": y}).to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


def at_a_terminal(argv):
    """Exit status and what a terminal shows of the program."""
    own, other = pty.openpty()
    code = PROGRAM.replace("{argv}", repr([str(a) for a in argv]))
    run = subprocess.Popen([sys.executable, "-c", code], stdout=other, stderr=other, stdin=other)
    os.close(other)
    shown = b""
    while True:
        try:
            part = os.read(own, 4096)
        except OSError:  # how a terminal ends
            break
        if not part:
            break
        shown += part
    os.close(own)
    return run.wait(), shown.decode(errors="replace")


def test_quiet_at_a_terminal(path):
    command = ["lpc", path, "--target", "y", "--method", "local", "--no-evidence"]
    status, shown = at_a_terminal(command)
    assert status == 0 and "restarts" in shown and "Written" in shown
    assert at_a_terminal([*command, "--quiet"]) == (0, "")


def test_quiet_still_says_what_is_wrong(path, capsys):
    assert main(["lpc", str(path), "--target", "z", "--quiet"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1


def test_help_names_exit_status_and_an_example(capsys):
    for command in ("lpc", "ibc", "tree", "advise"):
        assert main([command, "--help"]) == 0
        told = " ".join(capsys.readouterr().out.split())
        assert "exit status: 0 done, 2 input that cannot be used" in told and "example:" in told


def test_letters_of_figures(monkeypatch):
    before = list(mpl.rcParams["font.family"])
    monkeypatch.setattr(page, "_FONTS", ("No such font", "DejaVu Serif"))
    with page.readable_letters():
        assert mpl.rcParams["font.family"] == [*before, "DejaVu Serif"]
    assert mpl.rcParams["font.family"] == before


def test_paths_of_trees_with_weights():
    X = np.r_[np.zeros(5), np.ones(5), 10 * np.ones(2)][:, None] + np.arange(12)[:, None] / 100
    weights = np.r_[np.ones(5), np.full(5, 4), np.ones(2)]
    model = ClusterTree(method="exact")
    table = tree_path(model, X, [1, 2], sample_weight=weights)
    copies = np.repeat(X, weights.astype(int), axis=0)
    again = tree_path(model, copies, [1, 2])
    np.testing.assert_allclose(table["loss"], again["loss"], rtol=1e-9)
    assert not np.isclose(table["loss"][2], tree_path(model, X, [2])["loss"][2])
