"""How the house is built: sizes of rooms, arrows between them, names, kernels, lines."""

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "lpc_ns"
LIBRARIES = ("cvxpy", "pyscipopt", "matplotlib.pyplot", "seaborn")  # slow to import

# What a folder may import, besides itself.
ABOVE = ("base", "datasets", "plotting")
PARTS = ("lpc", "ibc", "tree")
ARROWS = {
    "base": (),
    "datasets": ("base",),
    "plotting": ("base",),
    "lpc": ABOVE,
    "ibc": ABOVE,
    "tree": ABOVE,
    "distributed": (*ABOVE, *PARTS),
    "advisor": (*ABOVE, *PARTS),
    "reports": (*ABOVE, *PARTS, "distributed", "advisor"),
    "experiments": (*ABOVE, *PARTS, "advisor", "reports"),
    "warm": ("base", *PARTS),
    "cli": (*ABOVE, *PARTS, "distributed", "advisor", "reports", "experiments", "warm"),
}

# Inside a part: a room imports rooms of its own storey and of those before it.
STOREYS = {
    "lpc": (
        "tuning, rounding, scales, problem, measures, search, proof, paper, inference, auto,"
        " fitting, estimator"
    ),
    "ibc": (
        "tuning, theory, terms, fixed_tests, split, regime_tests, models, readings, fitting, auto,"
        " blocks, estimator"
    ),
    "tree": (
        "tuning, questions, problem, search, mip, proof, auto, explain, show, fitting, given,"
        " blocks, estimator"
    ),
}

# Upper-case names on the face of a module: tables that users read. Settings of experiments stand
# in their own rooms, tuned constants in the one room of a part that is called `tuning`.
TABLES = set(
    """STATUS BACKENDS FIRST_CHOICE COEFFICIENTS SEPARABILITY UCI_DATASETS RAW_FILES PALETTE MARKERS
    REFERENCE_FAMILIES FCPS_CLUSTERS SPLIT_RULES METHODS LOSSES FORMULATIONS CRITERIA SCALINGS
    LARGEST_ENTRY LIMITS FAMILIES PENALTIES RULES_OF_ONE RULES_OF_SEVERAL
    RULES_OF_FIXED_SIZE MODELS""".split()
)

@cache
def modules():
    """Every module of the package by its name, with its path."""
    paths = [p for p in sorted(PACKAGE.rglob("*.py")) if p.name != "_modidx.py"]
    names = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in paths]
    return {n.removesuffix(".__init__"): p for n, p in zip(names, paths, strict=True)}


@cache
def tree(name):
    """The syntax tree of a module."""
    return ast.parse(modules()[name].read_text(encoding="utf-8"))


def target(name, node):
    """The module that a `from ... import` statement names, relative ones resolved."""
    if not node.level:
        return node.module
    package = modules()[name].name == "__init__.py"
    home = name.split(".")[: None if package and node.level == 1 else package - node.level]
    return ".".join([*home, *([node.module] if node.module else [])])


@cache
def imports(name):
    """Pairs (module of ours, imported name) of all imports of a module, wherever they stand."""
    pairs = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.ImportFrom):
            source = target(name, node)
            if source.partition(".")[0] == "lpc_ns":
                for alias in node.names:
                    inner = f"{source}.{alias.name}"
                    pairs.add((inner, "") if inner in modules() else (source, alias.name))
        elif isinstance(node, ast.Import):
            pairs |= {(a.name, "") for a in node.names if a.name.partition(".")[0] == "lpc_ns"}
    return pairs


def rooms():
    """Modules that stand in a folder or are one, without the doors of the package itself."""
    return [n for n in modules() if "." in n and not n.split(".")[1].startswith("_")]


def place(name, depth):
    """The folder of a module, or its room inside a part."""
    return name.split(".")[depth] if name.count(".") >= depth else ""


def judge(wrong):
    """Fail on rooms that are wrong."""
    wrong = {name: what for name, what in wrong.items() if what}
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())


