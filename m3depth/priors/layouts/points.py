"""The points that a splatter starts from: each frame's own, and those of all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from m3depth.priors.cloud import ColouredPoints, back_projected, joined, thinned
from m3depth.priors.layouts.frame import SceneFrame
from m3depth.priors.layouts.layout import Layout
from m3depth.priors.layouts.written import WrittenScene
from m3depth.validation import require_number

EACH_WAY = 2  # pixels of a cube


@dataclass
class PointsLayout(Layout):
    """Layouts that a splatter starts from; those of a frame are ``points/000000.npz``.

    ``points`` are in mm of the world, with their ``colours``.

    Args:
        voxel_mm: Of the points in a cube of this size one is left, of a frame's and of all.

    Raises:
        ConfigError: it is out of range.
    """

    voxel_mm: float = field(default=1.0, kw_only=True)

    one_camera: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_number("writer.voxel_mm", self.voxel_mm, 1e-3)

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """The frame's points.

        Where pixels are many to a cube, some rows and columns are passed over: a cube that is
        seen whole keeps four at the frame's farthest depth.
        """
        farthest_mm = frame.depth_mm.max(initial=self.voxel_mm, where=frame.known)
        pixels = self.voxel_mm * frame.K.diagonal()[:2].min() / farthest_mm  # to a cube's side
        step = max(1, int(pixels / EACH_WAY))
        grid = (slice(None, None, step),) * 2
        K = np.diag([1 / step, 1 / step, 1]) @ frame.K
        maps = frame.depth_mm[grid], frame.image[grid], frame.known[grid]
        points = thinned(back_projected(*maps, K, frame.camera_to_world), self.voxel_mm)
        return {f"points/{frame.name}.npz": points._asdict()}

    def points_of_each(self, scene: WrittenScene) -> list[ColouredPoints]:
        """Of every frame that is written."""
        found = []
        for name in scene.names:
            with np.load(scene.folder / "points" / f"{name}.npz") as saved:
                found.append(ColouredPoints(saved["points"], saved["colours"]))
        return found

    def points_of_all(self, scene: WrittenScene) -> ColouredPoints:
        """Of all frames together, thinned."""
        return thinned(joined(self.points_of_each(scene)), self.voxel_mm)
