"""Build the documentation site into `_docs`.

    python scripts/docs.py

The pages are staged by nbdev, numbered by `crossrefs.py` and rendered by smalldocs, all in Python,
by the same commands on every machine; KaTeX comes from npm once and is kept in the user's cache. A
broken link, a reference to nothing, a formula that KaTeX cannot read or a request to another host
fails the build. The notebooks are written in Quarto's syntax, which is not needed to build them.
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import yaml
from crossrefs import PageError, process_page
from statements import write_page

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"
OUTPUT = ROOT / "_docs"
STAGED = ROOT / "_proc"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lpc_ns" / "site"
KATEX = "katex@0.16.11"
KATEX_URL = f"https://cdn.jsdelivr.net/npm/{KATEX}/dist"
SECTIONS = {
    "0": "Foundations",
    "1": "Part I: Interaction-based clustering",
    "2": "Part II: Linear predictive clustering",
    "3": "Part III: Cluster trees",
    "4": "Part IV: Experiments",
    "5": "Tools",
    "6": "Tools",
    "9": "Contributing",
}


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
    if path.stem == "index" or path.stem.startswith("00"):
        return "Start"
    return SECTIONS.get(path.stem[0], "More")


def sidebar(paths):
    """The site's sidebar, as Quarto and smalldocs read it: one section per part, notebooks in
    order, under their titles."""
    contents = []
    for path in sorted(paths, key=lambda path: (path.stem != "index", path.stem)):
        name = section_of(path)
        if not contents or contents[-1]["section"] != name:
            contents.append({"section": name, "contents": []})
        contents[-1]["contents"].append({"text": heading(path), "href": path.name})
    return {"website": {"sidebar": {"contents": contents}}}


def write_sidebar():
    """Write nbs/sidebar.yml, which _quarto.yml includes."""
    text = yaml.safe_dump(sidebar(NBS.glob("*.ipynb")), sort_keys=False, allow_unicode=True)
    (NBS / "sidebar.yml").write_text(text, encoding="utf-8")


# ---- staging


def stage():
    """Write the table of statements, then stage the notebooks in _proc as `nbdev_docs` does, which
    runs their `show_doc` cells and nothing else."""
    from nbdev.quarto import refresh_quarto_yml
    from nbdev.serve import proc_nbs

    os.chdir(ROOT)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    write_page()
    write_sidebar()
    refresh_quarto_yml()
    proc_nbs(force=True, n_workers=2)


def page_name(path):
    """The name of a staged notebook's page: nbdev names it after the module."""
    front = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    match = re.search(r"^output-file:\s*(\S+)\.html$", front, re.M)
    return match[1] if match else path.stem


def rename_links(text, names, home):
    """Let links to notebooks lead to their pages, and links to the published site stay within this
    one."""
    text = re.sub(
        r"\]\((?:\./)?([\w-]+)\.ipynb",
        lambda match: f"]({names.get(match[1], match[1])}.ipynb",
        text,
    )
    return text.replace(f"]({home}", "](")


