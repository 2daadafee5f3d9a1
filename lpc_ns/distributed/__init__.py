"""Tables larger than memory, in blocks, by dask."""

_PUBLIC = {
    "DaskLinearPredictiveClustering": "lpc_ns.distributed.estimator",
    "write_labels": "lpc_ns.distributed.writing",
    "working": "lpc_ns.distributed.writing",
}
__all__ = list(_PUBLIC)


def __getattr__(name):
    """Import what is public when it is first used."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lpc_ns.distributed' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)
