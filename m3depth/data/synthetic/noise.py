"""Smooth periodic noise, made once and looked up by every texture."""

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample

TILE = 256  # texels along one side
WAVES = 16  # wavelengths along one side: 16 texels each, so that bilinear look-up stays smooth


@cache
def noise_tile() -> Float[Tensor, "4 257 257"]:
    """Band-limited noise of unit variance, periodic in both directions.

    Channels: two independent values, then the first one's slope along u and along v (per
    wavelength). One texel is repeated at the far edges, so that a look-up across them is smooth.
    """
    generator = torch.Generator().manual_seed(0)
    white = torch.fft.fft2(torch.randn(2, TILE, TILE, generator=generator))
    frequency = torch.fft.fftfreq(TILE, 1 / TILE)
    radius = torch.hypot(frequency[:, None], frequency)
    band = white * torch.exp(-0.5 * ((radius - 0.7 * WAVES) / (0.4 * WAVES)) ** 2)
    per_wavelength = 2j * torch.pi / WAVES
    along_u = band[:1] * frequency * per_wavelength
    along_v = band[:1] * frequency[:, None] * per_wavelength
    value = torch.fft.ifft2(band).real
    slope = torch.fft.ifft2(torch.cat([along_u, along_v])).real
    scale = value.std(dim=(-2, -1), keepdim=True)
    return wrapped(torch.cat([value / scale, slope / scale[:1]]))


def wrapped(tile: Float[Tensor, "*c h w"]) -> Float[Tensor, "*c h+1 w+1"]:
    """The tile with its first row and column repeated at the end."""
    tile = torch.cat([tile, tile[..., :1]], dim=-1)
    return torch.cat([tile, tile[..., :1, :]], dim=-2)


def look_up(
    tile: Float[Tensor, "b c h w"], u: Float[Tensor, "b n"], v: Float[Tensor, "b n"]
) -> Float[Tensor, "b c n"]:
    """Look a wrapped periodic tile up at ``u, v``, both in periods of the tile."""
    grid = torch.stack([u - u.floor(), v - v.floor()], dim=-1) * 2 - 1
    return grid_sample(tile, grid[:, None], align_corners=True)[:, :, 0]
