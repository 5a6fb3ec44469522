"""KITTI stereo 2015: metres in, millimetres out; lidar disparity; scenes as videos."""

from pathlib import Path

import pytest
import torch
from miniatures import (
    Scene,
    assert_comes_back,
    configured,
    one_line,
    scenes,
    write_image,
    write_units,
)

from m3depth.data.readers.kitti import KittiStereo
from m3depth.errors import DataError
from m3depth.types.disparity import disparity_from_depth


def write_calibration(path: Path, scene: Scene) -> None:
    fx, fy, cx, cy, cx_right, b = (float(value) for value in scene.rig)
    near, metres = 0.06, b / 1000  # camera 2 stands beside camera 0, which P is relative to

    def projection(c: float, at: float) -> str:
        return f"{fx} 0 {c} {-fx * at} 0 {fy} {cy} 0.2 0 0 1 0.003"

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "calib_time: 09-Jan-2012 13:57:47\n"
        f"S_rect_02: {scene.size[1]:e} {scene.size[0]:e}\n"
        f"P_rect_02: {projection(cx, near)}\n"
        f"P_rect_03: {projection(cx_right, near + metres)}\n"
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "kitti"
    for split in ("training", "testing"):
        for index, scene in enumerate(scenes(offset_px=4)):
            for moment in ("10", "11"):
                name = f"{index:06d}_{moment}.png"
                write_image(root / split / "image_2" / name, scene.left)
                write_image(root / split / "image_3" / name, scene.right)
            write_calibration(root / split / "calib_cam_to_cam" / f"{index:06d}.txt", scene)
            if split == "training":
                disparity = disparity_from_depth(scene.depth_mm, scene.rig)
                name = f"{index:06d}_10.png"
                write_units(root / split / "disp_occ_0" / name, disparity, 256)
                disparity[scene.occluded] = 0
                write_units(root / split / "disp_noc_0" / name, disparity, 256)
    return root


def test_depth_rig_and_occlusions_come_back_in_millimetres(root: Path):
    pairs = KittiStereo(root, None)
    assert [sample["key"] for sample in pairs] == [f"training/00000{i}/10" for i in range(3)]
    for sample, scene in zip(pairs, scenes(offset_px=4), strict=True):
        # 1/256 px of disparity is up to 0.04 mm of depth here
        assert_comes_back(sample, scene)
        assert torch.equal(sample["occluded"], scene.occluded)


def test_without_truth_all_moments_come_and_the_test_split_needs_no_disparity(root: Path):
    keys = [sample["key"] for sample in KittiStereo(root, None, split="testing", truth=False)]
    assert keys[:3] == ["testing/000000/10", "testing/000000/11", "testing/000001/10"]
    assert len(keys) == 6
    with pytest.raises(DataError, match="disp_occ_0: no such folder"):
        KittiStereo(root, None, split="testing")


def test_unknown_disparity_is_unknown_depth(root: Path):
    path = root / "training" / "disp_occ_0" / "000000_10.png"
    disparity = torch.full((1, 72, 96), 6.0)
    disparity[:, :5] = 0
    write_units(path, disparity, 256)
    assert torch.equal(KittiStereo(root, None)[0]["depth_mm"] == 0, disparity == 0)


@pytest.mark.parametrize("place", ["", "training"])
def test_the_folder_is_found_from_one_too_high_and_one_too_deep(root: Path, place: str):
    assert len(KittiStereo(root / place, None)) == len(KittiStereo(root.parent, None)) == 3


def test_the_configuration_builds(root: Path):
    data = configured("kitti", root)
    assert "depth_mm" in data.test[0]
    assert "depth_mm" not in data.train[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("P_rect_03:", "P_rect_07:", "missing P_rect_03"),
        ("S_rect_02:", "S_rect_07:", "missing S_rect_02"),
        ("0.2 0 0 1 0.003", "0.2 0 0 1", "P_rect_02: 11 numbers, 3x4 finite ones expected"),
        ("P_rect_02: ", "P_rect_02: x", "P_rect_02: not an array of numbers"),
    ],
)
def test_a_broken_calibration_is_one_line(root: Path, old: str, new: str, message: str):
    path = root / "training" / "calib_cam_to_cam" / "000000.txt"
    path.write_text(path.read_text().replace(old, new, 1))
    with one_line(path, message):
        KittiStereo(root, None)


def test_swapped_cameras_are_refused(root: Path):
    path = root / "training" / "calib_cam_to_cam" / "000000.txt"
    text = path.read_text().replace("P_rect_02", "other").replace("P_rect_03", "P_rect_02")
    path.write_text(text.replace("other", "P_rect_03"))
    with pytest.raises(DataError, match=r"baseline -.* mm; P_rect_03 is not the right camera's"):
        KittiStereo(root, None)


def test_images_of_another_size_than_the_calibration_s_are_refused(root: Path):
    path = root / "training" / "calib_cam_to_cam" / "000000.txt"
    path.write_text(path.read_text().replace("S_rect_02: 9.6", "S_rect_02: 19.2"))
    with pytest.raises(DataError, match="96x72, but its calibration is for 192x72"):
        KittiStereo(root, None)[0]


def test_a_missing_right_image_is_named(root: Path):
    (root / "training" / "image_3" / "000001_10.png").unlink()
    with pytest.raises(DataError, match=r"image_3: no file for frame: 1_10"):
        KittiStereo(root, None)


def test_a_file_of_another_kind_of_name_is_named(root: Path):
    for view in ("image_2", "image_3"):
        name = root / "training" / view / "000001_10.png"
        name.with_name("mosaic.png").write_bytes(name.read_bytes())
    with pytest.raises(DataError, match=r"mosaic\.png: files are called 000000_10\.png"):
        KittiStereo(root, None, truth=False)