def prepare_pages(site):
    """Number every staged notebook and give it the name of its page."""
    paths = sorted(site.glob("*.ipynb"))
    names = {path.stem: page_name(path) for path in paths}
    if len(set(names.values())) < len(names):
        raise SystemExit(
            f"Two notebooks would make the same page: {sorted(names.items())}. Rename one of them."
        )
    home = (
        yaml.safe_load((site / "nbdev.yml").read_text(encoding="utf-8"))["website"][
            "site-url"
        ].rstrip("/")
        + "/"
    )
    for path in paths:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        try:
            notebook["cells"] = process_page(
                notebook["cells"],
                site / "references.bib",
                lambda text: rename_links(text, names, home),
            )
        except PageError as error:
            raise SystemExit(f"nbs/{path.name}: {error}") from None
        path.unlink()
        (site / f"{names[path.stem]}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    text = (site / "sidebar.yml").read_text(encoding="utf-8")
    text = re.sub(r"href: ([\w-]+)\.ipynb", lambda match: f"href: {names[match[1]]}.ipynb", text)
    (site / "sidebar.yml").write_text(text, encoding="utf-8")


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


def install_katex(output, katex):
    """Copy what pages need of KaTeX into the site and let them load it from there."""
    target = output / "site_libs" / "katex"
    for name in ("katex.min.css", "katex.min.js", "contrib/auto-render.min.js"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(katex / name, target / name)
    shutil.copytree(
        katex / "fonts", target / "fonts", ignore=shutil.ignore_patterns("*.ttf", "*.woff")
    )
    for page in output.glob("*.html"):
        page.write_text(
            page.read_text(encoding="utf-8").replace(KATEX_URL, "site_libs/katex"), encoding="utf-8"
        )


# ---- rendering and checking


def render(site):
    """Render the prepared pages with smalldocs; its warnings, broken links among them, fail the
    build."""
    command = [Path(sys.executable).with_name("smalldocs"), "render", "--strict", "--quiet", site]
    if subprocess.run(command).returncode:
        raise SystemExit("smalldocs could not build the site, or warned about a page; see above.")


def search_without_server(output):
    """Load the search index as a script: browsers refuse to fetch JSON when pages are opened as
    files."""
    index = (output / "search.json").read_text(encoding="utf-8")
    (output / "site_libs" / "search.js").write_text(
        f"window.searchIndex = {index};\n", encoding="utf-8"
    )
    script = output / "site_libs" / "smalldocs.js"
    old = 'const r = await fetch(offset + "search.json");\n      index = await r.json();'
    new = """index = await new Promise((done, failed) => {
        const script = document.createElement("script");
        const onload = () => done(window.searchIndex);
        Object.assign(script, { src: offset + "site_libs/search.js", onload, onerror: failed });
        document.head.append(script);
      });"""
    text = script.read_text(encoding="utf-8")
    if old not in text:
        raise SystemExit(
            "This smalldocs loads its search index in another way than version 0.5.4; adapt"
            " search_without_server."
        )
    script.write_text(text.replace(old, new), encoding="utf-8")


def check_formulas(output, katex):
    """Let KaTeX read every formula of the site, and fail on the first that it cannot."""
    pattern = r'<span class="math (inline|display)">\\[(\[](.*?)\\[)\]]</span>'
    formulas = []
    for page in sorted(output.glob("*.html")):
        found = re.findall(pattern, page.read_text(encoding="utf-8"), re.S)
        formulas += [
            {"page": page.name, "tex": html.unescape(tex), "display": kind == "display"}
            for kind, tex in found
        ]
    program = """
        const katex = require(process.argv[1]);
        for (const { page, tex, display } of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
          try { katex.renderToString(tex, { displayMode: display, strict: "ignore" }); }
          catch (error) {
            console.log(`${page}: ${error.message}\\n${tex}\\n`);
            process.exitCode = 1;
          }
        }"""
    run = subprocess.run(
        ["node", "-e", program, katex / "katex.min.js"],
        input=json.dumps(formulas),
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise SystemExit(f"KaTeX cannot read these formulas:\n{run.stdout}{run.stderr}")


def check_requests(output):
    """Refuse a site that would load anything from another host."""
    address = r"[\"']?((?:https?:)?//[^\"'\s>)]+)"
    loading = (
        r"link\b(?=[^>]*\brel=\"?(?:stylesheet|icon|preload))|script\b|img\b|iframe\b"
        r"|source\b|video\b|audio\b"
    )
    tag = re.compile(rf"<(?:{loading})[^>]*?\b(?:src|href)={address}", re.I)
    css = re.compile(rf"(?:url\(|@import\s*){address}", re.I)
    for path in [*output.rglob("*.html"), *output.rglob("*.css")]:
        match = (tag if path.suffix == ".html" else css).search(path.read_text(encoding="utf-8"))
        if match:
            raise SystemExit(
                f"{path.relative_to(output)} would load {match[1]}: the site must work offline."
            )


def build():
    """Build the site and check it."""
    katex = katex_folder()
    shutil.rmtree(STAGED, ignore_errors=True)
    stage()
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        shutil.copytree(STAGED, site)
        prepare_pages(site)
        drop_quarto_settings(site)
        render(site)
        output = site / OUTPUT.name
        install_katex(output, katex)
        search_without_server(output)
        check_formulas(output, katex)
        check_requests(output)
        shutil.rmtree(OUTPUT, ignore_errors=True)
        shutil.copytree(output, OUTPUT)


def main():
    build()
    print(f"Documentation: {len(list(OUTPUT.glob('*.html')))} pages in {OUTPUT.name}/")


if __name__ == "__main__":
    main()
