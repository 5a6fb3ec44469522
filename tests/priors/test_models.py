"""COLMAP models, graphdeco's pictures and clouds, as their readers have them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scene_readers as readers
from prior_scenes import (
    FAR_MM,
    FOCAL,
    HOLE,
    a_prior,
    export,
    meta_of,
    some_priors,
    usable,
    without_depth,
    world_points,
)

from m3depth.errors import ConfigError
from m3depth.priors.layouts.colmap.layout import ColmapLayout
from m3depth.priors.layouts.graphdeco.layout import GraphdecoLayout
from m3depth.priors.layouts.nerfstudio.layout import NerfstudioLayout
from m3depth.priors.layouts.ply import PlyLayout
from m3depth.priors.layouts.writer import scene_writer


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
