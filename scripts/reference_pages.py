"""Pages that are made from the library and the book: index of names, options of the commands,
gallery of figures, changelog."""

import argparse
import html
import json
import re

from crossrefs import LABEL, RAW_LABEL, joined
from site_paths import ROOT

REFERENCE = [
    ("Classes and functions", "api.md"),
    ("Commands and options", "commands.md"),
    ("Gallery of figures", "gallery.md"),
    ("Changelog", "changelog.md"),
]
ROOMS = {
    "lpc_ns.lpc": "Linear predictive clustering (`lpc_ns.lpc`)",
    "lpc_ns.ibc": "Interaction-based clustering (`lpc_ns.ibc`)",
    "lpc_ns.tree": "Cluster trees (`lpc_ns.tree`)",
    "lpc_ns.datasets": "Data sets (`lpc_ns.datasets`)",
    "lpc_ns.reports": "Reports (`lpc_ns.reports`)",
    "lpc_ns.experiments": "Experiments (`lpc_ns.experiments`)",
    "lpc_ns.base": "Foundations (`lpc_ns.base`)",
    "lpc_ns": "Advice, plots and the program (`lpc_ns`)",
}


def cell(text):
    """Text for a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<")


# ---- classes and functions


def room_of(module):
    """The room of the library that a module belongs to."""
    return max((room for room in ROOMS if f"{module}.".startswith(f"{room}.")), key=len)


def without_labels(text):
    """A summary without the equations that it names, for a table far away from them."""
    label = rf"(?:{RAW_LABEL}|@{LABEL.pattern})"
    text = re.sub(rf"\s*\([^()]*{label}[^()]*\)", "", text)
    text = re.sub(rf",?\s*(?:by|of|in|as in|see)?\s*{label}", "", text)
    return text


def name_row(name, what, page):
    """A row of the index."""
    call = "" if what.is_class else "()"
    words = cell(without_labels(what.summary))
    return f"| [`{name}{call}`]({page}.ipynb#{name.lower()}) | {words} |"


def index_of_names(shown, pages):
    """The index: first what `lpc_ns` itself offers, then every module."""
    import lpc_ns

    found = [
        (name, what, pages[stem])
        for stem, names in shown.items()
        for name, what in names.items()
        if not what.module.startswith("lpc_ns._") and not name.startswith("_")
    ]
    face = {name: (what, page) for name, what, page in found if name in lpc_ns.__all__}
    head = "| name | what it is |\n|:--|:--|"
    lines = ["What `lpc_ns` offers by itself, `from lpc_ns import ...`:", "", head]
    lines += [name_row(name, *face[name]) for name in lpc_ns.__all__ if name in face]
    for room, title in ROOMS.items():
        modules = sorted({what.module for _, what, _ in found if room_of(what.module) == room})
        lines += ["", f"## {title}"] if modules else []
        for module in modules:
            rows = [entry for entry in found if entry[1].module == module]
            rows.sort(key=lambda entry: (not entry[1].is_class, entry[0].lower()))
            lines += ["", f"### {module}", "", head]
            lines += [name_row(*row) for row in rows]
    return "\n".join(lines)


# ---- commands and options


def option_row(action):
    """A row of a command's table."""
    name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
    shown = "" if action.nargs == 0 or not action.option_strings else action.metavar
    if shown is None:
        shown = action.dest.upper()
    words = re.sub(r"%\((\w+)\)s", lambda match: str(getattr(action, match[1])), action.help or "")
    need = " **required**" if action.required and action.option_strings else ""
    call = f"{name} {shown if isinstance(shown, str) else ' '.join(shown)}".strip()
    return f"| `{call}` | {cell(words)}{need} |"


def command_section(name, parser, words):
    """What one command takes: its usage and a table for each group of options."""
    usage = " ".join(parser.format_usage().removeprefix("usage:").split())
    lines = ["", f"## lpc-ns {name}", "", cell(words[:1].upper() + words[1:] + "."), ""]
    lines += ["```sh", *folded(usage), "```"]
    for group in parser._action_groups:
        actions = [a for a in group._group_actions if not isinstance(a, argparse._HelpAction)]
        if actions:
            title = {"positional arguments": "Argument", "options": "Options"}.get(
                group.title, group.title.capitalize()
            )
            lines += ["", f"**{title}**", "", "::: {.api-table .api-options}"]
            lines += ["| option | meaning |", "|:--|:--|", *map(option_row, actions), ":::"]
    return lines


def folded(usage, width=88):
    """A usage line on several lines, broken between options."""
    lines = [""]
    for part in re.findall(r"\[[^\]]*\]|\S+", usage):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("   ")
        lines[-1] = f"{lines[-1]} {part}" if lines[-1] else part
    return lines


def commands_page():
    """The page of commands, from the program's own parser."""
    from lpc_ns.cli import build_parser

    parser = build_parser()
    commands = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    words = {action.dest: action.help or "" for action in commands._choices_actions}
    lines = [
        (
            "Made from the program's own parser; `lpc-ns COMMAND --help` prints the same. How the"
            " commands are used, with their results: [the command line](cli.ipynb)."
        ),
        "",
        "| command | what it does |",
        "|:--|:--|",
    ]
    lines += [f"| [`lpc-ns {n}`](#lpc-ns-{n}) | {cell(words[n])} |" for n in words]
    for name in words:
        lines += command_section(name, commands.choices[name], words[name])
    lines += ["", f"{parser.epilog[:1].upper()}{parser.epilog[1:]}."]
    return "\n".join(lines)


# ---- gallery and changelog

FIGURE = re.compile(
    r"::: \{#(fig-[\w-]+) \.float \.fig\}\n\n```\{=html\}\n<img src=\"([^\"]+)\"[^>]*"
    r" alt=\"([^\"]*)\""
)


def gallery_page(site, pages, order):
    """All labelled figures, small, each a link to where it stands."""
    lines = []
    for stem in order:
        notebook = json.loads((site / f"{pages[stem]}.ipynb").read_text(encoding="utf-8"))
        front = joined(notebook["cells"][0]["source"])
        title = re.search(r"^title: '?(.*?)'?$", front, re.M)[1]
        text = "\n".join(
            joined(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"
        )
        for label, source, alt in FIGURE.findall(text):
            words = html.unescape(alt)
            words = words if len(words) < 120 else words[:110].rsplit(" ", 1)[0] + " ..."
            lines.append(
                f'<a href="{pages[stem]}.html#{label}"><img src="{source}" loading="lazy"'
                f' alt="{alt}"><b>{html.escape(title)}.</b> {html.escape(words)}</a>'
            )
    body = "\n".join(lines)
    return f'```{{=html}}\n<div class="gallery">\n{body}\n</div>\n```'


def changelog_page():
    """CHANGELOG.md without its title."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.sub(r"\A# .*\n", "", text)


def write_reference_pages(site, shown, notebooks):
    """
    Write the generated pages into the folder of pages to render.

    Parameters
    ----------
    site : Path
        The folder.
    shown : dict of str, dict of str, Shown
        What each notebook documents, by its stem.
    notebooks : dict of str, str
        The stem of each page's notebook.
    """
    pages = {stem: page for page, stem in notebooks.items()}
    bodies = {
        "api.md": index_of_names(shown, pages),
        "commands.md": commands_page(),
        "gallery.md": gallery_page(site, pages, sorted(shown)),
        "changelog.md": changelog_page(),
    }
    for title, name in REFERENCE:
        (site / name).write_text(f"---\ntitle: {title}\n---\n\n{bodies[name]}\n", encoding="utf-8")
