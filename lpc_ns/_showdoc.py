"""Numpydoc docstrings as Markdown, for nbdev's `show_doc`; written by hand and used only to build
the documentation."""

import ast
import inspect
import itertools
import re
import textwrap

from nbdev.process import Processor
from nbdev.showdoc import BasicMarkdownRenderer
from numpydoc.docscrape import NumpyDocString

TABLES = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns")
PROSE = ("Notes", "References")
WIDTH = 88
SHORT = 14  # lines of a source box that may start open


def _cell(lines):
    """Text for a table cell: one line, in which no character ends the cell or opens a tag."""
    text = " ".join(line.strip() for line in lines).replace("|", "\\|").strip()
    return re.sub(
        r"`[^`]*`|<(?=[A-Za-z/!])", lambda match: "\\<" if match[0] == "<" else match[0], text
    )


def _kind(kind):
    """A type for a table cell; literal values in it, such as `{"a", "b"}`, stand as code."""
    return re.sub(r"\{[^}]*\}|\"[^\" ]*\"|'[^' ]*'", r"`\g<0>`", _cell([kind]))


def _table(section, entries):
    """A section of a docstring as a Markdown table; columns that hold nothing are left out."""
    description = "When" if section in ("Raises", "Warns") else "Description"
    named = any(name for name, _, _ in entries)
    head = ["Name", "Type", description] if named else ["Type", description]
    if section in ("Raises", "Warns"):
        entries = [(name, f"`{kind}`", text) for name, kind, text in entries]
    rows = [
        [f"`{name}`", _kind(kind), _cell(text)] if named else [_kind(kind), _cell(text)]
        for name, kind, text in entries
    ]
    lines = [f"| {' | '.join(row)} |" for row in [head, [":--"] * len(head), *rows]]
    return "\n".join(
        [f"::: {{.api-table .api-{section.lower()}}}", f"**{section}**", "", *lines, ":::"]
    )


def _examples(lines):
    """The Examples section: a doctest as code."""
    return "**Examples**\n\n```python\n" + "\n".join(lines).strip() + "\n```"


def _footnotes(text):
    """Numpydoc's numbered references, `.. [1] text`, as a Markdown list."""
    return re.sub(r"^\.\. \[(\w+)\]", r"- [\1]", text, flags=re.M)


def docstring_markdown(docstring):
    """
    Render a numpydoc docstring as Markdown.

    Parameters
    ----------
    docstring : str
        The docstring, indented or not.

    Returns
    -------
    str
        Summary, one table for each of Parameters, Attributes, Returns, Yields, Raises and Warns,
        and the prose of the other sections. A docstring without sections comes back as its own
        text.
    """
    doc = NumpyDocString(inspect.cleandoc(docstring))
    parts = [" ".join(doc["Summary"]), "\n".join(doc["Extended Summary"])]
    parts += [_table(section, doc[section]) for section in TABLES if doc[section]]
    parts += [
        f"**{section}**\n\n" + _footnotes("\n".join(doc[section]))
        for section in PROSE
        if doc[section]
    ]
    if doc["Examples"]:
        parts.append(_examples(doc["Examples"]))
    return re.sub(r":math:`([^`]+)`", r"$\1$", "\n\n".join(part for part in parts if part.strip()))


def _readable(signature):
    """A signature in which defaults that are objects stand as what makes them, not as addresses."""
    text = re.sub(r"<(?:[\w.<>]+\.)?(\w+) object at 0x\w+>", r"\1()", str(signature))
    return re.sub(r"<(?:built-in )?function (\w+)(?: at 0x\w+)?>", r"\1", text)


