"""Numbers, cross-references, theorem boxes, links and citations of the book's pages.

`process_pages` takes the cells of notebooks, as they are staged, and returns cells that a plain
Markdown renderer can show: equations, figures, tables and theorems carry their numbers, `@eq-x` is
a link to equation x, on whatever page it stands, `[@key]` is a citation, a name of the library in
code is a link to its documentation, and the list of references stands at the end. The syntax is
Quarto's, which resolves references within a page only.
"""

import html
import re
from contextlib import contextmanager
from urllib.parse import quote

import yaml

NAMES = {
    "eq": "Equation",
    "fig": "Figure",
    "tbl": "Table",
    "sec": "Section",
    "thm": "Theorem",
    "lem": "Lemma",
    "cor": "Corollary",
    "prp": "Proposition",
    "cnj": "Conjecture",
    "def": "Definition",
    "exm": "Example",
    "exr": "Exercise",
    "rem": "Remark",
    "alg": "Algorithm",
}
BOXES = "|".join(kind for kind in NAMES if kind not in ("eq", "fig", "tbl", "sec"))
LABEL = re.compile(rf"(?:{'|'.join(NAMES)})-[\w-]+")

FENCE = r"^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?^[ \t>]*(?P=fence)[ \t]*$"
CODE = rf"{FENCE}|(?P<tick>`+)(?!`).+?(?<!`)(?P=tick)(?!`)|<!--.*?-->"
DISPLAY = r"\$\$((?:(?!\$\$).)+)\$\$"
INLINE = r"(?<![\\$\w])\$(?=\S)(?:\\.|[^$\\])+?(?<=\S)\$(?!\d)"
KEY = r"(?<![\w/.@])-?@([A-Za-z](?:[\w:.-]*\w)?)"
DEFINITION = r"^[ \t>]*\[[^\]\n]*\]:[ \t]+\S*(?://|\.)\S*"
LOCATOR = r"(?: \[[^\[\]@\n]+\](?![(\[{]))?"
REFERENCE = rf"\[[^\[\]]*{KEY}[^\[\]]*\](?![(\[{{])|{KEY}{LOCATOR}"
WORD = (
    "[Ee]quations?|[Tt]heorem|[Ll]emma|[Cc]orollary|[Pp]roposition|[Dd]efinition|[Ss]ection|[Ff]igure"
    "|[Tt]able|[Aa]lgorithm|[Rr]emark|[Ee]xample|[Aa]ssumption"
)
RAW_LABEL = rf"(?:(?:{WORD})\s+)?`(?P<label>{LABEL.pattern})`"


class PageError(Exception):
    """A page that cannot be built as its author meant it; the message says why."""


class Labels(dict):
    """The labels of a page and the text of a link to each, `{"eq-sse": "Equation 1"}`; each kind
    counts from 1."""

    def add(self, label, title=None):
        """Register a label and return its number; the text for a section is its title."""
        if label in self:
            raise PageError(f"the label {label} is used twice; a label names one thing on a page.")
        kind = label.split("-")[0]
        number = 1 + sum(other.split("-")[0] == kind for other in self)
        self[label] = f"Section “{title}”" if kind == "sec" else f"{NAMES[kind]} {number}"
        return number


def outside(pattern, function, text):
    """Apply a function to a text in which everything that matches a pattern is hidden, then put it
    back."""
    kept = {}

    def hide(match):
        mark = f"\x00{id(kept)}.{len(kept)}\x00"  # unlike the marks of an outer call
        kept[mark] = match[0]
        return mark

    result = function(re.sub(pattern, hide, text, flags=re.M | re.S))
    return re.sub(rf"\x00{id(kept)}\.\d+\x00", lambda match: kept[match[0]], result)


# ---- numbers: the labels of Markdown cells


