"""``m3depth check kind=prior``: a healthy export of every writer passes, each fault is found."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from command_line import Told, m3depth
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from m3depth.cli.app import configuration
from m3depth.errors import ConfigError
from m3depth.priors.layouts.writer import SceneWriter
from m3depth.priors.prior import DepthPrior
from m3depth.types.camera import StereoRig

HEIGHT, WIDTH = 64, 80
WRITERS = sorted(path.stem for path in (configuration() / "writer").glob("*.yaml"))
FRAMES = 12  # enough for names whose order as text is another


def written(name: str, folder: Path, *overrides: str) -> SceneWriter:
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        settings = [f"writer={name}", "checkpoint=x", f"output={folder}", *overrides]
        config = compose("export", settings)
        OmegaConf.resolve(config)
        return instantiate(config.writer)


def a_prior(index: int, moving: bool, centre: float = WIDTH / 2) -> DepthPrior:
    """A slope that is darker where it is farther, a hole and a tool."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    depth = 45 + 0.5 * y + 0.2 * x + index / 10
    image = (60 / depth).clamp(0, 1).expand(3, -1, -1) ** 2
    depth[:6, :8] = 0
    use = torch.ones(1, HEIGHT, WIDTH, dtype=torch.bool)
    use[:, 20:40, 60:70] = False
    pose = torch.eye(4)
    pose[:3, 3] = torch.tensor([0.3, -0.1, 0.2]) * index * moving
    return DepthPrior(
        key=f"clip/{index:03d}",
        image=image.float(),
        disparity_px=depth[None] / 9,
        depth_mm=depth[None],
        confidence=torch.ones(1, HEIGHT, WIDTH),
        rig=StereoRig.of(70.0, 70.0, centre, HEIGHT / 2, centre, 4.5),
        camera_to_world=pose,
        use=use,
    )


def exported(name: str, tmp_path: Path, *overrides: str, moving: bool = True) -> Path:
    folder = tmp_path / ("stereo_clip" if name == "endonerf_stereo" else "endo_clip")
    writer = written(name, folder, *overrides)
    for index in range(FRAMES):
        writer.write(index, a_prior(index, moving))
    assert writer.finish(FRAMES) == []
    return folder


def check(folder: Path, target: str, *more: str) -> Told:
    return m3depth("check", "kind=prior", f"input={folder}", f"target={target}", *more)


def codes(folder: Path, target: str, out: Path) -> dict[str, str]:
    told = check(folder, target, f"output={out}", "overwrite=true")
    assert "Traceback" not in told.err, told.err
    said = json.loads((out / "check.json").read_text())
    assert told.status == int(said["errors"] > 0)
    assert all(finding["mend"] and finding["mend"] in told.out for finding in said["findings"])
    return {finding["code"]: finding["severity"] for finding in said["findings"]}


def test_every_writer_has_a_target() -> None:
    targets = sorted(path.stem for path in (configuration() / "target").glob("*.yaml"))
    assert set(WRITERS) <= set(targets)
    assert set(targets) - set(WRITERS) == {"endonerf_original", "surgicalgs"}  # of writer=endonerf


@pytest.mark.parametrize("name", WRITERS)
def test_export_and_check_have_one_description_of_the_reader(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "stereo_endo"
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("check_prior", [f"target={name}", f"input={folder}"])
    habits = instantiate(config.target.habits, _convert_="all")
    writer = written(name, folder)
    assert (
        habits in writer.layout.readers or not writer.layout.readers
    )  # ours (npz) and none (ply) need nothing
    size = getattr(writer.layout, "size", None)
    assert size in (None, habits.size)


@pytest.mark.parametrize("name", WRITERS)
def test_a_healthy_export_passes_and_says_nothing(name: str, tmp_path: Path) -> None:
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        options = compose("export", [f"writer={name}", "checkpoint=x", "output=y"]).writer
    fixed = ["writer.size=[512,640]"] if "size" in options and name == "endonerf" else []
    folder = exported(name, tmp_path, *fixed)
    told = check(folder, name)
    assert told.status == 0, told.out + told.err
    assert "ok: nothing found" in told.out


# Each finding, on a folder that is broken that way


def pictures(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / kind).glob("*.png"))


def change(folder: Path, kind: str, how: Callable[[np.ndarray], np.ndarray]) -> None:
    for path in pictures(folder, kind):
        cv2.imwrite(str(path), how(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)))


