"""Where does one linear model become several?"""

__version__ = "0.2.0"

from . import _moved as _moved

_PUBLIC = {
    "LinearPredictiveClustering": "lpc_ns.lpc.estimator",
    "InteractionBasedClustering": "lpc_ns.ibc.estimator",
    "ClusterTree": "lpc_ns.tree.estimator",
    "MixtureOfRegressions": "lpc_ns.lpc.inference.estimator",
    "reality_test": "lpc_ns.lpc.inference.reality",
    "select_n_clusters": "lpc_ns.lpc.inference.number",
    "which_regime": "lpc_ns.advisor",
}
__all__ = list(_PUBLIC)


def __getattr__(name):
    """Import what is public when it is first used, so that `import lpc_ns` is quick."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lpc_ns' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)
