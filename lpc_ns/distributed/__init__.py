"""Tables larger than memory, in blocks, by dask."""

from ..base import importer

_PUBLIC = {
    "DaskLinearPredictiveClustering": "lpc_ns.distributed.estimator",
    "write_labels": "lpc_ns.distributed.writing",
    "working": "lpc_ns.distributed.writing",
}
__all__ = list(_PUBLIC)

__getattr__ = importer(__name__, _PUBLIC)
