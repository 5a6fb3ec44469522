"""How often healthy pairs are blamed and spoiled ones are caught, each pair a set of its own."""

import os

import pytest
from check_fakes import errors, findings
from pair_breakages import CODES, Changed
from torch.utils.data import Subset

from m3depth.data.synthetic import SyntheticPairs

COUNT = int(os.environ.get("M3DEPTH_CHECK_PAIRS", "22"))  # 200 for the whole measurement
MISSED = 5 / 200


@pytest.fixture(scope="module", params=[("test", (128, 160)), ("test_style", (128, 160))])
def pairs(request: pytest.FixtureRequest) -> SyntheticPairs:
    split, size = request.param
    return SyntheticPairs(split, COUNT, size, endoscope=None, seed=11)


def test_no_healthy_pair_has_an_error(pairs: SyntheticPairs):
    blamed = {i: errors(findings(Subset(pairs, [i]))) for i in range(COUNT)}
    assert not any(blamed.values()), {i: found for i, found in blamed.items() if found}


def test_spoiled_pairs_are_caught_with_the_right_code(pairs: SyntheticPairs):
    names = list(CODES)
    missed = []
    for index in range(COUNT):
        name = names[index % len(names)]
        change, code = CODES[name]
        if code not in errors(findings(Changed(Subset(pairs, [index]), change))):
            missed.append((index, name))
    assert len(missed) <= MISSED * COUNT, missed
