"""One frame against its truth: brings a prediction to the truth's resolution and scores it."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import default_collate

from m3depth.evaluation.metrics import DEPTH_METRICS, DISPARITY_METRICS, score, ssim
from m3depth.evaluation.protocol import Protocol, median
from m3depth.geometry.camera import StereoRig
from m3depth.geometry.disparity import depth_from_disparity, disparity_from_depth
from m3depth.geometry.warp import warp
from m3depth.types import StereoBatch

RATIO = "scale_ratio"  # columns of a frame's row that are no metric
VALID = "valid_pixels"


class Truth(NamedTuple):
    """What is known of one frame, at the truth's own resolution."""

    depth_mm: Float[Tensor, "1 1 H W"]
    counts: Bool[Tensor, "1 1 H W"]  # known, not masked out, within the protocol's range
    rig: StereoRig

    @classmethod
    def of(cls, batch: StereoBatch) -> "Truth | None":
        """The truth of a batch of one, None if there is no depth or no calibration."""
        if "depth_mm" not in batch or not bool(batch["rig"].calibrated):
            return None
        depth_mm = batch["depth_mm"]
        counts = depth_mm > 0
        if "mask" in batch:
            counts = counts & batch["mask"]
        rig = batch["rig"].resized(_size(batch["left"]), _size(depth_mm))
        return cls(depth_mm, counts, rig)

    def within(self, protocol: Protocol) -> "Truth":
        """The same with only the pixels that a protocol counts."""
        return self._replace(counts=self.counts & protocol.counts(self.depth_mm))

    @property
    def disparity_px(self) -> Float[Tensor, "1 1 H W"]:
        """The true disparity, in pixels of the truth's resolution."""
        return disparity_from_depth(self.depth_mm, self.rig)

    def disparity_here(self, fraction: Float[Tensor, "1 1 h w"]) -> Float[Tensor, "1 1 H W"]:
        """A disparity in fractions of the width as pixels of the truth's resolution.

        The fraction is resized bilinearly, and only then turned into pixels and depth.
        """
        size = _size(self.depth_mm)
        return resized(fraction, size) * size[1]


def as_batch(sample: StereoBatch) -> StereoBatch:
    """One sample as a batch of one."""
    batch: StereoBatch = default_collate([sample])
    return batch


def resized(image: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c H W"]:
    """Bilinear, the image's edges stay in place, as `StereoRig.resized` has it."""
    if _size(image) == size:
        return image
    return interpolate(image, size, mode="bilinear", align_corners=False)


def score_disparity(
    disparity_px: Float[Tensor, "1 1 H W"],
    truth: Truth,
    protocol: Protocol,
    given: Bool[Tensor, "1 1 H W"] | None = None,
) -> dict[str, float]:
    """Depth and disparity metrics of one frame, empty when not one pixel counts.

    The disparity metrics are of the disparity as it is: `protocol.align` scales depth only.

    Args:
        disparity_px: The prediction, at the truth's resolution.
        truth: What is known, within the protocol's range.
        protocol: How the prediction may be scaled.
        given: Where there is a prediction at all; everywhere if None.
    """
    counts = truth.counts if given is None else truth.counts & given
    if not counts.any():
        return {}
    predicted_mm = depth_from_disparity(disparity_px, truth.rig)[counts]
    true_mm = truth.depth_mm[counts]
    aligned_mm = protocol.aligned(predicted_mm, true_mm)
    return {
        **score(DEPTH_METRICS, aligned_mm, true_mm),
        **score(DISPARITY_METRICS, disparity_px[counts], truth.disparity_px[counts]),
        RATIO: median(predicted_mm, true_mm),
        VALID: int(counts.sum()),
    }


def scored_depth(
    fraction: Float[Tensor, "1 1 h w"],
    batch: StereoBatch,
    truth: Truth | None,
    protocol: Protocol,
) -> Float[Tensor, "1 1 H W"] | None:
    """The whole predicted depth map as it is scored, for pictures; None without a calibration.

    At the truth's resolution and aligned to it if there is one, else at the image's.
    """
    if not bool(batch["rig"].calibrated):
        return None
    if truth is None:
        size = _size(batch["left"])
        return depth_from_disparity(resized(fraction, size) * size[1], batch["rig"])
    depth_mm = depth_from_disparity(truth.disparity_here(fraction), truth.rig)
    scale = protocol.align(depth_mm[truth.counts], truth.depth_mm[truth.counts])
    return depth_mm * scale


def score_view(fraction: Float[Tensor, "1 1 h w"], batch: StereoBatch) -> dict[str, float]:
    """SSIM between the left image and the left image rebuilt from the right one.

    Only pixels that the right image sees count, and of those only the ones that the sample's
    mask leaves in.
    """
    left, right = batch["left"], batch["right"]
    rebuilt, visible = warp(right, -resized(fraction, _size(left)) * left.shape[-1])
    counts = visible & view_mask(batch)
    return {"ssim": ssim(left, rebuilt, counts).item()} if counts.any() else {}


def view_mask(batch: StereoBatch) -> Bool[Tensor, "1 1 h w"]:
    """The sample's mask at the resolution of the images; all True without one."""
    left = batch["left"]
    if "mask" not in batch:
        return torch.ones_like(left[:, :1], dtype=torch.bool)
    return interpolate(batch["mask"].float(), _size(left), mode="nearest-exact") > 0.5


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[-2], image.shape[-1]
