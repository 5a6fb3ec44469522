"""How the brightness of two frames moves a bundle's cameras, without an optical flow between.

An optical flow takes shading that moves with the lamp for a motion of the tissue: K is lost by that
first. Here one frame is rebuilt of the other through the bundle itself, logarithms of brightness
are compared without their local mean, and what a lamp near the lens may add is left out of the
comparison pair by pair (direct alignment: Engel 2018, DSO; Lambert's law and a lamp's inverse
square: Collins and Bartoli 2012).
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from m3depth.geometry.zoom_bundle import Block, Bundle, Pixels, landed, points_of, slopes

DARKEST = 0.02  # of brightness: noise has no logarithm
AROUND_PX = 6.0  # the local mean's Gaussian; less is noise, more is shading
EDGE_PX = 2  # from the picture's edge
BEHIND = 0.03  # share: a surface whose disparity is off by more is another one
KNEE = 0.7  # times the typical residual: what is further off counts in inverse proportion
GRAZING = 0.15  # cosine: light that comes in flatter is taken to come in so
FEWEST = 100  # pixels of a pair
LAMP = 1.0  # baselines that the lamp may be off the lens, to first order


class Look(NamedTuple):
    """A frame as it is compared."""

    brightness: Float[Tensor, "h w"]  # logarithm
    disparity_px: Float[Tensor, "h w"]  # less that of a point at infinity; > 0
    good: Bool[Tensor, "h w"]  # disparity is known, nothing misleads


def brightness_of(image: Float[Tensor, "b 3 h w"], blur_px: float) -> Float[Tensor, "b h w"]:
    """Logarithm of grey, blurred: noise has no slope worth following."""
    return blurred(image.mean(1), blur_px).clamp_min(DARKEST).log()


def compared(bundle: Bundle, i: int, j: int, looks: tuple[Look, Look], every: int) -> Block | None:
    """The pair's normal equations, one in ``every`` rows and columns of frame i; None: no overlap.

    Args:
        bundle: near enough that a frame lands within a blur or two of where it should.
        i: the frame that is rebuilt,
        j: of this one.
        looks: of both.
        every: pixels.
    """
    here, there = looks
    pixels = _all(here.disparity_px)
    where = landed(bundle, i, j, pixels).view(*here.disparity_px.shape, 3)
    seen = _seen(here, there, where)
    share = seen[None].to(here.brightness)
    one, other = here.brightness, _looked_up(there.brightness, where)
    one, other = (_less_mean(part[None], share)[0] for part in (one, other))
    light = _less_mean(shading(bundle, i, j, pixels, where), share)
    spread = blurred(share * (one**2 + other**2) / 2, AROUND_PX) / blurred(share, AROUND_PX)
    spread = (spread + 1e-5).sqrt()[0]
    some = torch.zeros_like(seen)
    some[every // 2 :: every, every // 2 :: every] = True
    some &= functional.max_pool2d(1 - share, 5, 1, 2)[0] < 0.5  # of whole neighbourhoods
    if int(some.sum()) < FEWEST:
        return None
    slope = _slope_there((one + other) / 2, where)[:, some] / spread[some]
    few = Pixels(*(part[some.flatten()] for part in pixels))
    jacobian = torch.einsum("kn,nkp->np", slope.double(), slopes(bundle, i, j, few))
    residual = ((other - one) / spread)[some].double()
    return Block(i, j, *_normal(residual, jacobian, (light[:, some] / spread[some]).mT.double()))


def shading(
    bundle: Bundle, i: int, j: int, pixels: Pixels, where: Float[Tensor, "h w 3"]
) -> Float[Tensor, "k h w"]:
    """How light may change the logarithm of brightness from frame i to j, up to a factor each.

    The angle of the light and its distance, a lamp at the lens; the lens's dark corners; and how
    the angle follows a lamp beside the lens, along x and y.
    """
    size = where.shape[:2]
    points = points_of(bundle, i, pixels).view(*size, 3)
    down, across = (torch.gradient(points, dim=axis)[0] for axis in (0, 1))
    normal = functional.normalize(torch.linalg.cross(down, across), dim=-1)
    back = bundle.camera_from_world[i] @ torch.linalg.inv(bundle.camera_from_world[j])
    beside = torch.eye(3).to(points)[:2] * LAMP
    lamps = [points.new_zeros(3), *beside]
    angles, distances = [], []
    for lamp in lamps:
        both = [_lit(points, normal, at) for at in (lamp, back[:3, :3] @ lamp + back[:3, 3])]
        angles.append((both[1][0] / both[0][0]).log())
        distances.append((both[1][1] / both[0][1]).log())
    start = torch.stack([pixels.x, pixels.y], -1).view(*size, 2)
    corner = ((where[..., :2] - bundle.centre) ** 2 - (start - bundle.centre) ** 2).sum(-1)
    beyond = [angle - angles[0] for angle in angles[1:]]
    return torch.stack([angles[0], distances[0], corner / size[1] ** 2, *beyond]).float()


def blurred(images: Float[Tensor, "b h w"], by_px: float) -> Float[Tensor, "b h w"]:
    """A Gaussian, the edge's value beyond the edge."""
    reach = math.ceil(3 * by_px)
    steps = torch.arange(-reach, reach + 1).to(images)
    kernel = (-0.5 * (steps / by_px) ** 2).exp()
    kernel = kernel / kernel.sum()
    whole = functional.pad(images[:, None], (reach,) * 4, mode="replicate")
    rows = functional.conv2d(whole, kernel[None, None, None])
    return functional.conv2d(rows, kernel[None, None, :, None])[:, 0]


