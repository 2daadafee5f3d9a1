"""What could be imported before the rooms were divided still can, and says where it is now; what
cannot has a line in CHANGELOG.md."""

import json
import re
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest

from lpc_ns._moved import MOVED, RENAMED

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"
OLD_NAMES = json.loads(Path(__file__).with_name("old_names.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", OLD_NAMES)
def test_every_public_name_is_there_or_told_in_the_changelog(module):
    told = re.findall(r"`([\w.]+)`", CHANGELOG.read_text(encoding="utf-8"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        missing = [n for n in OLD_NAMES[module].split() if not hasattr(import_module(module), n)]
    assert not [n for n in missing if f"{module}.{n}" not in told]


@pytest.mark.parametrize("old", MOVED)
def test_the_warning_names_a_place_that_works(old):
    names = OLD_NAMES[f"lpc_ns.{old}"].split()
    name = next(n for n in names if n not in vars(import_module(f"lpc_ns.{old}")))
    with pytest.warns(DeprecationWarning, match=f"{old}.{name} has moved") as caught:
        value = getattr(import_module(f"lpc_ns.{old}"), name)
    now, home = re.search(r"import (\w+) from ([\w.]+)\.$", str(caught[0].message)).groups()
    assert now == RENAMED.get(f"{old}.{name}", name)
    assert getattr(import_module(home), now) is value and len(caught) == 1


def test_the_warning_points_at_the_line_of_the_user(tmp_path):
    program = tmp_path / "old.py"
    program.write_text("import lpc_ns\nfrom lpc_ns.errors import InputError\nprint(InputError)\n")
    run = subprocess.run(
        [sys.executable, "-W", "always", program], capture_output=True, text=True, check=True
    )
    assert "old.py:2: DeprecationWarning: lpc_ns.errors.InputError has moved" in run.stderr


def test_a_name_that_never_was_is_refused():
    with pytest.raises(AttributeError, match=r"lpc_ns\.errors' has no attribute 'OutputError'"):
        import_module("lpc_ns.errors").OutputError
    with pytest.raises(ModuleNotFoundError):
        import_module("lpc_ns.mistakes")


@pytest.mark.parametrize("old", RENAMED)
def test_a_name_that_was_changed_leads_to_the_new_one(old):
    module, _, name = old.rpartition(".")
    with pytest.warns(DeprecationWarning, match=f"import {RENAMED[old]} from ") as caught:
        value = getattr(import_module(f"lpc_ns.{module}"), name)
    home = str(caught[0].message).rpartition(" ")[2].rstrip(".")
    assert getattr(import_module(home), RENAMED[old]) is value
