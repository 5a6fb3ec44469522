"""Flicker: how much depth changes between frames beyond what the camera's motion explains."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from kornia.geometry.transform import remap
from torch import Tensor

from m3depth.evaluation.point_sample import points_at, some_pixels
from m3depth.geometry.points import project
from m3depth.types.camera import StereoRig

KNOWN = 0.999  # weight of the known pixels in a bilinear sample without a hole


class PosedDepth(NamedTuple):
    """The depth of one frame, and where it was seen from."""

    position: int  # in the data set
    video: str
    depth_mm: Float[Tensor, "1 1 h w"]  # 0 = not known
    rig: StereoRig  # at the same resolution
    camera_to_world: Float[Tensor, "1 4 4"]

    def follows(self, other: "PosedDepth") -> bool:
        """Whether it is the frame after the other one, in the same video."""
        return self.video == other.video and self.position == other.position + 1


def flicker_mm(before: PosedDepth, now: PosedDepth) -> float | None:
    """The median over the pixels of ``|z' - Z(u')|``, in millimetres.

    Each pixel with a depth (some, of many) is carried into the camera of the frame before,
    where it lies at the depth z' and is seen at u'; Z is the depth that was predicted there and
    then, sampled bilinearly. The median ignores parts of the picture that are
    uncovered or move by themselves. Tissue that moves as a whole still counts: compare with the
    flicker of the true depth. None where no pixel is seen twice.
    """
    points = points_at(now.depth_mm, *some_pixels(now.depth_mm > 0), now.rig)
    motion = torch.linalg.inv(before.camera_to_world.double()) @ now.camera_to_world.double()
    carried = points @ motion[:, :3, :3].mT + motion[:, None, :3, 3]
    in_front = carried[..., 2] > 0
    places = project(torch.where(in_front[..., None], carried, 1.0), before.rig)
    old = before.depth_mm.double()
    then, known = _sampled(old, places), _sampled((old > 0).double(), places)
    counts = in_front & (known > KNOWN)
    if not counts.any():
        return None
    return float((carried[..., 2] - then)[counts].abs().median())


def _sampled(
    image: Float[Tensor, "1 1 h w"], places: Float[Tensor, "1 n 2"]
) -> Float[Tensor, "1 n"]:
    """Bilinear, 0 beyond the edges."""
    x, y = places[..., 0][:, None], places[..., 1][:, None]
    return remap(image, x, y, padding_mode="zeros", align_corners=True)[:, 0, 0]
