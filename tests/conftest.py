"""What tests share: pictures without a screen, the scripts' folder, data or a skip, back ends, and
a clock that does not depend on the machine."""

import itertools
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOMENTS = int(os.environ.get("LPC_NS_MOMENTS", "12"))  # of an interrupt; `make certify`: 125
os.environ["MPLBACKEND"] = "Agg"
sys.path.insert(0, str(ROOT / "scripts"))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than ten seconds; not in `make quick`")
    config.addinivalue_line("markers", "certify: more of what other tests show; in `make certify`")


def data_or_skip(load, *args):
    """What a loader returns, or a skip that says what is missing."""
    from lpc_ns.base.errors import DataNotFoundError

    try:
        return load(*args)
    except DataNotFoundError as reason:
        pytest.skip(str(reason))


def backends(kind):
    """Installed back ends that solve a class of problem."""
    from lpc_ns.base.backends import BACKENDS

    return [b.name for b in BACKENDS.values() if kind in b.solves and b.installed]


class Interrupt:
    """Raises KeyboardInterrupt at the n-th line that `lpc_ns.lpc.proof` runs."""

    def __init__(self, n):
        self.left = n

    def __call__(self, frame, event, arg):
        if "/lpc_ns/lpc/proof/" not in frame.f_code.co_filename.replace("\\", "/"):
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self

    def __enter__(self):
        sys.settrace(self)
        return self

    def __exit__(self, kind, value, trace):
        sys.settrace(None)
        return kind is KeyboardInterrupt


@pytest.fixture
def ticking(monkeypatch):
    """The package's clock goes on by a hundredth of a second whenever somebody looks at it, so that
    a time limit means the same number of looks everywhere."""
    from lpc_ns.base import numerics

    ticks = itertools.count()
    clock = SimpleNamespace(perf_counter=lambda: next(ticks) / 100)
    monkeypatch.setattr(numerics, "time", clock)
