"""From a sample of a data set to a frame that can be measured."""

import torch

from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.imaging.bytes import to_picture
from m3depth.types import StereoBatch


def frame_of(split: str, sample: StereoBatch, follows_same: frozenset[str] | None) -> MeasuredFrame:
    """A sample as a frame, its masked depth taken as unknown.

    ``follows_same`` is None when the next frame was not looked at.
    """
    depth = sample.get("depth_mm")
    if depth is not None and "mask" in sample:
        depth = torch.where(sample["mask"], depth, 0.0)
    right = sample.get("right")
    masks = [sample[name] for name in ("mask",) if name in sample]
    masks += [~sample[name] for name in ("tool",) if name in sample]
    return MeasuredFrame(
        split=split,
        key=str(sample["key"]),
        left=to_picture(sample["left"]),
        right=None if right is None else to_picture(right),
        rig=sample["rig"],
        depth_mm=None if depth is None else depth[0].numpy(),
        follows_same=follows_same or frozenset(),
        followed=follows_same is not None,
        left_in=min((float(mask.float().mean()) for mask in masks), default=None),
    )
