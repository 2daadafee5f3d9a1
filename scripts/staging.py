"""The notebooks as nbdev's documentation steps leave them, and who documents which name.

`stage` runs nbdev's processors on every notebook, with the names of the library looked up in its
modules instead of running the notebooks' cells: one process imports the library once.
"""

import inspect
import os
import re
import shutil
from importlib import import_module

from execnb.nbio import read_nb, write_nb
from nbdev.process import NBProcessor
from nbdev.processors import FilterDefaults, add_links, exec_show_docs
from nbdev.quarto import refresh_quarto_yml
from nbdev.showdoc import show_doc

from lpc_ns._showdoc import public_methods

EXPORT = re.compile(r"^#\|\s*(?:default_exp|exports?)[ \t]+([\w.]+)[ \t]*$", re.M)
SHOWN = re.compile(r"^show_doc\(([\w.]+)\)", re.M)


def modules_of(cells, package):
    """The modules that a notebook writes, its own first."""
    found = [
        name
        for cell in cells
        if cell["cell_type"] == "code"
        for name in EXPORT.findall("".join(cell["source"]))
    ]
    return [f"{package}.{name}" for name in dict.fromkeys(found)]


def documented(name, modules):
    """What a name means in the first of the modules that has it."""
    for module in modules:
        owner = import_module(module)
        if hasattr(owner, name.split(".")[0]):
            for part in name.split("."):
                owner = getattr(owner, part)
            return owner
    raise SystemExit(f"{name} is documented, but {' and '.join(modules)} do not hold it.")


def document(cells, modules):
    """Give every `show_doc` cell its output, the documentation as Markdown; the names shown."""
    names = {}
    for cell in cells:
        match = SHOWN.search(cell.source) if cell.cell_type == "code" and cell.source else None
        if match and not match[1].startswith("__"):  # what Python calls, nobody looks up
            known = documented(match[1], modules)
            text = show_doc(known)._repr_markdown_()
            output = {"output_type": "display_data", "data": {"text/markdown": text}}
            cell["outputs"] = [{**output, "metadata": {}}]
            names[match[1]] = Shown(known)
    return names


class Shown:
    """What an index says about a documented name: its kind, its first line, where it is."""

    def __init__(self, known):
        self.is_class = isinstance(known, type)
        self.module = known.__module__
        text = inspect.getdoc(known) or ""
        self.summary = " ".join(text.split("\n\n")[0].split())
        tables = self.is_class and not issubclass(known, BaseException)
        self.methods = [name for name, _ in public_methods(known)] if tables else []


class Steps(FilterDefaults):
    """nbdev's steps without those that run cells and that link names."""

    def base_procs(self):
        left_out = (exec_show_docs, add_links)
        return [step for step in super().base_procs() if step not in left_out]


def stage(root, folder, package="lpc_ns"):
    """
    Stage every notebook in a folder.

    Parameters
    ----------
    root : Path
        The checkout.
    folder : Path
        Where the staged notebooks go, with everything else that the site needs from `nbs`.
    package : str
        The library.

    Returns
    -------
    dict of str, dict of str, Shown
        What each notebook documents, by its stem and the name.
    """
    os.chdir(root)
    refresh_quarto_yml()
    folder.mkdir(parents=True, exist_ok=True)
    shown = {}
    for path in sorted((root / "nbs").glob("*.ipynb")):
        notebook = read_nb(path)
        modules = modules_of(notebook.cells, package)
        NBProcessor(nb=notebook, procs=Steps().procs()).process()
        shown[path.stem] = document(notebook.cells, modules)
        write_nb(notebook, folder / path.name)
    for name in ("_quarto.yml", "nbdev.yml", "sidebar.yml", "references.bib"):
        shutil.copy(root / "nbs" / name, folder / name)
    for asset in ("*.css", "*.svg", "*.png"):
        for path in (root / "nbs").glob(asset):
            shutil.copy(path, folder)
    return shown
