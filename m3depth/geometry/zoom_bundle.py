"""One zooming lens and the path of a stereo clip's frames, adjusted together (bundle adjustment).

Disparity is given, so lengths are in baselines: a pixel's point is ``(x - cx, (y - cy) fx/fy, fx)``
over its disparity, and all that the focal length does is stretch depth. What the frames' turns say
of each other's depth then tells it (Triggs et al. 2000, with structure held).
"""

from collections.abc import Iterable
from typing import NamedTuple, Self

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.motion import pose

DAMPING = 1e-6  # share of each diagonal entry: what nothing tells stays as it is
LEAST = 1e-12
SHARED = 3  # cx, cy, log aspect
NUMBERS = 2 + SHARED + 12  # of a pair: log focal lengths, what is shared, a turn and slide of each
NEAREST = 1e-3  # baselines; what comes closer to the other camera is behind it


class Bundle(NamedTuple):
    """A camera for each frame: its focal length and place; principal point and aspect of all."""

    focal: Float[Tensor, " n"]  # fx, pixels
    centre: Float[Tensor, "2"]  # cx, cy, pixels
    log_aspect: Float[Tensor, ""]  # of fx / fy
    camera_from_world: Float[Tensor, "n 4 4"]  # the first frame's is kept; baselines

    @classmethod
    def still(cls, frames: int, size: tuple[int, int]) -> Self:
        """Where to begin: a lens as long as the image is wide, in the middle, that stays there."""
        height, width = size
        focal = torch.full((frames,), float(width), dtype=torch.float64)
        places = torch.eye(4, dtype=torch.float64).expand(frames, 4, 4)
        middle = focal.new_tensor([(width - 1) / 2, (height - 1) / 2])
        return cls(focal, middle, focal.new_zeros(()), places)


class Pixels(NamedTuple):
    """Pixels of a frame, and their disparity less that of a point at infinity."""

    x: Float[Tensor, " n"]
    y: Float[Tensor, " n"]
    disparity_px: Float[Tensor, " n"]  # > 0


class Block(NamedTuple):
    """The normal equations of the frame pair (i, j), in a pair's `NUMBERS`."""

    i: int
    j: int
    matrix: Float[Tensor, "17 17"]
    slope: Float[Tensor, "17"]


def points_of(bundle: Bundle, i: int, pixels: Pixels) -> Float[Tensor, "n 3"]:
    """In the frame's own camera, baselines."""
    return _points(bundle, pixels, bundle.focal[i], bundle.centre, bundle.log_aspect)


def landed(bundle: Bundle, i: int, j: int, pixels: Pixels) -> Float[Tensor, "n 3"]:
    """Where frame j has frame i's pixels: x, y, and the disparity that they have there."""
    return _landed(bundle, i, j, pixels, bundle.focal.new_zeros(NUMBERS))


def slopes(bundle: Bundle, i: int, j: int, pixels: Pixels) -> Float[Tensor, "n 2 17"]:
    """How x and y of `landed` follow the pair's `NUMBERS`."""

    def place(step: Tensor) -> Tensor:
        return _landed(bundle, i, j, pixels, step)[:, :2]

    found: Tensor = torch.func.jacfwd(place)(bundle.focal.new_zeros(NUMBERS))
    return found


def adjusted(bundle: Bundle, blocks: Iterable[Block], eager: float = 1.0) -> Bundle:
    """One Gauss-Newton step on all pairs' normal equations, ``eager`` times as long.

    Raises:
        DataError: they are not finite.
    """
    frames = len(bundle.focal)
    count = frames + SHARED + 6 * frames
    matrix, slope = bundle.focal.new_zeros(count, count), bundle.focal.new_zeros(count)
    for block in blocks:
        at = _numbers(block.i, block.j, frames).to(slope.device)
        matrix[at[:, None], at] += block.matrix
        slope[at] += block.slope
    if not (torch.isfinite(matrix).all() and torch.isfinite(slope).all()):
        raise DataError("the frames' K: an equation is not finite: look at disparities and images")
    own = torch.arange(count, device=slope.device)
    free = (own < frames + SHARED) | (own >= frames + SHARED + 6)  # the first frame's place is kept
    matrix, slope = matrix[free][:, free], slope[free]
    damped = matrix + torch.diag(DAMPING * matrix.diagonal() + LEAST)
    step = bundle.focal.new_zeros(count)
    step[free] = -eager * torch.linalg.solve(damped, slope)
    twist = step[frames + SHARED :].view(frames, 6)
    return Bundle(
        bundle.focal * step[:frames].exp(),
        bundle.centre + step[frames : frames + 2],
        bundle.log_aspect + step[frames + 2],
        pose(twist[:, :3], twist[:, 3:]) @ bundle.camera_from_world,
    )


def _landed(bundle: Bundle, i: int, j: int, pixels: Pixels, step: Tensor) -> Tensor:
    """After a step that is so small that a turn by ``w`` adds ``w x p`` to a point."""
    first, second = (bundle.focal[k] * step[n].exp() for n, k in enumerate((i, j)))
    centre, log_aspect = bundle.centre + step[2:4], bundle.log_aspect + step[4]
    points = _points(bundle, pixels, first, centre, log_aspect)
    points = points - _nudge(points, step[5:11])
    there = bundle.camera_from_world[j] @ torch.linalg.inv(bundle.camera_from_world[i])
    points = points @ there[:3, :3].mT + there[:3, 3]
    points = points + _nudge(points, step[11:])
    forward = points[:, 2].clamp_min(NEAREST)
    down = second / log_aspect.exp() * points[:, 1] / forward + centre[1]
    across = second * points[:, 0] / forward + centre[0]
    return torch.stack([across, down, second / forward], -1)


def _points(
    bundle: Bundle, pixels: Pixels, focal: Tensor, centre: Tensor, log_aspect: Tensor
) -> Float[Tensor, "n 3"]:
    across, down = pixels.x - centre[0], (pixels.y - centre[1]) * log_aspect.exp()
    points = torch.stack([across, down, focal.expand_as(across)], -1)
    return points / pixels.disparity_px[:, None]


def _nudge(points: Tensor, twist: Tensor) -> Tensor:
    turned: Tensor = torch.linalg.cross(twist[:3].expand_as(points), points)
    return turned + twist[3:]


def _numbers(i: int, j: int, frames: int) -> Tensor:
    """Where a pair's `NUMBERS` are among all."""
    first, second = (frames + SHARED + 6 * k + torch.arange(6) for k in (i, j))
    shared = torch.tensor([i, j, frames, frames + 1, frames + 2])
    return torch.cat([shared, first, second])
