"""What is known of a frame."""

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import default_collate

from m3depth.geometry.camera import StereoRig
from m3depth.geometry.disparity import disparity_from_depth
from m3depth.types import StereoBatch


class Truth(NamedTuple):
    """What is known of one frame, at the truth's own resolution."""

    depth_mm: Float[Tensor, "1 1 H W"]
    counts: Bool[Tensor, "1 1 H W"]  # known, not masked out, within the protocol's range
    rig: StereoRig
    key: str
    occluded: Bool[Tensor, "1 1 H W"] | None = None  # None: the sample does not say

    @classmethod
    def of(cls, batch: StereoBatch) -> "Truth | None":
        """The truth of a batch of one, None if there is no depth or no camera's K.

        A camera without a baseline is one: its depth is compared with depth.
        """
        if "depth_mm" not in batch or bool(batch["rig"].stands_in(batch["left"].shape[-1])):
            return None
        depth_mm = batch["depth_mm"]
        counts = depth_mm > 0
        if "mask" in batch:
            counts = counts & batch["mask"]
        size = size_of(depth_mm)
        occluded = nearest(batch["occluded"], size) if "occluded" in batch else None
        rig = batch["rig"].resized(size_of(batch["left"]), size)
        return cls(depth_mm, counts, rig, batch["key"][0], occluded)

    @property
    def disparity_px(self) -> Float[Tensor, "1 1 H W"]:
        """The true disparity, in pixels of the truth's resolution."""
        return disparity_from_depth(self.depth_mm, self.rig)


def as_batch(sample: StereoBatch) -> StereoBatch:
    """One sample as a batch of one."""
    batch: StereoBatch = default_collate([sample])
    return batch


def resized(image: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c H W"]:
    """Bilinear, the image's edges stay in place, as `StereoRig.resized` has it."""
    if size_of(image) == size:
        return image
    return interpolate(image, size, mode="bilinear", align_corners=False)


def nearest(mask: Bool[Tensor, "b c h w"], size: tuple[int, int]) -> Bool[Tensor, "b c H W"]:
    """A mask at another resolution."""
    return interpolate(mask.float(), size, mode="nearest-exact") > 0.5


def size_of(image: Tensor) -> tuple[int, int]:
    """(height, width)."""
    return image.shape[-2], image.shape[-1]
