"""Build the documentation site into `_docs`.

    python scripts/docs.py [--full]

The pages are staged by nbdev's steps, numbered and linked by `crossrefs.py`, rendered by smalldocs
and finished by `finish.py`, all in Python, by the same commands on every machine; KaTeX comes from
npm once, is kept in the user's cache and typesets the formulas here, not in the reader's browser.
A broken link, a reference to nothing or a formula that KaTeX cannot read fails the build, and
`check_site.py` reads the built pages (`--full`: looks at every one of them in Chromium). The
notebooks are written in Quarto's syntax; Quarto is not needed, and its build is not tested.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import yaml
from check_site import check_site
from crossrefs import PageError, process_pages
from finish import finish
from plain_notebooks import write_copies
from reference_pages import REFERENCE, write_reference_pages
from site_paths import CACHE, KATEX, NBS, OUTPUT, ROOT, page_names
from staging import stage
from statements import write_page as write_statements

PARTS = {
    "7": "Use it",
    "0": "Foundations",
    "1": "Part I: Interaction-based clustering",
    "2": "Part II: Linear predictive clustering",
    "3": "Part III: Cluster trees",
    "4": "Part IV: Experiments",
    "5": "Advice and analyses",
    "6": "Reports and commands",
    "8": "Reference",
    "9": "Reference",
}
START = "Start"


# ---- the book's order


def heading(path):
    """The title of a notebook: its first heading."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        match = (
            re.search(r"^# (.+)$", "".join(cell["source"]), re.M)
            if cell["cell_type"] == "markdown"
            else None
        )
        if match:
            return match[1].strip()
    raise SystemExit(f"{path.name} has no title: begin it with a cell '# Title'.")


def section_of(path):
    """The part of the book that a notebook belongs to, by the first digit of its name."""
    return START if path.stem == "index" else PARTS.get(path.stem[0], "More")


def sidebar(paths, generated=()):
    """
    The site's sidebar, as Quarto and smalldocs read it.

    Parameters
    ----------
    paths : iterable of Path
        The notebooks: one section per part, in the order of `PARTS`, under their titles.
    generated : list of (str, str)
        Titles and file names of further pages, at the end of the reference.
    """
    order = [START, *dict.fromkeys(PARTS.values()), "More"]
    parts = {name: [] for name in order}
    for path in sorted(paths, key=lambda path: path.stem):
        parts[section_of(path)].append({"text": heading(path), "href": path.name})
    own = [{"text": title, "href": name} for title, name in generated]
    parts["Reference"] = own + parts["Reference"]
    contents = [{"section": name, "contents": entries} for name, entries in parts.items()]
    contents = [part for part in contents if part["contents"]]
    return {"website": {"sidebar": {"contents": contents}}}


def write_sidebar(generated=()):
    """Write nbs/sidebar.yml, which _quarto.yml includes."""
    text = yaml.safe_dump(
        sidebar(NBS.glob("*.ipynb"), generated), sort_keys=False, allow_unicode=True
    )
    (NBS / "sidebar.yml").write_text(text, encoding="utf-8")


# ---- the pages before they are rendered


def rename_links(text, names, home):
    """Let links to notebooks lead to their pages, links to the published site stay within this one;
    leave badges out, which are pictures of other hosts."""
    text = re.sub(
        r"\]\((?:\./)?([\w-]+)\.ipynb",
        lambda match: f"]({names.get(match[1], match[1])}.ipynb",
        text,
    )
    text = re.sub(r"\[!\[[^\]]*\]\(https?:[^)]*\)\]\([^)]*\)[ \t]*", "", text)  # of other hosts
    return text.replace(f"]({home}", "](")


def documented_names(shown, names):
    """Where each name of the library is documented: page and anchor."""
    places = {}
    for stem, found in shown.items():
        for name, what in found.items():
            for full in [name, *(f"{name}.{method}" for method in what.methods)]:
                places.setdefault(full, []).append((names[stem], full.lower()))
    return places


def home_of(site):
    """The address under which the site is published."""
    settings = yaml.safe_load((site / "nbdev.yml").read_text(encoding="utf-8"))
    return settings["website"]["site-url"].rstrip("/") + "/"


