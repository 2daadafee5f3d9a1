"""Checks over the built pages: what a reader would see, whatever made them.

    python scripts/check_site.py [FOLDER] [--full]

The pages are read as text, and, where there is a Chromium, looked at in windows of several widths:
ten pages of different kinds, or all with `--full`. A failure names the page and what is wrong.
"""

import argparse
import html
import http.server
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from site_paths import OUTPUT, WEB

LARGEST = 2**20  # bytes of a page
LOOKED_AT = (
    "index cli api lpc_estimator ibc_estimator tree_estimator ibc_theory lpc_qpbo plotting start"
).split()
LABEL = r"(?:eq|fig|tbl|sec|thm|lem|cor|prp|cnj|def|exm|exr|rem|alg)"
ABOUT_MARKUP = ("contributing.html",)  # explains how labels and boxes are written
VOID = set("area base br col embed hr img input link meta source track wbr".split())
IN_TEXT = {
    "a raw label": re.compile(rf"(?<![\w-]){LABEL}-[a-z][\w-]*"),
    "raw LaTeX": re.compile(r"\\[(\[]|\$[^$\s][^$]*\$|\\(?:frac|sum|hat|lambda|mathrm|text)\b"),
    "a link that is none": re.compile(r"\]\((?:[\w./-]+\.(?:ipynb|html)|#|https?:)"),
    "raw markup": re.compile(r":::|\{[#.][a-z]|^```"),
    "an unresolved citation": re.compile(r"\[@|\[[^\]\[]*\(\d{4}[a-z]?\)\]|(?<![\w`])@[a-z]+\d{4}"),
}
IN_CODE = {"the address of an object": re.compile(r" at 0x[0-9a-f]{6,}")}
IN_OUTPUT = {"a numpy scalar's repr": re.compile(r"np\.(?:float64|int64|bool|str_)\(")}


class Page(HTMLParser):
    """What the checks need to know of one page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open = []
        self.ids = []
        self.links = []
        self.pictures = []
        self.text = []  # of the main column, outside code
        self.code = []  # in boxes
        self.outputs = []
        self.headings = []
        self.linked_names = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get("id"):
            self.ids.append(attrs["id"])
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
            if self.first_column():
                self.linked_names.append(attrs["href"])
        if tag == "img":
            self.pictures.append((attrs.get("src", ""), attrs.get("alt", "")))
        if tag not in VOID:
            self.open.append((tag, attrs.get("class") or ""))
        if tag in ("td", "tr") and self.inside("api-parameters", "api-attributes"):
            self.column = 0 if tag == "tr" else self.column + 1
        if tag in ("h2", "h3", "h4"):
            self.headings.append("")

    def handle_endtag(self, tag):
        if any(name == tag for name, _ in self.open):
            while self.open.pop()[0] != tag:
                pass

    def handle_data(self, data):
        tags = {tag for tag, _ in self.open}
        if "main" not in tags or tags & {"script", "style"} or self.inside("math"):
            return
        if self.inside("cell-output-stdout", "cell-output-display") and "pre" in tags:
            self.outputs.append(data)
        (self.code if tags & {"pre"} else self.text).append(data)
        if tags & {"h2", "h3", "h4"} and self.headings:
            self.headings[-1] += data

    def inside(self, *classes):
        """Whether an open element has one of these classes."""
        return any(set(classes) & set(names.split()) for _, names in self.open)

    def first_column(self):
        """Whether the parser stands in the first column of a table of parameters."""
        table = self.inside("api-parameters", "api-attributes")
        return table and any(tag == "td" for tag, _ in self.open) and self.column == 1


# ---- the pages as text


def text_problems(page):
    """What a reader should not see in the text of one page."""
    found = []
    places = ((page.text, IN_TEXT), (["".join(page.code)], IN_CODE), (page.outputs, IN_OUTPUT))
    for pieces, patterns in places:
        for piece in pieces:
            for what, pattern in patterns.items():
                match = pattern.search(piece)
                if match:
                    around = piece[max(0, match.start() - 30) : match.end() + 40]
                    found.append(f"{what}: {' '.join(around.split())!r}")
    return found


def structure_problems(page):
    """Labels used twice, pictures that do not say what they show, lists of references."""
    found = [
        f"the id {name} is used twice" for name in {n for n in page.ids if page.ids.count(n) > 1}
    ]
    found += [f"a parameter is linked to {href}" for href in page.linked_names]
    for source, alt in page.pictures:
        if source and (not alt.strip() or re.fullmatch(r"Figure \d+", alt)):
            found.append(f"the picture {source[:60]} has no description")
    titles = [title.strip() for title in page.headings]
    if titles.count("References") > 1:
        found.append("two sections are called References")
    return found


def link_problems(name, page, ids, files):
    """Links of a page that lead nowhere within the site."""
    found = []
    for href in page.links:
        if re.match(r"[a-z][a-z+.-]*:|//", href):
            continue
        path, _, anchor = unquote(href).partition("#")
        target = path.split("?")[0].removeprefix("./") or name
        if target not in files:
            found.append(f"a link leads to {target}, which is not there")
        elif anchor and target in ids and anchor not in ids[target]:
            found.append(f"a link leads to {target}#{anchor}, which is not there")
    return list(dict.fromkeys(found))


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


def read_pages(output):
    """The pages of a folder by their names."""
    return {
        path.name: Page(path.read_text(encoding="utf-8")) for path in sorted(output.glob("*.html"))
    }


def static_problems(output):
    """All that can be said without a browser, as lines."""
    pages = read_pages(output)
    ids = {name: set(page.ids) for name, page in pages.items()}
    files = {str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()}
    lines = []
    for name, page in pages.items():
        found = structure_problems(page)
        found += [] if name in ABOUT_MARKUP else text_problems(page)
        found += link_problems(name, page, ids, files)
        size = (output / name).stat().st_size
        if size > LARGEST:
            found.append(f"{size:,} bytes are more than {LARGEST:,}")
        lines += [f"{name}: {problem}" for problem in found]
    return lines


# ---- the search

QUESTIONS = {  # what a reader types, and the page that must come first
    "install": "start.html",
    "first fit": "start.html faq.html",
    "which part": "which_part.html",
    "how many": "how_many.html",
    "choose K": "how_many.html",
    "gap": "gap.html",
    "predict new x": "predict.html",
    "panel": "groups.html",
    "explain k-means": "explain.html",
    "table 2": "rq3.html",
    "price of the approximation": "lpc_separability.html",
    "ridge": "lpc_estimator.html",
    "lpc-ns lpc": "commands.html cli.html from_table.html",
    "LinearPredictiveClustering": "lpc_estimator.html",
    "ClusterTree": "tree_estimator.html",
    "report": "from_table.html",
    "large data": "large.html",
    "bibtex": "citing.html",
}
ASK = """
    const fs = require("fs");
    global.window = {};
    const [index, search] = process.argv.slice(1, 3).map((path) => fs.readFileSync(path, "utf8"));
    eval(index); eval(search);
    const asked = new window.Fuse(window.searchIndex);
    const first = (query) => asked.search(query, { limit: 1 }).map((hit) => hit.item.href)[0] || "";
    console.log(JSON.stringify(JSON.parse(process.argv[3]).map(first)));"""


def search_problems(output):
    """Questions whose answer the search does not put first, as lines."""
    libs = output / "site_libs"
    files = [libs / "search-index.js", libs / "search.js"]
    run = subprocess.run(
        ["node", "-e", ASK, *files, json.dumps(list(QUESTIONS))], capture_output=True, text=True
    )
    if run.returncode:
        return [f"the search does not run: {run.stderr}"]
    found = zip(QUESTIONS.items(), json.loads(run.stdout), strict=True)
    return [
        f"the search for {query!r} finds {href} first, not {page}"
        for (query, page), href in found
        if href.split("#")[0] not in page.split()
    ]


# ---- the pages in a browser

WATCH = (
    "<script>window.siteErrors=[];addEventListener('error',(e)=>siteErrors.push(e.message||"
    "'not loaded: '+(e.target.src||e.target.href)),true);{const old=console.error;"
    "console.error=(...a)=>{siteErrors.push(a.join(' '));old(...a)}}</script>"
)


def serve(output, names):
    """A server for the site that collects what the browser finds; server, event and list."""
    found = []
    ready = threading.Event()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(output))

        def do_GET(self):
            if self.path == "/look":
                look = (WEB / "look.html").read_text(encoding="utf-8")
                return self.answer(look.replace("PAGES", json.dumps(names)))
            if self.path.endswith(".html"):
                text = (output / self.path.lstrip("/")).read_text(encoding="utf-8")
                return self.answer(text.replace("<head>", f"<head>{WATCH}", 1))
            return super().do_GET()

        def do_POST(self):
            size = int(self.headers["Content-Length"])
            found.extend(json.loads(self.rfile.read(size)))
            self.answer("")
            ready.set()

        def answer(self, text):
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, address):  # the browser has left a page before its end
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, ready, found


def chromium():
    """The path of a Chromium, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


