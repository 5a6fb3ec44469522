"""The batch, a pair of views, a pair of disparities."""

from typing import NamedTuple, NotRequired, TypedDict

from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.types.camera import StereoRig
from m3depth.types.label import DepthLabel


class StereoBatch(TypedDict):
    """One rectified pair (``*b`` empty) or a batch of them, as the default collate makes it."""

    left: Float[Tensor, "*b 3 h w"]  # RGB in [0, 1]
    small: NotRequired[Float[Tensor, "*b 3 k l"]]  # `left` as a network takes it, made beforehand
    right: NotRequired[Float[Tensor, "*b 3 h w"]]  # absent from monocular sets: for tests only
    rig: NotRequired[StereoRig]  # at the resolution of `left`; absent: nobody said which camera
    key: str | list[str]  # "folder/000123": names the frame in logs, exports and reports
    depth_mm: NotRequired[Float[Tensor, "*b 1 H W"]]  # left view, own resolution, 0 = unknown
    depth_label: NotRequired[DepthLabel]  # the same and depth without a scale, at `left`'s size
    occluded: NotRequired[Bool[Tensor, "*b 1 H W"]]  # left view: the right one does not show it
    tool: NotRequired[Bool[Tensor, "*b 1 h w"]]  # left view: an instrument covers the tissue
    tool_right: NotRequired[Bool[Tensor, "*b 1 h w"]]
    ignore: NotRequired[Bool[Tensor, "*b v h w"]]  # left, right: colours that mislead
    camera_to_world: NotRequired[Float[Tensor, "*b 4 4"]]  # left camera, OpenCV axes, mm
    time_s: NotRequired[Float[Tensor, "*b"]]  # of a clip's frame
    skipped: NotRequired[str | list[str]]  # why frames before this one were skipped
    mask: NotRequired[Bool[Tensor, "*b 1 H W"]]  # beside `depth_mm`: False = leave out of scores


class Pair(NamedTuple):
    """The same thing for both views."""

    left: Tensor
    right: Tensor


class Disparity(NamedTuple):
    """Both views' disparities at one scale, as a fraction of the image's width, >= 0."""

    left: Float[Tensor, "b 1 h w"]  # left pixel x is seen in the right image at x - W·left
    right: Float[Tensor, "b 1 h w"]  # right pixel x is seen in the left image at x + W·right
    error: Float[Tensor, "b 1 h w"] | None = None  # of `left`, to be expected; finest scale only

    @property
    def views(self) -> Pair:
        """The disparities alone."""
        return Pair(self.left, self.right)
