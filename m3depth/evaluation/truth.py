"""What is known of a frame."""

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import default_collate

from m3depth.geometry.resizing import nearest, size_of
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import disparity_from_depth


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
    def video(self) -> str:
        """What is before the key's last slash."""
        return self.key.rpartition("/")[0]

    @property
    def disparity_px(self) -> Float[Tensor, "1 1 H W"]:
        """The true disparity, in pixels of the truth's resolution."""
        return disparity_from_depth(self.depth_mm, self.rig)


def as_batch(sample: StereoBatch) -> StereoBatch:
    """One sample as a batch of one."""
    batch: StereoBatch = default_collate([sample])
    return batch
