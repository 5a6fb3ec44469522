"""Every layout, read again by its reader's own rules written anew."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scene_readers as readers
from all_writers import MAKERS, WRITERS
from prior_scenes import (
    FAR_MM,
    FOCAL,
    LONGEST_RAY,
    a_prior,
    export,
    meta_of,
    some_priors,
    usable,
    world_points,
)

from m3depth.errors import ConfigError, DataError
from m3depth.geometry import poses
from m3depth.priors.layouts.endo4dgs import Endo4DGSLayout
from m3depth.priors.layouts.endogaussian_mono import EndoGaussianMonoLayout
from m3depth.priors.layouts.endonerf.layout import EndoNeRFStereoLayout
from m3depth.priors.layouts.writer import scene_writer
from m3depth.priors.prior import DepthPrior

FLOAT_MM = 1e-4


HALF_MM = 0.5


STEP_MM = {  # half of the largest step that a format makes along z
    "endonerf": HALF_MM,
    "endonerf_itself": HALF_MM,
    "endonerf_opencv": HALF_MM,
    "gsharp": HALF_MM,
    "nerfstudio_png": HALF_MM,
    "endogaussian_mono": FAR_MM**2 / (255 * 30.0) / 2 * 1.05,
    "graphdeco": FAR_MM**2 / (65536 * 10.0) / 2 * 1.05,
}


def expected(prior: DepthPrior, meta: dict) -> tuple[np.ndarray, np.ndarray]:
    """The points that a reader should find, and which, in the cropped picture.

    A reader of a centred layout has a principal point that may be half a pixel off, as the
    metadata say; what that moves is added.
    """
    cut = meta.get("cropped_px", {"left": 0, "right": 0, "top": 0, "bottom": 0})
    height, width = prior.size
    area = (slice(cut["top"], height - cut["bottom"]), slice(cut["left"], width - cut["right"]))
    remainder = np.array([*meta.get("principal_remainder_px", [0.0, 0.0]), 0.0])
    assert np.abs(remainder).max() <= 0.5
    depth = prior.depth_mm[0].double().numpy()
    moved = (remainder / FOCAL * depth[..., None]) @ prior.camera_to_world[
        :3, :3
    ].double().numpy().T
    return (world_points(prior) + moved)[area], usable(prior)[area]


def as_read(points: np.ndarray, first: DepthPrior, world: np.ndarray | None) -> np.ndarray:
    """Points of our world in the one of a reader; see `Consumed`."""
    if world is None:
        return points
    pose = first.camera_to_world.double().numpy()
    return (points - pose[:3, 3]) @ pose[:3, :3] @ world.T  # rows: R⁻¹ (x - t), then the axes


@pytest.mark.parametrize("moving", [True, False], ids=["moving", "static"])
@pytest.mark.parametrize("name", WRITERS)
def test_the_reader_finds_the_points(tmp_path: Path, name: str, moving: bool) -> None:
    writer, read, world = WRITERS[name]
    priors = some_priors(moving)
    scene = export(writer(tmp_path / "scene"), priors)
    seen = list(read(scene))
    assert len(seen) == len(priors)
    tolerance = STEP_MM.get(name, FLOAT_MM) * LONGEST_RAY + 1e-3
    for one, prior in zip(seen, priors, strict=True):
        wanted, used = expected(prior, meta_of(scene))
        wanted = as_read(wanted, priors[0], world)
        if name == "graphdeco":  # its holes cannot be told: only tools are left out
            assert not (used & ~one.used).any()
        else:
            assert np.array_equal(one.used, used)
        distance = np.linalg.norm(one.points - wanted, axis=-1)
        assert distance[used].max() < tolerance


@pytest.mark.parametrize("name", ["nerfstudio", "colmap", "npz"])
def test_any_intrinsics_go_where_they_can_be_expressed(tmp_path: Path, name: str) -> None:
    """A principal point far out, oblong pixels, another camera per frame: nothing is cropped."""
    writer, read, _ = WRITERS[name]
    priors = [a_prior(0, cx=50.0), a_prior(1, cy=10.0, fy=70.0)]
    scene = export(writer(tmp_path / "scene"), priors)
    for one, prior in zip(read(scene), priors, strict=True):
        distance = np.linalg.norm(one.points - world_points(prior), axis=-1)
        assert distance[usable(prior)].max() < 1e-3
    assert meta_of(scene)["K_varies"] is True


@pytest.mark.parametrize("name", ["endonerf", "endogaussian_mono", "endo4dgs", "graphdeco"])
def test_a_layout_without_a_principal_point_refuses_one_far_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"clip/000: cx is 50\.0 in 64 px"):
        WRITERS[name].write(tmp_path).write(0, a_prior(0, cx=50.0))


@pytest.mark.parametrize(("cx", "cy"), [(33.3, 22.4), (31.5, 23.5), (27.0, 24.0)])
def test_the_fixed_size_of_deform3dgs_holds_every_pixel_s_point(
    tmp_path: Path, cx: float, cy: float
) -> None:
    """64 x 48 becomes 640 x 480 in 640 x 512: each pixel of it shows its nearest one's depth."""
    priors = some_priors(moving=True, cx=cx, cy=cy)
    writer = scene_writer(
        tmp_path / "stereo_a", EndoNeRFStereoLayout, pose_convention=poses.opencv(), size=(512, 640)
    )
    scene = export(writer, priors)
    meta = meta_of(scene)
    cut, remainder = meta["cropped_px"], np.array(meta["principal_remainder_px"])
    assert np.abs(remainder).max() <= 0.5
    for one, prior in zip(readers.deform3dgs_stereo(scene), priors, strict=True):
        rows = (np.arange(512) + cut["top"]) // 10
        columns = (np.arange(640) + cut["left"]) // 10
        inside = ((rows >= 0) & (rows < 48))[:, None] & ((columns >= 0) & (columns < 64))
        source = np.ix_(rows.clip(0, 47), columns.clip(0, 63))
        used = usable(prior)[source] & inside
        assert np.array_equal(one.used, used)
        # What the exact camera sees at these pixels, with the nearest depth of the source
        depth = prior.depth_mm[0].double().numpy()[source]
        x = (np.arange(640) + cut["left"] + 0.5) / 10 - 0.5
        y = (np.arange(512) + cut["top"] + 0.5) / 10 - 0.5
        rays = np.stack(
            [*np.meshgrid((x - cx) / FOCAL, (y - cy) / FOCAL), np.ones((512, 640))], axis=-1
        )
        rays[..., :2] += remainder / (10 * FOCAL)
        pose = prior.camera_to_world.double().numpy()
        wanted = (rays * depth[..., None]) @ pose[:3, :3].T + pose[:3, 3]
        wanted = as_read(wanted, priors[0], readers.WORLDS[readers.as_it_is])
        assert np.linalg.norm(one.points - wanted, axis=-1)[used].max() < HALF_MM * LONGEST_RAY


