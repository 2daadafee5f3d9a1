"""The last steps on rendered pages: formulas, search, dark mode, links to notebooks."""

import html
import json
import re
import shutil
import subprocess

from site_paths import REPOSITORY, WEB

FORMULA = r'<span class="math (inline|display)">\\[(\[](.*?)\\[)\]]</span>'
TYPESET = """
    const katex = require(process.argv[1]);
    const failed = [];
    const result = JSON.parse(require("fs").readFileSync(0, "utf8")).map(([tex, display]) => {
      try {
        const options = { displayMode: display, strict: "ignore", output: "html" };
        return katex.renderToString(tex, options);
      } catch (error) { failed.push(`${error.message}\\n${tex}`); return ""; }
    });
    require("fs").writeSync(1, JSON.stringify({ result, failed }));"""


# ---- formulas


def typeset(formulas, katex):
    """Typeset formulas, pairs of TeX and whether displayed, with KaTeX in Node."""
    run = subprocess.run(
        ["node", "-e", TYPESET, katex / "katex.min.js"],
        input=json.dumps(formulas),
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise SystemExit(f"KaTeX could not run in Node:\n{run.stderr}")
    answer = json.loads(run.stdout)
    if answer["failed"]:
        raise SystemExit("KaTeX cannot read these formulas:\n" + "\n\n".join(answer["failed"]))
    return answer["result"]


def compact(markup, classes):
    """KaTeX's HTML in fewer bytes: lengths of three digits, each set of styles as one class."""

    def style(match):
        declared = re.sub(r"(\d*\.\d{3})\d+", r"\1", match[2]).rstrip(";")
        name = classes.setdefault(declared, f"y{len(classes)}")
        return f'class="{match[1]} {name}"' if match[1] else f'class="{name}"'

    markup = markup.replace(
        '<span class="katex-html" aria-hidden="true">', '<span class="katex-html">'
    )
    markup = re.sub(
        r'()style="([^"]*)"', style, re.sub(r'class="([^"]*)" style="([^"]*)"', style, markup)
    )
    return re.sub(r'class="([\w-]+)"', r"class=\1", markup)


def with_mark(markup, mark):
    """A formula with the punctuation after it in its last box, where no line can end between."""
    ends = "</span></span></span>"  # of the last box, of all boxes, of the formula
    if not mark or not markup.endswith(ends):
        return markup + mark
    return markup.removesuffix(ends) + mark + ends


def typeset_pages(pages, katex):
    """Put KaTeX's HTML in the place of every formula; pages are texts by name. Also its styles."""
    formulas = {
        (html.unescape(tex), kind == "display")
        for text in pages.values()
        for kind, tex in re.findall(FORMULA, text, re.S)
    }
    order = sorted(formulas)
    classes = {}
    done = [compact(markup, classes) for markup in typeset(order, katex)] if order else []
    shown = dict(zip(order, done, strict=True))

    def formula(match):
        tex = html.unescape(match[2])
        label = html.escape(" ".join(tex.split()))
        body = with_mark(shown[tex, match[1] == "display"], match[3])
        return f'<span class="math {match[1]}" role="img" aria-label="{label}">{body}</span>'

    marked = FORMULA + "([.,;:?!)]*)"
    typeset_texts = {
        name: re.sub(marked, formula, text, flags=re.S) for name, text in pages.items()
    }
    styles = "".join(f".katex .{name}{{{declared}}}\n" for declared, name in classes.items())
    return typeset_texts, styles


def install_katex(output, katex):
    """Copy KaTeX's style sheet and fonts into the site."""
    target = output / "site_libs" / "katex"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(katex / "katex.min.css", target)
    shutil.copytree(
        katex / "fonts", target / "fonts", ignore=shutil.ignore_patterns("*.ttf", "*.woff")
    )


def local_katex(text):
    """A page that loads KaTeX's style sheet from the site and no script of it."""
    text = re.sub(r'<script src="https://cdn\.jsdelivr\.net/npm/katex[^>]*></script>', "", text)
    return re.sub(r"https://cdn\.jsdelivr\.net/npm/katex[^\"]*/dist", "site_libs/katex", text)


# ---- search

WHOLE = ("api.html", "gallery.html", "changelog.html", "statements.html", "glossary.html")  # lists


def plain_text(markup):
    """The text of HTML without tags, formulas and code that is only listed."""
    markup = re.sub(r'<details class="code-fold">.*?</details>', " ", markup, flags=re.S)
    markup = re.sub(r'<div class="sourceCode.*?</pre>\s*</div>', " ", markup, flags=re.S)
    markup = re.sub(FORMULA, " ", markup, flags=re.S)
    markup = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", markup, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def parameters(markup, anchor, title, owner):
    """Entries for the parameters and attributes in a table of a documented name."""
    rows = re.findall(r"<tr>\s*<td[^>]*><code>(\w+)</code></td>(.*?)</tr>", markup, re.S)
    return [
        {
            "title": title,
            "section": f"{owner}: {name}",
            "names": name,
            "text": plain_text(rest)[:300],
            "href": anchor,
            "rank": 2,
        }
        for name, rest in rows
    ]


def search_entries(page, text, words):
    """One entry for each section of a page, and one for each parameter of what it documents."""
    main = text[text.index('<main class="content"') : text.rindex("</main>")]
    title = plain_text(re.search(r'<h1 class="title">(.*?)</h1>', main, re.S)[1])
    parts = re.split(r'(<h[2-5][^>]*\bdata-anchor-id="[^"]*"[^>]*>.*?</h[2-5]>)', main, flags=re.S)
    entries = [
        {
            "title": title,
            "section": "",
            "names": words,
            "text": plain_text(re.sub(r"<header.*?</header>", "", parts[0], flags=re.S))[:3000],
            "href": page,
            "rank": 3,
        }
    ]
    if page in WHOLE:
        return entries
    for head, body in zip(parts[1::2], parts[2::2], strict=True):
        name = plain_text(head)
        anchor = page + "#" + re.search(r'data-anchor-id="([^"]*)"', head)[1]
        documented = "api-table" in body
        entry = {"title": title, "section": name, "names": "", "text": plain_text(body)[:3000]}
        entries.append({**entry, "href": anchor, "rank": 1})
        if documented and re.match(r"[A-Z]\w+$", name):
            entries += parameters(body, anchor, title, name)
    return entries


def install_search(output, entries):
    """Write the index as a script, which pages opened as files may load too, and the search."""
    index = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    libs = output / "site_libs"
    (libs / "search-index.js").write_text(f"window.searchIndex = {index};\n", encoding="utf-8")
    shutil.copy(WEB / "search.js", libs)
    (output / "search.json").unlink()
    shutil.rmtree(libs / "fuse")
    script = libs / "smalldocs.js"
    old = 'const r = await fetch(offset + "search.json");\n      index = await r.json();'
    new = """index = await new Promise((done, failed) => {
        const script = document.createElement("script");
        const onload = () => done(window.searchIndex);
        script.src = offset + "site_libs/search-index.js";
        Object.assign(script, { onload, onerror: failed });
        document.head.append(script);
      });"""
    text = script.read_text(encoding="utf-8")
    if old not in text:
        raise SystemExit(
            "This smalldocs loads its search index in another way than version 0.5.4; adapt"
            " install_search."
        )
    script.write_text(text.replace(old, new), encoding="utf-8")


# ---- the page


def source_line(page, stem):
    """Where the page comes from: its notebook, and the copy to download."""
    return (
        f'<p class="page-source">This page is the notebook <a href="{REPOSITORY}/blob/main/nbs/'
        f'{stem}.ipynb">{stem}.ipynb</a>. <a href="notebooks/{page}.ipynb" download>Download it</a>'
        " with its references resolved.</p>"
    )


def keep_words(text):
    """Options in code within a line, such as `--group`, may not end a line at their hyphens."""

    def words(match):
        return re.sub(r"(?<![^\s>])-[\w-]+", r'<span class="word">\g<0></span>', match[0])

    return re.sub(r"(?<!<pre>)<code>[^<]*</code>", words, text)


def finish_page(page, text, stem):
    """One page with its scripts, its scheme and the line about its notebook."""
    scheme = (WEB / "scheme.js").read_text(encoding="utf-8")
    text = text.replace("site_libs/fuse/fuse.min.js", "site_libs/search.js")
    text = keep_words(re.sub(r'<span class="op">([^<]*)</span>', r"\1", text))
    text = text.replace("</title>", f"</title><script>{scheme}</script>", 1)
    text = re.sub(r'(id="quarto-sidebar-section-1" class="[^"]*?)(?<! show)"', r'\1 show"', text)
    text = re.sub(r'(id="quarto-sidebar-section-2" class="[^"]*?)(?<! show)"', r'\1 show"', text)
    if stem:
        text = text.replace(
            '<nav class="page-navigation">',
            source_line(page, stem) + '<nav class="page-navigation">',
        )
    return text


def finish(output, katex, notebooks):
    """
    Finish the rendered site in place.

    Parameters
    ----------
    output : Path
        The folder of rendered pages.
    katex : Path
        KaTeX's distribution.
    notebooks : dict of str, str
        The stem of the notebook of each page that is one.
    """
    install_katex(output, katex)
    paths = sorted(output.glob("*.html"))
    pages = {path.name: local_katex(path.read_text(encoding="utf-8")) for path in paths}
    words = {}
    for path in paths:
        found = re.search(r'<meta name="keywords" content="([^"]*)"', pages[path.name])
        words[path.name] = html.unescape(found[1]) if found else ""
    entries = [
        entry for name, text in pages.items() for entry in search_entries(name, text, words[name])
    ]
    install_search(output, entries)
    texts, styles = typeset_pages(pages, katex)
    with (output / "site_libs" / "katex" / "katex.min.css").open("a", encoding="utf-8") as sheet:
        sheet.write(styles)
    for name, text in texts.items():
        page = name.removesuffix(".html")
        finished = finish_page(page, text, notebooks.get(page))
        (output / name).write_text(finished, encoding="utf-8")
