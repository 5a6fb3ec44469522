"""What EndoGaussian reads when it is told that its depth is monocular."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from m3depth.priors.layouts.frame import Frame, Map, Mask, Meaning
from m3depth.priors.layouts.poses_bounds.layout import FIRST_CAMERA, CentredWriter
from m3depth.validation import require_number

NEAREST = 0.4  # the reader's depth is 0.4 / (v / 255) units, so that 255 is this near
LARGEST = 255


@dataclass(eq=False)
class EndoGaussianMonoWriter(CentredWriter):
    """Adds ``monodepth/000000.png``: inverse depth in 8 bits, the same in three channels.

    The unit of the whole scene (depth, translations, bounds) is chosen so that the nearest depth
    is 255: eight bits are few, and a unit of one millimetre would leave three values of them.

    Args:
        near_mm: The nearest depth that can be told; nearer is excluded. At depth z one step is
            z² / (255 near_mm).

    Raises:
        ConfigError: an option is out of range.
    """

    near_mm: float = field(default=20.0, kw_only=True)

    def __post_init__(self) -> None:
        require_number("writer.near_mm", self.near_mm, 0.1)
        super().__post_init__()

    def holds(self, depth_mm: Map) -> Mask:
        """From the nearest depth to the last step of inverse depth."""
        steps = self._steps(depth_mm)
        return (steps >= 1) & (steps <= LARGEST)

    def files(self, frame: Frame) -> Mapping[str, Any]:
        """And the inverse depth; 0 where unknown, which the reader takes for the farthest."""
        steps = np.where(self.holds(frame.depth_mm), self._steps(frame.depth_mm), 0)
        grey = steps.astype(np.uint8)
        return {
            **super().files(frame),
            f"monodepth/{frame.name}.png": np.repeat(grey[..., None], 3, axis=2),
        }

    def meaning(self) -> Meaning:
        """Inverse depth in the scene's own unit."""
        unit_mm = self.near_mm / NEAREST
        return Meaning(
            kind="inverse depth along z",
            unit=f"{unit_mm:g} mm",
            unit_mm=unit_mm,
            scale=1 / (LARGEST * NEAREST),
            mask_polarity=self.mask_polarity,
            pose_convention=self.pose_convention.name,
            world=FIRST_CAMERA,
            notes=("the reader takes 0 for the farthest depth: the masks leave it out",),
        )

    def _steps(self, depth_mm: Map) -> Map:
        safe_mm = np.where(depth_mm > 0, depth_mm, np.inf)
        return np.rint(LARGEST * self.near_mm / safe_mm).astype(np.float32)
