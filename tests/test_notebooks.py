"""Every notebook executes, and what it shows is what its code computes today."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "notebooks.py"
NOTEBOOKS = sorted((ROOT / "nbs").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[p.stem for p in NOTEBOOKS])
def test_notebook_is_fresh(path):
    run = subprocess.run([sys.executable, SCRIPT, "--check", path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-4000:]