def number_equations(text, labels):
    """Put every displayed formula on lines of its own, and the number of `$$...$$ {#eq-x}` beside
    it."""

    def block(match):
        formula = " ".join(match[1].split())
        label = match[2]
        before = text_before(match)
        marker = re.match(r"[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?", before)[0]
        indent = re.sub(r"[^ \t>]", " ", marker)
        lines = ["$$", formula, "$$"]
        if label:
            number = f"[({labels.add(label)})]{{.equation-number}}"
            lines = [f"::: {{#{label} .equation}}", *lines, "", number, ":::"]
        begins_list_item = before == marker and marker.strip(" \t>")
        start = [] if begins_list_item else ["", ""]
        return f"\n{indent}".join([*start, *lines, "", ""])

    text = outside(
        DISPLAY, lambda rest: re.sub(INLINE, lambda match: " ".join(match[0].split()), rest), text
    )
    return re.sub(DISPLAY + r"(?:\s*\{#(eq-[\w-]+)\})?", block, text, flags=re.S)


def text_before(match):
    """What stands before a match on its line."""
    return match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]


def number_boxes(text, labels):
    """Give theorems, lemmas, definitions and the like their numbered titles, and proofs their first
    word."""

    def box(match):
        fence = match["fence"]
        label = match["label"]
        named = re.search(r'\bname="([^"]+)"', match["attributes"])
        title = named[1] if named else match["title"]
        kind = label.split("-")[0]
        name = f"{NAMES[kind]} {labels.add(label)}" + (f" ({title.strip()})" if title else "")
        return f"{fence} {{#{label} .theorem .{kind}}}\n[{name}.]{{.theorem-title}}" + gap(match)

    def proof(match):
        return f"{match['fence']} {{.proof}}\n[Proof.]{{.proof-title}}" + gap(match)

    def gap(match):
        text_follows = re.match(r"(?!\$\$|[-*+] |\d+[.)] |:::|\|)\S", match.string[match.end() :])
        return " " if text_follows else "\n\n"

    fence = r"^(?P<fence>:{3,})[ \t]*"
    title = r"\s*(?:^#+[ \t]+(?P<title>[^\n]+)$)?\s*"
    text = re.sub(
        rf"{fence}\{{#(?P<label>(?:{BOXES})-[\w-]+)(?P<attributes>[^}}\n]*)\}}[ \t]*\n{title}",
        box,
        text,
        flags=re.M,
    )
    return re.sub(rf"{fence}\{{[^}}\n]*\.proof\b[^}}\n]*\}}[ \t]*\n\s*", proof, text, flags=re.M)


def numbered(label, caption, labels):
    """A caption that begins with its number."""
    return f"[{NAMES[label.split('-')[0]]} {labels.add(label)}.]{{.float-title}} {caption}"


def number_headings_and_floats(text, labels):
    """Register labelled sections; number the captions of labelled pictures and tables."""

    def heading(match):
        labels.add(match[2], match[1].strip())
        return match[0]

    def picture(match):
        return f"![{numbered(match[3], match[1], labels)}]({match[2]}){{#{match[3]}"

    def table(match):
        return f": {numbered(match[2], match[1], labels)} {{#{match[2]}"

    text = re.sub(r"^#+[ \t]+([^\n]*?)[ \t]*\{#(sec-[\w-]+)[^}\n]*\}", heading, text, flags=re.M)
    text = re.sub(r"!\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)\{#(fig-[\w-]+)", picture, text)
    return re.sub(r"^:[ \t]+([^\n]*?)[ \t]*\{#(tbl-[\w-]+)", table, text, flags=re.M)


def number_markdown(text, labels):
    """All numbers of one Markdown cell; code in it is left alone."""

    def number(text):
        text = number_equations(text, labels)
        return number_headings_and_floats(number_boxes(text, labels), labels)

    return outside(CODE, number, text)


# ---- numbers: the figures and tables that code cells show


