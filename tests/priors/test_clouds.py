"""The points that a scene starts from: how many pixels they are made of, and where they lie."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from prior_scenes import HEIGHT, WIDTH, a_prior, usable, world_points

from m3depth.priors.cloud import ColouredPoints, thinned
from m3depth.priors.layouts.ply import PlyLayout
from m3depth.priors.layouts.writer import scene_writer
from m3depth.priors.prior import DepthPrior

PLANE_MM = 80.0


def a_plane(cx: float = 31.5) -> DepthPrior:
    prior = a_prior(0, cx=cx, cy=23.5)
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    image = torch.stack([columns / WIDTH, rows / HEIGHT, torch.zeros(HEIGHT, WIDTH)])
    return replace(prior, image=image, depth_mm=torch.full_like(prior.depth_mm, PLANE_MM))


def points_of(prior: DepthPrior, folder: Path, voxel_mm: float) -> ColouredPoints:
    writer = scene_writer(folder, PlyLayout, voxel_mm=voxel_mm)
    writer.write(0, prior)
    with np.load(folder / "points" / "000000.npz") as saved:
        return ColouredPoints(saved["points"], saved["colours"])


def of_all_pixels(prior: DepthPrior, voxel_mm: float) -> ColouredPoints:
    image = (prior.image * 255).round().byte().permute(1, 2, 0).numpy()
    return thinned(
        ColouredPoints(world_points(prior)[usable(prior)], image[usable(prior)]), voxel_mm
    )


def test_where_a_cube_has_few_pixels_all_of_them_count(tmp_path: Path) -> None:
    prior = a_prior(1)
    found, expected = points_of(prior, tmp_path, 4.0), of_all_pixels(prior, 4.0)
    assert len(found.points) == len(expected.points)
    nearest = np.linalg.norm(found.points[:, None] - expected.points, axis=2).min(axis=1)
    assert np.median(nearest) < 1e-3  # a pixel at a cube's face may fall into the next by rounding


@pytest.mark.parametrize("voxel_mm", [8.0, 12.0, 40.0])
def test_where_a_cube_has_many_pixels_some_are_enough(tmp_path: Path, voxel_mm: float) -> None:
    prior = a_plane()
    found, expected = points_of(prior, tmp_path, voxel_mm), of_all_pixels(prior, voxel_mm)
    pose = prior.camera_to_world.double().numpy()
    in_camera = (found.points - pose[:3, 3]) @ pose[:3, :3]
    assert np.abs(in_camera[:, 2] - PLANE_MM).max() < 1e-3
    # No gap: every cube's point has one of these nearer than the cube is large
    apart = np.linalg.norm(expected.points[:, None] - found.points, axis=2).min(axis=1)
    assert apart.max() < voxel_mm
    # The colours, a ramp over the image, are those of where the points are
    columns = in_camera[:, 0] / PLANE_MM * 60 + 31.5
    assert np.abs(found.colours[:, 0] / 255 * WIDTH - columns).max() < 0.2


def test_an_image_without_depth_has_no_points(tmp_path: Path) -> None:
    nothing = replace(a_plane(), depth_mm=torch.zeros(1, HEIGHT, WIDTH))
    assert len(points_of(nothing, tmp_path, 1.0).points) == 0
