"""Copies of the notebooks that any viewer shows well: numbers and references resolved, theorems as
a bold title over a quoted block, citations as text."""

import html
import json
import re

from crossrefs import (
    CODE,
    INLINE,
    NAMES,
    Labels,
    bibliography_keys,
    cell_options,
    cite,
    find_citations,
    is_label,
    joined,
    keys_of,
    map_references,
    number_markdown,
    numbered,
    outside,
)
from site_paths import HOME, NBS, page_name


def quoted(text):
    """A block of text as a Markdown quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().split("\n"))


def degrade(text):
    """Numbered Markdown without divs and spans: theorems quoted, equation numbers as tags."""
    text = re.sub(
        r"^([ \t>]*):::+ \{#eq-[^}\n]*\.equation\}\n\1\$\$\n(.*?)\n\1\$\$\n\s*?\n?\1\[\((\d+)\)\]"
        r"\{\.equation-number\}\n\1:::+$",
        r"\1$$ \2 \\tag{\3} $$",
        text,
        flags=re.M | re.S,
    )
    text = re.sub(
        r"^(:::+) \{#[\w-]+ \.theorem[^}\n]*\}\n(.*?)^\1$",
        lambda match: quoted(match[2]),
        text,
        flags=re.M | re.S,
    )
    text = re.sub(r"\[([^\[\]]*)\]\{\.(?:theorem|float)-title\}", r"**\1**", text)
    text = re.sub(r"\[([^\[\]]*)\]\{\.proof-title\}", r"*\1*", text)
    text = re.sub(r"^:::+[^\n]*$\n?", "", text, flags=re.M)
    return re.sub(r"[ \t]*\{#(?:fig|tbl|sec|eq)-[^}\n]*\}", "", text)


def plain_text_of(citation):
    """A citation's HTML as text."""
    return html.unescape(re.sub(r"<[^>]+>", "", citation))


def resolved(text, labels, elsewhere, citations):
    """A text whose references are words."""

    def words(reference):
        keys = keys_of(reference)
        if not is_label(keys[0]):
            return plain_text_of(citations[reference])
        found = []
        for key in keys:
            if key in labels:
                found.append(labels[key])
            else:
                page, name = next(iter(elsewhere.get(key, {"": key}).items()))
                found.append(f"[{name}]({HOME}{page}.html#{key})")
        return ", ".join(found)

    return map_references(words, text)


def page_links(text):
    """Links between notebooks as links to the pages of the site."""
    return re.sub(
        r"\]\((?:\./)?([\w-]+)\.ipynb",
        lambda match: f"]({HOME}{page_name(match[1])}.html",
        text,
    )


def numbered_cells(cells, labels):
    """The cells with numbers in place; a labelled figure is followed by its caption."""
    result = []
    for cell in cells:
        cell = {**cell, "source": joined(cell["source"])}
        if cell["cell_type"] == "markdown":
            cell["source"] = number_markdown(cell["source"], labels)
        result.append(cell)
        options = cell_options(cell)[0] if cell["cell_type"] == "code" else {}
        label = str(options.get("label", ""))
        kind = label.split("-")[0]
        if kind in NAMES:
            caption = numbered(label, str(options.get(f"{kind}-cap", "")), labels)
            extra = {"cell_type": "markdown", "metadata": {}, "source": caption}
            result.append({**extra, "id": f"caption-{len(result)}"})
    return result


def write_copies(notebooks, folder):
    """
    Write the copies.

    Parameters
    ----------
    notebooks : dict of str, str
        The stems of the notebooks by the names of their pages.
    folder : Path
        Where to write them, under the names of the pages.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bibliography = NBS / "references.bib"
    known = bibliography_keys(bibliography)
    read = {}
    labels = {}
    elsewhere = {}
    citations = []
    for page, stem in notebooks.items():
        notebook = json.loads((NBS / f"{stem}.ipynb").read_text(encoding="utf-8"))
        labels[page] = Labels()
        notebook["cells"] = numbered_cells(notebook["cells"], labels[page])
        texts = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
        citations += find_citations(texts, known)
        read[page] = notebook
        for label, name in labels[page].items():
            elsewhere.setdefault(label, {})[page] = name
    formatted, _ = cite(list(dict.fromkeys(citations)), bibliography) if citations else ({}, "")
    for page, notebook in read.items():
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                text = resolved(cell["source"], labels[page], elsewhere, formatted)
                cell["source"] = page_links(outside(f"{CODE}|{INLINE}", degrade, text))
        path = folder / f"{page}.ipynb"
        path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1), encoding="utf-8")