def _lit(points: Tensor, normal: Tensor, lamp: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine of the light's angle, and its distance."""
    way = lamp - points
    distance = way.norm(dim=-1)
    return ((normal * way).sum(-1).abs() / distance).clamp_min(GRAZING), distance


def _all(disparity_px: Tensor) -> Pixels:
    y, x = torch.meshgrid(*(torch.arange(n).double() for n in disparity_px.shape), indexing="ij")
    return Pixels(x.flatten(), y.flatten(), disparity_px.double().flatten())


def _seen(here: Look, there: Look, where: Tensor) -> Bool[Tensor, "h w"]:
    """Both frames show the point, and nothing misleads in either."""
    height, width = here.good.shape
    x, y, disparity = where.unbind(-1)
    inside = (x > EDGE_PX) & (x < width - 1 - EDGE_PX) & (y > EDGE_PX) & (y < height - 1 - EDGE_PX)
    same = (_looked_up(there.disparity_px, where, "bilinear") / disparity - 1).abs() < BEHIND
    good = _looked_up(there.good.float(), where, "bilinear") > 0.99
    return inside & same & good & here.good


def _looked_up(picture: Tensor, where: Tensor, mode: str = "bicubic") -> Float[Tensor, "h w"]:
    size = where.new_tensor([where.shape[1] - 1, where.shape[0] - 1])
    grid = (where[..., :2] / size * 2 - 1).to(picture)
    found: Tensor = functional.grid_sample(
        picture[None, None], grid[None], mode, "border", align_corners=True
    )
    return found[0, 0]


def _less_mean(pictures: Tensor, share: Tensor) -> Tensor:
    weight = blurred(share, AROUND_PX).clamp_min(1e-3)
    return pictures - blurred(pictures * share, AROUND_PX) / weight


def _slope_there(picture: Tensor, where: Tensor) -> Float[Tensor, "2 h w"]:
    """By x and y of the other frame, where this picture has been brought from."""
    by_y, by_x = torch.gradient(picture.double())
    (x_by_y, x_by_x), (y_by_y, y_by_x) = (torch.gradient(where[..., k]) for k in (0, 1))
    area = x_by_x * y_by_y - x_by_y * y_by_x
    area = torch.where(area.abs() < 1e-3, 1e-3, area)
    return torch.stack([y_by_y * by_x - y_by_x * by_y, x_by_x * by_y - x_by_y * by_x]) / area


def _normal(
    residual: Tensor, jacobian: Tensor, light: Tensor
) -> tuple[Float[Tensor, "17 17"], Float[Tensor, "17"]]:
    """Reweighted by what light leaves of the residuals; what light explains tells nothing."""
    weight = torch.ones_like(residual)
    for _ in range(2):
        rest = residual - light @ _fitted(light, weight, residual[:, None])[:, 0]
        scale = 1.4826 * rest.abs().median().clamp_min(1e-6)
        weight = 1 / (1 + (rest / (KNEE * scale)) ** 2) / scale**2
    whole = torch.cat([jacobian, residual[:, None]], 1)
    left = whole - light @ _fitted(light, weight, whole)
    matrix = (left * weight[:, None]).mT @ left
    return matrix[:-1, :-1], matrix[:-1, -1]


def _fitted(light: Tensor, weight: Tensor, to: Tensor) -> Tensor:
    weighted = (light * weight[:, None]).mT
    matrix = weighted @ light
    damped = matrix + torch.diag(1e-6 * matrix.diagonal() + 1e-12)
    found: Tensor = torch.linalg.solve(damped, weighted @ to)
    return found
