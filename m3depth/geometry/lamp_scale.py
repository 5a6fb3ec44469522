"""Millimetres from a lamp beside the lens, by how its light falls on what moves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from m3depth.errors import ConfigError
from m3depth.geometry.motion import landing
from m3depth.geometry.points import back_project, pixel_grid
from m3depth.types import StereoRig
from m3depth.validation import require_number

DARK, BRIGHT = 0.05, 0.92  # of a colour; beyond, the response tells nothing
GRAZING = 0.2  # cosine; light that grazes a surface is that of others thrown back
CANDIDATES = 241  # scales tried
WIDEST = 8.0  # times larger or smaller than the start


@dataclass(frozen=True)
class Lamp:
    """An instrument's lamp and its camera's response.

    Attributes:
        offset_mm: Of the lamp in the (left) camera's frame: x to the right, y down, z forward.
        gamma: Colour to this power is light.
        cone: Exponent of the fall-off away from the optical axis.
        ambient: Share of the light that other tissue throws back.
        vignetting: Share of light lost in the image's corners.

    Raises:
        ConfigError: a number that no lamp has.
    """

    offset_mm: Sequence[float] | None
    gamma: float = 2.2
    cone: float = 0.0
    ambient: float = 0.05
    vignetting: float = 0.0

    def __post_init__(self) -> None:
        if self.offset_mm is None or len(self.offset_mm) != 3:
            raise ConfigError(f"lamp.offset_mm={self.offset_mm}: expected [x,y,z], in mm")
        for number in self.offset_mm:
            require_number("lamp.offset_mm", number, -1000, 1000)
        require_number("lamp.gamma", self.gamma, 0.1, 10)
        require_number("lamp.cone", self.cone, 0)
        require_number("lamp.ambient", self.ambient, 0, 0.99)
        require_number("lamp.vignetting", self.vignetting, 0, 0.99)


class LampScale(NamedTuple):
    """What to multiply a depth and a path by to have millimetres."""

    factor: Float[Tensor, ""]
    sharpness: Float[Tensor, ""]  # how much better than without a lamp beside: 0 = no evidence
    deviation: Float[Tensor, ""]  # standard deviation of the factor's logarithm, by the pairs


class Lit(NamedTuple):
    """A frame, and its pixels' points and normals in its camera's frame."""

    light: Float[Tensor, "b 1 h w"]  # logarithm, up to the exposure
    usable: Bool[Tensor, "b 1 h w"]


def lamp_scale(
    images: tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 3 h w"]],
    depth: Float[Tensor, "b 1 h w"],
    source_from_target: Float[Tensor, "b 4 4"],
    cameras: tuple[StereoRig, StereoRig],
    lamp: Lamp,
    start: float = 1.0,
) -> LampScale:
    """The scale at which a lamp explains best how brightness changes from frame to frame.

    Of one point both frames record the same colour of tissue, times the lamp's light: the inverse
    square of its distance, its cone, and the angle on the surface. With a lamp at the lens itself
    all of that is blind to scale; beside it, it is not, as far as ``offset / distance``.

    Args:
        images: target and source, RGB in [0, 1]; many pairs of one video.
        depth: of the targets, up to one scale.
        source_from_target: motions, in the depth's unit.
        cameras: of targets and sources.
        lamp: what is known of the instrument.
        start: the middle of the scales that are tried.
    """
    pairs = zip(images, cameras, strict=True)
    target, source = (_logarithm(image, camera, lamp) for image, camera in pairs)
    where = landing(depth, source_from_target, *cameras)
    points = back_project(*pixel_grid(depth), cameras[0]).mT.reshape(-1, 3, *depth.shape[-2:])
    normals = _normals(points)
    turned = (source_from_target[:, :3, :3] @ normals.flatten(2)).view_as(normals)
    seen = where.visible & target.usable & (where.look_up(source.usable.to(depth)) > 0.999)
    change = where.look_up(source.light) - target.light
    steps = torch.linspace(-1, 1, CANDIDATES, dtype=depth.dtype, device=depth.device)
    factors = start * WIDEST**steps
    costs = torch.stack(
        [
            _misfit(
                change
                - _logarithm_of_light(where.points, turned, lamp, one)
                + _logarithm_of_light(points, normals, lamp, one),
                seen,
            )
            for one in factors
        ]
    )
    costs = costs[:, ~costs.isnan().any(0)]  # of pairs that share something
    count = costs.shape[1]
    mean = costs.mean(1)
    without = (costs.sum(1, keepdim=True) - costs) / max(count - 1, 1)
    logarithm = math.log(WIDEST) * torch.stack([_lowest(one, steps) for one in (mean, *without.T)])
    # by leaving out each pair once (Efron and Tibshirani 1993, chapter 11)
    deviation = (logarithm[1:].var(correction=0) * (count - 1)).sqrt()
    sharpness = 1 - mean.min() / mean[-1].clamp_min(1e-12)
    return LampScale(start * logarithm[0].exp(), sharpness, deviation)


def _lowest(costs: Float[Tensor, " n"], steps: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Where a parabola through the least of the costs and its neighbours is lowest."""
    best = costs.argmin().clamp(1, len(costs) - 2)
    below, least, above = costs[best - 1], costs[best], costs[best + 1]
    bend = (below - 2 * least + above).clamp_min(1e-12)
    finer = (0.5 * (below - above) / bend).clamp(-1, 1)
    return steps[best] + finer * (steps[1] - steps[0])


def _logarithm(image: Tensor, camera: StereoRig, lamp: Lamp) -> Lit:
    """Of the light before the lens, the camera's shoulder and its gamma; the mean colour's."""
    usable = (image.amax(1, keepdim=True) < BRIGHT) & (image.amax(1, keepdim=True) > DARK)
    linear = -torch.log1p(-image.clamp(1e-3, 0.99).pow(lamp.gamma)).mean(1, keepdim=True)
    x, y, _ = pixel_grid(image[:, :1])
    slope = torch.hypot(
        (x - camera.cx[:, None]) / camera.fx[:, None], (y - camera.cy[:, None]) / camera.fy[:, None]
    )
    lost = lamp.vignetting * (slope / slope.amax(1, keepdim=True)).square().view_as(linear)
    return Lit(linear.log() - torch.log1p(-lost), usable)


def _logarithm_of_light(points: Tensor, normals: Tensor, lamp: Lamp, factor: Tensor) -> Tensor:
    place = points.new_tensor(lamp.offset_mm)[:, None, None] / factor
    to_lamp = place - points
    square = to_lamp.square().sum(1, keepdim=True)
    direction = to_lamp / square.sqrt()
    facing = (direction * normals).sum(1, keepdim=True).clamp_min(GRAZING)
    in_cone = (-direction[:, 2:]).clamp_min(1e-3)
    lit = (1 - lamp.ambient) * facing + lamp.ambient
    return lit.log() + lamp.cone * in_cone.log() - square.log()


def _normals(points: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Unit, towards the camera, by central differences."""
    padded = torch.nn.functional.pad(points, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    down = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    return normalize(torch.linalg.cross(down, across, dim=1), dim=1)


def _misfit(change: Tensor, seen: Tensor) -> Float[Tensor, " b"]:
    """Each pair's mean deviation from its median: the exposure is whatever it is."""
    left = torch.where(seen, change, torch.nan).flatten(1)
    middle = left.nanmedian(1, keepdim=True).values
    spread: Tensor = (left - middle).abs().nanmean(1)
    return spread
