"""D4D: metres in, millimetres out; calibration of the clip or of its session."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from miniatures import assert_comes_back, configured, one_line, scenes, write_image

from m3depth.data.readers.d4d import D4D
from m3depth.errors import DataError
from m3depth.types.camera import StereoRig

SESSION = "specimen_1/2025_03_06-16_49_40"


def camera_info(rig: StereoRig, side: str) -> dict[str, object]:
    fx, fy, cx, cy, cx_right, b = (float(value) for value in rig)
    c, shift = (cx, 0.0) if side == "left" else (cx_right, -fx * b / 1000)
    return {
        "image_width": 96,
        "image_height": 72,
        "projection_matrix": {
            "rows": 3,
            "cols": 4,
            "data": [fx, 0.0, c, shift, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
        },
    }


def write_camera(path: Path, entries: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(entries))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Clip_1 has a calibration of its own, Clip_2 its session's."""
    session = tmp_path / "d4d" / SESSION
    for clip in ("Clip_1", "Clip_2"):
        for number, scene in zip((1, 2, 10), scenes(offset_px=4), strict=True):
            folder = session / "clips" / clip
            write_image(folder / "left_images_rect" / f"{number}.png", scene.left)
            write_image(folder / "right_images_rect" / f"{number}.png", scene.right)
            depth = scene.depth_mm[0].numpy() / 1000
            depth[:2] = np.nan
            (folder / "stereo_depth").mkdir(exist_ok=True)
            np.save(folder / "stereo_depth" / f"{number}.npy", depth)
    rig = scenes(offset_px=4)[0].rig
    for side in ("left", "right"):
        own = session / "clips" / "Clip_1" / "camera_info" / f"{side}_rect_info.yaml"
        write_camera(own, camera_info(rig, side))
        entries = camera_info(rig, side)
        short = {
            "width": entries["image_width"],
            "height": entries["image_height"],
            "P": entries["projection_matrix"]["data"],
        }
        write_camera(session / "camera_info" / f"{side}.yaml", short)
    return tmp_path / "d4d"


def test_depth_images_and_both_principal_points_come_back(root: Path):
    frames = D4D(root, None)
    keys = [f"{SESSION}/{clip}/{i}" for clip in ("Clip_1", "Clip_2") for i in (1, 2, 10)]
    assert [sample["key"] for sample in frames] == keys
    for sample, scene in zip(frames, scenes(offset_px=4) * 2, strict=True):
        assert_comes_back(sample, scene, median_mm=0.001, p95_mm=0.001)
        assert (sample["depth_mm"][:, :2] == 0).all()  # NaN is unknown


def test_clips_are_chosen_by_name_and_depth_is_optional(root: Path):
    frames = D4D(root, (36, 48), clips=[f"{SESSION}/Clip_2"], truth=False)
    assert len(frames) == 3
    assert "depth_mm" not in frames[0]
    with pytest.raises(DataError, match="no such clip: Clip_9"):
        D4D(root, None, clips=["Clip_9"])


@pytest.mark.parametrize("place", ["clips/Clip_1", "clips/Clip_1/stereo_depth"])
def test_a_clip_alone_or_a_folder_too_deep_keeps_its_name(root: Path, place: str):
    frames = D4D(root / SESSION / place, None)
    assert len(frames) == 3
    assert frames[0]["key"] == f"{SESSION}/Clip_1/1"


def test_the_configuration_builds(root: Path):
    assert "depth_mm" in configured("d4d", root).test[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"projection_matrix": "wide"}, "P: not an array of numbers"),
        ({"projection_matrix": {"data": [1.0]}}, "P: 1 numbers, 3x4 finite ones expected"),
        ({"image_width": "wide"}, "height and width: not an array of numbers"),
    ],
)
def test_a_broken_calibration_is_one_line(root: Path, change: dict[str, object], message: str):
    path = root / SESSION / "clips" / "Clip_1" / "camera_info" / "right_rect_info.yaml"
    write_camera(path, camera_info(scenes()[0].rig, "right") | change)
    with one_line(path, message):
        D4D(root, None)


def test_a_missing_key_or_file_is_named(root: Path):
    path = root / SESSION / "camera_info" / "right.yaml"
    write_camera(path, {"width": 96, "height": 72})
    with pytest.raises(DataError, match=r"right\.yaml: missing P \(or projection_matrix\)"):
        D4D(root, None)
    path.unlink()
    with pytest.raises(DataError, match=r"Clip_2/camera_info: no right_rect\*\.yaml"):
        D4D(root, None)


def test_a_baseline_in_another_unit_is_refused(root: Path):
    folder = root / SESSION / "clips" / "Clip_1" / "camera_info"
    entries = camera_info(scenes()[0].rig._replace(baseline_mm=scenes()[0].rig.fx * 60), "right")
    write_camera(folder / "right_rect_info.yaml", entries)
    with pytest.raises(DataError, match="expected one size, and P in pixels and metres"):
        D4D(root, None)


def test_names_that_do_not_match_are_refused(root: Path):
    folder = root / SESSION / "clips" / "Clip_1" / "right_images_rect"
    for path in sorted(folder.iterdir()):
        path.rename(path.with_stem(f"{int(path.stem) + 500}"))
    with pytest.raises(DataError, match="have no frame in common; compare the names"):
        D4D(root, None)
