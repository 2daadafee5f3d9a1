"""Write constraints.txt: the versions of our dependencies that are installed here.

    python scripts/constraints.py

Named are the packages that settings.ini asks for and those that compute for them. The project is
tested with these; an installation is free within the bounds of settings.ini.
"""

import re
from configparser import ConfigParser
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPANIONS = "clarabel llvmlite osqp scs ipython pillow".split()
HEADER = "# Versions tested together; written by scripts/constraints.py, moved by `make update`."


def names():
    """The packages, in alphabetical order."""
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT / "settings.ini", encoding="utf-8")
    settings = parser["DEFAULT"]
    words = settings["requirements"].split() + settings["dev_requirements"].split()
    wanted = {re.match(r"[\w-]+", word)[0].lower() for word in words}
    return sorted(wanted.union(COMPANIONS))


def main():
    lines = [HEADER, *(f"{name}=={version(name)}" for name in names())]
    (ROOT / "constraints.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
