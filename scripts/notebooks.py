"""Export, execute and clean notebooks; or check that their stored outputs are fresh.

    python scripts/notebooks.py [--check] [NOTEBOOK ...]

Without `--check` the outputs are stored. With it nothing is written: a cell that raises, or whose
text output no longer says what is stored, makes the command fail. Numbers may differ in their last
digits between machines, so they are compared with a relative tolerance of 1e-4; pictures are drawn
but not compared. Compiled kernels are kept in `.kernels`, unless NUMBA_CACHE_DIR names a folder.
"""

import argparse
import copy
import math
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
TOLERANCE = 1e-4
KERNELS = ROOT / ".kernels" / f"python-{platform.python_version()}"  # compiled code, ours alone


def notebook_paths():
    """Every notebook of the book, in reading order."""
    return sorted(NBS.glob("*.ipynb"))


def _wanted(cell):
    """Whether a cell is to be executed: code, and not marked as slow or not to be evaluated."""
    source = cell.source
    return cell.cell_type == "code" and not re.search(
        r"^#\|\s*(eval:\s*false|slow)\b", source, re.M
    )


def execute(path):
    """Execute one notebook in this process and return it with its outputs; a raising cell ends the
    run."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(KERNELS))
    import IPython.paths
    from execnb.nbio import read_nb
    from execnb.shell import CaptureShell

    IPython.paths.get_ipython_cache_dir = lambda: os.environ["NUMBA_CACHE_DIR"]  # kernels in cells
    os.chdir(NBS)
    notebook = read_nb(path)
    shell = CaptureShell(NBS, mpl_format="retina")
    for cell in notebook.cells:
        if not _wanted(cell):
            continue
        cell.outputs = shell.run("".join(cell.source))
        if shell.exc:
            failed = "".join(
                next(o for o in cell.outputs if o["output_type"] == "error")["traceback"]
            )
            raise SystemExit(f"{path.name}: this cell failed\n\n{''.join(cell.source)}\n\n{failed}")
    return notebook


def _texts(cell):
    """The text a reader sees under a cell, outputs joined; a figure or a table counts by its
    plain-text form."""
    parts = []
    for output in cell.get("outputs", []):
        text = output.get("text") or output.get("data", {}).get("text/plain") or []
        parts.append("".join(text))
    return "\n".join(parts).strip()


def same_text(old, new):
    """Whether two outputs agree: words exactly, numbers to a relative 1e-4, memory addresses not at
    all."""
    old, new = (re.sub(r"0x[0-9a-f]+", "0x", t) for t in (old, new))
    if NUMBER.sub("#", old).split() != NUMBER.sub("#", new).split():
        return False
    pairs = zip(NUMBER.findall(old), NUMBER.findall(new), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=TOLERANCE, abs_tol=1e-9) for a, b in pairs)


def stale_cells(stored, fresh):
    """Pairs (stored text, fresh text) that differ."""
    texts = [(_texts(a), _texts(b)) for a, b in zip(stored.cells, fresh.cells, strict=True)]
    return [(a, b) for a, b in texts if not same_text(a, b)]


def run_one(path, check):
    """Execute one notebook; store its outputs, or compare them."""
    from execnb.nbio import read_nb, write_nb
    from nbdev.clean import clean_nb

    start = time.perf_counter()
    fresh = execute(path)
    seconds = time.perf_counter() - start
    stored = read_nb(path)
    if check:
        stale = stale_cells(stored, fresh)
        for old, new in stale:
            print(f"--- stored\n{old}\n+++ now\n{new}", file=sys.stderr)
        if stale:
            raise SystemExit(
                f"{path.name}: {len(stale)} stored outputs are stale; run scripts/notebooks.py"
            )
    else:
        write_nb(clean_nb(copy.deepcopy(fresh)) or fresh, path)
    print(f"{path.name}: {seconds:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of storing")
    parser.add_argument("notebooks", nargs="*", type=Path)
    args = parser.parse_args()
    paths = [p.resolve() for p in args.notebooks] or notebook_paths()
    if len(paths) == 1:
        return run_one(paths[0], args.check)
    if not args.check:
        subprocess.run(["nbdev_export"], cwd=ROOT, check=True)
    for path in paths:
        flags = ["--check"] if args.check else []
        subprocess.run([sys.executable, __file__, *flags, str(path)], check=True)
    if not args.check:
        subprocess.run(["nbdev_clean"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
