"""The constants in which widely used rasterisers differ."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Profile:
    """What one rasteriser does at its limits.

    Attributes:
        near_mm: What lies at this z or nearer is not drawn. The originals say "units": mm here.
        alpha_max: No Gaussian covers a pixel by more; beyond it, no gradient.
        alpha_min: Where a Gaussian covers a pixel by less, it is left out there.
        stop: A Gaussian that would leave less light than this is left out, with all behind it.
        blur_px2: Added to both variances in the image: no Gaussian falls between the pixels.
        cut_sigmas: Pixels farther along x or y than this many standard deviations (of the longer
            axis, rounded up to a pixel) are left out.
        margin: Gaussians farther outside the image than this share of half its size are shaped as
            if they were there: the linearised projection means nothing so far out.
        weight_added: To the weight, before the summed depth is divided by it.
        weight_least: Of that divisor.
    """

    near_mm: float
    alpha_max: float
    alpha_min: float = 1 / 255
    stop: float = 1e-4
    blur_px2: float = 0.3
    cut_sigmas: float = math.inf
    margin: float = 0.3
    weight_added: float = 0.0
    weight_least: float = 1e-10


INRIA = Profile(
    near_mm=0.2,
    alpha_max=0.99,
    stop=1.00001e-4,  # two of 0.99 leave 9.99998e-5 in its float32, and a hair above 1e-4 in 64
    cut_sigmas=3.0,
    weight_added=1e-6,
)
"""leo-frank/diff-gaussian-rasterization-depth at 03f0b7d: near, auxiliary.h:154; blur, radius,
alpha, stop and the divisor, forward.cu:304-384. Not reproduced: its kernel also draws the rest of
each 16x16 tile that the radius touches, does not stop the gradient at ``alpha_max``, and adds the
1e-6 to the weight that it returns, too."""

GSPLAT = Profile(near_mm=0.01, alpha_max=0.999)
"""gsplat 1.5.3: near, blur and the divisor's clamp, rendering.py's ``rasterization``; margin,
_torch_impl.py's ``_persp_proj``; alpha and stop, RasterizeToPixels3DGSFwd.cu:148-154. Its box of
3.33 sigma cuts nothing: an opacity of 1 falls below 1/255 at 3.329 sigma."""


def expected(
    depth_sum: Float[Tensor, "1 h w"], weight: Float[Tensor, "1 h w"], profile: Profile
) -> Float[Tensor, "1 h w"]:
    """``Σ w z / Σ w`` in mm: where a ray ends on average; 0 where nothing is drawn."""
    exact = torch.promote_types(weight.dtype, torch.float32)  # 16 bits have no `weight_least`
    divisor = (weight.to(exact) + profile.weight_added).clamp_min(profile.weight_least)
    return (depth_sum.to(exact) / divisor).to(depth_sum.dtype)


def summed(
    depth_sum: Float[Tensor, "1 h w"], weight: Float[Tensor, "1 h w"], profile: Profile
) -> Float[Tensor, "1 h w"]:
    """``Σ w z``: too near wherever the weight is below 1; EndoGaussian and Deform3DGS use it."""
    return depth_sum
