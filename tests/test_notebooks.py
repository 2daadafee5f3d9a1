"""Every notebook executes, and what it shows is what its code computes today."""

import pytest
from notebooks import fresh_processes, notebook_paths, run_one

# The longest chapters, a fifth of the time of all of them: `make certify` executes these.
LONG = (
    "10_ibc_theory 29a_lpc_em 29b_lpc_reality 29ba_lpc_nulls 31_tree_exact 31a_tree_completions"
    " 31ba_tree_hyperplane_proof 50_advisor 61_demo"
).split()


def chapter(path):
    """The parameter for a notebook; a long one is marked as slow."""
    return pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem in LONG))


@pytest.mark.parametrize("path", [chapter(path) for path in notebook_paths()])
def test_notebook_is_fresh(path):
    with fresh_processes() as processes:
        problem = processes.submit(run_one, path, check=True).exception()
    assert problem is None, str(problem)[-4000:]