def markdown_cell(source):
    """A new Markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def raw_html(text):
    """A Markdown block that passes HTML through."""
    return f"```{{=html}}\n{text}\n```"


def cell_options(cell):
    """The `#| key: value` options of a code cell, and its source without them."""
    lines = cell["source"].split("\n")
    count = next((n for n, line in enumerate(lines) if not line.startswith("#|")), len(lines))
    text = "\n".join(line[2:].removeprefix(" ") for line in lines[:count])
    try:
        options = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        raise PageError(
            f"these options of a code cell are not YAML; put captions in quotation marks.\n{text}"
        ) from None
    return (
        (options, "\n".join(lines[count:])) if isinstance(options, dict) else ({}, cell["source"])
    )


def image_tag(output, alt=""):
    """A picture of an output as HTML; a notebook stores the width of a PNG, half its pixels, which
    makes it sharp."""
    data = output["data"]
    if "image/svg+xml" in data:
        source = "data:image/svg+xml," + quote(joined(data["image/svg+xml"]))
        return f'<img src="{source}" alt="{html.escape(alt)}">'
    width = output["metadata"].get("image/png", {}).get("width")
    size = f' width="{width}"' if width else ""
    source = output.get("file") or f"data:image/png;base64,{joined(data['image/png']).strip()}"
    return f'<img src="{source}"{size} alt="{html.escape(alt)}">'


def plain(text):
    """Markdown as plain text, for the description of a picture."""
    text = re.sub(rf"\[[^\[\]]*{KEY}[^\[\]]*\]|{KEY}", "", text)
    text = re.sub(r"\[([^\[\]]*)\](?:\([^)]*\)|\{[^}]*\})?", r"\1", text)
    text = re.sub(
        r"\\(?:mathrm|text|mathbf|operatorname|hat|bar|tilde)\s*|[$*`{}]|\\[,;!]", "", text
    )
    return " ".join(re.sub(r"\\([A-Za-z]+)", r"\1", text).split())


def is_picture(output):
    """Whether an output shows a picture."""
    return bool({"image/png", "image/svg+xml"} & set(output.get("data", {})))


def plain_pictures(cell):
    """The pictures of a cell without a caption, at their proper size."""
    for output in cell.get("outputs", []):
        if is_picture(output):
            output["data"] = {"text/html": image_tag(output)}
    return [cell]


def split_float(cell, labels):
    """A code cell with `#| label: fig-x` or `tbl-x` as the cell without that output, and a numbered
    figure or table after it."""
    options, code = cell_options(cell)
    label = str(options.get("label", ""))
    kind = label.split("-")[0]
    if kind not in ("fig", "tbl"):
        return plain_pictures(cell)
    caption = str(options.pop(f"{kind}-cap", ""))
    alt = str(options.pop("fig-alt", ""))
    options.pop("label")
    wanted = is_picture if kind == "fig" else lambda output: "text/html" in output.get("data", {})
    shown = [output for output in cell["outputs"] if wanted(output)]
    if not shown:
        raise PageError(
            f"the cell labelled {label} shows no {NAMES[kind].lower()}; execute the notebook and"
            " store its outputs."
        )
    rest = [output for output in cell["outputs"] if not wanted(output)]
    head = (
        "".join(f"#| {line}\n" for line in yaml.safe_dump(options, width=10_000).splitlines())
        if options
        else ""
    )
    title = numbered(label, caption, labels)
    parts = [
        raw_html(
            image_tag(o, alt or plain(caption) or labels[label])
            if kind == "fig"
            else joined(o["data"]["text/html"])
        )
        for o in shown
    ]
    body = [*parts, title] if kind == "fig" else [title, *parts]
    figure = "\n\n".join([f"::: {{#{label} .float .{kind}}}", *body, ":::"])
    return [{**cell, "source": head + code, "outputs": rest}, markdown_cell(figure)]


def number_cells(cells, labels):
    """The cells of a page with every number in place."""
    result = []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            result.append({**cell, "source": number_markdown(cell["source"], labels)})
        elif cell["cell_type"] == "code":
            result += split_float(cell, labels)
        else:
            result.append(cell)
    return result


# ---- references: to labels of the page, and to the literature


def keys_of(reference):
    """The keys in `@key` or `[see @key, p. 3; @other]`."""
    return re.findall(KEY, reference)


def is_label(key):
    """Whether a key names something on a page rather than a publication."""
    return LABEL.fullmatch(key) is not None


def find_label(key, labels, elsewhere):
    """Where a label stands and how it is called: on this page, or on the only other that has it."""
    if key in labels:
        return f"#{key}", labels[key]
    pages = elsewhere.get(key, {})
    if len(pages) > 1:
        raise PageError(f"@{key} stands on several other pages: {', '.join(sorted(pages))}.")
    if not pages:
        raise PageError(f"@{key} refers to nothing on this page or on another.")
    name, (text, title) = next(iter(pages.items()))
    return f"{name}.ipynb#{key}", f"{text} of “{title}”"


def link_labels(reference, labels, elsewhere=None):
    """Links for a reference to labels; `[-@eq-x]` shows the number alone."""
    links = []
    for key in keys_of(reference):
        target, text = find_label(key, labels, elsewhere or {})
        if f"-@{key}" in reference and key in labels:
            text = text.split()[-1]
        links.append(f"[{text}]({target})")
    return ", ".join(links)


def link_raw_labels(text, labels, elsewhere):
    """Links for labels that stand as code, as they do in docstrings: equation `eq-x`."""

    def link(match):
        key = match["label"]
        if key not in labels and key not in elsewhere:
            return match[0]
        target, name = find_label(key, labels, elsewhere)
        return f"[{name}]({target})"

    return outside(FENCE, lambda rest: re.sub(RAW_LABEL, link, rest), text)


def map_references(function, text):
    """Replace every reference in a text, outside code and mathematics, by what a function makes of
    it."""

    def resolved(reference):
        keys = keys_of(reference)
        after = re.search(LOCATOR + r"\Z", reference)[0]
        if after and not reference.startswith("[") and is_label(keys[0]):
            return function(reference.removesuffix(after)) + after
        return function(reference)

    return outside(
        f"{CODE}|{DISPLAY}|{INLINE}|{DEFINITION}",
        lambda rest: re.sub(REFERENCE, lambda match: resolved(match[0]), rest),
        text,
    )


def check_keys(reference, known):
    """Refuse a mixture of labels and publications, and a publication that the bibliography does not
    hold."""
    keys = keys_of(reference)
    if len({is_label(key) for key in keys}) == 2:
        raise PageError(f"{reference} mixes labels and citations; write them apart.")
    unknown = [key for key in keys if not is_label(key) and key not in known]
    if unknown:
        raise PageError(
            f"@{unknown[0]} is not in references.bib; add the entry, or write `@{unknown[0]}` as"
            " code if it is no citation."
        )


def resolve(text, labels, citations, elsewhere=None):
    """A text whose references are links; `citations` maps each citation to its HTML."""

    def replace(reference):
        return (
            link_labels(reference, labels, elsewhere)
            if is_label(keys_of(reference)[0])
            else citations[reference]
        )

    return map_references(replace, link_raw_labels(text, labels, elsewhere or {}))


def find_citations(texts, known):
    """The different citations in texts, in order of appearance."""
    found = []
    for text in texts:
        map_references(lambda reference: found.append(reference) or "", text)
    for reference in found:
        check_keys(reference, known)
    return list(
        dict.fromkeys(reference for reference in found if not is_label(keys_of(reference)[0]))
    )


def cite(citations, bibliography):
    """
    Format citations with pandoc.

    Parameters
    ----------
    citations : list of str
        As they stand in the text, `@key` or `[see @key, p. 3]`.
    bibliography : Path
        A BibTeX file.

    Returns
    -------
    dict of str, str
        The HTML of each citation, with links into the list.
    str
        The list of references as HTML.
    """
    import pypandoc

    document = "\n\n".join(
        f"::: {{#citation-{n}}}\n{citation}\n:::" for n, citation in enumerate(citations)
    )
    options = [
        "--citeproc",
        f"--bibliography={bibliography}",
        "--metadata=link-citations:true",
        "--wrap=none",
    ]
    page = pypandoc.convert_text(document, "html", format="markdown", extra_args=options)
    inner = [
        re.search(rf'<div id="citation-{n}">\s*<p>(.*?)</p>\s*</div>', page, re.S)[1]
        for n in range(len(citations))
    ]
    return dict(zip(citations, inner, strict=True)), re.search(r'<div id="refs".*', page, re.S)[0]


def bibliography_keys(path):
    """The keys of a BibTeX file."""
    return set(re.findall(r"^\s*@\w+\s*\{\s*([^,\s]+)", path.read_text(encoding="utf-8"), re.M))


def entries(keys, references):
    """The list of references of one page: the entries with these keys."""
    found = re.findall(
        r'<div id="ref-([^"]+)" class="csl-entry".*?>(.*?)</div>\s*(?=<div id="ref-|</div>\s*$|\Z)',
        references,
        re.S,
    )
    rows = [
        f'<div id="ref-{key}" class="csl-entry" role="listitem">{text.strip()}</div>'
        for key, text in found
        if key in keys
    ]
    body = "\n".join(rows)
    return (
        '<div id="refs" class="references csl-bib-body hanging-indent"'
        f' role="list">\n{body}\n</div>'
    )


ONLY_CITED = re.compile(r'\(?(?:<span class="citation".*?</span>\s*[.,;)]*\s*(?:and )?)+')


def with_references(cells, references):
    """The cells with the list of references: in a `{#refs}` div if there is one, else under a last
    section "References", which is made if there is none."""
    place = re.compile(r"^:{3,}[ \t]*\{#refs\}\s*^:{3,}[ \t]*$", re.M)
    for cell in cells:
        if cell["cell_type"] == "markdown" and place.search(cell["source"]):
            cell["source"] = place.sub(lambda _: raw_html(references), cell["source"])
            return cells
    last = cells[-1]
    section = re.search(
        r"^##? (?:\d+ )?References[^\n]*\n?(?P<rest>(?:(?!^#).)*)\Z", last["source"], re.M | re.S
    )
    if last["cell_type"] == "markdown" and section:
        rest = [p for p in section["rest"].split("\n\n") if not ONLY_CITED.fullmatch(p.strip())]
        kept = last["source"][: section.start("rest")] + "\n" + "\n\n".join(rest)
        return [*cells[:-1], {**last, "source": f"{kept.rstrip()}\n\n{raw_html(references)}"}]
    return [*cells, markdown_cell("## References\n\n" + raw_html(references))]


# ---- links to the library's names


NAME = re.compile(r"(?<!`)`([A-Za-z_][\w.]*)(\(\))?`(?!`)")
ROW = r"^\| *`[^`\n]+` *\|"
LINK = r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\([^)\n]*\)"


def parameters_of(text):
    """The names in the first columns of the tables of a docstring."""
    return set(re.findall(r"^\| *`(\w+)` *\|", text, re.M))


def link_names(text, page, names, taken):
    """
    Make names of the library in code links to their documentation.

    Parameters
    ----------
    text : str
        Markdown; fenced code, headings, links and the first columns of tables of parameters stay.
    page : str
        The page on which it stands.
    names : dict of str, list of (str, str)
        The pages and anchors that document each name.
    taken : set of str
        Names that mean something else here: parameters and attributes.
    """

    def link(match):
        name = match[1]
        places = names.get(name, [])
        here = [place for place in places if place[0] == page]
        distinct = bool(match[2]) or not re.fullmatch(r"[a-z]+", name)
        if name in taken or not places or not (here or (len(places) == 1 and distinct)):
            return match[0]
        target, anchor = (here or places)[0]
        target = "" if target == page else f"{target}.ipynb"
        return f"[{match[0]}]({target}#{anchor})"

    hidden = rf"{FENCE}|^#[^\n]*$|{ROW}|{LINK}|{DISPLAY}|{INLINE}|<[^>\n]*>"
    return outside(hidden, lambda rest: NAME.sub(link, rest), text)


# ---- a page


def joined(value):
    """Text that a notebook may store as a list of lines."""
    return "".join(value) if isinstance(value, list) else value


SCALAR = re.compile(r"\bnp\.(?:float64|int64|bool|bool_|str_)\(('[^']*'|[^()']*)\)")


def readable(text):
    """Printed results without the types that numpy's scalars show."""
    return SCALAR.sub(r"\1", joined(text))


