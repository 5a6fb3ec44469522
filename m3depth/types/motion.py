"""What a video tells beside depth: the motion between two frames, the path through all of them."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from m3depth.types.camera import StereoRig


class PairMotion(NamedTuple):
    """How the camera moved between two frames, and what it was, as a network says."""

    later_from_earlier: Float[Tensor, "b 4 4"]  # points of the earlier camera into the later one's
    cameras: StereoRig | None = None  # fields (b, 2), earlier and later, at the images' size;
    # None where the network takes K as given


class Track(NamedTuple):
    """The camera along a video, in order of time."""

    camera_to_world: Float[Tensor, "n 4 4"]  # OpenCV axes; the first is the identity; depth's unit
    cameras: StereoRig  # fields (n,)
    time_s: Float[Tensor, " n"]
    names: tuple[str, ...]
