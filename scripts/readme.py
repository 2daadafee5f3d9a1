"""Write README.md from nbs/index.ipynb; with --check, fail if it is stale.

    python scripts/readme.py [--check]

Prose and code are taken over as they stand, with links to notebooks leading to their pages of the
published site, and text outputs as indented blocks; drawn pictures and cells marked `#| hide` are
left out.
"""

import argparse
import json
import re

from site_paths import HOME, ROOT, page_name


def _code(cell):
    """A code cell and its text output as Markdown."""
    source = "".join(cell["source"])
    lines = [line for line in source.splitlines() if not line.startswith("#|")]
    parts = (
        ["```python\n" + "\n".join(lines).strip() + "\n```"] if "echo: false" not in source else []
    )
    for output in cell["outputs"]:
        text = output.get("text") or output.get("data", {}).get("text/plain", [])
        if "image/png" not in output.get("data", {}) and "".join(text).strip():
            parts.append("\n".join(f"    {line}" for line in "".join(text).rstrip().splitlines()))
    return "\n\n".join(parts)


def with_links(source):
    """Prose whose links to notebooks lead to pages of the site, and whose pictures are in nbs/."""
    source = re.sub(
        r"\]\((\w+)\.ipynb", lambda match: f"]({HOME}{page_name(match[1])}.html", source
    )
    return re.sub(r"(!\[[^\]]*\]\()(\w+\.png\))", r"\1nbs/\2", source)


def render(notebook):
    """The README's text."""
    parts = ["<!-- Written from nbs/index.ipynb by scripts/readme.py: edit the notebook. -->"]
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if re.search(r"^#\|\s*(hide|default_exp)\b", source, re.M):
            continue
        parts.append(
            _code(cell)
            if cell["cell_type"] == "code"
            else with_links(source)
        )
    return "\n\n".join(p for p in parts if p.strip()) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    args = parser.parse_args()
    text = render(json.loads((ROOT / "nbs" / "index.ipynb").read_text(encoding="utf-8")))
    target = ROOT / "README.md"
    if not args.check:
        target.write_text(text, encoding="utf-8")
    elif target.read_text(encoding="utf-8") != text:
        raise SystemExit("README.md is stale: run scripts/readme.py and commit the result.")


if __name__ == "__main__":
    main()
