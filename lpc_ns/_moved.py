"""Names from before the rooms were divided: they lead to the new place, with a warning."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder

# Old module: the rooms, or folders of rooms, that hold its names today.
MOVED = {
    "errors": "base.errors",
    "metrics": "base.metrics lpc.measures base.errors",
    "solvers": "base.solvers base.backends base.numerics",
    "report": "reports base.tables",
    "demo": "experiments.demo",
    "lpc.local_search": "lpc.search lpc.problem base.numerics",
    "lpc.branching": "lpc.proof",
    "lpc.columns": "lpc.proof",
    "lpc.enumeration": "lpc.proof",
    "lpc.bounds": "lpc.proof lpc",
    "lpc.global_mip": "lpc.paper",
    "lpc.separability": "lpc.paper",
    "lpc.ns_mip": "lpc.paper",
    "lpc.qpbo": "lpc.paper",
    "lpc.imbalance": "lpc.paper",
    "lpc.estimator": "lpc.fitting lpc.auto",
    "ibc.screening": "ibc.terms",
    "ibc.splits": "ibc.split base.numerics",
    "ibc.theory": "base.quantisers",
    "ibc.regime_tests": "ibc.fixed_tests",
    "ibc.estimator": "ibc.fitting ibc.models base.encoding",
    "tree.formulation": "tree.problem tree.mip base.numerics",
    "tree.estimator": "tree.auto tree.fitting tree.show base.numerics",
    "tree.exact": "tree.proof tree.problem",
    "tree.search": "tree.search base.numerics",
    "tree.report": "reports",
    "experiments.runner": "experiments.methods experiments.summaries",
}

# Old name: the name that it has there.
RENAMED = {
    "lpc.branching._LabelTree": "LabelSearch",
    "lpc.branching._BoxTree": "BoxSearch",
    "lpc.columns._ColumnTree": "ColumnSearch",
    "ibc.screening.METHODS": "PENALTIES",
    "ibc.splits.RegimeFit": "CellFit",
    "ibc.splits.fit_regimes": "fit_cells",
}


def rooms(places):
    """The modules at these places, those of folders one after another."""
    from pkgutil import iter_modules

    for place in places.split():
        module = import_module(f"lpc_ns.{place}")
        if not hasattr(module, "__path__"):
            yield module
            continue
        for room in iter_modules(module.__path__, f"{module.__name__}."):
            if not room.ispkg:
                yield import_module(room.name)


def find(old, name):
    """The value that a name of an old module has today."""
    from warnings import warn

    if not name.startswith("__"):
        now = RENAMED.get(f"{old}.{name}", name)
        for room in rooms(MOVED[old]):
            if now in vars(room):
                value = vars(room)[now]
                home = getattr(value, "__module__", None) or room.__name__
                message = f"lpc_ns.{old}.{name} has moved: import {now} from {home}."
                warn(message, DeprecationWarning, stacklevel=2)
                return value
    raise AttributeError(f"module 'lpc_ns.{old}' has no attribute {name!r}")


class Finder:
    """Imports old modules, those that are gone as empty ones, and lets them find what they lack."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.removeprefix("lpc_ns.") not in MOVED or not name.startswith("lpc_ns."):
            return None
        spec = PathFinder.find_spec(name, path) or ModuleSpec(name, Finder())
        fill = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (fill(module), add_old_names(module))
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        pass


def add_old_names(module):
    """Let a module look for names that it does not have."""
    from functools import partial

    module.__getattr__ = partial(find, module.__name__.removeprefix("lpc_ns."))


sys.meta_path.insert(0, Finder)
