"""One function for both rasterisers."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.splatting.rasteriser import own_backend
from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.drawing import Aux, Backend
from m3depth.splatting.rasteriser.gaussians import Gaussians
from m3depth.splatting.rasteriser.profiles import GSPLAT, Profile, expected

DepthRule = Callable[[Tensor, Tensor, Profile], Tensor]


class Rendered(NamedTuple):
    """A picture of Gaussians, differentiable throughout."""

    colour: Float[Tensor, "c h w"]
    depth_mm: Float[Tensor, "1 h w"]  # along z; 0 where nothing is drawn
    weight: Float[Tensor, "1 h w"]  # how opaque, 0 to 1
    aux: Aux


def rasterize(
    gaussians: Gaussians,
    camera: Camera,
    depth: DepthRule = expected,
    profile: Profile = GSPLAT,
    backend: Backend = own_backend.draw,
) -> Rendered:
    """Draw Gaussians before black as colour, depth and weight, with gradients to every field.

    Args:
        gaussians: What is drawn; without any in view, the picture is empty and the gradients 0.
            Those of 16 bits are drawn in 32, and the pictures are of 16 bits again.
        camera: On any device; the Gaussians' is used.
        depth: `profiles.expected` or `profiles.summed`.
        profile: `profiles.INRIA`, `profiles.GSPLAT` or your own constants.
        backend: `own_backend.draw` or `gsplat_backend.draw`.

    Raises:
        DataError: a Gaussian that cannot be drawn.
    """
    gaussians.require_drawable()
    given, gaussians = gaussians.means_mm.dtype, gaussians.at_least_single()
    with torch.autocast(gaussians.means_mm.device.type, enabled=False):  # places need the digits
        drawing = backend(gaussians, camera, profile)
    depth_mm = depth(drawing.depth_sum, drawing.weight, profile)
    colour, weight = drawing.colour.to(given), drawing.weight.to(given)
    return Rendered(colour, depth_mm.to(given), weight, drawing.aux)
