"""The documentation's own machinery: numbers, boxes, references, citations, the sidebar, and
docstrings as Markdown."""

import base64
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

import check_site
import crossrefs
import docs
import finish
import plain_notebooks

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
    check_site.check_requests(tmp_path)
    page.write_text('<script defer src="https://example.org/x.js"></script>')
    with pytest.raises(SystemExit, match=re.escape("a.html would load https://example.org/x.js")):
        check_site.check_requests(tmp_path)


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


def test_a_citation_before_a_colon_and_one_with_a_locator(bibliography):
    pytest.importorskip("pypandoc")
    text = page(bibliography, "By @knuth1984: so, and [@knuth1984]: so, @knuth1984 [chapter 3].")
    cited = text.split("## References")[0]
    assert "[" not in cited and "1984, chap. 3" in cited


def test_the_list_of_references_has_one_heading(bibliography):
    pytest.importorskip("pypandoc")
    text = page(bibliography, "@knuth1984\n\n## References\n\n[@knuth1984].")
    assert text.count("## References") == 1 and text.count("citation") == 1


def test_a_page_lists_only_what_it_cites(bibliography):
    pytest.importorskip("pypandoc")
    more = bibliography.read_text() + BIB.replace("knuth1984", "other1990")
    bibliography.write_text(more)
    pages = {"a": markdown("@knuth1984"), "b": markdown("@other1990")}
    pages = crossrefs.process_pages(pages, bibliography)
    assert 'id="ref-knuth1984"' in text_of(pages["a"])
    assert 'id="ref-knuth1984"' not in text_of(pages["b"])


# ---- the site's order and links


def titled(name, *sources):
    """A page with a title."""
    front = {"cell_type": "raw", "metadata": {}, "source": f"---\ntitle: {name}\n---\n"}
    return [front, *markdown(*sources)]


def test_references_reach_the_only_other_page_with_the_label(bibliography):
    pages = {"a": titled("First", "$$ x $$ {#eq-x}"), "b": titled("Second", "@eq-x; `eq-x`")}
    text = text_of(crossrefs.process_pages(pages, bibliography)["b"])
    assert text.count("[Equation 1 of “First”](a.ipynb#eq-x)") == 2
    pages["c"] = titled("Third", "$$ x $$ {#eq-x}")
    with pytest.raises(crossrefs.PageError, match="b: @eq-x stands on several other pages: a, c"):
        crossrefs.process_pages(pages, bibliography)


def test_names_of_the_library_become_links_where_they_mean_it():
    names = {"find_it": [("a", "find_it")], "main": [("b", "main")], "run": [("a", "run")]}
    text = "`find_it`, `find_it()`, `run`, `main`, [`find_it`](x)\n\n| `find_it` | `run` |\n"
    linked = crossrefs.link_names(text, "a", names, set())
    assert (
        linked
        == "[`find_it`](#find_it), [`find_it()`](#find_it), [`run`](#run), `main`, [`find_it`](x)"
        "\n\n| `find_it` | [`run`](#run) |\n"
    )
    assert crossrefs.link_names("`find_it`", "c", names, set()) == "[`find_it`](a.ipynb#find_it)"
    assert crossrefs.link_names("`find_it`", "a", names, {"find_it"}) == "`find_it`"


def test_pictures_are_described_by_their_captions():
    assert (
        crossrefs.plain("Loss of [ten](x.html) runs, $K = 2$ [@a2020]; *see* `x`")
        == "Loss of ten runs, K = 2 ; see x"
    )


