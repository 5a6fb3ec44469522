"""The EndoNeRF layout, re-read by the readers' own rules written anew."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import scene_readers as readers
import torch
from prior_scenes import FOCAL, HEIGHT, WIDTH, endonerf, moved

from m3depth.errors import ConfigError, DataError, UserError
from m3depth.geometry import poses
from m3depth.geometry.points import back_project, pixel_grid
from m3depth.geometry.poses import PoseConvention
from m3depth.priors.prior import DepthPrior
from m3depth.types.camera import StereoRig


def prior(
    index: int = 0, cx: float = WIDTH / 2, cy: float = HEIGHT / 2, moving: bool = False
) -> DepthPrior:
    generator = torch.Generator().manual_seed(index)
    depth = 40 + 60 * torch.rand(1, HEIGHT, WIDTH, generator=generator)
    depth[0, :5, :7] = 0
    rig = StereoRig.of(FOCAL, FOCAL, cx, cy, cx, 4.5)
    image = torch.randint(0, 256, (3, HEIGHT, WIDTH), generator=generator) / 255
    confidence = torch.rand(1, HEIGHT, WIDTH, generator=generator)
    pose = moved(index) if moving else torch.eye(4)
    return DepthPrior(
        f"clip/{index:03d}", image, depth / 9, depth, confidence, rig, camera_to_world=pose
    )


def export(
    directory: Path,
    priors: list[DepthPrior],
    convention: PoseConvention | None = None,
    **options: float,
) -> Path:
    writer = endonerf(directory, convention, **options)
    for index, one in enumerate(priors):
        writer.write(index, one)
    assert writer.finish(len(priors)) == []
    return directory


def grey(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


# The readers' rules: a pose row's rotation, turned to OpenCV's axes


def read_as_opengl(rotation: np.ndarray) -> np.ndarray:
    """EndoGaussian, SurgicalGS, Deform3DGS: the y and z columns are flipped."""
    return np.stack([rotation[:, 0], -rotation[:, 1], -rotation[:, 2]], axis=1)


def read_as_llff(rotation: np.ndarray) -> np.ndarray:
    """The LLFF permutation (down, right, back) -> (right, up, back), then as OpenGL's."""
    return read_as_opengl(np.stack([rotation[:, 1], -rotation[:, 0], rotation[:, 2]], axis=1))


def read_as_opencv(rotation: np.ndarray) -> np.ndarray:
    return rotation


