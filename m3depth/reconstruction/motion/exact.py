"""The data's own poses."""

import torch
from jaxtyping import Float64
from torch import Tensor

from m3depth.reconstruction.motion.contract import MotionSource, NoPoseError, Placed
from m3depth.types import PairMotion, Scale


class ExactMotion(MotionSource):
    """The poses that the data come with; K is theirs anyway."""

    model = "the data's own poses"
    scale = Scale.METRIC
    drifts = False

    def __call__(self, earlier: Placed, later: Placed) -> PairMotion:
        """Take them.

        Raises:
            NoPoseError: a frame has none.
        """
        later_from_earlier = torch.linalg.inv(_pose(later)) @ _pose(earlier)
        return PairMotion(later_from_earlier[None])


def _pose(frame: Placed) -> Float64[Tensor, "4 4"]:
    if "camera_to_world" not in frame.sample:
        raise NoPoseError(
            f"{frame.sample['key']}: the data have no poses of their own; give checkpoint=PATH of "
            "m3depth train experiment=video, or poses=FILE"
        )
    return frame.sample["camera_to_world"].double()
