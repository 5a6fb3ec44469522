"""The backend of the optional package gsplat: CUDA only, and many times as fast there."""

import importlib
from dataclasses import replace
from types import ModuleType

import torch

from m3depth.errors import ConfigError
from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.drawing import Aux, Drawing
from m3depth.splatting.rasteriser.gaussians import Gaussians
from m3depth.splatting.rasteriser.profiles import GSPLAT, Profile

HALF_PIXEL = 0.5  # gsplat's first pixel's centre is at 0.5, ours at 0


def draw(gaussians: Gaussians, camera: Camera, profile: Profile) -> Drawing:
    """Draw with gsplat's kernels, in float32; the camera gets no gradient from K.

    ``aux.screen`` is gsplat's own ``means2d``, (1, n, 2), half a pixel farther than ours.

    Raises:
        ConfigError: no gsplat, no CUDA, or a profile that its kernels do not support.
    """
    gsplat = _gsplat(gaussians, profile)
    height, width = camera.size
    intrinsics = camera.intrinsics.to(gaussians.means_mm).clone()
    intrinsics[:2, 2] += HALF_PIXEL
    sums, weight, meta = gsplat.rasterization(
        means=gaussians.means_mm,
        quats=gaussians.quaternions,
        scales=gaussians.scales_mm,
        opacities=gaussians.opacities,
        colors=gaussians.colours,
        viewmats=camera.world_to_camera.to(gaussians.means_mm)[None],
        Ks=intrinsics[None],
        width=width,
        height=height,
        near_plane=profile.near_mm,
        eps2d=profile.blur_px2,
        render_mode="RGB+D",  # the summed depth; the front divides
        packed=False,  # a row for each Gaussian
    )
    channels = sums[0].movedim(-1, 0)
    radii_px = meta["radii"][0].reshape(len(gaussians), -1).amax(1).to(weight)
    aux = Aux(radii_px > 0, radii_px, meta["means2d"])
    return Drawing(channels[:-1], channels[-1:], weight[0].movedim(-1, 0), aux)


def _gsplat(gaussians: Gaussians, profile: Profile) -> ModuleType:
    if replace(profile, near_mm=GSPLAT.near_mm, blur_px2=GSPLAT.blur_px2) != GSPLAT:
        raise ConfigError(
            f"gsplat's kernels have constants of their own, not those of {profile}: use the "
            "profile GSPLAT (near_mm and blur_px2 may differ) or own_backend.draw"
        )
    if not gaussians.means_mm.is_cuda or gaussians.means_mm.dtype != torch.float32:
        kind = f"{gaussians.means_mm.dtype} on {gaussians.means_mm.device}"
        raise ConfigError(f"gsplat draws float32 on CUDA, not {kind}: use own_backend.draw")
    try:
        return importlib.import_module("gsplat")
    except ImportError as error:
        raise ConfigError(
            f"gsplat cannot be imported ({error}): pip install 'm3depth[gsplat]', or use "
            "own_backend.draw"
        ) from None
