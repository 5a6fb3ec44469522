"""EndoGaussian (CUHK) when it is told that its depth is monocular."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from m3depth.priors.layouts import scene
from m3depth.priors.layouts.frame import DepthMeta, Map, Mask, SceneFrame
from m3depth.priors.layouts.habits import INRIA_CULL, UNPADDED, Habits
from m3depth.priors.layouts.inverse import InverseDepth
from m3depth.priors.layouts.poses_bounds.layout import PosesBoundsLayout
from m3depth.priors.layouts.stated import INVERSE_DEPTH
from m3depth.validation import require_number

NEAREST = 0.4  # the reader's depth is 0.4 / (v / 255) units, so that 255 is this near
LARGEST = 255


@dataclass
class EndoGaussianMonoLayout(PosesBoundsLayout):
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
        self._code = InverseDepth(self.near_mm, LARGEST, LARGEST)

    def holds(self, depth_mm: Map) -> Mask:
        """From the nearest depth to the last step of inverse depth."""
        return self._code.holds(depth_mm)

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """And the inverse depth; 0 where unknown, which the reader takes for the farthest."""
        steps = np.where(self.holds(frame.depth_mm), self._code.steps(frame.depth_mm), 0)
        grey = steps.astype(np.uint8)
        return {
            **super().files(frame),
            f"monodepth/{frame.name}.png": np.repeat(grey[..., None], 3, axis=2),
        }

    def meta(self) -> DepthMeta:
        """Inverse depth in the scene's own unit."""
        unit_mm = self.near_mm / NEAREST
        return replace(
            super().meta(),
            kind=INVERSE_DEPTH,
            unit=f"{unit_mm:g} mm",
            unit_mm=unit_mm,
            scale=1 / (LARGEST * NEAREST),
            notes=("the reader takes 0 for the farthest depth: the masks leave it out",),
        )


def decoded(values: scene.Map) -> scene.Map:
    """The reader's depth in its units, 0.4 / (v / 255); 0 where nothing is known."""
    return NEAREST * LARGEST / np.where(values > 0, values, np.inf)


def endogaussian_mono() -> Habits:
    """EndoGaussian (CUHK) with ``mode=monocular``."""
    return Habits(
        name="EndoGaussian",
        cull=INRIA_CULL,
        size=UNPADDED,
        revives_unknown=True,
        binary_masks=True,
        counts_time=True,
        inverse_bits=8,
        needs_first_depth=True,
    )
