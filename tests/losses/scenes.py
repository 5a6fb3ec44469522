"""Pairs whose true disparities are known in both views."""

import torch
from torch import Tensor

from m3depth.data.synthetic import SyntheticPairs
from m3depth.types import Disparity, StereoBatch
from m3depth.types.camera import StereoRig

HEIGHT, WIDTH = 24, 40


def rig_of_one(dtype: torch.dtype = torch.float64) -> StereoRig:
    one = StereoRig.of(0.93 * WIDTH, 0.93 * WIDTH, 19.0, 11.5, 19.0, 5.0)
    return StereoRig(*(value[None].to(dtype) for value in one))


def plane() -> tuple[StereoBatch, Disparity]:
    """A slanted, textured plane in float64: disparity is linear, ``a + b x + c y``.

    The right view's follows exactly: ``x_right = x - d``, hence ``d_right = (a + b x_right + c
    y) / (1 - b)``; and its picture is the texture at ``x_right + d_right``.
    """
    y, x = torch.meshgrid(
        torch.arange(HEIGHT, dtype=torch.float64),
        torch.arange(WIDTH, dtype=torch.float64),
        indexing="ij",
    )
    slope = 0.02
    left_px = 2.5 + slope * x + 0.03 * y
    right_px = left_px / (1 - slope)
    batch = StereoBatch(
        left=texture(x, y), right=texture(x + right_px, y), rig=rig_of_one(), key=["plane"]
    )
    return batch, Disparity(left_px[None, None] / WIDTH, right_px[None, None] / WIDTH)


def texture(x: Tensor, y: Tensor) -> Tensor:
    """Smooth, so that bilinear look-up errs little; (1, 3, h, w) in [0, 1]."""
    waves = [(0.45, 0.2, 0.0), (0.3, -0.35, 1.0), (0.6, 0.1, 2.0)]
    return torch.stack([0.5 + 0.4 * torch.sin(a * x + b * y + c) for a, b, c in waves])[None]


def rendered() -> tuple[StereoBatch, Disparity]:
    """A scene of the built-in endoscope without what no disparity explains."""
    size = (64, 80)
    pairs = SyntheticPairs(
        "train", 1, size, cache=False, highlights=False, noise=False, tools=False
    )
    view = pairs.render([0])
    rig = StereoRig(*(value.clone() for value in view.rig))
    image, disparity_px = view.image, view.disparity_px
    batch = StereoBatch(left=image.left.clone(), right=image.right.clone(), rig=rig, key=["scene"])
    return batch, Disparity(*(one.clone() / size[1] for one in disparity_px))
