"""Everything that is known, and nothing rounded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from m3depth.io.depth_meaning import Meaning
from m3depth.priors.layouts.frame import DepthMeta, SceneFrame
from m3depth.priors.layouts.layout import Layout
from m3depth.priors.layouts.stated import DEPTH
from m3depth.types import Kind


@dataclass
class NpzLayout(Layout):
    """``priors/000000.npz`` per frame.

    ``depth_mm`` and ``confidence`` are float32 (h, w), ``valid`` bool (h, w), ``use`` bool (h, w)
    (False under tools, ``valid`` or not), ``image`` RGB of 8 bits (h, w, 3), ``intrinsics`` float64
    (3, 3), ``camera_to_world`` float64 (4, 4), ``scale_deviation`` float64 (), see `DepthPrior`;
    ``kind``, ``scale`` and ``unit`` say of the depth, in words: depth, metric, mm. ``confidence``
    and ``scale_deviation`` are there where the depth's source says them.
    """

    rounds: bool = field(default=False, init=False)

    one_camera: ClassVar[bool] = False

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """One file."""
        content = {"image": frame.image, "depth_mm": frame.depth_mm}
        if frame.confidence is not None:
            content["confidence"] = frame.confidence
        if frame.scale_deviation is not None:
            content["scale_deviation"] = np.float64(frame.scale_deviation)
        content |= {
            "valid": frame.known,
            "use": frame.use,
            "intrinsics": frame.K,
            "camera_to_world": frame.camera_to_world,
            **Meaning(Kind.DEPTH).text(),
        }
        return {f"priors/{frame.name}.npz": content}

    def meta(self) -> DepthMeta:
        """Millimetres, as everywhere in this program."""
        return DepthMeta(
            kind=DEPTH,
            unit="mm",
            mask_polarity="valid = the depth is known, of use and confident",
            pose_convention="camera_to_world, opencv",
        )
