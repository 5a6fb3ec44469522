"""A surface out of rendered depth."""

import torch

from m3depth.errors import DataError
from m3depth.geometry.tsdf import SurfaceFusion, ply_bytes
from m3depth.splatting.model.splats import Splats
from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.rasterize import Rendered, rasterize
from m3depth.splatting.recipe import Recipe
from m3depth.splatting.scene.clip import Clip

OPAQUE = 0.5  # weight from which a depth is a surface's


@torch.inference_mode()
def mesh_ply(splats: Splats, clip: Clip, time: float, recipe: Recipe, voxel_mm: float) -> bytes:
    """A mesh with colours (PLY, mm of the world) of the tissue as it is at a time from 0 to 1.

    The depth that all of the clip's cameras would see at that one time, fused.

    Raises:
        DataError: no surface.
    """
    fusion = SurfaceFusion(voxel_mm)
    for frame in clip.frames:
        camera = frame.camera
        gaussians = splats.at(time, camera)
        drawn = rasterize(gaussians, camera, profile=recipe.profile, backend=recipe.backend)
        _add(fusion, drawn, camera)
    mesh = fusion.mesh()
    if not len(mesh.triangles):
        raise DataError(f"no surface at voxels of {voxel_mm} mm: set mesh_voxel_mm larger")
    return ply_bytes(mesh)


def _add(fusion: SurfaceFusion, drawn: Rendered, camera: Camera) -> None:
    depth_mm = torch.where(drawn.weight >= OPAQUE, drawn.depth_mm, 0.0)[0].float().cpu().numpy()
    image = drawn.colour.clamp(0, 1).movedim(0, -1).float().contiguous().cpu().numpy()
    matrices = (camera.intrinsics, camera.world_to_camera)
    fusion.add(depth_mm, image, *(one.double().cpu().numpy() for one in matrices))
