"""Every statement of the book has a title, assumptions and a check, and the appendix shows them."""

import json
import re

import pytest
import statements
from statements import ROOT, book, lacking, page


def notebook(path, *cells):
    """A notebook of cells `(kind, source)`."""
    cells = [{"cell_type": kind, "source": source} for kind, source in cells]
    path.write_text(json.dumps({"cells": cells}))
    return path


CHAPTER = (
    ("markdown", "# Sums\n\n## Setting"),
    (
        "markdown",
        (
            "::: {.callout-note}\n## What this chapter assumes\nNothing odd.\n\n"
            "- @thm-a, @cor-b: $x > 0$,\n  and more.\n:::"
        ),
    ),
    ("markdown", "::: {#thm-a}\n## All\nText.\n:::\n\n::: {#cor-b}\n## Some\nText.\n:::"),
    ("markdown", "## Checked here\n\n::: {.proof}\n## No section\n:::"),
    ("code", "# checks: thm-a\nassert 1 + 1 == 2"),
)
TEST = "def test_b():\n    # checks: cor-b\n    assert True\n"


def test_statements_are_read_with_assumptions_and_checks(tmp_path):
    path = tmp_path / "test_sums.py"
    path.write_text(TEST)
    a, b = statements.statements([notebook(tmp_path / "10_sums.ipynb", *CHAPTER)], [path])
    assert (a.label, a.name, a.title) == ("thm-a", "Theorem 1", "All")
    assert a.assumes == b.assumes == "$x > 0$, and more"
    assert a.checked_by == [("10_sums", "Checked here")]
    assert b.checked_by == [("", "`test_sums.py::test_b`")]
    assert lacking([a, b]) == {}


@pytest.mark.parametrize(
    ("cells", "test", "message"),
    [
        (CHAPTER[:-1], TEST, "thm-a has no check"),
        (CHAPTER, TEST.replace("assert True", "pass"), "cor-b has no check"),
        (CHAPTER, "@pytest.mark.xfail\n" + TEST, "cor-b has no check"),
        ((CHAPTER[0], *CHAPTER[2:]), TEST, "thm-a has no assumptions"),
        ((*CHAPTER[:-1], ("code", "# checks: thm-a\n1 + 1")), TEST, "thm-a has no check"),
    ],
)
def test_what_a_statement_lacks_is_said(tmp_path, cells, test, message):
    path = tmp_path / "test_sums.py"
    path.write_text(test)
    found = statements.statements([notebook(tmp_path / "10_sums.ipynb", *cells)], [path])
    assert message in " ".join(lacking(found).values())


def test_a_label_is_used_once_and_a_check_names_a_statement(tmp_path):
    chapters = [notebook(tmp_path / f"1{n}_sums.ipynb", *CHAPTER) for n in range(2)]
    with pytest.raises(ValueError, match=r"used twice: \['cor-b', 'thm-a'\]"):
        statements.statements(chapters, [])
    odd = notebook(tmp_path / "12_odd.ipynb", ("code", "# checks: thm-none\nassert True"))
    with pytest.raises(ValueError, match="checks of nothing: \\['thm-none'\\]"):
        statements.statements([odd], [])


def test_every_statement_of_the_book_has_a_title_assumptions_and_a_check():
    assert lacking(book()) == {}


def test_the_appendix_lists_every_statement():
    found = book()
    text = "\n".join(page(found))
    assert all(f"{s.chapter}.ipynb#{s.label}" in text for s in found)
    assert (ROOT / ".gitignore").read_text().count("nbs/92_statements.ipynb") == 1


def test_no_statement_is_written_without_a_label():
    plain = re.compile(r"^\*\*(?:Theorem|Lemma|Proposition|Corollary)\b|^\*Proof\.\*", re.M)
    for path in sorted((ROOT / "nbs").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in (cell for cell in cells if cell["cell_type"] == "markdown"):
            found = plain.search("".join(cell["source"]))
            assert not found, f"{path.name}: {found[0]!r} has no label, so nothing checks it"
