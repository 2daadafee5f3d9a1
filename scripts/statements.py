"""The table of all statements of the book: what each assumes and what checks it.

    python scripts/statements.py [--check]

A statement is a labelled box of a chapter, `::: {#thm-x}`: theorem, lemma, proposition or
corollary. What it assumes stands in the chapter's box of assumptions, a note titled "What this
chapter assumes" with items `- @thm-x, @cor-y: text`. What checks it is a code cell or a test with
a comment `# checks: thm-x, cor-y` and an assertion. The table is read from notebooks and tests and
written as `nbs/92_statements.ipynb`, a page of the site; it is not kept in the repository. With
`--check` nothing is written. A statement without title, assumption or check makes both fail.
"""

import argparse
import ast
import hashlib
import json
import re
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "nbs" / "92_statements.ipynb"
KINDS = {"thm": "Theorem", "lem": "Lemma", "cor": "Corollary", "prp": "Proposition"}
LABEL = rf"(?:{'|'.join(KINDS)})-[\w-]+"
BOX = re.compile(
    rf"^:{{3,}}[ \t]*\{{#(?P<label>{LABEL})\}}[ \t]*\n(?:\s*#+[ \t]+(?P<title>[^\n]+))?", re.M
)
ASSUMES = re.compile(
    r"^:{3,} \{\.callout-note[^}]*\}\s*#+ What this chapter assumes\n(.*?)^:{3,}\s*$", re.M | re.S
)
ITEM = re.compile(rf"^- ((?:@{LABEL},? *)+): (.+?)(?=^- |\Z|\n\n)", re.M | re.S)
CHECKS = re.compile(r"^[ \t]*# checks: (.+)$", re.M)
ASSERTS = re.compile(r"\bassert|\braises\(|check_grad\(")
PARTS = {
    "0": "Foundations",
    "1": "Part I: Interaction-based clustering",
    "2": "Part II: Linear predictive clustering",
    "3": "Part III: Cluster trees",
    "4": "Part IV: Experiments",
}

Statement = namedtuple("Statement", "chapter label name title assumes checked_by")


def cells_of(path):
    """Kind and source of every cell of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


def checks_in(text):
    """The labels that a piece of code says it checks, if it asserts anything."""
    labels = re.split(r",\s*", ", ".join(CHECKS.findall(text)).strip())
    return [label for label in labels if label] if ASSERTS.search(text) else []


def checks_of_chapter(cells):
    """Label and section of everything that a chapter's code cells check."""
    found = []
    section = ""
    for kind, source in cells:
        if kind == "markdown":
            headings = re.findall(r"^#{2,3} (.+?)(?: \{#[\w-]+\})?$", _without_boxes(source), re.M)
            section = headings[-1] if headings else section
        elif kind == "code":
            found += [(label, section) for label in checks_in(source)]
    return found


def _without_boxes(text):
    """Markdown without its `:::` boxes, whose titles are no sections."""
    return re.sub(r"^:{3,} ?\{.*?^:{3,}\s*$", "", text, flags=re.M | re.S)


def checks_of_tests(path):
    """Label and name of every test in a file that says what it checks."""
    text = path.read_text(encoding="utf-8")
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and _runs(node):
            source = ast.get_source_segment(text, node)
            found += [(label, f"`{path.name}::{node.name}`") for label in checks_in(source)]
    return found


def _runs(node):
    """Whether a test is neither skipped nor allowed to fail."""
    return not any(
        re.search(r"\b(xfail|skip)\b", ast.unparse(mark)) for mark in node.decorator_list
    )


def assumptions(cells):
    """What a chapter's box says that its statements assume."""
    result = {}
    for kind, source in cells:
        for box in ASSUMES.findall(source) if kind == "markdown" else ():
            for labels, text in ITEM.findall(box):
                for label in re.findall(LABEL, labels):
                    result[label] = " ".join(text.split()).rstrip(".")
    return result


def statements(notebooks, tests):
    """
    Every statement of the book.

    Parameters
    ----------
    notebooks, tests : list of Path

    Returns
    -------
    list of Statement
        In the order of the book; `assumes` is "" and `checked_by` is empty where nothing is said.

    Raises
    ------
    ValueError
        If two statements have one label, or a check names none.
    """
    chapters = {path: cells_of(path) for path in notebooks}
    checks = {}
    for path, cells in chapters.items():
        for label, section in checks_of_chapter(cells):
            checks.setdefault(label, []).append((path.stem, section))
    for path in tests:
        for label, name in checks_of_tests(path):
            checks.setdefault(label, []).append(("", name))
    found = [s for path, cells in chapters.items() for s in _of_chapter(path.stem, cells, checks)]
    labels = [s.label for s in found]
    twice = {label for label in labels if labels.count(label) > 1}
    unknown = set(checks) - set(labels)
    if twice or unknown:
        raise ValueError(f"used twice: {sorted(twice)}; checks of nothing: {sorted(unknown)}.")
    return found


