"""Every notebook executes, and what it shows is what its code computes today."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "notebooks.py"
NOTEBOOKS = sorted((ROOT / "nbs").glob("*.ipynb"))

# The longest chapters, a fifth of the time of all of them: `make certify` executes these.
LONG = "10_ibc_theory 29a_lpc_em 29b_lpc_reality 29ba_lpc_nulls 31_tree_exact".split()


def chapter(path):
    """The parameter for a notebook; a long one is marked as slow."""
    return pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem in LONG))


@pytest.mark.parametrize("path", [chapter(path) for path in NOTEBOOKS])
def test_notebook_is_fresh(path):
    run = subprocess.run([sys.executable, SCRIPT, "--check", path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-4000:]
