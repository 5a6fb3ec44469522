"""One cloud of initial points, for programs that start from one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from m3depth.errors import DataError
from m3depth.priors.cloud import ply
from m3depth.priors.layouts.files import listed
from m3depth.priors.layouts.frame import DepthMeta, SceneFrame
from m3depth.priors.layouts.habits import INRIA_CULL, Habits
from m3depth.priors.layouts.layout import Layout
from m3depth.priors.layouts.points import FramePoints
from m3depth.priors.layouts.scene import PriorFrame, PriorScene
from m3depth.priors.layouts.written import WrittenScene

CLOUD = "points3D.ply"


@dataclass
class PlyLayout(Layout):
    """``points3D.ply``: the points of all frames in millimetres of the world.

    Args:
        voxel_mm: See `FramePoints`.

    Raises:
        ConfigError: an option is out of range.
    """

    voxel_mm: float = field(default=1.0, kw_only=True)
    rounds: bool = field(default=False, init=False)

    one_camera: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self._points = FramePoints(self.voxel_mm)

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """The frame's points."""
        return self._points.files(frame)

    def scene(self, scene: WrittenScene) -> Mapping[str, Any]:
        """The cloud."""
        return {CLOUD: ply(self._points.of_all(scene))}

    def scene_names(self) -> tuple[str, ...]:
        """See `Layout`."""
        return (CLOUD,)

    def meta(self) -> DepthMeta:
        """Points, not depth."""
        return DepthMeta(
            kind="points in world coordinates",
            unit="mm",
            invalid="left out",
            mask_polarity="left out: tools, unknown depth, low confidence",
            pose_convention="camera_to_world, opencv",
        )


@dataclass(frozen=True)
class PlyTarget:
    """The cloud alone, as it is read."""

    habits: Habits

    def __call__(self, folder: Path, frames: int) -> PriorScene:
        """See `Target`."""
        import open3d

        path = listed(folder, CLOUD)[0]
        points = np.asarray(open3d.io.read_point_cloud(path).points)
        if not len(points):
            raise DataError(f"{path}: not one point; export it again")
        return PriorScene(
            folder=folder,
            files={},
            load=_no_frame,
            sample=(),
            habits=self.habits,
            points=points,
        )


def cloud() -> Habits:
    """Whoever starts from a cloud."""
    return Habits(cull=INRIA_CULL)


def _no_frame(index: int) -> PriorFrame:
    raise IndexError(index)
