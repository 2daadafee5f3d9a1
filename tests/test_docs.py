"""The documentation's own machinery: numbers, boxes, references, citations, the sidebar, and
docstrings as Markdown."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

import crossrefs
import docs

from lpc_ns._showdoc import docstring_markdown, public_methods, shorten_docstrings, signature_text

BIB = (
    "@book{knuth1984,\n title={The {\\TeX}book},\n author={Knuth, Donald E.},\n"
    " publisher={Addison-Wesley},\n year={1984}\n}\n"
)


@pytest.fixture
def bibliography(tmp_path):
    path = tmp_path / "references.bib"
    path.write_text(BIB)
    return path


def markdown(*sources):
    """A page of Markdown cells."""
    return [crossrefs.markdown_cell(source) for source in sources]


def text_of(cells):
    """The Markdown of a processed page."""
    return "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")


def page(bibliography, *sources):
    """The Markdown of a page after numbering and resolving; repeated blank lines mean nothing."""
    return re.sub(
        r"\n\s*\n\n", "\n\n", text_of(crossrefs.process_page(markdown(*sources), bibliography))
    )


# ---- numbers and references


def test_equations_are_numbered_across_cells_and_references_become_links(bibliography):
    text = page(
        bibliography,
        "See @eq-b.\n\n$$ a = 1 $$ {#eq-a}",
        "so\n$$\nb\n- 2\n$$ {#eq-b}\nand [-@eq-a] holds; [@eq-a; @eq-b].",
    )
    assert "See [Equation 2](#eq-b)." in text
    assert "::: {#eq-a .equation}\n$$\na = 1\n$$\n\n[(1)]{.equation-number}\n:::" in text
    assert (
        "so\n\n::: {#eq-b .equation}\n$$\nb - 2\n$$" in text
    )  # on one line: Markdown would read `- 2` as a list
    assert "\nand [1](#eq-a) holds; [Equation 1](#eq-a), [Equation 2](#eq-b)." in text


def test_an_equation_in_a_list_stays_in_its_item(bibliography):
    text = page(bibliography, "1. first:\n   $$ x $$ {#eq-x}\n2. second")
    assert "   ::: {#eq-x .equation}\n   $$\n   x\n   $$" in text
    assert text.rstrip().endswith("\n2. second")


def test_code_and_addresses_are_left_alone(bibliography):
    source = "`@eq-none` and ``$$ a $$ {#eq-a}``, me@example.org\n\n```python\n@knuth1984\n```\n"
    assert page(bibliography, source) == source


def test_theorems_and_proofs(bibliography):
    theorem = "::: {#thm-one}\n## Of *Fermat*\n\nLet $x$ be.\n:::\n\n::: {.proof}\n$$ x $$\n:::\n"
    text = page(bibliography, theorem, "::: {#lem-two}\n- a list\n:::\n\n@thm-one, @lem-two.")
    assert (
        "::: {#thm-one .theorem .thm}\n[Theorem 1 (Of *Fermat*).]{.theorem-title} Let $x$ be."
        in text
    )
    assert "::: {.proof}\n[Proof.]{.proof-title}\n\n$$\nx\n$$" in text
    assert "[Lemma 1.]{.theorem-title}\n\n- a list" in text
    assert "[Theorem 1](#thm-one), [Lemma 1](#lem-two)." in text


def test_sections_tables_and_pictures(bibliography):
    table = "| a |\n|---|\n| 1 |\n\n: All of it {#tbl-all}"
    picture = "![Of @tbl-all [@sec-data].](images/a.png){#fig-a width=300}"
    text = page(
        bibliography, f"## The data {{#sec-data}}\n\n{table}\n\n{picture}\n\n@sec-data, @tbl-all"
    )
    assert "![[Figure 1.]{.float-title} Of [Table 1](#tbl-all)" in text
    assert ": [Table 1.]{.float-title} All of it {#tbl-all}" in text
    assert "[Section “The data”](#sec-data), [Table 1](#tbl-all)" in text


def test_a_labelled_figure_gets_its_number_and_caption(bibliography):
    png = {
        "output_type": "display_data",
        "data": {"image/png": "iVBORw0KGgo="},
        "metadata": {"image/png": {"width": 320}},
    }
    source = '#| label: fig-x\n#| fig-cap: "By @eq-x."\n#| echo: false\nplot()'
    cell = {"cell_type": "code", "metadata": {}, "outputs": [png], "source": source}
    code, *rest = crossrefs.process_page(
        [cell, *markdown("$$ x $$ {#eq-x}\n\nIn @fig-x.")], bibliography
    )
    assert code["source"] == "#| echo: false\nplot()" and code["outputs"] == []
    assert (
        rest[0]["source"].startswith("::: {#fig-x .float .fig}")
        and 'width="320"' in rest[0]["source"]
    )
    assert "[Figure 1.]{.float-title} By [Equation 1](#eq-x)." in rest[0]["source"]
    assert "[Figure 1](#fig-x)" in rest[1]["source"]


def test_the_claim_stands_under_the_title_with_its_references(bibliography):
    front = {
        "cell_type": "raw",
        "metadata": {},
        "source": "---\ndescription: 'Claim: @eq-x.'\noutput-file: p.html\ntitle: 'A: b'\n---\n",
    }
    cells = crossrefs.process_page([front, *markdown("$$ x $$ {#eq-x}")], bibliography)
    assert cells[0]["source"] == "---\ntitle: 'A: b'\n---\n"
    assert cells[1]["source"] == "::: {.claim}\nClaim: [Equation 1](#eq-x).\n:::"


# ---- failures


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("By @eq-missing.", "@eq-missing refers to nothing on this page"),
        ("$$ a $$ {#eq-a}\n\n$$ b $$ {#eq-a}", "eq-a is used twice"),
        ("As @nobody2020 says.", "@nobody2020 is not in references.bib"),
        ("[@knuth1984; @nobody2020]", "@nobody2020 is not in references.bib"),
        ("$$ a $$ {#eq-a}\n\n[@eq-a; @knuth1984]", "mixes labels and citations"),
    ],
)
def test_what_cannot_be_resolved_fails(bibliography, source, message):
    with pytest.raises(crossrefs.PageError, match=message):
        page(bibliography, source)


def test_a_labelled_cell_without_a_picture_fails(bibliography):
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": "#| label: fig-x\nplot()"}
    with pytest.raises(crossrefs.PageError, match="fig-x shows no figure"):
        crossrefs.process_page([cell], bibliography)


def test_options_that_are_not_yaml_fail(bibliography):
    cell = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "source": "#| label: fig-x\n#| fig-cap: a: b\nplot()",
    }
    with pytest.raises(crossrefs.PageError, match="put captions in quotation marks"):
        crossrefs.process_page([cell], bibliography)


def test_a_request_to_another_host_fails(tmp_path):
    page = tmp_path / "a.html"
    page.write_text('<a href="https://example.org">fine</a><script src="site_libs/x.js"></script>')
    docs.check_requests(tmp_path)
    page.write_text('<script defer src="https://example.org/x.js"></script>')
    with pytest.raises(SystemExit, match=re.escape("a.html would load https://example.org/x.js")):
        docs.check_requests(tmp_path)


# ---- citations


def test_citations_and_the_list_of_references(bibliography):
    pytest.importorskip("pypandoc")
    text = page(bibliography, "As @knuth1984 and others [see @knuth1984, p. 7] say.")
    assert re.search(r"As <span .*?>Knuth \(<a href=\"#ref-knuth1984\"", text)
    assert re.search(r"others <span .*?>\(see <a .*?>Knuth 1984, 7</a>\)", text)
    assert (
        "## References\n\n```{=html}" in text
        and 'id="ref-knuth1984"' in text
        and "Addison-Wesley" in text
    )


def test_references_go_where_the_page_wants_them(bibliography):
    pytest.importorskip("pypandoc")
    text = page(bibliography, "@knuth1984\n\n## Literature\n\n::: {#refs}\n:::\n\nEnd.")
    assert "## References" not in text and text.rstrip().endswith("End.") and "csl-entry" in text


# ---- the site's order and links


def test_sidebar_groups_notebooks_in_reading_order(tmp_path):
    for name in (
        "index",
        "00_notation",
        "01_errors",
        "20_problem",
        "60_cli",
        "50_which",
        "21_search",
        "90_contributing",
    ):
        cells = [
            {"cell_type": "markdown", "metadata": {}, "source": [f"# Title of {name}\n", "> claim"]}
        ]
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": cells}))
    contents = docs.sidebar(tmp_path.glob("*.ipynb"))["website"]["sidebar"]["contents"]
    assert [part["section"].split(":")[0] for part in contents] == [
        "Start",
        "Foundations",
        "Part II",
        "Tools",
        "Contributing",
    ]
    assert [entry["href"] for entry in contents[0]["contents"]] == [
        "index.ipynb",
        "00_notation.ipynb",
    ]
    assert contents[3]["contents"][0] == {"text": "Title of 50_which", "href": "50_which.ipynb"}


def test_links_between_notebooks_lead_to_pages():
    text = docs.rename_links(
        "[a](01_errors.ipynb#x) [b](https://site/lib/errors.html#y)",
        {"01_errors": "errors"},
        "https://site/lib/",
    )
    assert text == "[a](errors.ipynb#x) [b](errors.html#y)"


# ---- docstrings


class Thing:
    """
    Do a thing.

    Parameters
    ----------
    mode : {"a", "b"}
        Which | how.
    """

    def __init__(self, mode="a"):
        self.mode = mode

    def fit(self, X):
        """Fit it.

        Raises
        ------
        ValueError
            If `X < 0` or <X>.
        """

    def undocumented(self):
        pass

    def _private(self):
        """Not shown."""


def test_docstrings_become_tables():
    text = docstring_markdown(Thing.__doc__)
    assert text.startswith(
        "Do a thing.\n\n::: {.api-table .api-parameters}\n**Parameters**\n\n| Name | Type |"
        " Description |"
    )
    assert '| `mode` | `{"a", "b"}` | Which \\| how. |' in text
    assert "| `ValueError` | If `X < 0` or \\<X>. |" in docstring_markdown(Thing.fit.__doc__)


def test_public_methods_are_the_documented_ones(monkeypatch):
    monkeypatch.setattr(Thing, "__module__", "lpc_ns.something")
    assert [name for name, _ in public_methods(Thing)] == ["fit"]
    assert signature_text("fit", Thing.fit) == "fit(X)"


def test_docstrings_in_shown_source_shrink_to_their_summaries():
    source = (
        '#| code-fold: show\ndef f(x):\n    """\n    Do it\n    well.\n\n    Notes\n    -----\n   '
        ' Long.\n    """\n    return x'
    )
    assert (
        shorten_docstrings(source)
        == '#| code-fold: show\ndef f(x):\n    """Do it well."""\n    return x'
    )
