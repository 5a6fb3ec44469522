"""A reconstruction as a COLMAP model."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import NDArray

from m3depth.geometry.tsdf import Mesh
from m3depth.priors.cloud import ColouredPoints, thinned
from m3depth.priors.layouts.colmap.model import model_files
from m3depth.priors.layouts.npz.archive import Archive, read_archive
from m3depth.priors.records import Record
from m3depth.reconstruction.surface import archives, known

POINTS = 4  # voxels from one point of the model to the next
NEAR = 2  # voxels between a point and what a frame shows there: it is seen


def can_write() -> bool:
    """Whether pycolmap is installed."""
    return find_spec("pycolmap") is not None


def colmap_files(folder: Path, mesh: Mesh, voxel: float, names: dict[str, str]) -> dict[str, bytes]:
    """Cameras, images and points of ``sparse/0``; K is that of each frame.

    Args:
        folder: The scene.
        mesh: Its surface: points are its corners, thinned.
        voxel: The side of a voxel that it is made of.
        names: Of the pictures without ``.png``, by the names of the scene's frames.

    Raises:
        ConfigError: pycolmap is not installed.
    """
    colours = np.rint(255 * mesh.colours).astype(np.uint8)
    cloud = thinned(ColouredPoints(mesh.points, colours), POINTS * voxel)
    records: list[Record] = []
    seen = []
    for path, frame in _frames(folder):
        camera = {"size": frame.depth_mm.shape, "K": frame.intrinsics.tolist()}
        pose = frame.camera_to_world
        records.append({"name": names[path.stem], "camera": camera, "camera_to_world": pose})
        seen.append(_seen(cloud.points, frame, NEAR * voxel))
    return model_files(records, cloud, seen, text=False)


def _frames(folder: Path) -> Iterator[tuple[Path, Archive]]:
    return ((path, read_archive(path)) for path in archives(folder))


def _seen(
    points: Float[NDArray[np.floating], "n 3"], frame: Archive, near: float
) -> Int64[NDArray[np.int64], " m"]:
    """The points that lie on what the frame shows."""
    world_to_camera = np.linalg.inv(frame.camera_to_world)
    x, y, z = (points @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]).T
    depth = np.where(z > 0, z, 1.0)
    K = frame.intrinsics
    column = np.rint(K[0, 0] * x / depth + K[0, 2]).astype(int)
    row = np.rint(K[1, 1] * y / depth + K[1, 2]).astype(int)
    height, width = frame.depth_mm.shape
    inside = (z > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    shown = known(frame)[row.clip(0, height - 1), column.clip(0, width - 1)]
    return np.flatnonzero(inside & (np.abs(shown - z) < near))