def world_points(scene: Path, frame: int, read_rotation) -> tuple[np.ndarray, np.ndarray]:
    """The points (H, W, 3) that such a reader makes of a frame, and which it uses (H, W)."""
    rows = np.load(scene / "poses_bounds.npy")
    pose = rows[frame, :15].reshape(3, 5)
    height, width, focal = rows[0, :15].reshape(3, 5)[:, 4]
    depth = grey(sorted((scene / "depth").glob("*.png"))[frame]).astype(np.float64)
    mask = grey(sorted((scene / "masks").glob("*.png"))[frame])
    assert depth.shape == mask.shape == (height, width)
    j, i = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    camera = np.stack([(i - width // 2) / focal, (j - height // 2) / focal, np.ones_like(depth)], 2)
    rotation, translation = read_rotation(pose[:, :3]), pose[:, 3]
    return (camera * depth[..., None]) @ rotation.T + translation, 1 - mask / 255.0 > 0


def true_points(one: DepthPrior, first: DepthPrior, read_rotation) -> np.ndarray:
    """In the first camera's world, as the reader has it: its own camera is the identity's."""
    batched = StereoRig(*(value[None] for value in one.rig))
    points = back_project(*pixel_grid(one.depth_mm[None]), batched)[0]
    relative = torch.linalg.inv(first.camera_to_world) @ one.camera_to_world
    world = (points @ relative[:3, :3].T + relative[:3, 3]).reshape(HEIGHT, WIDTH, 3).numpy()
    return world @ read_rotation(np.eye(3)).T


@pytest.mark.parametrize(
    ("convention", "reader"),
    [
        (poses.opengl(), read_as_opengl),
        (poses.llff(), read_as_llff),
        (poses.opencv(), read_as_opencv),
    ],
)
def test_a_reader_finds_the_points_of_a_moving_camera(
    tmp_path: Path, convention: PoseConvention, reader
) -> None:
    priors = [prior(i, moving=True) for i in range(3)]
    scene = export(tmp_path, priors, convention)
    for index, one in enumerate(priors):
        points, used = world_points(scene, index, reader)
        distance = np.linalg.norm(points - true_points(one, priors[0], reader), axis=2)
        assert used.sum() == HEIGHT * WIDTH - 35
        assert distance[used].max() < 0.5 * 1.3  # half a millimetre along z, longer along the ray
        other = read_as_llff if reader is not read_as_llff else read_as_opengl
        elsewhere, _ = world_points(scene, index, other)
        expected = true_points(one, priors[0], other)
        assert index == 0 or np.linalg.norm(elsewhere - expected, axis=2)[used].mean() > 5


CONVENTIONS = [poses.opengl(), poses.opencv(), poses.llff(), poses.gsharp()]


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["origin", "elsewhere"])
def test_a_camera_that_stands_still_is_the_identity(
    tmp_path: Path, convention: PoseConvention, elsewhere: bool
) -> None:
    """As EndoNeRF's README asks for; its fixed render path takes the identity, too."""
    priors = [prior(i) for i in range(2)]
    if elsewhere:
        priors = [replace(one, camera_to_world=moved(7)) for one in priors]
    scene = export(tmp_path, priors, convention)
    rows = np.load(scene / "poses_bounds.npy")[:, :15].reshape(-1, 3, 5)[:, :, :4]
    assert np.array_equal(rows, np.tile(np.eye(4)[:3], (2, 1, 1)))
    assert not np.signbit(rows).any()
    assert json.loads((scene / "depth_meta.json").read_text())["world"].startswith("the first")


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda one: one.name)
def test_a_camera_that_moves_is_relative_to_its_first_frame(
    tmp_path: Path, convention: PoseConvention
) -> None:
    """The motion in the file is the motion of the data, seen in the file's axes."""
    priors = [prior(i, moving=True) for i in range(3)]
    rows = np.load(export(tmp_path, priors, convention) / "poses_bounds.npy")
    found = np.tile(np.eye(4), (3, 1, 1))
    found[:, :3] = rows[:, :15].reshape(-1, 3, 5)[:, :, :4]
    assert np.array_equal(found[0], np.eye(4))
    axes = np.eye(4)
    axes[:3, :3] = np.array(convention.axes).T
    first, *_ = poses_mm = [one.camera_to_world.double().numpy() for one in priors]
    expected = [np.linalg.inv(axes) @ np.linalg.inv(first) @ one @ axes for one in poses_mm]
    assert np.abs(found - expected).max() < 1e-9


def test_in_ndc_rays_a_still_camera_is_not_mirrored(tmp_path: Path) -> None:
    """What the file had before, diag(1, -1, -1), is: EndoNeRF renders the mirror image."""
    scene = export(tmp_path, [prior()])
    origins, directions = next(readers.endonerf_rays(scene))
    across = readers.in_ndc(origins, directions, WIDTH, FOCAL)
    expected = (np.arange(WIDTH) - WIDTH / 2) / (WIDTH / 2)
    assert across == pytest.approx(np.tile(expected, (HEIGHT, 1)))
    backwards = directions * np.array([1, -1, -1])
    assert readers.in_ndc(origins, backwards, WIDTH, FOCAL) == pytest.approx(-across)


@pytest.mark.parametrize(("cx", "cy"), [(37.0, 24.0), (27.3, 20.8), (31.5, 23.5), (32.4, 27.6)])
def test_an_off_centre_principal_point_is_cropped_to_the_middle(
    tmp_path: Path, cx: float, cy: float
) -> None:
    one = prior(cx=cx, cy=cy)
    scene = export(tmp_path, [one])
    meta = json.loads((scene / "depth_meta.json").read_text())
    cut = meta["cropped_px"]
    points, used = world_points(scene, 0, read_as_opengl)
    assert points.shape[1] == WIDTH - cut["left"] - cut["right"]
    rows = slice(cut["top"], HEIGHT - cut["bottom"])
    columns = slice(cut["left"], WIDTH - cut["right"])

    assert max(abs(r) for r in meta["principal_remainder_px"]) <= 0.5
    depth = grey(scene / "depth" / "000000.png").astype(np.float64)
    shift = np.array([*meta["principal_remainder_px"], 0.0]) / FOCAL
    corrected = points - (shift * depth[..., None]) @ read_as_opengl(np.eye(3)).T
    error = np.linalg.norm(corrected - true_points(one, one, read_as_opengl)[rows, columns], axis=2)
    assert error[used].max() < 0.5 * 1.3
    image = torch.from_numpy(grey(scene / "images" / "000000.png")[..., ::-1].copy())
    assert torch.equal(image.permute(2, 0, 1) / 255, one.image[:, rows, columns])


def test_a_principal_point_far_out_and_other_cameras_are_refused(tmp_path: Path) -> None:
    writer = endonerf(tmp_path)
    with pytest.raises(DataError, match=r"clip/000: cx is 50\.0 in 64 px"):
        writer.write(0, prior(cx=50.0))
    stretched = StereoRig.of(FOCAL, 66.0, WIDTH / 2, HEIGHT / 2, WIDTH / 2, 4.5)
    with pytest.raises(DataError, match="one focal length"):
        writer.write(0, replace(prior(), rig=stretched))
    with pytest.raises(DataError, match="no calibration"):
        writer.write(0, replace(prior(), rig=StereoRig.uncalibrated(WIDTH, HEIGHT)))
    writer.write(0, prior())
    with pytest.raises(DataError, match="clip/001: another size or K"):
        writer.write(1, prior(1, cx=36.0))


def test_masks_are_binary_and_hold_tools_unknown_depth_and_low_confidence(tmp_path: Path) -> None:
    use = torch.ones(1, HEIGHT, WIDTH, dtype=torch.bool)
    use[..., 40:] = False
    one = replace(prior(), use=use)
    scene = export(tmp_path, [one], min_confidence=0.3)
    mask = grey(scene / "masks" / "000000.png")
    expected = ~use[0] | (one.depth_mm[0] == 0) | (one.confidence[0] < 0.3)
    assert mask.ndim == 2
    assert np.array_equal(mask, np.where(expected.numpy(), 255, 0))
    assert grey(scene / "depth" / "000000.png").dtype == np.uint16


def test_eight_bits_leave_out_what_they_cannot_hold(tmp_path: Path) -> None:
    one = prior()
    one.depth_mm[0, 20, 30] = 256.0
    scene = export(tmp_path, [one], depth_bits=8)
    depth = grey(scene / "depth" / "000000.png")
    assert depth.dtype == np.uint8
    assert depth[20, 30] == 0
    assert grey(scene / "masks" / "000000.png")[20, 30] == 255
    assert np.array_equal(np.load(scene / "depth_float" / "000000.npy"), one.depth_mm[0])


def test_bounds_are_each_frames_used_depths_but_no_stray_pixel(tmp_path: Path) -> None:
    one, other = prior(), prior(1)
    one.depth_mm[0, 20, 30] = 5000.0
    other = replace(other, depth_mm=2 * other.depth_mm)
    bounds = np.load(export(tmp_path, [one, other]) / "poses_bounds.npy")[:, 15:]
    assert bounds == pytest.approx(np.array([[40.0, 100.0], [80.0, 200.0]]), abs=1)
    meta = json.loads((tmp_path / "depth_meta.json").read_text())
    assert (meta["near"], meta["far"]) == pytest.approx((40, 200), abs=1)


def test_an_export_that_is_taken_up_again_is_not_complete_until_finished(tmp_path: Path) -> None:
    writer = endonerf(export(tmp_path, [prior(0)]))
    writer.write(1, prior(1))
    assert not (tmp_path / "depth_meta.json").exists()
    assert writer.finish(2) == []
    assert (tmp_path / "depth_meta.json").exists()


def test_a_skipped_frame_leaves_equal_counts_and_is_named(tmp_path: Path) -> None:
    writer = endonerf(tmp_path)
    for index in range(3):
        writer.write(index, prior(index))
    writer.skip(1, "clip/001", "f1.png: truncated")
    assert not writer.done(1, "clip/001", prior(1).rig)
    assert writer.finish(3) == []
    assert len(np.load(tmp_path / "poses_bounds.npy")) == 2
    for folder in ("images", "depth", "masks"):
        assert [path.stem for path in sorted((tmp_path / folder).iterdir())] == ["000000", "000002"]
    meta = json.loads((tmp_path / "depth_meta.json").read_text())
    assert meta["frames"] == 2
    assert meta["skipped"] == {"clip/001": "f1.png: truncated"}


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    writer = endonerf(tmp_path)
    writer.skip(0, "clip/000", "truncated")
    with pytest.raises(DataError, match="every frame was left out: truncated"):
        writer.finish(1)
    with pytest.raises(DataError, match="no frame has one pixel of usable depth"):
        endonerf(tmp_path / "empty").finish(0)


def test_a_frame_without_depth_takes_the_scenes_bounds(tmp_path: Path) -> None:
    blind = replace(prior(1), depth_mm=torch.zeros(1, HEIGHT, WIDTH))
    rows = np.load(export(tmp_path, [prior(0), blind]) / "poses_bounds.npy")
    assert rows[1, 15:].tolist() == rows[0, 15:].tolist()


def test_another_export_in_the_folder_is_not_mixed_in(tmp_path: Path) -> None:
    export(tmp_path, [prior(0), prior(1)])
    with pytest.raises(ConfigError, match="another depth_bits"):
        endonerf(tmp_path, depth_bits=8).done(0, "clip/000", prior(0).rig)
    with pytest.raises(ConfigError, match="another asked_size"):
        endonerf(tmp_path, asked_size=[48, 64]).done(0, "clip/000", prior(0).rig)
    with pytest.raises(ConfigError, match="shows clip/000, not other/000"):
        endonerf(tmp_path).done(0, "other/000", prior(0).rig)
    with pytest.raises(ConfigError, match="more than 1 frames"):
        endonerf(tmp_path).finish(1)


def test_the_metadata_say_what_the_numbers_mean(tmp_path: Path) -> None:
    writer = endonerf(
        tmp_path,
        poses.llff(),
        min_confidence=0.2,
        model="m3depth",
        checkpoint_sha256="ab12",
    )
    writer.write(0, prior())
    writer.finish(1)
    meta = json.loads((tmp_path / "depth_meta.json").read_text())
    expected = {
        "kind": "depth along z",
        "unit": "mm",
        "scale": 1.0,
        "offset": 0.0,
        "invalid": 0,
        "pose_convention": "llff",
        "model": "m3depth",
        "checkpoint_sha256": "ab12",
        "frames": 1,
        "K": [[FOCAL, 0, WIDTH // 2], [0, FOCAL, HEIGHT // 2], [0, 0, 1]],
    }
    assert {key: meta[key] for key in expected} == expected
    assert meta["confidence"]["excluded_below"] == 0.2
    assert meta["near"] < meta["far"]
    assert meta["mask_polarity"].startswith("255 = exclude")


@pytest.mark.parametrize("options", [{"depth_bits": 12}, {"min_confidence": 1.5}])
def test_options_out_of_range_are_refused(tmp_path: Path, options: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        endonerf(tmp_path, **options)


def test_a_full_disk_is_one_line_that_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(UserError, match=r"frames: cannot write .*No space left on device"):
        endonerf(tmp_path).write(0, prior())
    assert not list(tmp_path.glob("images/*"))
