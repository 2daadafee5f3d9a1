"""What runs is what is written: a kernel that changes is compiled anew in all its callers."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]


def run(folder, *command):
    """Run Python on the copy of the package in a folder, with a cache of its own."""
    own = {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env=os.environ | own,
        capture_output=True,
        text=True,
    )


def compiled(folder):
    """The data files of the cache."""
    return set((folder / "cache").rglob("*.nbc"))


@pytest.fixture
def copy(tmp_path):
    """A copy of the package with a kernel in a file of its own that calls one of the package."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lpc_ns", tmp_path / "lpc_ns", ignore=ignored)
    (tmp_path / "caller.py").write_text(
        "import numpy as np\n"
        "from lpc_ns.base.numerics import invert, kernel\n"
        "@kernel\n"
        "def corner(a):\n"
        "    A = np.full((1, 1), a)\n"
        "    invert(A)\n"
        "    return A[0, 0]\n"
        "print(corner(4.0))\n"
    )
    return tmp_path


def test_a_callee_that_changes_in_another_file_changes_its_callers(copy):
    source = copy / "lpc_ns" / "base" / "numerics.py"
    text = source.read_text()
    assert "A[k, k] = 1.0" in text
    right = run(copy, "caller.py")
    warm = compiled(copy)
    assert float(right.stdout) == 0.25, right.stderr
    assert float(run(copy, "caller.py").stdout) == 0.25 and compiled(copy) == warm
    source.write_text(text.replace("A[k, k] = 1.0", "A[k, k] = 8.0"))
    assert float(run(copy, "caller.py").stdout) == 2.0
    both = compiled(copy)
    source.write_text(text)
    assert float(run(copy, "caller.py").stdout) == 0.25 and compiled(copy) == both > warm


def test_a_cache_that_lost_a_file_is_mended(copy):
    """A process that is stopped while it writes leaves an index without data."""
    run(copy, "caller.py")
    for path in compiled(copy):
        path.unlink()
    assert float(run(copy, "caller.py").stdout) == 0.25


def test_a_package_without_a_writable_cache_still_computes(copy):
    """Kernels of a program that is no file are compiled and not kept."""
    program = (copy / "caller.py").read_text()
    assert float(run(copy, "-c", program).stdout) == 0.25


def notebook(folder, factor):
    """A notebook whose last cell calls a kernel that calls one of an earlier cell."""
    cells = [
        "from lpc_ns.base.numerics import kernel",
        f"@kernel\ndef leverage(h):\n    return {factor} * h",
        "@kernel\ndef score(h):\n    return leverage(h) + 1.0",
        "score(2.0)",
    ]
    path = folder / "chapter.ipynb"
    old = json.loads(path.read_text())["cells"] if path.exists() else [{"outputs": []}] * 4
    new = [
        dict(
            cell_type="code",
            execution_count=None,
            id=f"cell{i}",
            metadata={},
            outputs=old[i]["outputs"],
            source=source,
        )
        for i, source in enumerate(cells)
    ]
    path.write_text(json.dumps(dict(cells=new, metadata={}, nbformat=4, nbformat_minor=5)))
    return path


def test_a_stale_notebook_is_found_with_a_warm_cache(copy):
    script = ROOT / "scripts" / "notebooks.py"
    stored = run(copy, script, notebook(copy, 1.0))
    assert stored.returncode == 0, stored.stderr
    checked = run(copy, script, "--check", notebook(copy, 1.0))
    assert checked.returncode == 0 and compiled(copy), checked.stderr
    wrong = run(copy, script, "--check", notebook(copy, 3.0))
    assert wrong.returncode == 1 and "--- stored\n3.0\n+++ now\n7.0" in wrong.stderr


def test_an_inner_kernel_lives_in_its_callers(tmp_path):
    """It has no file of its own, and a change of it changes them."""
    shutil.copytree(ROOT / "lpc_ns", tmp_path / "lpc_ns")
    program = (
        "import numpy as np\n"
        "from lpc_ns.base.numerics import kernel\n"
        "@kernel(inner=True)\n"
        "def weight(x):\n"
        "    return FACTOR * x\n"
        "@kernel(inner=True)\n"
        "def total(x):\n"
        "    s = 0.0\n"
        "    for i in range(x.size):\n"
        "        s += weight(x[i])\n"
        "    return s\n"
        "@kernel\n"
        "def mean(x):\n"
        "    return total(x) / x.size\n"
        "print(mean(np.arange(5.0)))\n"
    )
    for factor, files in ((1.0, 1), (1.0, 1), (3.0, 2)):
        (tmp_path / "caller.py").write_text(f"FACTOR = {factor}\n" + program)
        done = run(tmp_path, "caller.py")
        assert float(done.stdout) == 2.0 * factor, done.stderr
        assert len(compiled(tmp_path)) == files
