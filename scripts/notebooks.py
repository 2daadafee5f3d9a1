"""Export, execute and clean notebooks; or check that their stored outputs are fresh.

    python scripts/notebooks.py [--check] [NOTEBOOK ...]

Without `--check` the outputs are stored. With it nothing is written: a cell that raises, or whose
text output no longer says what is stored, makes the command fail. Numbers may differ in their last
digits between machines, so they are compared with a relative tolerance of 1e-4; pictures are drawn
but not compared. Compiled kernels are kept in `.kernels`, unless NUMBA_CACHE_DIR names a folder.

Where all exported cells of a notebook stand in their module word for word, which is the case after
`nbdev_export`, what they define is taken from there: it is the same code, and the kernels in it are
compiled once for tests and notebooks.
"""

import argparse
import ast
import copy
import math
import multiprocessing
import os
import platform
import re
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
TOLERANCE = 1e-4
KERNELS = ROOT / ".kernels" / f"python-{platform.python_version()}"  # compiled code, ours alone
DIRECTIVE = re.compile(r"^#\|.*\n?", re.M)
DEFAULT_EXP = re.compile(r"^#\|\s*default_exp\s+(\S+)", re.M)
EXPORT = re.compile(r"^#\|\s*exports?\b[ \t]*(\S*)", re.M)
LIBRARIES = ["execnb.shell", "nbdev.clean", "numba", "seaborn", "sklearn.linear_model"]


class NotebookError(Exception):
    """A cell that raises, or outputs that are stale. No SystemExit: one that comes from another
    process may have lost its status on the way."""


def notebook_paths():
    """Every notebook of the book, in reading order."""
    return sorted(NBS.glob("*.ipynb"))


def _wanted(cell):
    """Whether a cell is to be executed: code, and not marked as slow or not to be evaluated."""
    source = cell.source
    return cell.cell_type == "code" and not re.search(
        r"^#\|\s*(eval:\s*false|slow)\b", source, re.M
    )


def _exported(notebook):
    """Pairs (cell, name of its module) of the cells that are exported."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    default = next((m[1] for m in map(DEFAULT_EXP.search, sources) if m), None)
    for cell in notebook.cells:
        directive = EXPORT.search(cell.source) if cell.cell_type == "code" else None
        if directive:
            yield cell, f"lpc_ns.{directive[1] or default}"


def _from_module(source, module):
    """The imports of a cell, and an import of all that it defines."""
    imports = []
    names = []
    for statement in ast.parse(source).body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            imports.append(ast.unparse(statement))
        elif isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            names.append(statement.name)
        elif isinstance(statement, ast.Assign):
            bound = (n for target in statement.targets for n in ast.walk(target))
            names += [n.id for n in bound if isinstance(n, ast.Name) and n.id != "__all__"]
    return "\n".join([*imports, *(f"from {module} import {name}" for name in names)])


def exported_sources(notebook):
    """What to run in place of exported cells: a dictionary by the cells' identifiers, empty if a
    cell is not in its module word for word."""
    sources = {}
    for cell, module in _exported(notebook):
        path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        text = DIRECTIVE.sub("", cell.source).strip()
        code = re.split(r"^(?:import|from) .*$", text, flags=re.M)
        written = path.read_text(encoding="utf-8") if path.exists() else ""
        if not all(part.strip() in written for part in code):
            return {}
        sources[cell.id] = _from_module(text, module)
    return sources


def execute(path, pictures="retina"):
    """Execute one notebook in this process and return it with its outputs, pictures in a format of
    IPython's inline back end; a raising cell ends the run."""
    import IPython.paths
    from execnb.nbio import read_nb
    from execnb.shell import CaptureShell

    IPython.paths.get_ipython_cache_dir = lambda: os.environ["NUMBA_CACHE_DIR"]  # kernels in cells
    os.chdir(NBS)
    notebook = read_nb(path)
    shell = CaptureShell(NBS, mpl_format=pictures)
    sources = exported_sources(notebook)
    for cell in filter(_wanted, notebook.cells):
        cell.outputs = shell.run(sources.get(cell.id, cell.source))
        if shell.exc:
            failed = "".join(
                next(o for o in cell.outputs if o["output_type"] == "error")["traceback"]
            )
            raise NotebookError(f"{path.name}: this cell failed\n\n{cell.source}\n\n{failed}")
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
    fresh = execute(path, "png" if check else "retina")  # half the points where nobody looks
    seconds = time.perf_counter() - start
    for worker in multiprocessing.active_children():  # of joblib, which would wait for more work
        worker.terminate()
    stored = read_nb(path)
    if not check:
        write_nb(clean_nb(copy.deepcopy(fresh)) or fresh, path)
    elif stale := stale_cells(stored, fresh):
        raise NotebookError(
            "".join(f"--- stored\n{old}\n+++ now\n{new}\n" for old, new in stale)
            + f"{path.name}: {len(stale)} stored outputs are stale; run scripts/notebooks.py"
        )
    return f"{path.name}: {seconds:.1f} s"


def fresh_processes():
    """
    An executor that gives every notebook a process of its own.

    Each is forked from one that has imported the big libraries and nothing of the package, which
    takes longer than most notebooks do.
    """
    os.environ.setdefault("NUMBA_CACHE_DIR", str(KERNELS))
    os.environ["MATPLOTLIBRC"] = str(NBS)  # the book's style, before matplotlib is imported
    method = "forkserver" if hasattr(os, "fork") else "spawn"
    context = multiprocessing.get_context(method)
    context.set_forkserver_preload(LIBRARIES)
    return ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of storing")
    parser.add_argument("notebooks", nargs="*", type=Path)
    args = parser.parse_args()
    paths = [p.resolve() for p in args.notebooks] or notebook_paths()
    if len(paths) > 1 and not args.check:
        subprocess.run(["nbdev_export"], cwd=ROOT, check=True)
    with fresh_processes() as processes:
        for path in paths:
            try:
                print(processes.submit(run_one, path, args.check).result(), flush=True)
            except NotebookError as error:
                raise SystemExit(str(error)) from None
    if len(paths) > 1 and not args.check:
        subprocess.run(["nbdev_clean"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
