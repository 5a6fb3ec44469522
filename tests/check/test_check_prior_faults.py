"""``m3depth check kind=prior`` finds each fault, on a folder that is broken that way."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prior_folders import (
    HEIGHT,
    WIDTH,
    a_prior,
    change,
    change_poses,
    codes,
    exported,
    half_written,
    pictures,
    written,
)


def metres_in_npy(folder: Path) -> None:
    for path in (folder / "depth_dam").glob("*.npy"):
        np.save(path, np.load(path) / 1000)


def metres_in_png(folder: Path) -> None:
    change(folder, "depth", lambda depth: np.rint(depth / 1000).astype(np.uint16))


def eight_bits(folder: Path) -> None:
    change(folder, "depth", lambda depth: depth.astype(np.uint8))


def overflown(folder: Path) -> None:
    change(folder, "depth", lambda depth: (depth * 4.0).clip(0, 255).astype(np.uint8))


def inverted_masks(folder: Path) -> None:
    change(folder, "masks", lambda mask: 255 - mask)


def masks_of_one(folder: Path) -> None:
    change(folder, "masks", lambda mask: mask // 255)


def masks_in_colour(folder: Path) -> None:
    change(folder, "masks", lambda mask: np.repeat(mask[..., None], 3, axis=2))


def no_masks(folder: Path) -> None:
    change(folder, "masks", np.zeros_like)


def inverse(folder: Path) -> None:
    change(
        folder,
        "depth",
        lambda z: np.where(z > 0, np.rint(4000 / z.clip(1)), 0).astype(np.uint16),
    )


def inverse_without_truth(folder: Path) -> None:
    inverse(folder)
    for path in (folder / "depth_float").glob("*.npy"):
        path.unlink()


def one_mask_missing(folder: Path) -> None:
    pictures(folder, "masks")[3].unlink()


def short_names(folder: Path) -> None:
    for kind in ("images", "depth", "masks"):
        for path in pictures(folder, kind):
            path.rename(path.with_name(f"{int(path.stem)}.png"))


def mirrored_pose(folder: Path) -> None:
    def mirror(rows: np.ndarray) -> np.ndarray:
        rows[2, [0, 5, 10]] *= -1
        return rows

    change_poses(folder, mirror)


def nan_pose(folder: Path) -> None:
    def spoil(rows: np.ndarray) -> np.ndarray:
        rows[2, 3] = np.nan
        return rows

    change_poses(folder, spoil)


def said_off_centre(folder: Path) -> None:
    path = folder / "depth_meta.json"
    meta = json.loads(path.read_text())
    meta["K_exact"][0][2] += 12.0
    path.write_text(json.dumps(meta))


def all_zero(folder: Path) -> None:
    change(folder, "depth", np.zeros_like)


def half_written_without_a_record(folder: Path) -> None:
    half_written(folder)
    for path in (folder / "frames").iterdir():
        path.unlink()


def of_other_frames(folder: Path) -> None:
    path = folder / "depth_meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"frames": 7}))


def of_another_size(folder: Path) -> None:
    path = folder / "depth_meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"size": [40, 30]}))


def nan_depth(folder: Path) -> None:
    path = sorted((folder / "depth_dam").glob("*.npy"))[0]
    depth = np.load(path)
    depth[0, 30, 30] = np.nan
    np.save(path, depth)


def nan_before_rounding(folder: Path) -> None:
    path = sorted((folder / "depth_float").glob("*.npy"))[0]
    np.save(path, np.load(path) * np.nan)


def spoil_archive(folder: Path, name: str, how: Callable[[np.ndarray], np.ndarray]) -> None:
    path = sorted((folder / "priors").glob("*.npz"))[0]
    saved = dict(np.load(path))
    np.savez(path, **{**saved, name: how(saved[name])})


def negative_archive(folder: Path) -> None:
    spoil_archive(folder, "depth_mm", lambda depth: depth * np.where(depth < 60, -1, 1))


def nan_archive(folder: Path) -> None:
    spoil_archive(folder, "depth_mm", lambda depth: np.where(depth > 0, depth, np.nan))


def one_archive_in_metres(folder: Path) -> None:
    spoil_archive(folder, "depth_mm", lambda depth: depth / 1000)


def confidence_in_percent(folder: Path) -> None:
    spoil_archive(folder, "confidence", lambda confidence: 100 * confidence)


def half_the_k(folder: Path) -> None:
    spoil_archive(folder, "intrinsics", lambda K: np.diag([0.5, 0.5, 1]) @ K / [[2], [2], [1]])


def normalised_k(folder: Path) -> None:
    K = np.array([[0.9, 0, 0.5], [0, 1.2, 0.5], [0, 0, 1]])
    spoil_archive(folder, "intrinsics", lambda _: K)


def masked_once(folder: Path) -> None:
    spoil_archive(folder, "use", np.zeros_like)


def nan_focal_length(folder: Path) -> None:
    def spoil(rows: np.ndarray) -> np.ndarray:
        rows[:, 14] = np.nan
        return rows

    change_poses(folder, spoil)


def poses_of_a_larger_image(folder: Path) -> None:
    def spoil(rows: np.ndarray) -> np.ndarray:
        rows[:, [4, 9, 14]] *= 2
        return rows

    change_poses(folder, spoil)


def other_colours(folder: Path) -> None:
    change(folder, "images", lambda image: 255 - image)


def size_of_another_camera(folder: Path) -> None:
    path = folder / "transforms.json"
    transforms = json.loads(path.read_text())
    transforms["frames"][0] |= {"w": 2 * WIDTH, "h": 2 * HEIGHT}
    path.write_text(json.dumps(transforms))


def says(folder: Path, **words: object) -> None:
    path = folder / "depth_meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | words))


def disparity_said(folder: Path) -> None:
    says(folder, kind="disparity in pixels")


def relative_depth_said(folder: Path) -> None:
    says(folder, depth_scale="up_to_scale")


def metres_said(folder: Path) -> None:
    says(folder, unit="m")


def no_kind_said(folder: Path) -> None:
    path = folder / "depth_meta.json"
    meta = json.loads(path.read_text())
    del meta["kind"]
    path.write_text(json.dumps(meta))


BROKEN = {
    "disparity_said": ("nerfstudio", disparity_said, "stated_kind", "error"),
    "relative_said": ("graphdeco", relative_depth_said, "stated_kind", "error"),
    "metres_said": ("npz", metres_said, "stated_kind", "error"),
    "no_kind_said": ("npz", no_kind_said, "stated_kind", "warning"),
    "nan_before_rounding": ("endonerf", nan_before_rounding, "depth_not_finite", "error"),
    "negative_npz": ("npz", negative_archive, "depth_negative", "error"),
    "nan_npz": ("npz", nan_archive, "depth_not_finite", "error"),
    "metres_once_npz": ("npz", one_archive_in_metres, "unit", "error"),
    "confidence_npz": ("npz", confidence_in_percent, "confidence", "error"),
    "half_k_npz": ("npz", half_the_k, "principal_point", "warning"),
    "camera_size": ("nerfstudio", size_of_another_camera, "camera_size", "error"),
    "normalised_k_npz": ("npz", normalised_k, "normalised_rig", "error"),
    "masked_once_npz": ("npz", masked_once, "all_masked", "warning"),
    "nan_focal": ("gsharp", nan_focal_length, "intrinsics", "error"),
    "larger_image": ("gsharp", poses_of_a_larger_image, "camera_size", "error"),
    "edited": ("gsharp", other_colours, "edited", "warning"),
    "near_cull": ("endo4dgs", metres_in_npy, "near_cull", "error"),
    "metres_rounded_away": ("endonerf", metres_in_png, "no_depth", "error"),
    "eight_bits": ("endonerf", eight_bits, "eight_bits", "warning"),
    "overflow": ("endonerf", overflown, "overflow", "error"),
    "polarity": ("endonerf", inverted_masks, "polarity", "error"),
    "polarity_stereo": ("endonerf_stereo", inverted_masks, "polarity", "error"),
    "masks_0_1": ("endonerf", masks_of_one, "mask_values", "error"),
    "masks_rgb": ("gsharp", masks_in_colour, "mask_channels", "error"),
    "revived": ("endonerf", no_masks, "revived", "error"),
    "inverse": ("endonerf", inverse, "inverse", "error"),
    "inverse_by_light": ("endonerf", inverse_without_truth, "inverse", "warning"),
    "counts": ("endonerf", one_mask_missing, "counts", "error"),
    "sort_order": ("endonerf", short_names, "sort_order", "error"),
    "mirrored": ("endonerf", mirrored_pose, "no_rotation", "error"),
    "nan_pose": ("endonerf", nan_pose, "no_rotation", "error"),
    "off_centre": ("endonerf", said_off_centre, "off_centre", "error"),
    "all_zero": ("endonerf", all_zero, "no_depth", "error"),
    "of_other_frames": ("endonerf", of_other_frames, "of_another_scene", "error"),
    "of_another_size": ("colmap", of_another_size, "of_another_scene", "error"),
    "half_written": ("endonerf", half_written, "half_written", "error"),
    "no_record_yet": ("npz", half_written_without_a_record, "half_written", "error"),
    "nan_depth": ("endo4dgs", nan_depth, "depth_not_finite", "error"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_each_fault_is_found(fault: str, tmp_path: Path) -> None:
    target, spoil, code, severity = BROKEN[fault]
    fixed = ["writer.size=[128,160]"] if target.startswith("endo") else []
    folder = exported(target, tmp_path, *fixed)
    spoil(folder)
    found = codes(folder, target, tmp_path / "out")
    assert found[code] == severity
    follows = {"image_size", "edited"}  # what was broken was changed, too
    if spoil in (inverted_masks, masks_of_one):
        follows |= {"revived"}  # these masks keep the unknown depth as well
    assert set(found) - {code} <= follows


@pytest.mark.parametrize("column", [4, 9, 14])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_camera_of_no_numbers_is_told(column: int, value: float, tmp_path: Path) -> None:
    folder = exported("gsharp", tmp_path)
    (folder / "depth_meta.json").unlink()
    shutil.rmtree(folder / "frames")

    def spoil(rows: np.ndarray) -> np.ndarray:
        rows[:, column] = value
        return rows

    change_poses(folder, spoil)
    assert "error" in codes(folder, "gsharp", tmp_path / "out").values()


def test_nerfstudio_with_depth_in_metres(tmp_path: Path) -> None:
    folder = exported("nerfstudio", tmp_path)
    for path in (folder / "depths").glob("*.npy"):
        np.save(path, np.load(path) / 1000)
    expected = {"unit": "error", "edited": "warning"}
    assert codes(folder, "nerfstudio", tmp_path / "out") == expected


def test_a_cloud_in_metres(tmp_path: Path) -> None:
    writer = written("ply", tmp_path / "s", "writer.voxel_mm=0.5")
    prior = a_prior(0, moving=False)
    writer.write(0, replace(prior, depth_mm=prior.depth_mm / 40))
    assert writer.finish(1) == []
    assert "unit" in codes(tmp_path / "s", "ply", tmp_path / "out")


def test_mono_depth_that_is_too_near_is_clipped(tmp_path: Path) -> None:
    folder = exported("endogaussian_mono", tmp_path, "writer.size=[128,160]")
    change(folder, "monodepth", lambda v: (v * 3.0).clip(0, 255).astype(np.uint8))
    assert codes(folder, "endogaussian_mono", tmp_path / "out")["overflow"] == "error"


def test_npz_that_is_valid_nowhere_has_no_depth(tmp_path: Path) -> None:
    folder = exported("npz", tmp_path)
    for path in (folder / "priors").glob("*.npz"):
        saved = dict(np.load(path))
        np.savez(path, **{**saved, "valid": np.zeros_like(saved["valid"])})
    expected = {"no_depth": "error", "edited": "warning"}
    assert codes(folder, "npz", tmp_path / "out") == expected
