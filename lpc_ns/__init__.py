"""Where does one linear model become several?"""

__version__ = "0.2.0"

from typing import TYPE_CHECKING

from . import _moved as _moved
from .base import importer

if TYPE_CHECKING:  # what `__getattr__` imports, for type checkers
    from .advisor import which_regime as which_regime
    from .ibc.estimator import InteractionBasedClustering as InteractionBasedClustering
    from .lpc.estimator import LinearPredictiveClustering as LinearPredictiveClustering
    from .lpc.inference.estimator import MixtureOfRegressions as MixtureOfRegressions
    from .lpc.inference.number import select_n_clusters as select_n_clusters
    from .lpc.inference.reality import reality_test as reality_test
    from .tree.estimator import ClusterTree as ClusterTree

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

__getattr__ = importer(__name__, _PUBLIC)  # so that `import lpc_ns` is quick
