"""The package as a whole: documented names, and a command line that starts."""

import functools
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpydoc.docscrape import NumpyDocString

import lpc_ns
from lpc_ns.cli import main

MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(lpc_ns.__path__, "lpc_ns.")
    if not m.name.split(".")[-1].startswith("_")
)


def public_callables():
    """Every public function, class and method that a module exports."""
    for name in MODULES:
        module = importlib.import_module(name)
        for symbol in getattr(module, "__all__", []):
            thing = getattr(module, symbol)
            if getattr(thing, "__module__", None) != name or symbol.startswith("_"):
                continue
            if inspect.isclass(thing):
                yield f"{name}.{symbol}", thing
                methods = inspect.getmembers(thing, inspect.isfunction)
                yield from (
                    (f"{name}.{symbol}.{n}", m)
                    for n, m in methods
                    if not n.startswith("_") and m.__module__ == name
                )
            elif inspect.isfunction(thing):
                yield f"{name}.{symbol}", thing


@pytest.mark.parametrize(
    ("name", "thing"), [pytest.param(n, t, id=n) for n, t in public_callables()]
)
def test_docstrings_name_every_parameter(name, thing):
    assert thing.__doc__, f"{name} has no docstring"
    if inspect.isclass(thing):
        return
    documented = {
        part.strip().lstrip("*")
        for p in NumpyDocString(inspect.getdoc(thing))["Parameters"]
        for part in p.name.split(",")
    }
    wanted = {p for p in inspect.signature(thing).parameters if p != "self"}
    one_sentence = "\n\n" not in inspect.getdoc(thing).strip()
    assert (
        one_sentence or wanted <= documented
    ), f"{name} does not document {sorted(wanted - documented)}"


def test_fit_writes_what_it_prints(tmp_path, capsys):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=90), "kind": rng.choice(["x", "y"], 90)})
    table["y"] = np.where(np.arange(90) % 2, 2 * table.a, -2 * table.a) + 0.1 * rng.normal(size=90)
    table.to_parquet(tmp_path / "t.parquet")
    assert (
        main(
            [
                "fit",
                str(tmp_path / "t.parquet"),
                "--target",
                "y",
                "--out",
                str(tmp_path / "out"),
                "--jobs",
                "2",
            ]
        )
        == 0
    )
    printed = capsys.readouterr().out
    facts = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (
        facts["cluster_sizes"]
        == pd.read_csv(tmp_path / "out" / "labels.csv")["cluster"]
        .value_counts()
        .sort_index()
        .tolist()
    )
    assert f"ratio {facts['sse_ratio']:.3f}." in printed and "noise" not in printed
    assert facts["verdict"] == "yes" and "Evidence for more than one regression: yes" in printed
    slopes = sorted(pd.read_csv(tmp_path / "out" / "coefficients.csv")["a"])
    np.testing.assert_allclose(slopes, [-2, 2], atol=0.1)
    assert (tmp_path / "out" / "regimes.png").stat().st_size > 10_000


def test_demo_writes_three_reports_and_prints_a_table(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("LPC_NS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "reports"
    arguments = ["demo", "--out", str(tmp_path / "table.csv"), "--folder", str(folder)]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "diabetes progression" in told
    for name in ("switch", "lines", "rules"):
        assert str(folder / name / "report.html") in told
        assert "<html" in (folder / name / "report.html").read_text()
    table = pd.read_csv(tmp_path / "table.csv")
    assert (table["ours"] <= table["greedy best"] * (1 + 1e-9)).all() and len(table) == 4


def test_program_starts_and_refuses_in_one_line():
    program = "import sys; from lpc_ns.cli import main; sys.exit(main())"
    run = subprocess.run(
        [sys.executable, "-c", program, "fit", "nowhere.csv", "--target", "y"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2 and run.stderr.count("\n") == 1 and "nowhere.csv" in run.stderr


def test_warm_calls_every_part_that_can_warm_up(monkeypatch):
    from lpc_ns import warm

    rooms = [n for n in MODULES if n.count(".") > 1 and ".experiments." not in n]
    able = [n for n in rooms if "warm" in vars(importlib.import_module(n))]
    calls = []
    for name in able:
        note = functools.partial(calls.append, name)
        monkeypatch.setattr(importlib.import_module(name), "warm", note)
    lines = []
    warm.warm(lines.append, n_jobs=1)
    assert sorted(calls) == able and len(lines) == len(able)