# ---- arrows


@pytest.mark.parametrize("name", rooms())
def test_nothing_imports_upward(name):
    home = place(name, 1)
    for other, _ in imports(name):
        folder = place(other, 1)
        if folder and not folder.startswith("_"):
            assert folder in (home, *ARROWS[home]), f"{name} imports {other}"
        if home in STOREYS and folder == home and place(name, 2) and place(other, 2):
            storeys = STOREYS[home].split(", ")
            above, below = (storeys.index(place(n, 2)) for n in (name, other))
            assert below <= above, f"{name} imports {other}"


def test_no_circle_between_rooms():
    graph = {name: {other for other, _ in imports(name)} - {name} for name in rooms()}
    for _ in rooms():
        graph = {n: below & graph.keys() for n, below in graph.items() if below & graph.keys()}
    assert not graph, f"These import each other in a circle: {sorted(graph)}"


def test_what_several_files_use_is_public():
    wrong = {}
    for name in modules():
        taken = {f"{m}.{n}" for m, n in imports(name) if n.startswith("_")}
        aliases = {m.rpartition(".")[2] for m, n in imports(name) if not n}
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id in aliases and re.match(r"_[^_]", node.attr):
                    taken.add(f"{node.value.id}.{node.attr}")
        wrong[name] = sorted(taken)
    judge(wrong)


# ---- sizes


def test_rooms_have_at_most_700_lines():
    counts = {n: len(p.read_text(encoding="utf-8").splitlines()) for n, p in modules().items()}
    judge({name: f"{n} lines" * (n > 700) for name, n in counts.items()})


def test_classes_have_at_most_200_lines():
    wrong = {}
    for name in modules():
        sizes = {
            node.name: node.end_lineno - node.lineno + 1
            for node in ast.walk(tree(name))
            if isinstance(node, ast.ClassDef)
        }
        wrong[name] = {n: size for n, size in sizes.items() if size > 200}
    judge(wrong)


def test_lines_have_at_most_100_characters():
    """What nbdev writes, the header and `__all__`, is not ours; ruff looks after notebooks."""
    wrong = {}
    for name, path in modules().items():
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^__all__ = \[.*?\]$", "", text, flags=re.S | re.M)
        ours = [line for line in text.splitlines() if not line.startswith("# %%")]
        wrong[name] = [line for line in ours if len(line) > 100 and "#| fig-cap" not in line]
    assert not any(wrong.values()), {name: lines for name, lines in wrong.items() if lines}


# ---- names and kernels


def face(name):
    """The `__all__` of a module."""
    for node in tree(name).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            if isinstance(node.value, ast.List):
                return [entry.value for entry in node.value.elts]
    return []


def records(name):
    """The record types that a module names: fields of kernels, not constants."""
    found = [n for n in tree(name).body if isinstance(n, ast.Assign)]
    found = [n for n in found if ast.unparse(n.value).startswith("np.dtype(")]
    return {ast.unparse(n.targets[0]) for n in found}


def test_constants_of_engines_are_not_on_the_face():
    wrong = {
        name: [n for n in face(name) if n.isupper() and n not in TABLES | records(name)]
        for name in rooms()
        if place(name, 1) != "experiments" and not name.endswith(".tuning")
    }
    judge(wrong)


def kernels(name):
    """The compiled functions of a module."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef):
            words = [ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list]
            if {"kernel", "register_jitable"} & set(words):
                yield node


def test_kernels_have_at_most_8_arguments():
    wrong = {}
    for name in modules():
        counts = {node.name: len(node.args.args) for node in kernels(name)}
        wrong[name] = {kernel: n for kernel, n in counts.items() if n > 8}
    judge(wrong)


def test_private_functions_have_callers():
    used = set()
    for name in modules():
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.Name):
                used.add(node.id)
            elif isinstance(node, ast.Attribute):
                used.add(node.attr)
    wrong = {}
    for name in rooms():
        inner = {
            node.name
            for node in tree(name).body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name.startswith("_")
        }
        wrong[name] = sorted(inner - used - {"__getattr__", "__dir__"})
    judge(wrong)


def packed(node):
    """Whether an assignment packs several into one, and is not a swap."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
        return False
    pairs = [(t, node.value) for t in node.targets if isinstance(t, ast.Tuple)]
    parts = [(sorted(map(ast.unparse, t.elts)), sorted(map(ast.unparse, v.elts))) for t, v in pairs]
    return any(left != right for left, right in parts)


