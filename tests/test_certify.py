"""A fixed sample of `make certify`: every formulation, back end and native algorithm against
enumeration."""


import pytest
from certify_formulations import TOLERANCE, certify

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(6))
def test_all_formulations_agree(seed):
    rows = certify(seed, largest=8)
    assert len(rows) >= 10
    for row in rows:
        assert abs(row["difference"]) <= TOLERANCE, row
