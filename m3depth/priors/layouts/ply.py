"""One cloud of initial points, for programs that start from one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from m3depth.errors import DataError
from m3depth.priors.cloud import ply
from m3depth.priors.layouts.files import listed
from m3depth.priors.layouts.frame import DepthMeta
from m3depth.priors.layouts.habits import INRIA_CULL, Habits
from m3depth.priors.layouts.points import PointsLayout
from m3depth.priors.layouts.scene import PriorFrame, PriorScene
from m3depth.priors.layouts.written import WrittenScene

CLOUD = "points3D.ply"


@dataclass
class PlyLayout(PointsLayout):
    """``points3D.ply``: the points of all frames in millimetres of the world."""

    rounds: bool = field(default=False, init=False)

    def scene(self, scene: WrittenScene) -> Mapping[str, Any]:
        """The cloud."""
        return {CLOUD: ply(self.points_of_all(scene))}

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


def ply_scene(folder: Path, frames: int, habits: Habits) -> PriorScene:
    """The cloud alone, as it is read; see `Target`."""
    import open3d

    path = listed(folder, CLOUD)[0]
    points = np.asarray(open3d.io.read_point_cloud(path).points)
    if not len(points):
        raise DataError(f"{path}: not one point; export it again")
    return PriorScene(
        folder=folder, files={}, load=_no_frame, sample=(), habits=habits, points=points
    )


def cloud() -> Habits:
    """Whoever starts from a cloud."""
    return Habits(cull=INRIA_CULL)


def _no_frame(index: int) -> PriorFrame:
    raise IndexError(index)
