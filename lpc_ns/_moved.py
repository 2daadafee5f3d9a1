"""Names from before the rooms were divided: they lead to the new place, with a warning."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec

# Old module: the rooms, or folders of rooms, that hold its names today.
MOVED = {
    "errors": "base.errors",
    "metrics": "base.metrics lpc.measures base.errors",
    "solvers": "base.solvers base.numerics",
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
    "ibc.screening": "ibc.terms",
    "ibc.splits": "ibc.split base.numerics",
    "tree.formulation": "tree.problem tree.mip base.numerics",
    "tree.exact": "tree.proof tree.problem",
    "tree.search": "tree.search base.numerics",
    "tree.report": "reports",
}

# Old name: the name that it has there.
RENAMED = {}


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
    """Imports old modules: empty ones that look their names up when they are asked for them."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        old = name.removeprefix("lpc_ns.")
        return ModuleSpec(name, Finder) if name != old and old in MOVED else None

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        from functools import partial

        module.__getattr__ = partial(find, module.__name__.removeprefix("lpc_ns."))


sys.meta_path.append(Finder)
