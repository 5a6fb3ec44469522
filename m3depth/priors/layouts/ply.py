"""Scenes that come with points to start from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from m3depth.priors.cloud import Cloud, back_projected, joined, ply, thinned
from m3depth.priors.layouts.frame import Frame, Meaning
from m3depth.priors.layouts.writer import SceneWriter
from m3depth.priors.records import Record
from m3depth.validation import require_number

EACH_WAY = 2  # pixels of a cube


@dataclass(eq=False)
class CloudWriter(SceneWriter):
    """Writes ``points/000000.npz`` per frame (``points`` in mm of the world, ``colours``).

    Args:
        voxel_mm: Of the points in a cube of this size one is left, of a frame's and of all.

    Raises:
        ConfigError: an option is out of range.
    """

    voxel_mm: float = field(default=1.0, kw_only=True)

    one_camera: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_number("writer.voxel_mm", self.voxel_mm, 1e-3)
        super().__post_init__()

    def files(self, frame: Frame) -> Mapping[str, Any]:
        """The frame's points.

        Where pixels are many to a cube, some rows and columns are passed over: a cube that is
        seen whole keeps four at the frame's farthest depth.
        """
        step = self._step(frame)
        grid = (slice(None, None, step),) * 2
        K = np.diag([1 / step, 1 / step, 1]) @ frame.K
        maps = frame.depth_mm[grid], frame.image[grid], frame.known[grid]
        cloud = thinned(back_projected(*maps, K, frame.camera_to_world), self.voxel_mm)
        return {f"points/{frame.name}.npz": cloud._asdict()}

    def _step(self, frame: Frame) -> int:
        farthest_mm = frame.depth_mm.max(initial=self.voxel_mm, where=frame.known)
        pixels = self.voxel_mm * frame.K.diagonal()[:2].min() / farthest_mm  # to a cube's side
        return max(1, int(pixels / EACH_WAY))

    def cloud(self, written: list[Record]) -> Cloud:
        """The points of all frames, thinned."""
        return thinned(joined(self.points(record["name"]) for record in written), self.voxel_mm)

    def points(self, name: str) -> Cloud:
        """Of one frame that is written."""
        with np.load(self.folder / "points" / f"{name}.npz") as saved:
            return Cloud(saved["points"], saved["colours"])


@dataclass(eq=False)
class PlyWriter(CloudWriter):
    """Writes ``points3D.ply``: the points of all frames in millimetres of the world."""

    rounds: ClassVar[bool] = False

    def scene(self, written: list[Record], bounds_mm: tuple[float, float]) -> Mapping[str, Any]:
        """The cloud."""
        return {"points3D.ply": ply(self.cloud(written))}

    def scene_names(self) -> tuple[str, ...]:
        """See `SceneWriter`."""
        return (*super().scene_names(), "points3D.ply")

    def meaning(self) -> Meaning:
        """Points, not depth."""
        return Meaning(
            kind="points in world coordinates",
            unit="mm",
            invalid="left out",
            mask_polarity="left out: tools, unknown depth, low confidence",
            pose_convention="camera_to_world, opencv",
        )
