"""Every notebook executes, and what it shows is what its code computes today."""

import json
import subprocess
import sys

import notebooks
import pytest
from notebooks import fresh_processes, notebook_paths, run_one

# The longest chapters: `make certify` executes these.
LONG = (
    "10_ibc_theory 22_lpc_global_mip 24_lpc_ns_mip 29a_lpc_em 29b_lpc_reality 29ba_lpc_nulls"
    " 31_tree_exact 31a_tree_completions 31ba_tree_hyperplane_proof 32d_tree_local 50_advisor"
    " 61_demo"
).split()


def chapter(path):
    """The parameter for a notebook; a long one is left to `make certify`."""
    return pytest.param(path, id=path.stem, marks=[pytest.mark.certify] * (path.stem in LONG))


@pytest.mark.parametrize("path", [chapter(path) for path in notebook_paths()])
def test_notebook_is_fresh(path):
    with fresh_processes() as processes:
        problem = processes.submit(run_one, path, check=True).exception()
    assert problem is None, str(problem)[-4000:]


def test_a_cell_that_raises_fails_the_command(tmp_path):
    """Also in a notebook that imports `distributed`, which changes how exceptions travel."""
    pytest.importorskip("distributed")
    cell = {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {}, "outputs": []}
    cell["source"] = "import distributed\nassert 1 == 2"
    path = tmp_path / "wrong.ipynb"
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook))
    command = [sys.executable, notebooks.__file__, "--check", path]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "this cell failed" in run.stderr and "1 == 2" in run.stderr