def signature_text(name, sym):
    """A call signature without `self`, on several lines if it is long; an exception shows its bases
    instead."""
    if inspect.isclass(sym) and issubclass(sym, BaseException):
        return f"class {name}({', '.join(base.__name__ for base in sym.__bases__)})"
    try:
        signature = inspect.signature(sym)
    except (TypeError, ValueError):
        return name
    parameters = [
        p.replace(annotation=p.empty)
        for p in signature.parameters.values()
        if p.name not in ("self", "cls")
    ]
    signature = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    indent = " " * (len(name) + 1)
    return textwrap.fill(
        f"{name}{_readable(signature)}",
        WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def public_methods(cls):
    """
    List the documented methods of a class that a user calls.

    Parameters
    ----------
    cls : type
        The class.

    Returns
    -------
    list of (str, object)
        Name and function or property, in the order of definition; methods inherited from other
        packages are left out.
    """
    found = {}
    for base in reversed(cls.__mro__):
        if base.__module__.split(".")[0] not in ("__main__", __name__.split(".")[0]):
            continue
        for name, member in vars(base).items():
            function = getattr(member, "__func__", member)
            if (
                not name.startswith("_")
                and (inspect.isfunction(function) or isinstance(member, property))
                and inspect.getdoc(function)
            ):
                found[name] = function
    return list(found.items())


class NumpydocRenderer(BasicMarkdownRenderer):
    """Heading, link to the source, signature and docstring; for a class, its public methods in the
    same form."""

    def _heading(self):
        """The link to the source and the heading, as nbdev writes them below a rule."""
        return super()._repr_markdown_().split("```python")[0].removeprefix("---").strip()

    def _methods(self):
        """The documented methods of a class, one block each."""
        if not inspect.isclass(self.sym) or issubclass(self.sym, BaseException):
            return []
        blocks = []
        for name, function in public_methods(self.sym):
            title = f"{'#' * (self.title_level + 1)} {self.nm}.{name}"
            call = (
                []
                if isinstance(function, property)
                else [f"```python\n{signature_text(name, function)}\n```"]
            )
            blocks.append("\n\n".join([title, *call, docstring_markdown(inspect.getdoc(function))]))
        return blocks

    def _repr_markdown_(self):
        signature = f"```python\n{signature_text(self.nm, self.sym)}\n```"
        blocks = [
            self._heading(),
            signature,
            docstring_markdown(self.sym.__doc__ or ""),
            *self._methods(),
        ]
        return "\n\n".join(block for block in blocks if block)


def shorten_docstrings(source):
    """
    Cut the docstrings in Python source to their first paragraph.

    Parameters
    ----------
    source : str
        Python code whose documentation is shown beside it.

    Returns
    -------
    str
        The same code; its docstrings of several paragraphs are one line long.
    """
    lines = source.splitlines()
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, definitions) and ast.get_docstring(node)
    ]
    for node in sorted(nodes, key=lambda node: node.lineno, reverse=True):
        text = ast.get_docstring(node)
        place = node.body[0]
        if "\n\n" in text:
            summary = " ".join(text.split("\n\n")[0].split())
            indent = " " * place.col_offset
            lines[place.lineno - 1 : place.end_lineno] = textwrap.wrap(
                f'{indent}"""{summary}"""', 95, subsequent_indent=indent
            )
    return "\n".join(lines)


def mirrors_equation(cell, before):
    """Whether a source box is short and follows a displayed equation, so that it starts open."""
    lines = [line for line in cell.source.splitlines() if line.strip() and line[:2] != "#|"]
    return "$$" in before and len(lines) <= SHORT


class TidyDocs(Processor):
    """
    Sort each exported cell's documentation: names in the order of definition, then the source.

    nbdev adds one `show_doc` cell per name in reverse order, with the source of an `#| exports`
    cell in their midst. The docstrings of that source are cut to their summaries, because the
    documentation stands just above it.
    """

    def __init__(self, nb):
        """Note where each name is defined, before nbdev removes the exported cells."""
        super().__init__(nb)
        self.places = {}
        for number, cell in enumerate(nb.cells):
            self.places[id(cell)] = (number, 1, 0)
            names = (
                re.findall(r"^(?:def|class) (\w+)", cell.source, re.M)
                if cell.cell_type == "code"
                else []
            )
            self.places.update({name: (number, 0, order) for order, name in enumerate(names)})

    def _place(self, cell):
        """Sorting key of a documentation or source cell; None for any other cell."""
        if getattr(cell, "has_sd", False):
            return self.places[re.search(r"show_doc\((\w+)", cell.source)[1]]
        return self.places[id(cell)] if "exports" in getattr(cell, "directives_", {}) else None

    def begin(self):
        """Sort; nbdev calls this once per notebook, after its own steps."""
        result = []
        for documented, group in itertools.groupby(
            self.nb.cells, key=lambda cell: self._place(cell) is not None
        ):
            cells = list(group)
            result += sorted(cells, key=self._place) if documented else cells
        before = ""
        for cell in result:
            if "exports" in getattr(cell, "directives_", {}):
                cell.source = shorten_docstrings(cell.source).replace("Exported source", "Source")
                if not mirrors_equation(cell, before):
                    cell.source = cell.source.replace("code-fold: show", "code-fold: true")
            if cell.cell_type == "markdown" and cell.source:
                before = cell.source
        self.nb.cells = result
