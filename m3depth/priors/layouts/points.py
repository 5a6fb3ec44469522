"""The points that a splatter starts from: each frame's own, and those of all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from m3depth.priors.cloud import ColouredPoints, back_projected, joined, thinned
from m3depth.priors.layouts.frame import SceneFrame
from m3depth.priors.layouts.written import WrittenScene
from m3depth.validation import require_number

EACH_WAY = 2  # pixels of a cube


@dataclass(frozen=True)
class FramePoints:
    """``points/000000.npz`` per frame: ``points`` in mm of the world, ``colours``.

    Args:
        voxel_mm: Of the points in a cube of this size one is left, of a frame's and of all.

    Raises:
        ConfigError: it is out of range.
    """

    voxel_mm: float

    def __post_init__(self) -> None:
        require_number("writer.voxel_mm", self.voxel_mm, 1e-3)

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """The frame's points.

        Where pixels are many to a cube, some rows and columns are passed over: a cube that is
        seen whole keeps four at the frame's farthest depth.
        """
        step = self._step(frame)
        grid = (slice(None, None, step),) * 2
        K = np.diag([1 / step, 1 / step, 1]) @ frame.K
        maps = frame.depth_mm[grid], frame.image[grid], frame.known[grid]
        points = thinned(back_projected(*maps, K, frame.camera_to_world), self.voxel_mm)
        return {f"points/{frame.name}.npz": points._asdict()}

    def of_each(self, scene: WrittenScene) -> list[ColouredPoints]:
        """Of every frame that is written."""
        found = []
        for name in scene.names:
            with np.load(scene.folder / "points" / f"{name}.npz") as saved:
                found.append(ColouredPoints(saved["points"], saved["colours"]))
        return found

    def of_all(self, scene: WrittenScene) -> ColouredPoints:
        """Of all frames together, thinned."""
        return thinned(joined(self.of_each(scene)), self.voxel_mm)

    def _step(self, frame: SceneFrame) -> int:
        farthest_mm = frame.depth_mm.max(initial=self.voxel_mm, where=frame.known)
        pixels = self.voxel_mm * frame.K.diagonal()[:2].min() / farthest_mm  # to a cube's side
        return max(1, int(pixels / EACH_WAY))