def headless(profile):
    """The command of a headless Chromium with a profile folder of its own."""
    options = "headless no-sandbox disable-gpu disable-background-networking"
    options += " disable-component-update disable-sync no-first-run disable-dev-shm-usage"
    options = [f"--{option}" for option in options.split()]
    return [chromium(), *options, f"--user-data-dir={profile}"]


def open_browser(profile, address):
    """A headless Chromium that opens a page, with a port for its debugging protocol."""
    command = [*headless(profile), "--window-size=1500,1000", "--remote-debugging-port=0"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*command, address], **quiet)


def browser_problems(output, names, seconds):
    """What a headless Chromium finds on pages, as lines."""
    server, ready, found = serve(output, names)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = open_browser(profile, f"http://127.0.0.1:{server.server_port}/look")
        try:
            if not ready.wait(seconds):
                raise SystemExit(f"Chromium did not look at {len(names)} pages in {seconds} s.")
        finally:
            browser.terminate()
            browser.wait()
            server.shutdown()
    return found


# ---- both


def check_site(output, browser=True, full=False):
    """
    Check a built site; a problem ends the program with a list of all.

    Parameters
    ----------
    output : Path
        The folder of pages.
    browser : bool
        Look at pages in Chromium too, where there is one.
    full : bool
        At all of them.
    """
    check_requests(output)
    problems = static_problems(output) + search_problems(output)
    names = [path.name for path in sorted(output.glob("*.html"))]
    if not full:
        names = [name for name in names if name.removesuffix(".html") in LOOKED_AT]
    if browser and chromium():
        problems += browser_problems(output, names, seconds=60 + 6 * len(names))
    elif browser:
        print("check_site: SKIPPED the look at the pages, for there is no Chromium here.")
    if problems:
        lines = "\n".join(html.unescape(problem) for problem in problems)
        raise SystemExit(f"The built site has {len(problems)} faults:\n{lines}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=OUTPUT)
    parser.add_argument("--full", action="store_true", help="look at every page in Chromium")
    args = parser.parse_args()
    check_site(args.folder, full=args.full)
    print(f"{args.folder}: {len(list(args.folder.glob('*.html')))} pages without a fault")


if __name__ == "__main__":
    sys.exit(main())
