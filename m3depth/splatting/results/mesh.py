"""A surface out of rendered depth."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.errors import ConfigError, DataError
from m3depth.splatting.model.splats import Splats
from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.rasterize import Rendered, rasterize
from m3depth.splatting.recipe import Recipe
from m3depth.splatting.scene.clip import Clip

OPAQUE = 0.5  # weight from which a depth is a surface's
SEEN = 0.5  # least weight of a voxel: one camera that saw it is enough
BLOCK, BLOCKS = 16, 5000  # voxels along a block's side; blocks to begin with, more are made


def require_open3d() -> Any:
    """open3d, untyped: its stubs are wrong; a `ConfigError` where it cannot be loaded."""
    try:
        import open3d
    except (ImportError, OSError) as error:
        raise ConfigError(
            f"mesh=true needs open3d, which cannot be loaded ({error}): m3depth doctor says what "
            "is missing; or set mesh=false"
        ) from None
    return open3d


@torch.inference_mode()
def mesh_ply(splats: Splats, clip: Clip, time: float, recipe: Recipe, voxel_mm: float) -> bytes:
    """A mesh with colours (PLY, mm of the world) of the tissue as it is at a time from 0 to 1.

    The depth that all of the clip's cameras would see at that one time, fused as a truncated
    signed distance (Curless and Levoy 1996) by open3d.

    Raises:
        DataError: no surface.
    """
    open3d = require_open3d()
    cpu, number = open3d.core.Device("CPU:0"), open3d.core.float32
    names, kinds, shapes = ("tsdf", "weight", "color"), (number,) * 3, ((1), (1), (3))
    # The tensor one: ScalableTSDFVolume of open3d 0.20 finds no voxel, not even of a plane
    grid = open3d.t.geometry.VoxelBlockGrid(names, kinds, shapes, voxel_mm, BLOCK, BLOCKS, cpu)
    for frame in clip.frames:
        camera = frame.camera
        gaussians = splats.at(time, camera)
        drawn = rasterize(gaussians, camera, profile=recipe.profile, backend=recipe.backend)
        if (drawn.weight >= OPAQUE).any():  # open3d takes no empty picture
            _integrate(grid, drawn, camera)
    empty = grid.hashmap().size() == 0
    mesh = None if empty else grid.extract_triangle_mesh(SEEN).to_legacy()
    if mesh is None or not len(mesh.triangles):
        raise DataError(f"no surface at voxels of {voxel_mm} mm: set mesh_voxel_mm larger")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.ply"
        open3d.io.write_triangle_mesh(str(path), mesh)
        return path.read_bytes()


def _integrate(grid: Any, drawn: Rendered, camera: Camera) -> None:
    open3d = require_open3d()
    depth_mm = torch.where(drawn.weight >= OPAQUE, drawn.depth_mm, 0.0)
    depth, colour = (_picture(one) for one in (depth_mm, drawn.colour.clamp(0, 1)))
    k, pose = (
        open3d.core.Tensor(matrix.double().cpu().numpy())
        for matrix in (camera.intrinsics, camera.world_to_camera)
    )
    farthest_mm = float(depth_mm.max()) + 1
    blocks = grid.compute_unique_block_coordinates(depth, k, pose, 1.0, farthest_mm)
    grid.integrate(blocks, depth, colour, k, pose, 1.0, farthest_mm)


def _picture(image: Float[torch.Tensor, "c h w"]) -> Any:
    pixels: NDArray[np.float32] = image.movedim(0, -1).contiguous().cpu().numpy()
    return require_open3d().t.geometry.Image(pixels)