def save_pictures(cells, page, folder):
    """Write a page's stored pictures to files and refer to them; the first one's name."""
    first = None
    count = 0
    for cell in cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                import base64

                count += 1
                name = f"{page}-{count}.png"
                folder.mkdir(exist_ok=True)
                (folder / name).write_bytes(base64.b64decode("".join(data["image/png"])))
                output["file"] = f"{folder.name}/{name}"
                first = first or output["file"]
    return first


def prepare_pages(site, shown):
    """Number and link the staged notebooks and give each the name of its page."""
    paths = sorted(site.glob("*.ipynb"))
    names = page_names(paths)
    home = home_of(site)
    read = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    for stem, notebook in read.items():
        save_pictures(notebook["cells"], names[stem], site / "figures")
    try:
        pages = process_pages(
            {names[stem]: notebook["cells"] for stem, notebook in read.items()},
            site / "references.bib",
            lambda text, page: rename_links(text, names, home),
            documented_names(shown, names),
        )
    except PageError as error:
        raise SystemExit(f"nbs: {error}") from None
    for path in paths:
        path.unlink()
    for stem, notebook in read.items():
        notebook["cells"] = pages[names[stem]]
        (site / f"{names[stem]}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    text = (site / "sidebar.yml").read_text(encoding="utf-8")
    text = re.sub(
        r"href: ([\w-]+)\.ipynb",
        lambda match: f"href: {names.get(match[1], match[1])}.ipynb",
        text,
    )
    (site / "sidebar.yml").write_text(text, encoding="utf-8")
    return {names[stem]: stem for stem in read}


def drop_quarto_settings(site):
    """Leave out of _quarto.yml what only Quarto reads, so that smalldocs has nothing to warn
    about."""
    path = site / "_quarto.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings.pop("bibliography", None)
    settings["format"].pop("commonmark", None)
    for key in ("fig-format", "fig-dpi", "html-math-method", "grid"):
        settings["format"]["html"].pop(key, None)
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


# ---- KaTeX


def katex_folder():
    """The folder of KaTeX's distribution, from the cache or else from npm."""
    folder = CACHE / KATEX
    if not (folder / "katex.min.js").exists():
        fetch_katex(folder)
    return folder


def fetch_katex(folder):
    """Download KaTeX from npm into a folder."""
    if not shutil.which("npm"):
        raise SystemExit(
            f"The site shows formulas with {KATEX}, which npm delivers, and npm is not installed:"
            " install Node.js and npm."
        )
    with tempfile.TemporaryDirectory() as place:
        run = subprocess.run(
            ["npm", "pack", KATEX, "--loglevel=error"], cwd=place, capture_output=True, text=True
        )
        if run.returncode:
            raise SystemExit(
                f"npm could not download {KATEX}; the site needs it once, then it is kept in"
                f" {CACHE}.\n{run.stderr.strip()}"
            )
        with tarfile.open(next(Path(place).glob("*.tgz"))) as archive:
            archive.extractall(place, filter="data")
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(Path(place) / "package" / "dist", folder)


# ---- building


def render(site):
    """Render the prepared pages with smalldocs; its warnings, broken links among them, fail the
    build."""
    command = [Path(sys.executable).with_name("smalldocs"), "render", "--strict", "--quiet", site]
    if subprocess.run(command).returncode:
        raise SystemExit("smalldocs could not build the site, or warned about a page; see above.")


def build(full=False):
    """Build the site and check it."""
    katex = katex_folder()
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        site.mkdir()
        write_statements()
        write_sidebar(REFERENCE)
        shown = stage(ROOT, site)
        notebooks = prepare_pages(site, shown)
        write_reference_pages(site, shown, notebooks)
        drop_quarto_settings(site)
        render(site)
        output = site / OUTPUT.name
        shutil.copytree(site / "figures", output / "figures", dirs_exist_ok=True)
        write_copies(notebooks, output / "notebooks")
        finish(output, katex, notebooks)
        check_site(output, browser=True, full=full)
        shutil.rmtree(OUTPUT, ignore_errors=True)
        shutil.copytree(output, OUTPUT)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="look at every page in Chromium")
    build(parser.parse_args().full)
    print(f"Documentation: {len(list(OUTPUT.glob('*.html')))} pages in {OUTPUT.name}/")


if __name__ == "__main__":
    main()
