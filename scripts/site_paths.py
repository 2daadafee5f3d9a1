"""Where the site's parts lie, and the names of its pages."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"
OUTPUT = ROOT / "_docs"
WEB = ROOT / "scripts" / "web"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lpc_ns" / "site"
KATEX = "katex@0.16.11"
HOME = "https://lpc-ns.github.io/lpc_ns/"
REPOSITORY = "https://github.com/lpc-ns/lpc_ns"


def page_name(stem):
    """The name of a notebook's page: without the number in front, as nbdev names it."""
    return re.sub(r"^\d+[a-zA-Z0-9]*_", "", stem)


def page_names(paths):
    """The names of all pages by the stems of their notebooks, which must differ."""
    names = {path.stem: page_name(path.stem) for path in paths}
    if len(set(names.values())) < len(names):
        twice = sorted(stem for stem in names if list(names.values()).count(names[stem]) > 1)
        raise SystemExit(f"Notebooks that would make the same page: {', '.join(twice)}.")
    return names
