"""Hamlyn rectified: names, nesting, the baseline from extrinsics, and every way to be wrong."""

import shutil
from pathlib import Path

import pytest
import torch
from miniatures import (
    assert_comes_back,
    configured,
    one_line,
    scenes,
    write_image,
    write_units,
)

from m3depth.data.readers.hamlyn import HamlynRectified
from m3depth.errors import DataError
from m3depth.types.camera import StereoRig


def write_calibration(folder: Path, rig: StereoRig) -> None:
    fx, fy, cx, cy, _, b = (float(value) for value in rig)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "intrinsics.txt").write_text(f"{fx} 0 {cx} 0\n0 {fy} {cy} 0\n0 0 1 0\n")
    (folder / "extrinsics.txt").write_text(f"1 0 0 {b}\n0 1 0 0\n0 0 1 0\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """rectified04 has padded names, rectified11 has not; frames 1, 2 and 10."""
    for name, pattern in (("rectified04", "{:010d}"), ("rectified11", "{}")):
        folder = tmp_path / "hamlyn" / name
        for number, scene in zip((1, 2, 10), scenes(), strict=True):
            stem = pattern.format(number)
            write_image(folder / "image01" / f"{stem}.jpg", scene.left)
            write_image(folder / "image02" / f"{stem}.jpg", scene.right)
            write_units(folder / "depth01" / f"{stem}.png", scene.depth_mm)
        write_calibration(folder, scenes()[0].rig)
    return tmp_path / "hamlyn"


def test_depth_images_and_rig_come_back(root: Path):
    pairs = HamlynRectified(root, None)
    assert [sample["key"] for sample in pairs] == [
        "rectified04/0000000001",
        "rectified04/0000000002",
        "rectified04/0000000010",
        "rectified11/1",
        "rectified11/2",
        "rectified11/10",
    ]
    for sample, scene in zip(pairs, scenes() * 2, strict=True):
        # Depth is in whole millimetres: an error of up to 0.5 mm is the format's
        assert_comes_back(sample, scene, median_mm=0.3, p95_mm=0.5)


def test_without_truth_there_is_no_depth_and_depth01_is_not_needed(root: Path):
    shutil.rmtree(root / "rectified04" / "depth01")
    sample = HamlynRectified(root, (36, 48), ["rectified04"], truth=False)[0]
    assert "depth_mm" not in sample
    with pytest.raises(DataError, match="depth01: no such folder"):
        HamlynRectified(root, None, ["rectified04"])


def test_nested_folders_and_calibration_beside_are_found(root: Path, tmp_path: Path):
    inner = tmp_path / "mirror" / "rectified04" / "rectified04"
    shutil.copytree(root / "rectified04", inner)
    for file in ("intrinsics.txt", "extrinsics.txt"):
        target = tmp_path / "mirror" / "calibration" / "04" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        (inner / file).rename(target)
    sample = HamlynRectified(tmp_path / "mirror", None)[0]
    assert sample["key"] == "rectified04/0000000001"
    assert_comes_back(sample, scenes()[0], median_mm=0.3, p95_mm=0.5)


@pytest.mark.parametrize("place", ["rectified04", "rectified04/image01"])
def test_a_sequence_alone_or_a_folder_too_deep_is_found(root: Path, place: str):
    assert len(HamlynRectified(root / place, None)) == 3


def test_the_baseline_without_extrinsics_is_the_setting_or_unknown_and_said(root: Path, caplog):
    for sequence in root.iterdir():
        (sequence / "extrinsics.txt").unlink()
    assert not HamlynRectified(root, None)[0]["rig"].calibrated
    assert "extrinsics.txt: missing, so depth has no millimetres" in caplog.text
    assert HamlynRectified(root, None, baseline_mm=5.29)[0]["rig"].baseline_mm == 5.29


def test_intrinsics_for_another_size_are_noticed_and_can_be_given(root: Path, caplog):
    half = scenes()[0].rig.resized((72, 96), (36, 48))
    for sequence in root.iterdir():
        write_calibration(sequence, half)
    HamlynRectified(root, None)
    assert "an image of 96x72 and looks like K of an image of about 48x36" in caplog.text
    caplog.clear()
    sample = HamlynRectified(root, None, calibration_size=[36, 48])[0]
    assert not caplog.text
    assert_comes_back(sample, scenes()[0], median_mm=0.3, p95_mm=0.5)


def test_the_configuration_builds(root: Path):
    data = configured("hamlyn", root)
    assert "depth_mm" in data.test[0]
    assert "depth_mm" not in data.val[0]


def test_a_missing_frame_is_named_and_a_short_folder_leaves_fewer(root: Path, caplog):
    folder = root / "rectified11"
    (folder / "depth01" / "10.png").unlink()
    assert len(HamlynRectified(root, None, ["rectified11"])) == 2
    assert "image01 3, image02 3, depth01 2 files; the 2 that match are used" in caplog.text
    (folder / "image02" / "2.jpg").unlink()
    with pytest.raises(DataError, match=r"image02: no file for frame: 2"):
        HamlynRectified(root, None, ["rectified11"], truth=False)


def test_a_sequence_that_is_not_there_is_named(root: Path):
    with pytest.raises(DataError, match="no such folder: rectified99"):
        HamlynRectified(root, None, ["rectified99"])


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("intrinsics.txt", "1 0 0\n0 1 0\n", "6 numbers, 3x3 finite ones expected"),
        ("intrinsics.txt", "wide 0 0\n0 1 0\n0 0 1\n", "not a table of numbers"),
        ("intrinsics.txt", "nan 0 0\n0 1 0\n0 0 1\n", "NaN or infinity"),
        ("intrinsics.txt", "0 0 0\n0 1 0\n0 0 1\n", "must be positive"),
        ("extrinsics.txt", "1 0 0\n0 1 0\n0 0 1\n", "9 numbers, 3x4 finite ones expected"),
        ("extrinsics.txt", "1 0 0 0\n0 1 0 0\n0 0 1 0\n", "translation is 0"),
    ],
)
def test_a_broken_calibration_is_one_line(root: Path, file: str, text: str, message: str):
    path = root / "rectified04" / file
    path.write_text(text)
    with one_line(path, message):
        HamlynRectified(root, None)


def test_missing_intrinsics_are_named(root: Path):
    (root / "rectified04" / "intrinsics.txt").unlink()
    with pytest.raises(DataError, match=r"rectified04/intrinsics\.txt: cannot be read"):
        HamlynRectified(root, None)


def test_views_of_two_sizes_are_refused(root: Path):
    write_image(root / "rectified04" / "image02" / "0000000001.jpg", torch.zeros(3, 72, 90))
    with pytest.raises(DataError, match="90x72, but the left one is 96x72"):
        HamlynRectified(root, None)[0]