def test_deform3dgs_s_variant_needs_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stereo_"):
        scene_writer(tmp_path / "scene", EndoNeRFStereoLayout, pose_convention=poses.opencv())


def test_endo_4dgs_would_replace_words_of_the_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="replaces `images`"):
        scene_writer(tmp_path / "images_of_today", Endo4DGSLayout, pose_convention=poses.opengl())


def test_eight_bits_leave_out_what_is_too_near(tmp_path: Path) -> None:
    prior = a_prior(0)
    prior.depth_mm[0, 20, 30] = 29.0
    scene = export(
        scene_writer(
            tmp_path, EndoGaussianMonoLayout, pose_convention=poses.opencv(), near_mm=30.0
        ),
        [prior],
    )
    cut = meta_of(scene)["cropped_px"]
    row, column = 20 - cut["top"], 30 - cut["left"]
    assert readers.pixels(scene / "masks/000000.png")[row, column] == 255
    assert readers.pixels(scene / "monodepth/000000.png")[row, column].tolist() == [0, 0, 0]


@pytest.mark.parametrize("cx", [33.3, 31.5, 36.0, 28.9])
@pytest.mark.parametrize("name", ["endonerf", "gsharp"])
def test_sizes_are_even_so_that_half_of_them_is_one_number(
    tmp_path: Path, name: str, cx: float
) -> None:
    """EndoNeRF's centre is W / 2, its followers' W // 2; G-SHARP's is half a pixel before."""
    odd = replace_maps(a_prior(0, cx=cx), lambda maps: maps[..., 1:, :-1])
    meta = meta_of(export(WRITERS[name].write(tmp_path), [odd]))
    (height, width) = meta["size"]
    assert height % 2 == width % 2 == 0
    assert np.abs(meta["principal_remainder_px"]).max() <= 0.5 + 1e-6
    expected = width / 2 - (0.5 if name == "gsharp" else 0)
    assert meta["K"][0][2] == expected
    assert meta["K_exact"][0][2] == pytest.approx(cx - meta["cropped_px"]["left"], abs=1e-5)


def replace_maps(prior: DepthPrior, change) -> DepthPrior:
    names = ("image", "disparity_px", "depth_mm", "confidence", "use")
    return replace(prior, **{name: change(getattr(prior, name)) for name in names})


@pytest.mark.parametrize("name", MAKERS)
def test_the_metadata_say_what_the_numbers_mean(tmp_path: Path, name: str) -> None:
    writer = MAKERS[name]
    meta = meta_of(export(writer(tmp_path), some_priors(moving=False)))
    stated = {"kind", "unit", "unit_mm", "scale", "offset", "invalid", "mask_polarity", "K"}
    stated |= {"pose_convention", "near", "far", "model", "checkpoint_sha256", "confidence"}
    assert stated <= meta.keys()
    assert meta["near"] * meta["unit_mm"] == pytest.approx(40, abs=1)
    assert meta["far"] * meta["unit_mm"] == pytest.approx(100, abs=1)


@pytest.mark.parametrize("name", ["endonerf", "endogaussian_mono", "graphdeco", "nerfstudio_png"])
def test_the_float_truth_stands_beside_what_is_rounded(tmp_path: Path, name: str) -> None:
    prior = a_prior(0)
    scene = export(WRITERS[name].write(tmp_path), [prior])
    cut = meta_of(scene).get("cropped_px", {"left": 0, "top": 0})
    truth = np.load(scene / "depth_float/000000.npy")
    rows, columns = truth.shape
    source = prior.depth_mm[0].numpy()[cut["top"] :, cut["left"] :][:rows, :columns]
    assert np.array_equal(truth, source)
