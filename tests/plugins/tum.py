"""A user's layout: TUM's RGB-D benchmark, with poses as translations and quaternions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from m3depth.priors.layouts.frame import DepthMeta, Map, Mask, SceneFrame
from m3depth.priors.layouts.layout import Layout
from m3depth.priors.layouts.written import WrittenScene

METRE_MM = 1000.0
LARGEST = 2**16 - 1


@dataclass
class TumLayout(Layout):
    """Writes ``rgb/``, ``depth/`` (16 bit, a number of steps in a metre) and ``groundtruth.txt``.

    Args:
        steps: In a metre of depth.
    """

    steps: float = 5000.0

    def holds(self, depth_mm: Map) -> Mask:
        counted = self._counted(depth_mm)
        return (counted > 0) & (counted <= LARGEST)

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        depth = np.where(frame.known, self._counted(frame.depth_mm), 0).astype(np.uint16)
        return {f"rgb/{frame.name}.png": frame.image, f"depth/{frame.name}.png": depth}

    def scene(self, scene: WrittenScene) -> Mapping[str, Any]:
        lines = map(_line, scene.names, scene.poses)
        return {"groundtruth.txt": "".join(lines).encode()}

    def scene_names(self) -> tuple[str, ...]:
        return ("groundtruth.txt",)

    def meta(self) -> DepthMeta:
        return DepthMeta(
            kind="depth along z",
            unit="m",
            unit_mm=METRE_MM,
            scale=1 / self.steps,
            mask_polarity="none: depth 0",
            pose_convention="camera_to_world, opencv",
        )

    def _counted(self, depth_mm: Map) -> Map:
        return np.rint(depth_mm * np.float32(self.steps / METRE_MM))


def _line(name: str, pose: np.ndarray) -> str:
    numbers = [*pose[:3, 3] / METRE_MM, *Rotation.from_matrix(pose[:3, :3]).as_quat()]
    return " ".join([name, *(f"{number:.6f}" for number in numbers)]) + "\n"
