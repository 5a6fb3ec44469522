"""The da Vinci set: its folders, its fixed calibration, and what is refused."""

import shutil
from pathlib import Path

import pytest
import torch
from miniatures import configured, scenes, write_image

from m3depth.data.readers.davinci import SIZE, DaVinciPairs
from m3depth.errors import DataError
from m3depth.io.images import resize_image
from m3depth.types.disparity import depth_from_disparity


@pytest.fixture
def views() -> list[list[torch.Tensor]]:
    return [[resize_image(v, SIZE) for v in (x.left, x.right)] for x in scenes((48, 96))]


@pytest.fixture
def root(tmp_path: Path, views: list[list[torch.Tensor]]) -> Path:
    root = tmp_path / "daVinci"
    for split in ("train", "test"):
        for number, (left, right) in zip((1, 2, 10), views, strict=True):
            write_image(root / split / "image_0" / f"{number}.png", left)
            write_image(root / split / "image_1" / f"{number}.png", right)
    return root


def test_pairs_come_in_order_of_their_numbers_with_the_set_s_calibration(root: Path, views):
    pairs = DaVinciPairs(root, None)
    assert [sample["key"] for sample in pairs] == ["train/1", "train/2", "train/10"]
    for sample, (left, right) in zip(pairs, views, strict=True):
        torch.testing.assert_close(sample["left"], left, rtol=0, atol=0.003)
        torch.testing.assert_close(sample["right"], right, rtol=0, atol=0.003)
        assert "depth_mm" not in sample
    # The authors' f·b: 2103.1 px·mm, the same principal point in both views
    depth = depth_from_disparity(torch.full((1, 1, 1), 20.0), pairs[0]["rig"])
    assert float(depth) == pytest.approx(2103.1 / 20, rel=1e-4)
    assert float(pairs[0]["rig"].principal_offset) == 0


def test_the_rig_follows_a_resize(root: Path):
    sample = DaVinciPairs(root, (96, 128), split="test")[0]
    assert sample["left"].shape == (3, 96, 128)
    assert float(sample["rig"].fx) == pytest.approx(373.47833252 / 3)
    assert float(sample["rig"].cx) == pytest.approx((182.91804504 + 0.5) / 3 - 0.5)


@pytest.mark.parametrize("inside", ["", "train"])
def test_the_folder_is_found_from_one_too_high_and_one_too_deep(root: Path, inside: str):
    assert len(DaVinciPairs(root / inside, None)) == len(DaVinciPairs(root.parent, None)) == 3


def test_the_configuration_builds(root: Path):
    data = configured("davinci", root)
    assert [len(pairs) for pairs in (data.train, data.val, data.test)] == [3, 3, 3]
    assert data.test[0]["key"] == "test/1"


def test_repeat(root: Path):
    assert len(list(DaVinciPairs(root, None, repeat=2))) == 6


def test_a_missing_view_is_named(root: Path):
    (root / "train" / "image_1" / "2.png").unlink()
    with pytest.raises(DataError, match=r"train/image_1: no file for frame: 2 "):
        DaVinciPairs(root, None)


def test_a_view_that_ends_early_leaves_fewer_pairs_and_says_so(root: Path, caplog):
    (root / "train" / "image_1" / "10.png").unlink()
    assert len(DaVinciPairs(root, None)) == 2
    assert "image_0 3, image_1 2 files; the 2 that match are used" in caplog.text


def test_no_such_folder_is_one_line(root: Path):
    shutil.rmtree(root / "test")
    with pytest.raises(DataError, match="no folder with test/image_0 and test/image_1") as raised:
        DaVinciPairs(root, None, split="test")
    assert "\n" not in str(raised.value)
    with pytest.raises(DataError, match="nowhere: no such folder"):
        DaVinciPairs(root / "nowhere", None)


def test_other_images_than_the_calibration_s_are_refused(root: Path):
    write_image(root / "train" / "image_0" / "1.png", torch.zeros(3, 96, 192))
    with pytest.raises(DataError, match=r"1\.png: 192x96, but its calibration is for 384x192"):
        DaVinciPairs(root, None)[0]


def test_a_truncated_image_names_itself(root: Path):
    path = root / "train" / "image_1" / "1.png"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"image_1/1\.png: truncated"):
        DaVinciPairs(root, None)[0]
