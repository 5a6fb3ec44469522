"""The 3D consistency term over time: the surface of a frame, moved, lies on that of the next."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.geometry.rebuilding import Rebuilt, TargetViews
from m3depth.geometry.registration import FEWEST, Motion
from m3depth.geometry.surface import Surface
from m3depth.losses.points.correspondences import projective
from m3depth.losses.points.residuals import Reduce, Residual
from m3depth.losses.points.sampling import Sampling
from m3depth.losses.terms import PerSample
from m3depth.types import StereoRig

PERCENT = 100.0


@dataclass(frozen=True)
class PointsOverTime:
    """Points of the target, moved by the pose, against the surface that the source's depth spans.

    M3Depth's term between left and right, between two times: each point is looked up where the
    source's camera sees it. Distances count in hundredths of the target's mean depth, so that a
    depth without a scale gains nothing by shrinking. The place that is looked up carries no
    gradient, and so K, which it depends on most, gets none at all.

    Attributes:
        weight: Factor of this term in the total.
        points: Which points of the target's surface are looked at.
        residual: The distance of two corresponding points.
        reduce: Many distances to one number.
    """

    weight: float
    points: Sampling
    residual: Residual
    reduce: Reduce

    def __call__(self, pyramid: Sequence[TargetViews]) -> PerSample:
        """The mean over sources at the finest scale; needs the sources' own depth."""
        views = pyramid[0]
        found = [
            self._between(views, one, one.source.inverse_depth)
            for one in views.rebuilt
            if one.source.inverse_depth is not None
        ]
        if not found:
            nothing = views.image.new_zeros(len(views.image))
            return PerSample(nothing, nothing > 0)
        values, counted = (torch.stack(part) for part in zip(*found, strict=True))
        value = (values * counted).sum(0) / counted.sum(0).clamp_min(1)
        return PerSample(value, counted.any(0))

    def _between(
        self, views: TargetViews, one: Rebuilt, theirs: Float[Tensor, "b 1 h w"]
    ) -> PerSample:
        with torch.autocast(views.image.device.type, enabled=False):
            target = surface_of(views.inverse_depth, one.source.target_camera)
            source = surface_of(theirs, one.source.camera)
            pose = one.source.source_from_target
            moved = self.points(target).moved(Motion(pose[:, :3, :3], pose[:, :3, 3]))
            matched = projective(source)(moved)
            per_cent = PERCENT / views.depth.detach().flatten(1).mean(1)
            valid = moved.valid & matched.valid & (moved.points[..., 2] > 0)
            counted = valid.sum(1) >= FEWEST
            distance = self.residual(moved, matched) * per_cent[:, None]
            return PerSample(self.reduce(distance, valid & counted[:, None]), counted)


def surface_of(inverse_depth: Float[Tensor, "b 1 h w"], camera: StereoRig) -> Surface:
    """A frame's surface in its own camera's frame: its disparity for a baseline of one unit.

    No gradient to K.
    """
    numbers = (camera.fx, camera.fy, camera.cx, camera.cy)
    fx, fy, cx, cy = (one.detach()[:, None] for one in numbers)
    disparity = inverse_depth * (fx / inverse_depth.shape[-1])[..., None, None]
    everywhere = torch.ones_like(inverse_depth, dtype=torch.bool)
    one = torch.ones_like(fx)
    return Surface(disparity, everywhere, fx, fy, cx, cy, 0 * one, one, 0 * one)
