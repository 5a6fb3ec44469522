"""SERV-CT: each pair's own calibration, the coloured occlusions, both references."""

import json
import shutil
from pathlib import Path

import numpy as np
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

from m3depth.data.readers.serv_ct import ServCt
from m3depth.errors import DataError
from m3depth.types.camera import StereoRig

OFFSET = 5  # cx - cx_right of the miniature
BLUE, YELLOW, RED, GREEN = (0, 0, 1), (1, 1, 0), (1, 0, 0), (0, 1, 0)


def write_calibration(path: Path, rig: StereoRig) -> None:
    fx, fy, cx, cy, cx_right, b = (float(value) for value in rig)
    left = [fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0]
    right = [fx, 0, cx_right, -fx * b, 0, fy, cy, 0, 0, 0, 1, 0]
    matrices = {"P1": left, "P2": right}
    entries = {
        key: {"type_id": "opencv-matrix", "rows": 3, "cols": 4, "dt": "d", "data": data}
        for key, data in matrices.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "SERV-CT"
    for index, scene in enumerate(scenes(offset_px=OFFSET)):
        folder, name = root / f"Experiment_{1 + index // 2}", f"{index + 8:03d}"
        write_image(folder / "Left_rectified" / f"{name}.png", scene.left)
        write_image(folder / "Right_rectified" / f"{name}.png", scene.right)
        write_calibration(folder / "Rectified_calibration" / f"{name}.json", scene.rig)
        codes = scene.left.clone()  # tissue colours, with three areas of codes
        for row, colour in enumerate((BLUE, YELLOW, RED, GREEN)):
            codes[:, row] = torch.tensor(colour, dtype=torch.float)[:, None]
        for reference in ("CT", "RGB")[: 1 + index // 2]:
            truth = folder / f"Ground_truth_{reference}"
            write_units(truth / "DepthL" / f"{name}.png", scene.depth_mm, 256)
            write_image(truth / "OcclusionL" / f"{name}.png", codes)
    return root


def test_depth_images_and_both_principal_points_come_back(root: Path):
    pairs = ServCt(root, None)
    assert [s["key"] for s in pairs] == [
        "Experiment_1/008",
        "Experiment_1/009",
        "Experiment_2/010",
    ]
    for sample, scene in zip(pairs, scenes(offset_px=OFFSET), strict=True):
        assert_comes_back(sample, scene, median_mm=0.003, p95_mm=0.003)  # the step is 1/256 mm
        assert float(sample["rig"].principal_offset) == pytest.approx(OFFSET)


def test_the_colours_say_what_is_unknown_and_what_one_camera_sees(root: Path):
    sample = ServCt(root, None)[0]
    mask, occluded = sample["mask"][0], sample["occluded"][0]
    assert not mask[0].any()  # blue
    assert mask[1:].all()
    assert not occluded[0].any()
    assert occluded[1:4].all()  # yellow, red, green
    assert not occluded[4:].any()


def test_the_other_reference_has_the_experiments_that_have_it(root: Path, caplog):
    pairs = ServCt(root, None, reference="RGB")
    assert [sample["key"] for sample in pairs] == ["Experiment_2/010"]
    assert "Experiment_1: no *_RGB/DepthL; its pairs are left out" in caplog.text
    with pytest.raises(DataError, match=r"no experiment has a folder \*_MRI"):
        ServCt(root, None, reference="MRI")


def test_the_reference_folder_s_other_name_is_found(root: Path):
    folder = root / "Experiment_1"
    (folder / "Ground_truth_CT").rename(folder / "Reference_CT")
    assert len(ServCt(root, None)) == 3


def test_without_occlusions_nothing_is_said_of_them(root: Path):
    shutil.rmtree(root / "Experiment_1" / "Ground_truth_CT" / "OcclusionL")
    sample = ServCt(root / "Experiment_1", None)[0]
    assert "occluded" not in sample
    assert "mask" not in sample


@pytest.mark.parametrize("place", ["Experiment_1", "Experiment_1/Left_rectified"])
def test_an_experiment_alone_or_a_folder_too_deep_is_found(root: Path, place: str):
    assert [s["key"] for s in ServCt(root / place, None)] == [
        "Experiment_1/008",
        "Experiment_1/009",
    ]


def test_the_configuration_builds(root: Path):
    assert configured("serv_ct", root).test[0]["depth_mm"].shape == (1, 72, 96)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"P2": None}, "no matrix P2 with its 'data'"),
        ({"P1": {"data": [1.0, 2.0]}}, "P1: 2 numbers, 3x4 finite ones expected"),
        ({"P1": {"data": ["wide"] * 12}}, "P1: not an array of numbers"),
        ({"P2": {"data": [0.0] * 12}}, "both must be positive"),
    ],
)
def test_a_broken_calibration_is_one_line(root: Path, change: dict[str, object], message: str):
    path = root / "Experiment_1" / "Rectified_calibration" / "008.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with one_line(path, message):
        ServCt(root, None)


def test_a_missing_or_truncated_calibration_names_itself(root: Path):
    path = root / "Experiment_1" / "Rectified_calibration" / "008.json"
    path.write_text(path.read_text()[:40])
    with pytest.raises(DataError, match=r"008\.json: not JSON"):
        ServCt(root, None)
    path.unlink()
    with pytest.raises(DataError, match=r"008\.json: cannot be read"):
        ServCt(root, None)


def test_a_truncated_or_8_bit_depth_map_names_itself(root: Path):
    path = root / "Experiment_1" / "Ground_truth_CT" / "DepthL" / "008.png"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"DepthL/008\.png: truncated"):
        ServCt(root, None)[0]
    write_image(path, torch.full((3, 72, 96), 0.5))
    with pytest.raises(DataError, match=r"DepthL/008\.png: 8-bit"):
        ServCt(root, None)[0]


def test_a_depth_map_of_another_size_is_refused(root: Path):
    path = root / "Experiment_1" / "Ground_truth_CT" / "DepthL" / "008.png"
    write_units(path, torch.full((1, 36, 48), 50.0))
    with pytest.raises(DataError, match=r"008\.png: 48x36, but the left image is 96x72"):
        ServCt(root, None)[0]


def test_unknown_depth_is_0(root: Path):
    path = root / "Experiment_1" / "Ground_truth_CT" / "DepthL" / "008.png"
    depth = torch.full((1, 72, 96), 50.0)
    depth[:, 10:20] = 0
    write_units(path, depth, 256)
    assert np.array_equal(ServCt(root, None)[0]["depth_mm"] == 0, depth == 0)