def test_pictures_are_no_wider_than_keeps_their_text_readable():
    """A page shows 7.96 inches; matplotlib's 10 pt are 9 pt in a picture of 8.84."""
    wide = {}
    for path in (ROOT / "nbs").glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                coded = "".join(output.get("data", {}).get("image/png", ""))[:1000]
                head = base64.b64decode(coded[: len(coded) // 4 * 4])
                if head:
                    place = head.find(b"pHYs") + 4
                    pixels = int.from_bytes(head[16:20], "big")
                    inches = pixels / int.from_bytes(head[place : place + 4], "big") / 0.0254
                    if inches > 8.84:
                        wide[path.stem] = round(inches, 2)
    assert set(wide) <= {"60a_lpc_report"}, wide  # a report's own page, wider than the book's


def test_printed_numbers_are_shown_without_their_types():
    assert crossrefs.readable("(np.float64(0.917), np.int64(2), np.str_('a'))") == "(0.917, 2, 'a')"


def test_plain_copies_of_notebooks(bibliography):
    source = (
        '::: {#thm-a name="Of B"}\nLet\n$$ x $$ {#eq-x}\nbe.\n:::\n\n::: {.proof}\nBy @eq-x.\n:::'
    )
    labels = crossrefs.Labels()
    text = plain_notebooks.resolved(crossrefs.number_markdown(source, labels), labels, {}, {})
    text = re.sub(r"\n\n+", "\n\n", plain_notebooks.degrade(text))
    assert text.startswith("> **Theorem 1 (Of B).** Let\n>")
    assert "> $$ x \\tag{1} $$" in text and "*Proof.* By Equation 1." in text and ":::" not in text


# ---- the built pages


def built(tmp_path, body, name="a.html"):
    """A site of one page."""
    text = f'<html><head></head><body><main class="content">{body}</main></body></html>'
    (tmp_path / name).write_text(text)
    return check_site.static_problems(tmp_path)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<p>by equation <code>eq-ebic</code></p>", "a raw label: 'eq-ebic'"),
        ("<p>so $R^2$ is</p>", "raw LaTeX"),
        ("<p>is $1 - $ a share</p>", "raw LaTeX"),
        ("<pre>f(x=&lt;A object at 0x7f749ca3b410&gt;)</pre>", "the address of an object"),
        (r"<p>so \(x\) is</p>", "raw LaTeX"),
        ("<p>see [<code>x</code>](y.ipynb)</p>", "a link that is none"),
        ("<p>by [Chen and Chen (2008)]: so</p>", "an unresolved citation"),
        ('<p><a href="#b">b</a></p>', "a link leads to a.html#b"),
        ('<p><a href="b.html">b</a></p>', "a link leads to b.html"),
        ('<img src="x.png" alt="Figure 1">', "has no description"),
        ('<h2 id="x">A</h2><h2 id="x">B</h2>', "the id x is used twice"),
        ("<h2>References</h2><h2>References</h2>", "two sections are called References"),
        (
            (
                '<div class="api-parameters"><table><tr><td><a href="#a"'
                ' id="a">a</a></td></tr></table>'
            ),
            "a parameter is linked to #a",
        ),
        (
            '<div class="cell-output-stdout"><pre>(np.float64(1.0), 2)</pre></div>',
            "a numpy scalar's repr",
        ),
    ],
)
def test_faults_of_built_pages_are_found(tmp_path, body, fault):
    assert any(fault in problem for problem in built(tmp_path, body))


def test_a_page_without_faults_has_none(tmp_path):
    body = '<h2 id="x">A</h2><p><a href="#x">x</a>, 5 $ or 6 $, [1]</p><pre>eq-x \\(x\\)</pre>'
    assert built(tmp_path, body) == []


def test_formulas_take_fewer_bytes_and_keep_their_styles():
    classes = {}
    markup = '<span class="strut" style="height:0.68333em;"></span><span style="top:-3em;"></span>'
    short = finish.compact(markup, classes)
    assert short == '<span class="strut y0"></span><span class=y1></span>'
    assert classes == {"height:0.683em": "y0", "top:-3em": "y1"}


def test_punctuation_and_options_do_not_stand_alone_on_a_line():
    box = '<span class="katex"><span class="katex-html"><span class="base">x</span></span></span>'
    assert finish.with_mark(box, ".").endswith("x.</span></span></span>")
    assert finish.with_mark(box, "") == box
    word = '<code>lpc-ns lpc T.csv <span class="word">--group</span> G</code>'
    assert finish.keep_words("<code>lpc-ns lpc T.csv --group G</code>") == word
    assert finish.keep_words("<code>w</code> - <code>x-y</code>").count("word") == 0


def test_defaults_in_a_signature_are_names_and_no_addresses():
    class Budget:
        pass

    def search(data, budget=Budget(), show=print, key=len):  # noqa: B008
        pass

    text = signature_text("search", search)
    assert text == "search(data, budget=Budget(), show=print, key=len)"


def test_sidebar_groups_notebooks_in_reading_order(tmp_path):
    for name in (
        "index",
        "00_notation",
        "01_errors",
        "20_problem",
        "60_cli",
        "50_which",
        "70_start",
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
        "Use it",
        "Foundations",
        "Part II",
        "Advice and analyses",
        "Reports and commands",
        "Reference",
    ]
    assert [entry["href"] for entry in contents[2]["contents"]] == [
        "00_notation.ipynb",
        "01_errors.ipynb",
    ]
    assert contents[4]["contents"][0] == {"text": "Title of 50_which", "href": "50_which.ipynb"}


def test_links_between_notebooks_lead_to_pages():
    text = docs.rename_links(
        "[a](01_errors.ipynb#x) [b](https://site/lib/errors.html#y)",
        {"01_errors": "errors"},
        "https://site/lib/",
    )
    assert text == "[a](errors.ipynb#x) [b](errors.html#y)"


def test_badges_which_are_pictures_of_other_hosts_are_left_out():
    badge = "[![tests](https://host/badge.svg)](https://host/tests) **Python**"
    assert docs.rename_links(badge, {}, "https://site/lib/") == "**Python**"


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