def skipping(name: str, tmp_path: Path, *places: int) -> Path:
    folder = exported(name, tmp_path)
    writer = written(name, folder)
    for place in places:
        writer.skip(place, f"clip/{place:03d}", "unreadable")
    assert writer.finish(FRAMES) == []
    return folder


@pytest.mark.parametrize(
    ("target", "places", "told"),
    [
        ("gsharp", (3, 7), "from 000004.png on, all come too early"),
        ("gsharp", (0, 11), "leaves the times of the others"),
        ("npz", (3, 7), "leaves the times of the others"),
        ("nerfstudio", (3, 7), "leaves the times of the others"),
    ],
    ids=["between", "ends", "by_place", "no_time"],
)
def test_skipped_frames_are_told_with_what_they_do_to_time(
    target: str, places: tuple[int, ...], told: str, tmp_path: Path
) -> None:
    folder = skipping(target, tmp_path, *places)
    assert codes(folder, target, tmp_path / "out") == {"skipped_frames": "warning"}
    said = check(folder, target).out
    assert f"2 frames were skipped (clip/{places[0]:03d}, clip/{places[1]:03d})" in said
    assert told in said
    assert "give the same export command again" in said
    assert ("is before and after" in said) == ("too early" in told)


def change_poses(folder: Path, how: Callable[[np.ndarray], np.ndarray]) -> None:
    np.save(folder / "poses_bounds.npy", how(np.load(folder / "poses_bounds.npy")))


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


def half_written(folder: Path) -> None:
    (folder / "depth_meta.json").unlink()


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


def test_words_of_the_path_lead_readers_astray(tmp_path: Path) -> None:
    folder = exported("endonerf_stereo", tmp_path, "writer.size=[512,640]")
    plain = folder.rename(tmp_path / "clip")
    assert codes(plain, "endonerf_stereo", tmp_path / "out") == {"path_words": "error"}
    folder = exported("endonerf", tmp_path / "other", "writer.size=[512,640]")
    named = folder.rename(tmp_path / "stereo_clip")
    assert codes(named, "endonerf", tmp_path / "out") == {"path_words": "warning"}


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


