"""``m3depth check kind=prior`` of what it cannot read: one line."""

import json
from pathlib import Path

import pytest
from command_line import m3depth
from prior_folders import change, check, exported, half_written, pictures


@pytest.mark.parametrize(
    ("target", "told"),
    [("nerfstudio", "transforms.json"), ("npz", "no priors"), ("graphdeco", "no COLMAP model")],
)
def test_a_folder_of_another_layout_is_one_line(tmp_path: Path, target: str, told: str) -> None:
    folder = exported("endonerf", tmp_path)
    answer = check(folder, target)
    assert answer.status == 1
    assert told in answer.line


def test_no_target_no_folder_no_kind_are_one_line_each(tmp_path: Path) -> None:
    missing = m3depth("check", "kind=prior", f"input={tmp_path}")
    assert missing.status == 2
    assert "target" in missing.line
    gone = check(tmp_path / "gone", "npz")
    assert gone.status == 1
    assert "no such folder" in gone.line
    other = m3depth("check", "kind=posterior")
    assert other.status == 2
    assert "kind=posterior: choose pairs, prior" in other.line


def test_an_export_that_was_stopped_before_its_poses_is_called_so(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path)
    half_written(folder)
    (folder / "poses_bounds.npy").unlink()
    assert "a half-written export" in check(folder, "endonerf").line


def test_truth_that_is_truncated_is_named(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path)
    path = folder / "depth_float/000000.npy"
    path.write_bytes(path.read_bytes()[:300])
    assert f"{path}: not a readable .npy array" in check(folder, "endonerf").line


@pytest.mark.parametrize("wrong", [{"unit_mm": "x"}, {"size": "large"}, {"size": [48]}])
def test_metadata_of_another_kind_are_named(tmp_path: Path, wrong: dict[str, object]) -> None:
    folder = exported("endonerf", tmp_path)
    path = folder / "depth_meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
    assert f"{path}: {next(iter(wrong))}" in check(folder, "endonerf").line


def test_a_truncated_picture_is_named(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path)
    path = pictures(folder, "depth")[0]
    path.write_bytes(path.read_bytes()[:40])
    assert f"{path}: truncated" in check(folder, "endonerf").line


def test_pictures_of_other_sizes_are_named(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path)
    change(folder, "masks", lambda mask: mask[:-2])
    assert "sizes must be the same" in check(folder, "endonerf").line


@pytest.mark.parametrize("wrong", [float("nan"), "a"])
def test_a_scale_that_is_no_number_is_named(tmp_path: Path, wrong: object) -> None:
    folder = exported("graphdeco", tmp_path)
    path = folder / "sparse/0/depth_params.json"
    params = json.loads(path.read_text())
    params["000003"]["offset"] = wrong
    path.write_text(json.dumps(params))
    assert f"{path}: scale, offset of 000003" in check(folder, "graphdeco").line
