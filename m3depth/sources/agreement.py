"""What several depth maps of one frame agree on, in millimetres."""

from collections.abc import Sequence

import torch

from m3depth.geometry.affine_fits import trimmed
from m3depth.types import DepthMap, Kind

APART = 4  # pixels between those that a scale and a shift are fitted to: neighbours err together


def agreed(maps: Sequence[DepthMap], tolerance: float) -> DepthMap:
    """The mean depth of metric maps of one size and camera, where they agree.

    Args:
        maps: At least one, each a batch of one.
        tolerance: Share of the mean depth that the nearest and the farthest may be apart.

    Returns:
        Depth along z in mm; known where every map is, and they agree.
    """
    depth_mm = torch.cat([one.depth_mm().float() for one in maps])
    mean_mm = depth_mm.mean(0, keepdim=True)
    apart_mm = depth_mm.amax(0, keepdim=True) - depth_mm.amin(0, keepdim=True)
    known = (depth_mm > 0).all(0, keepdim=True) & (apart_mm <= tolerance * mean_mm)
    return DepthMap(torch.where(known, mean_mm, 0.0), Kind.DEPTH, known=known)


def made_metric(relative: DepthMap, metric: DepthMap) -> DepthMap:
    """A map up to scale or shift in millimetres, by the scale and the shift that fit another best.

    Both are found in inverse depth by least trimmed squares, so that a fifth of the pixels may be
    anything at all.

    Args:
        relative: Of any kind.
        metric: Of the same frame and size; only where it is known it is fitted to.

    Raises:
        DataError: too few pixels are known to both, or near and far are turned around.
    """
    inverse, target = relative.relative(), metric.to(Kind.INVERSE_DEPTH)
    both = _known(inverse) & _known(target)
    few = ..., slice(None, None, APART), slice(None, None, APART)
    per_mm = trimmed(inverse.values[few], target.values[few], both[few])(inverse.values)
    return DepthMap(per_mm, Kind.INVERSE_DEPTH, known=_known(inverse) & (per_mm > 0))


def _known(depth: DepthMap) -> torch.Tensor:
    finite = depth.values.isfinite()
    return finite if depth.known is None else finite & depth.known