def notebook_sources():
    """The code cells of every notebook that no module has, magics left out."""
    for path in sorted((ROOT / "nbs").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            left_out = re.search(r"^(?:[%!]|#\| ?export)", source, re.M)
            if cell["cell_type"] == "code" and not left_out:
                yield path.stem, ast.parse(source)


def test_tuple_assignment_is_for_swaps_and_returns():
    wrong = {}
    for name, source in [*((n, tree(n)) for n in modules()), *notebook_sources()]:
        found = [ast.unparse(node) for node in ast.walk(source) if packed(node)]
        wrong[name] = wrong.get(name, []) + found
    judge(wrong)


CHANGING = r"0x[0-9a-f]{8}|git hash|SCIP version|sk-container|\w+Warning:|it/s\]"


@pytest.mark.parametrize("path", sorted((ROOT / "nbs").glob("*.ipynb")), ids=lambda p: p.stem)
def test_stored_outputs_say_nothing_that_changes(path):
    """No addresses, banners, warnings, progress bars or other packages' pages."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            texts = [output.get("text", []), *output.get("data", {}).values()]
            texts = [text for text in texts if not isinstance(text, str)]  # pictures
            found = re.search(CHANGING, "".join(line for text in texts for line in text))
            assert not found, found[0]


# ---- imports that cost time


def loaded(program):
    """The modules that a program has loaded at its end."""
    program += "\nimport sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_importing_the_package_imports_nothing_else():
    names = {"numpy", "scipy", "pandas", "sklearn", "numba", *LIBRARIES}
    assert not names & loaded("import lpc_ns; dir(lpc_ns)")


@pytest.mark.parametrize(
    "name", ["LinearPredictiveClustering", "InteractionBasedClustering", "ClusterTree"]
)
def test_estimators_import_solvers_and_plots_when_they_use_them(name):
    found = loaded(f"from lpc_ns import {name}").intersection(LIBRARIES)
    judge({name: sorted(found)})


# ---- tests


CLOCKS = ("time.sleep", "time.time", "time.perf_counter", "time.monotonic")


def waits(node):
    """What in a test depends on how fast a machine is: a time limit that is not zero, a clock, or
    an upper bound on measured seconds."""
    for inner in ast.walk(node):
        numbers = [n.value for n in ast.walk(inner) if isinstance(n, ast.Constant)]
        if isinstance(inner, ast.keyword) and inner.arg == "time_limit":
            positive = any(isinstance(n, (int, float)) and n > 1e-3 for n in numbers)
            if positive and ast.unparse(inner.value) != "-1":
                yield f"time_limit={ast.unparse(inner.value)}"
        elif isinstance(inner, ast.Attribute) and ast.unparse(inner) in CLOCKS:
            yield ast.unparse(inner)
        elif isinstance(inner, ast.Compare) and re.search(r"seconds_? <", ast.unparse(inner)):
            yield ast.unparse(inner)


@pytest.mark.parametrize("path", sorted((ROOT / "tests").glob("*.py")), ids=lambda p: p.stem)
def test_tests_do_not_wait_for_a_clock(path):
    """Tests with time limits take the fixture `ticking`."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        arguments = [a.arg for a in node.args.args] if isinstance(node, ast.FunctionDef) else []
        if "ticking" not in arguments:
            assert not list(waits(node)), path.name
