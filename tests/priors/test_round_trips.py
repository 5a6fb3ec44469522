"""Every layout, re-read by its consumer's own rule: the points are where they were."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scene_readers as readers
from all_writers import MAKERS, WRITERS
from prior_scenes import (
    FAR_MM,
    FOCAL,
    HOLE,
    LONGEST_RAY,
    a_prior,
    export,
    meta_of,
    some_priors,
    usable,
    without_depth,
    world_points,
)

from m3depth.errors import ConfigError, DataError
from m3depth.geometry import poses
from m3depth.priors.layouts.colmap.layout import ColmapLayout
from m3depth.priors.layouts.endo4dgs import Endo4DGSLayout
from m3depth.priors.layouts.endogaussian_mono import EndoGaussianMonoLayout
from m3depth.priors.layouts.endonerf.layout import EndoNeRFStereoLayout
from m3depth.priors.layouts.graphdeco.layout import GraphdecoLayout
from m3depth.priors.layouts.nerfstudio.layout import NerfstudioLayout
from m3depth.priors.layouts.ply import PlyLayout
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


def test_graphdeco_s_images_are_black_where_they_are_transparent(tmp_path: Path) -> None:
    """Its trainer multiplies what it renders by alpha, and compares it with the colours."""
    scene = export(scene_writer(tmp_path, GraphdecoLayout), [a_prior(0)])
    pixels = readers.pixels(scene / "images/000000.png")
    colours, alpha = pixels[..., :3] / 255, pixels[..., 3:] / 255
    perfect = np.where(alpha > 0, colours, 0.5)  # a model of the tissue, with tissue under tools
    assert (alpha == 0).any()
    assert np.abs(perfect * alpha - colours).mean() == 0


@pytest.mark.parametrize(("cx", "cy"), [(32.0, 24.0), (33.3, 22.4), (31.5, 23.5), (30.8, 24.9)])
def test_graphdeco_s_middle_is_met_to_a_quarter_of_a_pixel(
    tmp_path: Path, cx: float, cy: float
) -> None:
    """A column moves it by half a pixel: no half is left, as it was where cx is half the width."""
    meta = meta_of(export(scene_writer(tmp_path, GraphdecoLayout), [a_prior(0, cx=cx, cy=cy)]))
    assert np.abs(meta["principal_remainder_px"]).max() <= 0.25 + 1e-6
    (height, width), cut = meta["size"], meta["cropped_px"]
    assert meta["K"][0][2] == (width - 1) / 2
    assert meta["K_exact"][0][2] == pytest.approx(cx - cut["left"], abs=1e-5)
    assert (64 - width, 48 - height) <= (4, 4)
    if (cx, cy) == (32.0, 24.0):
        assert meta["principal_remainder_px"] == [0, 0]
        assert (height, width) == (47, 63)


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
    due = width / 2 - (0.5 if name == "gsharp" else 0)
    assert meta["K"][0][2] == due
    assert meta["K_exact"][0][2] == pytest.approx(cx - meta["cropped_px"]["left"], abs=1e-5)


def replace_maps(prior: DepthPrior, change) -> DepthPrior:
    names = ("image", "disparity_px", "depth_mm", "confidence", "use")
    return replace(prior, **{name: change(getattr(prior, name)) for name in names})


def test_graphdeco_has_no_hole_and_no_frame_without_depth(tmp_path: Path) -> None:
    scene = export(scene_writer(tmp_path, GraphdecoLayout), [a_prior(0), without_depth(a_prior(1))])
    filled = readers.pixels(scene / "depths/000000.png")
    assert filled.min() > 65536 * 10 / FAR_MM * 0.99
    float_mm = np.load(scene / "depth_float/000000.npy")
    assert (float_mm[HOLE] == 0).sum() > 0
    kept = [one.used.any() for one in readers.graphdeco(scene)]
    assert kept == [True, False]


@pytest.mark.parametrize(("layout", "unit_mm"), [(PlyLayout, 1.0), (NerfstudioLayout, 1000.0)])
def test_the_cloud_holds_every_frames_points(tmp_path: Path, layout, unit_mm: float) -> None:
    priors = some_priors(moving=True)
    scene = export(scene_writer(tmp_path, layout, voxel_mm=1e-3), priors)
    found, rows = readers.ply_points(scene / "points3D.ply")
    wanted = np.concatenate([world_points(one)[usable(one)] for one in priors])
    order = [np.lexsort(cloud.T.round(2)) for cloud in (found * unit_mm, wanted)]
    assert len(found) == len(wanted)
    assert np.abs((found * unit_mm)[order[0]] - wanted[order[1]]).max() < 1e-2
    assert rows.dtype.names == ("x", "y", "z", "nx", "ny", "nz", "red", "green", "blue")
    colours = np.concatenate([one.image.permute(1, 2, 0).numpy()[usable(one)] for one in priors])
    colours = (colours * 255).round()[order[1]]
    assert np.array_equal(rows["green"][order[0]], colours[:, 1])


def test_a_coarser_cloud_has_a_point_per_cube(tmp_path: Path) -> None:
    priors = some_priors(moving=False)
    fine, coarse = (
        readers.ply_points(
            export(scene_writer(tmp_path / str(v), PlyLayout, voxel_mm=v), priors) / "points3D.ply"
        )
        for v in (0.01, 10.0)
    )
    assert len(coarse[0]) < len(fine[0]) / 5
    assert np.all(coarse[0].min(axis=0) >= fine[0].min(axis=0) - 1e-6)


def test_pycolmap_reads_the_model(tmp_path: Path) -> None:
    pycolmap = pytest.importorskip("pycolmap")
    priors = some_priors(moving=True)
    scene = export(scene_writer(tmp_path, ColmapLayout), priors)
    model = pycolmap.Reconstruction(str(scene / "sparse" / "0"))
    assert (model.num_cameras(), model.num_images()) == (1, 3)
    with np.load(scene / "points" / "000001.npz") as saved:
        own = saved["points"]
    for number, prior in enumerate(priors, start=1):
        image = model.image(number)
        assert image.name == f"{number - 1:06d}.png"
        wanted = np.linalg.inv(prior.camera_to_world.double().numpy())[:3]
        assert np.allclose(image.cam_from_world().matrix(), wanted, atol=1e-6)
        camera = model.camera(image.camera_id)
        assert camera.params == pytest.approx([FOCAL, FOCAL, 33.8, 22.9], abs=1e-5)
    # A point of a frame projects into the pixel it came from
    image, camera = model.image(2), model.camera(1)
    seen = [camera.img_from_cam(image.cam_from_world() * point) for point in own[:50]]
    off = np.array(seen) - 0.5
    assert np.abs(off - off.round()).max() < 0.5
    cloud = np.array([point.xyz for point in model.points3D.values()])
    assert len(cloud) > 500


def test_gsplat_finds_each_image_s_points_and_their_depths(tmp_path: Path) -> None:
    """With cubes smaller than a pixel each point is one pixel's, so its depth is the pixel's."""
    priors = some_priors(moving=True)
    scene = export(scene_writer(tmp_path, ColmapLayout, voxel_mm=1e-3), priors)
    for (places, depths), prior in zip(readers.gsplat_depths(scene).values(), priors, strict=True):
        assert len(places) == usable(prior).sum()
        columns, rows = (places - 0.5).round().astype(int).T
        assert np.abs(places - 0.5 - np.stack([columns, rows], axis=1)).max() < 1e-3
        assert depths == pytest.approx(prior.depth_mm[0].numpy()[rows, columns], abs=1e-3)


@pytest.mark.parametrize("text", [False, True], ids=["bin", "txt"])
def test_a_point_s_track_are_the_frames_that_it_comes_from(tmp_path: Path, text: bool) -> None:
    """One depth seen from two places by chance, and twice from the same: each point by whom."""
    pycolmap = pytest.importorskip("pycolmap")
    first, other = a_prior(0, moving=False), a_prior(1, moving=False)
    again = replace(first, key="clip/002")
    scene = export(
        scene_writer(tmp_path, ColmapLayout, voxel_mm=0.05, text=text), [first, other, again]
    )
    model = pycolmap.Reconstruction(str(scene / "sparse" / "0"))
    alone, both = 0, 0
    for point in model.points3D.values():
        images = sorted(element.image_id for element in point.track.elements)
        assert images in ([2], [1, 3], [1, 2, 3])
        alone, both = alone + (images == [2]), both + (images == [1, 3])
    assert min(alone, both) > 2000
    model.update_point_3d_errors()
    assert model.compute_mean_reprojection_error() < 1e-6
    assert model.compute_num_observations() > usable(first).sum() * 2


def test_tracks_and_observations_name_each_other(tmp_path: Path) -> None:
    model = export(scene_writer(tmp_path, ColmapLayout), some_priors(moving=True)) / "sparse" / "0"
    seen = list(readers.observations(model).values())
    for number, (_, track) in readers.tracks(model).items():
        assert track
        for image, place in track:
            assert seen[image - 1].points[place] == number


def test_a_model_has_the_points_of_the_cloud(tmp_path: Path) -> None:
    priors = some_priors(moving=True)
    _, found = readers.colmap_binary(
        export(scene_writer(tmp_path / "a", ColmapLayout), priors) / "sparse/0"
    )
    wanted, _ = readers.ply_points(
        export(scene_writer(tmp_path / "b", PlyLayout), priors) / "points3D.ply"
    )
    assert np.array_equal(found, wanted)


def test_gsplat_cannot_normalise_a_camera_that_stands_still(tmp_path: Path) -> None:
    """What `check kind=prior target=colmap` says."""
    moving = export(scene_writer(tmp_path / "moving", ColmapLayout), some_priors(moving=True))
    assert np.isfinite(readers.gsplat_normalised(moving)).all()
    still = export(scene_writer(tmp_path / "still", ColmapLayout), some_priors(moving=False))
    with pytest.raises(np.linalg.LinAlgError):
        readers.gsplat_normalised(still)


def test_without_pycolmap_a_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pycolmap", None)
    with pytest.raises(ConfigError, match=r"pip install 'm3depth\[colmap\]'"):
        scene_writer(tmp_path, ColmapLayout)


# What every writer owes


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