BROKEN = {
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


@pytest.mark.parametrize("name", ["endonerf", "endogaussian_mono", "gsharp", "nerfstudio", "npz"])
def test_poses_are_understood_as_they_were_meant(name: str, tmp_path: Path) -> None:
    folder = exported(name, tmp_path)
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("check_prior", [f"target={name}", f"input={folder}"])
    scene = instantiate(config.target, _convert_="all")(folder, 1)
    due = np.array([a_prior(index, True).camera_to_world.numpy() for index in range(FRAMES)])
    found = np.linalg.inv(scene.poses[0]) @ scene.poses  # whatever the world
    assert found[:, :3, :3] == pytest.approx(due[:, :3, :3], abs=1e-6)
    assert found[:, :3, 3] * scene.unit_mm == pytest.approx(due[:, :3, 3], abs=1e-4)


# Deform3DGS, SurgicalGS and EndoGaussian: ValueError; Endo-4DGS: another field of view, in silence
@pytest.mark.parametrize(
    "name", ["endonerf", "endonerf_stereo", "endogaussian_mono", "endo4dgs", "surgicalgs"]
)
def test_a_size_that_the_reader_does_not_know_is_an_error(name: str, tmp_path: Path) -> None:
    writer = "endonerf" if name == "surgicalgs" else name
    folder = exported(writer, tmp_path, "writer.size=[128,160]")
    found = codes(folder, name, tmp_path / "out")
    assert found["image_size"] == "error"
    assert "writer.size=[512,640]" in check(folder, name).out


def before_the_world_was_turned(folder: Path) -> None:
    """Poses as version 0.1.0 wrote them: the data's own world, the axes alone turned."""

    def turn(rows: np.ndarray) -> np.ndarray:
        for index, row in enumerate(rows):
            pose = a_prior(index, bool(np.ptp(rows[:, 3]) > 0)).camera_to_world[:3].numpy()
            row[:15].reshape(3, 5)[:, :4] = pose * np.array([1, -1, -1, 1])
        return rows

    change_poses(folder, turn)


def test_endonerf_itself_takes_any_size_and_a_still_camera(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path, moving=False)
    assert codes(folder, "endonerf_original", tmp_path / "out") == {}
    before_the_world_was_turned(folder)
    found = codes(folder, "endonerf_original", tmp_path / "out")
    assert found == {"ndc_backwards": "error", "edited": "warning"}
    assert "mirrored" in check(folder, "endonerf_original").out
    without = check(folder, "endonerf_original", "target.habits.no_ndc=true")
    assert without.status == 0


def test_endonerf_itself_needs_no_ndc_for_a_camera_that_moves(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path)
    assert codes(folder, "endonerf_original", tmp_path / "out") == {"ndc_moves": "warning"}
    told = check(folder, "endonerf_original")
    assert "no_ndc = True" in told.out
    notes = json.loads((folder / "depth_meta.json").read_text())["notes"]
    assert any("no_ndc = True" in note for note in notes)
    without = check(folder, "endonerf_original", "target.habits.no_ndc=true")
    assert "ok: nothing found" in without.out


def test_poses_of_version_0_1_0_are_still_understood(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path, "writer.size=[512,640]")
    before_the_world_was_turned(folder)
    assert codes(folder, "endonerf", tmp_path / "out") == {"edited": "warning"}


def test_a_frame_without_any_depth_is_an_error_wherever_it_is(tmp_path: Path) -> None:
    """IndexError in Deform3DGS, SurgicalGS and both EndoGaussians: all files are looked at."""
    folder = exported("endonerf", tmp_path, "writer.size=[512,640]")
    path = pictures(folder, "depth")[5]
    cv2.imwrite(str(path), np.zeros((512, 640), np.uint16))
    told = check(folder, "endonerf", "frames=2")
    assert told.status == 1
    assert "1 of 12 frames have no depth (000005.png)" in told.out
    assert check(folder, "endonerf_original", "target.habits.no_ndc=true").status == 0


@pytest.mark.parametrize("name", ["endo4dgs", "endogaussian_mono"])
def test_a_first_frame_without_depth_is_an_error_where_all_points_are_from_it(
    name: str, tmp_path: Path
) -> None:
    found = {}
    for blind in (0, 2):
        folder = tmp_path / f"endo_{blind}"
        writer = written(name, folder)
        for index in range(4):
            prior = a_prior(index, moving=False)
            depth = prior.depth_mm * (index != blind)
            writer.write(index, replace(prior, depth_mm=depth))
        assert writer.finish(4) == []
        found[blind] = codes(folder, name, tmp_path / "out")["no_depth"]
    assert found == {0: "error", 2: "warning"}


@pytest.mark.parametrize(
    ("name", "words", "severity"),
    [
        ("clip", ["lacks `endo`"], "error"),
        ("endo_stereomis", ["holds `stereomis`"], "error"),
        ("endo_png", ["holds `png`"], "error"),
        ("endo_clip", [], None),
    ],
)
def test_words_in_a_path_that_switch_modes(
    name: str, words: list[str], severity: str | None, tmp_path: Path
) -> None:
    """Without `endo` it reads DyNeRF's layout, with `stereomis` the depth of another folder."""
    folder = exported("endo4dgs", tmp_path).rename(tmp_path / name)
    found = codes(folder, "endo4dgs", tmp_path / "out")
    assert found.get("path_words") == severity
    assert all(word in check(folder, "endo4dgs").out for word in words)


def a_tool_that_moves(index: int) -> DepthPrior:
    prior = a_prior(index, moving=False)
    use = torch.ones_like(prior.use)
    use[:, 20:40, 5 * index : 5 * index + 10] = False
    return replace(prior, use=use)


def everything_used(index: int) -> DepthPrior:
    prior = a_prior(index, moving=False)
    return replace(prior, use=None, depth_mm=prior.depth_mm.clamp_min(45.0))


@pytest.mark.parametrize(
    ("scene", "surgicalgs", "family"),
    [(a_tool_that_moves, None, None), (everything_used, "error", "warning")],
    ids=["tools", "neither"],
)
def test_surgicalgs_needs_tools_or_motion(
    scene: Callable[[int], DepthPrior], surgicalgs: str, family: str, tmp_path: Path
) -> None:
    """It draws 5000 points from what the first frame does not show: ValueError without any."""
    writer = written("endonerf", tmp_path / "scene", "writer.size=[512,640]")
    for index in range(3):
        writer.write(index, scene(index))
    assert writer.finish(3) == []
    for target, severity in (("surgicalgs", surgicalgs), ("endonerf", family)):
        found = codes(tmp_path / "scene", target, tmp_path / "out")
        assert found.get("too_few_seeds") == severity


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


def test_endonerf_divides_by_what_the_masks_leave_out(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path, moving=False)
    change(folder, "depth", lambda depth: depth.clip(45))
    change(folder, "masks", np.zeros_like)
    found = codes(folder, "endonerf_original", tmp_path / "out")
    assert found == {"nothing_masked": "warning", "edited": "warning"}


def test_colours_that_graphdeco_would_compare_with_black(tmp_path: Path) -> None:
    """As version 0.1.0 wrote them: a loss of .07 for a perfect model."""
    folder = exported("graphdeco", tmp_path)
    change(folder, "images", lambda pixels: pixels.clip(90))
    assert codes(folder, "graphdeco", tmp_path / "out")["masked_colours"] == "warning"
    path = folder / "frames/000003.json"
    record = json.loads(path.read_text())
    del record["settings"]["revision"]
    path.write_text(json.dumps(record))
    with pytest.raises(ConfigError, match="another revision; set output=DIR to an empty folder"):
        written("graphdeco", folder).finish(FRAMES)


@pytest.mark.parametrize("name", ["colmap", "graphdeco"])
def test_a_still_camera_is_nothing_for_static_splatters(name: str, tmp_path: Path) -> None:
    folder = exported(name, tmp_path, moving=False)
    assert codes(folder, name, tmp_path / "out") == {"still_camera": "error"}
    told = check(folder, name).out
    assert "learning rate of the positions" in told
    assert "choose a layout whose readers fit a still camera" in told


def test_a_model_without_tracks_is_told(tmp_path: Path) -> None:
    """As version 0.1.0 wrote it: gsplat's --depth_loss is a KeyError."""
    pycolmap = pytest.importorskip("pycolmap")
    folder = exported("colmap", tmp_path)
    model = pycolmap.Reconstruction(str(folder / "sparse/0"))
    for number in list(model.points3D):
        model.delete_point3D(number)
    model.write(str(folder / "sparse/0"))
    found = codes(folder, "colmap", tmp_path / "out")
    assert found == {"no_tracks": "error", "edited": "warning"}


def test_export_says_what_check_says(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At the end, in one line each, and in the metadata."""
    with caplog.at_level("WARNING"):
        folder = exported("endonerf", tmp_path, moving=False)
    (told,) = [record.getMessage() for record in caplog.records]
    assert "images are 80x64, and 640x512 is in the code of Deform3DGS, SurgicalGS and" in told
    assert "export with writer.size=[512,640]" in told
    assert json.loads((folder / "depth_meta.json").read_text())["notes"][1:] == [told]
    assert told.split("; ")[0] in check(folder, "endonerf").out
    caplog.clear()
    with caplog.at_level("WARNING"):
        exported("colmap", tmp_path / "other", moving=False)
    assert "the camera stands still" in caplog.text
    assert "no_tracks" not in caplog.text


def test_an_export_for_another_reader_has_other_axes(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path)
    assert codes(folder, "gsharp", tmp_path / "out") == {"pose_axes": "error"}


def test_nerfstudio_would_divide_by_zero_for_a_camera_that_stands_still(tmp_path: Path) -> None:
    folder = exported("nerfstudio", tmp_path, moving=False)
    assert codes(folder, "nerfstudio", tmp_path / "out") == {"still_camera": "warning"}


def test_nerfstudio_with_depth_in_metres(tmp_path: Path) -> None:
    folder = exported("nerfstudio", tmp_path)
    for path in (folder / "depths").glob("*.npy"):
        np.save(path, np.load(path) / 1000)
    due = {"unit": "error", "edited": "warning"}
    assert codes(folder, "nerfstudio", tmp_path / "out") == due


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


def test_npz_that_is_valid_nowhere_has_no_depth(tmp_path: Path) -> None:
    folder = exported("npz", tmp_path)
    for path in (folder / "priors").glob("*.npz"):
        saved = dict(np.load(path))
        np.savez(path, **{**saved, "valid": np.zeros_like(saved["valid"])})
    due = {"no_depth": "error", "edited": "warning"}
    assert codes(folder, "npz", tmp_path / "out") == due


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
