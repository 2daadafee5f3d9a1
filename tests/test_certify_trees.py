"""A fixed sample of the tree part of `make certify`: the formulation and the exact algorithm
against enumeration."""


import pytest
from certify_trees import FAMILIES, TOLERANCE, certify

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(5))
def test_trees_agree(seed):
    rows = certify(seed, largest=6)
    assert {row["family"] for row in rows} == set(FAMILIES) and len(rows) == 2 * len(FAMILIES) - 1
    assert all(row["method"] == "exact" for row in rows if row["family"] == "hyperplanes")
    for row in rows:
        assert row["difference"] <= TOLERANCE and row["status"] == "optimal", row