def normalised(cell):
    """A cell whose source and Markdown outputs are single strings, its results readable."""
    cell = {**cell, "source": joined(cell["source"])}
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "text/markdown" in data:
            data["text/markdown"] = joined(data["text/markdown"])
        if "text/plain" in data:
            data["text/plain"] = readable(data["text/plain"])
        if "text" in output:
            output["text"] = readable(output["text"])
    return cell


def lift_claim(cells):
    """The page's one-line claim as text under the title, where formulas and references work;
    nothing but the title stays above."""
    front = cells[0]["source"].strip() if cells and cells[0]["cell_type"] == "raw" else ""
    if not front.startswith("---"):
        return cells
    matter = yaml.safe_load(front.strip("-"))
    kept = {key: matter[key] for key in ("title", "keywords", "image") if matter.get(key)}
    head = {
        **cells[0],
        "source": f"---\n{yaml.safe_dump({'title': '', **kept}, allow_unicode=True)}---\n",
    }
    claim = (
        [markdown_cell(f"::: {{.claim}}\n{matter['description']}\n:::")]
        if matter.get("description")
        else []
    )
    return [head, *claim, *cells[1:]]


def map_texts(function, cells):
    """Apply a function to all Markdown of a page: cells, and outputs such as the documentation of a
    function."""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = function(cell["source"])
        for output in cell.get("outputs", []):
            if "text/markdown" in output.get("data", {}):
                output["data"]["text/markdown"] = function(output["data"]["text/markdown"])


