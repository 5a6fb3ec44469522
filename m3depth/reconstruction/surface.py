"""The surface of a scene: all its frames, fused."""

from pathlib import Path

import numpy as np

from m3depth.errors import DataError
from m3depth.geometry.tsdf import Mesh, SurfaceFusion
from m3depth.priors.layouts.npz.archive import Archive, read_archive
from m3depth.progress import progress
from m3depth.reconstruction.unit import Unit
from m3depth.types import Track

PIXELS = 1.5  # a voxel is as wide as so many pixels at the median depth


def voxel_for(track: Track, unit: Unit, asked: float | None) -> float:
    """The side of a voxel: what is asked for, or what the frames resolve."""
    if asked is not None:
        return asked
    return float(f"{PIXELS * unit.depth / float(track.cameras.fx.median()):.2g}")


def archives(folder: Path) -> list[Path]:
    """The frames of a scene, in order."""
    return sorted((folder / "priors").glob("*.npz"))


def fuse(folder: Path, voxel: float) -> Mesh:
    """Fuse what is valid in each frame of a scene; one frame is in memory at a time.

    Raises:
        DataError: no surface, or a frame that is damaged.
        ConfigError: it takes too much memory.
    """
    fusion = SurfaceFusion(voxel)
    for path in progress(archives(folder), "surface"):
        frame = read_archive(path)
        world_to_camera = np.asarray(np.linalg.inv(frame.camera_to_world), np.float64)
        fusion.add(known(frame), frame.image, frame.intrinsics, world_to_camera)
    mesh = fusion.mesh()
    if not len(mesh.triangles):
        raise DataError(f"{folder}: no surface at voxels of {voxel:g}: set voxel= larger")
    return mesh


def known(frame: Archive) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Its depth, 0 where it is not to be used."""
    return np.where(frame.valid, frame.depth_mm, 0).astype(np.float32)
