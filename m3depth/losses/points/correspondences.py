"""Which point of the target surface a source point is compared with.

Each is built once for a target surface and then asked in every round of a registration. Gradients
go to the target's disparities; which point is chosen carries none.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from m3depth.geometry.registration import FEWEST, Nearest
from m3depth.geometry.surface import Cloud, Surface
from m3depth.losses.points.sampling import Sampling

Match = Callable[[Cloud], Cloud]  # the source's points to as many of the target, index by index
Correspondences = Callable[[Surface], Match]


@dataclass(frozen=True)
class NearestOf:
    """The nearest of some points of the target (M3Depth: of 1000 random ones)."""

    points: Sampling

    def __call__(self, target: Surface) -> Match:
        """Draw the points once, for all rounds."""
        return nearest_of(self.points(target))


def nearest_of(cloud: Cloud) -> Match:
    """The nearest point of a cloud; none in one of fewer than 3, which has no shape."""
    enough = cloud.valid.sum(1, keepdim=True) >= FEWEST
    # a sample that is left out needs some index, too
    nearest = Nearest(cloud.points.detach(), cloud.valid | ~enough)

    def match(source: Cloud) -> Cloud:
        return _picked(cloud, nearest(source.points.detach())).where(enough)

    return match


@dataclass(frozen=True)
class NearestInWindow:
    """The nearest of all points of the target, searched about where the target sees the source.

    Exact for motions that keep the nearest point within the window.

    Attributes:
        across_px: half the window's width.
        down_px: half its height.
    """

    across_px: int = 4
    down_px: int = 2

    def __call__(self, target: Surface) -> Match:
        """Every pixel of the target is a candidate."""
        cloud = target.lattice()
        height, width = target.visible.shape[-2:]

        def match(source: Cloud) -> Cloud:
            x, y = (at.detach().round().long() for at in target.project(source.points))
            best = torch.zeros_like(x)
            closest = torch.full_like(source.points[..., 0], torch.inf)
            for down in range(-self.down_px, self.down_px + 1):
                row = (y + down).clamp(0, height - 1) * width
                for across in range(-self.across_px, self.across_px + 1):
                    index = row + (x + across).clamp(0, width - 1)
                    square = _square_distance(source, cloud, index)
                    best = torch.where(square < closest, index, best)
                    closest = torch.minimum(square, closest)
            return _picked(cloud, best).where(closest < torch.inf)

        return match


def projective(target: Surface) -> Match:
    """The point of the target where the target's camera sees the source point.

    With the rig's own transform that is a look-up on the same row (Blais and Levine 1995).
    """

    def match(source: Cloud) -> Cloud:
        return target.at(*target.project(source.points))

    return match


def _square_distance(source: Cloud, cloud: Cloud, index: Tensor) -> Tensor:
    with torch.no_grad():
        square = (source.points - _rows(cloud.points, index)).square().sum(-1)
        return square.masked_fill(~cloud.valid.gather(1, index), torch.inf)


def _picked(cloud: Cloud, index: Tensor) -> Cloud:
    valid = cloud.valid.gather(1, index)
    return Cloud(_rows(cloud.points, index), _rows(cloud.normals, index), valid)


def _rows(values: Tensor, index: Tensor) -> Tensor:
    return values.gather(1, index[..., None].expand(-1, -1, 3))
