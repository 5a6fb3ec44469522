"""What is known about one frame once its depth has been predicted."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.types.camera import StereoRig


@dataclass(frozen=True)
class DepthPrior:
    """One frame's depth with all that a consumer needs, at the image's own resolution, on the CPU.

    Attributes:
        key: Names the frame, "folder/000123".
        image: RGB in [0, 1], the left view.
        disparity_px: ``x_left - x_right`` in pixels of this resolution; None: the camera has no
            baseline.
        depth_mm: Along z of the left camera; 0 = unknown, everywhere so without a calibration.
        confidence: Probability that the depth is right to within 2 mm, see `confidence`; None:
            its source gives no expected error.
        rig: At this resolution.
        camera_to_world: OpenCV axes (x right, y down, z forward), millimetres; a camera that does
            not move is the identity.
        use: False where the consumer must look away, such as tools; None uses everything.
        scale_deviation: Standard deviation of one factor that all of the frame's depth has in
            common, as a share of it: 0.12 where it is known to 12 %; None: its source does not say.
    """

    key: str
    image: Float[Tensor, "3 h w"]
    disparity_px: Float[Tensor, "1 h w"] | None
    depth_mm: Float[Tensor, "1 h w"]
    confidence: Float[Tensor, "1 h w"] | None
    rig: StereoRig
    camera_to_world: Float[Tensor, "4 4"] = field(default_factory=lambda: torch.eye(4))
    use: Bool[Tensor, "1 h w"] | None = None
    scale_deviation: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.image.shape[-2], self.image.shape[-1]

    @property
    def in_millimetres(self) -> bool:
        """Whether more is known than disparity."""
        return self.disparity_px is None or bool(self.rig.calibrated)

    def require_millimetres(self) -> None:
        """Stop where millimetres are needed and only disparity is known.

        Raises:
            DataError: the rig is not calibrated.
        """
        if not self.in_millimetres:
            raise DataError(
                f"{self.key}: no calibration, and depth in mm needs one: pass rig=PATH or put "
                "rig.yaml (fx fy cx cy baseline_mm width height) beside the images; "
                "data=endonerf needs data.test.baseline_mm=MM"
            )


Unfinished = Callable[[], DepthPrior]  # what no network is needed for; any thread may call it
