"""Coloured points in world coordinates: what a splatter starts from."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64, Shaped, UInt8
from numpy.typing import NDArray

from m3depth.imaging.bytes import to_bytes

Indices = Int64[NDArray[np.int64], "..."]  # (n,), another one for each cloud
Points = Float[NDArray[np.floating], "n 3"]
Rgb = UInt8[NDArray[np.uint8], "n 3"]


class ColouredPoints(NamedTuple):
    """Points and their colours."""

    points: Points
    colours: Rgb


def back_projected(
    depth_mm: Float[NDArray[np.floating], "h w"],
    image: UInt8[NDArray[np.uint8], "h w 3"],
    chosen: Shaped[NDArray[np.bool_], "h w"],
    K: Float[NDArray[np.floating], "3 3"],
    camera_to_world: Float[NDArray[np.floating], "4 4"],
) -> ColouredPoints:
    """The points of the chosen pixels, in millimetres of the world."""
    across, down, first = (camera_to_world[:3, :3] @ np.linalg.inv(K)).T  # of a ray per pixel
    height, width = chosen.shape
    rays = np.arange(width)[:, None] * across + (np.arange(height)[:, None, None] * down + first)
    points = rays[chosen]
    points *= depth_mm[chosen][:, None]
    points += camera_to_world[:3, 3]
    return ColouredPoints(points, image[chosen])


def joined(clouds: Iterable[ColouredPoints]) -> ColouredPoints:
    """All points of several clouds."""
    points, colours = zip(*clouds, strict=True)
    return ColouredPoints(np.concatenate(points), np.concatenate(colours))


def thinned(cloud: ColouredPoints, voxel_mm: float) -> ColouredPoints:
    """The mean point and colour of every cube of this size that holds any, in a fixed order."""
    if not len(cloud.points):
        return cloud
    return _in_order(_open3d(cloud).voxel_down_sample(voxel_mm))[0]


def traced(
    clouds: Sequence[ColouredPoints], voxel_mm: float
) -> tuple[ColouredPoints, list[Indices]]:
    """All points of several clouds, `thinned`, and for each cloud the points that it is part of."""
    whole = joined(clouds)
    if not len(whole.points):
        return whole, [np.empty(0, np.int64) for _ in clouds]
    shown, margin = _open3d(whole), voxel_mm / 2  # as `voxel_down_sample` lays its cubes
    low, high = shown.get_min_bound() - margin, shown.get_max_bound() + margin
    small, _, members = shown.voxel_down_sample_and_trace(voxel_mm, low, high)
    cloud, order = _in_order(small)
    sources = np.repeat(np.arange(len(clouds)), [len(one.points) for one in clouds])
    points = np.repeat(np.argsort(order), [len(one) for one in members])  # in the new order
    pairs = np.unique(np.stack([sources[np.concatenate(members)], points]), axis=1)
    return cloud, [pairs[1][pairs[0] == source] for source in range(len(clouds))]


def _in_order(small: Any) -> tuple[ColouredPoints, Indices]:
    points = np.asarray(small.points)
    colours = to_bytes(torch.from_numpy(np.asarray(small.colors))).numpy()
    order = np.lexsort(points.T)
    return ColouredPoints(points[order], colours[order]), order


def ply(cloud: ColouredPoints) -> bytes:
    """A binary PLY with normals of zero, which INRIA's readers ask for."""
    import open3d

    shown = _open3d(cloud)
    shown.normals = open3d.utility.Vector3dVector(np.zeros_like(cloud.points, np.float64))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cloud.ply"
        open3d.io.write_point_cloud(path, shown)
        return path.read_bytes()


def _open3d(cloud: ColouredPoints) -> Any:
    import open3d

    shown = open3d.geometry.PointCloud()
    shown.points = open3d.utility.Vector3dVector(cloud.points.astype(np.float64))
    shown.colors = open3d.utility.Vector3dVector(cloud.colours / 255)
    return shown