def _of_chapter(chapter, cells, checks):
    """The statements of one chapter."""
    assumed = assumptions(cells)
    numbers = dict.fromkeys(KINDS, 0)
    for match in BOX.finditer("\n".join(source for kind, source in cells if kind == "markdown")):
        label = match["label"]
        kind = label[:3]
        numbers[kind] += 1
        name = f"{KINDS[kind]} {numbers[kind]}"
        by = list(dict.fromkeys(checks.get(label, [])))
        title = match["title"] or ""
        yield Statement(chapter, label, name, title, assumed.get(label, ""), by)


def lacking(found):
    """One sentence for every statement that lacks something, by chapter and label."""
    result = {}
    for s in found:
        fields = {"title": s.title, "assumptions": s.assumes, "check": s.checked_by}
        missing = [name for name, value in fields.items() if not value]
        if missing:
            where = f"{s.chapter}: {s.label}"
            result[where] = f"{where} has no {' and no '.join(missing)}."
    return result


def heading(chapter):
    """The title of a chapter."""
    text = "\n".join(source for _, source in cells_of(ROOT / "nbs" / f"{chapter}.ipynb"))
    return re.search(r"^# (.+)$", text, re.M)[1].strip()


def checked_by(statement):
    """Where the checks of a statement stand, as Markdown."""
    words = []
    for chapter, place in statement.checked_by:
        elsewhere = f" in [{heading(chapter)}]({chapter}.ipynb)" if chapter else ""
        own = chapter == statement.chapter
        words.append(place if not chapter else f"“{place}”" + ("" if own else elsewhere))
    return "; ".join(words)


def table(found):
    """The statements of one chapter as a Markdown table."""
    rows = ["| statement | assumes | checked by |", "|---|---|---|"]
    for s in found:
        link = f"[{s.name}]({s.chapter}.ipynb#{s.label}) {s.title}"
        assumes = re.sub(r"@(eq-[\w-]+)", rf"[an equation]({s.chapter}.ipynb#\1)", s.assumes)
        row = [link, assumes, checked_by(s)]
        if any("|" in text for text in row) or re.search(rf"@{LABEL}", s.assumes):
            raise ValueError(f"{s.chapter}: {s.label} has a bar or a reference in its row: {row}")
        rows.append(f"| {' | '.join(row)} |")
    return "\n".join(rows)


def page(found):
    """The Markdown cells of the appendix."""
    cells = [
        (
            "# Statements and their checks\n\n> What each statement assumes, and what would break"
            " if it were wrong."
        ),
        (
            f"The book has {len(found)} labelled statements. Each has beside it an executable"
            " check, a cell of the section named or a test, and the suite of tests fails if one"
            " has none. Symbols are those of the statement's chapter. This page is generated by"
            " `scripts/statements.py`."
        ),
    ]
    part = None
    for chapter in dict.fromkeys(s.chapter for s in found):
        if PARTS[chapter[0]] != part:
            part = PARTS[chapter[0]]
            cells.append(f"## {part}")
        own = [s for s in found if s.chapter == chapter]
        link = rf"[this equation]({chapter}.ipynb#eq-\1)"
        rows = re.sub(r"(?<!\w)@eq-([\w-]+)", link, table(own))
        cells.append(f"### [{heading(chapter)}]({chapter}.ipynb)\n\n{rows}")
    return cells


def write(cells, path):
    """Write Markdown cells as a notebook."""
    notebook = {
        "cells": [
            {
                "cell_type": "markdown",
                "id": hashlib.sha1(text.encode()).hexdigest()[:8],
                "metadata": {},
                "source": text.splitlines(keepends=True),
            }
            for text in cells
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    text = json.dumps(notebook, sort_keys=True, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def book():
    """The statements of this book."""
    notebooks = [path for path in sorted((ROOT / "nbs").glob("*.ipynb")) if path != PAGE]
    return statements(notebooks, sorted((ROOT / "tests").glob("test_*.py")))


def write_page():
    """Write the appendix, and return the statements that it lists."""
    found = book()
    write(page(found), PAGE)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    found = book() if check else write_page()
    if not check:
        print(f"{len(found)} statements in {PAGE.relative_to(ROOT)}")
    missing = lacking(found)
    if missing:
        raise SystemExit("\n".join(missing.values()))


if __name__ == "__main__":
    main()