def title_of(cells):
    """The title of a page, from its front matter."""
    front = cells[0]["source"].strip() if cells and cells[0]["cell_type"] == "raw" else ""
    return (yaml.safe_load(front.strip("-")) or {}).get("title", "") if front else ""


def link_page_names(cells, page, names):
    """Link the library's names in all texts of a page."""
    texts = []
    map_texts(lambda text: texts.append(text) or text, cells)
    listed = set().union(*map(parameters_of, texts)) if texts else set()

    def linked(text):
        own = re.findall(r"^#+ (?:.* )?([\w.]+)$", text, re.M)
        here = {name for name, places in names.items() if any(place[0] == page for place in places)}
        return link_names(text, page, names, parameters_of(text) | set(own) | (listed - here))

    map_texts(linked, cells)


def process_pages(pages, bibliography, rewrite=lambda text, page: text, names=None):
    """
    Number pages and resolve their references.

    Parameters
    ----------
    pages : dict of str, list of dict
        The cells of each staged notebook, by the name of its page.
    bibliography : Path
        The BibTeX file.
    rewrite : callable
        Applied to every text, with the page's name, at the end; for links between pages.
    names : dict of str, list of (str, str), optional
        The pages and anchors that document each name of the library.

    Returns
    -------
    dict of str, list of dict
        The cells to render.

    Raises
    ------
    PageError
        If a label is used twice on a page, a reference leads nowhere or to several pages, a
        publication is not in the bibliography, or a labelled cell shows nothing.
    """
    known = bibliography_keys(bibliography)
    numbered = {}
    labels = {}
    elsewhere = {}
    citations = {}
    for page, raw in pages.items():
        labels[page] = Labels()
        with named(page):
            cells = number_cells(lift_claim([normalised(cell) for cell in raw]), labels[page])
            texts = []
            map_texts(lambda text, texts=texts: texts.append(text) or text, cells)
            citations[page] = find_citations(texts, known)
        numbered[page] = cells
        for label, text in labels[page].items():
            elsewhere.setdefault(label, {})[page] = (text, title_of(cells))
    every = list(dict.fromkeys(citation for found in citations.values() for citation in found))
    formatted, references = cite(every, bibliography) if every else ({}, "")
    for page, cells in numbered.items():
        with named(page):
            map_texts(
                lambda text, own=labels[page]: resolve(text, own, formatted, elsewhere), cells
            )
        if names:
            link_page_names(cells, page, names)
        map_texts(lambda text, page=page: rewrite(text, page), cells)
        if citations[page]:
            keys = {key for citation in citations[page] for key in keys_of(citation)}
            numbered[page] = with_references(cells, entries(keys, references))
    return numbered


@contextmanager
def named(page):
    """Let an error say on which page it happened."""
    try:
        yield
    except PageError as error:
        raise PageError(f"{page}: {error}") from None


def process_page(cells, bibliography, rewrite=str):
    """Number one page by itself and resolve its references; see `process_pages`."""
    return process_pages({"page": cells}, bibliography, lambda text, page: rewrite(text))["page"]
