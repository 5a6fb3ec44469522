"""The real pairs beside the checkout: they pass, and each kind of damage is told by its code."""

import os
from pathlib import Path

import pytest
from check_fakes import errors, findings
from pair_breakages import CODES, Changed, without_offset, without_truth
from torch.utils.data import Dataset, Subset

from m3depth.data.readers.folder import FolderPairs
from m3depth.data.readers.middlebury import MiddleburyScene
from m3depth.types import StereoBatch

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("M3DEPTH_DATA", ROOT.parent / "shared" / "data"))
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no real pairs in {DATA}"),
]
SETS = ["davinci_cruciani", "eth3d_two_view_nogt", "middlebury_v3Q_nogt"]
FRAMES = int(os.environ.get("M3DEPTH_CHECK_FRAMES", "2"))  # 18 looks at every pair
DAMAGES = ["swapped", "lowered", "turned", "stacked", "beside"]


def pairs(name: str) -> FolderPairs:
    return FolderPairs(DATA / name, None)


@pytest.mark.parametrize("name", SETS)
def test_rectified_pairs_pass(name: str):
    assert errors(findings(pairs(name), FRAMES)) == set()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", SETS)
def test_each_damage_is_found_in_each_pair(name: str, damage: str):
    change, code = CODES[damage]
    whole = pairs(name)
    step = max(1, len(whole) // FRAMES)
    for index in range(0, len(whole), step):
        one = Changed(Subset(whole, [index]), change)
        assert code in errors(findings(one)), whole.names[index]


@pytest.fixture(scope="module")
def chessboards(tmp_path_factory: pytest.TempPathFactory) -> FolderPairs:
    """The unrectified pairs, laid out as a folder of pairs."""
    root = tmp_path_factory.mktemp("chessboards")
    for side in ("left", "right"):
        (root / side).mkdir()
        for picture in (DATA / "opencv_chessboard_stereo").glob(f"{side}[0-9]*.jpg"):
            (root / side / picture.name.removeprefix(side)).symlink_to(picture)
    return FolderPairs(root, None)


def test_unrectified_pairs_fail(chessboards: FolderPairs):
    assert "vertical_offset" in errors(findings(chessboards, 4))
    for index in range(0, len(chessboards), 4):
        assert "vertical_offset" in errors(findings(Subset(chessboards, [index])))


@pytest.fixture(scope="module")
def motorcycle() -> Dataset[StereoBatch]:
    return MiddleburyScene(DATA / "middlebury_motorcycleQ", None)


def test_motorcycle_passes_and_is_caught_without_its_offset(motorcycle: Dataset[StereoBatch]):
    assert errors(findings(motorcycle)) == set()
    found = findings(Changed(motorcycle, without_offset))
    assert errors(found) == {"principal_offset"}
    told = next(f for f in found if f.code == "principal_offset")
    assert told.evidence["offset_px"] == pytest.approx(-32.8, abs=0.3)


@pytest.mark.parametrize("damage", CODES)
def test_motorcycle_in_every_damage(motorcycle: Dataset[StereoBatch], damage: str):
    change, code = CODES[damage]
    if damage == "truth in bytes":  # metres away: cut to a byte, next to nothing of it is right
        assert errors(findings(Changed(motorcycle, change)))
        return
    assert code in errors(findings(Changed(motorcycle, change)))


def test_motorcycle_swapped_is_told_without_its_truth(motorcycle: Dataset[StereoBatch]):
    damaged = Changed(motorcycle, lambda s: without_truth(CODES["swapped"][0](s)))
    assert errors(findings(damaged)) == {"swapped_views"}
