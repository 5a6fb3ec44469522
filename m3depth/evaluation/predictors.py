"""Where predictions come from: anything that gives a `Prediction` for a batch of one."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.evaluation.truth import Prediction, size_of
from m3depth.types import DepthMap, Kind, StereoBatch

Predictor = Callable[[StereoBatch], Prediction]


class NoPredictionError(DataError):
    """There is none for this frame."""


def by_network(network: Callable[[Float[Tensor, "b 3 h w"]], DepthMap]) -> Predictor:
    """A network's left disparity, found from the left image alone.

    Args:
        network: Left images on the CPU to depth maps, on any device; see `Finest`.
    """

    def predict(batch: StereoBatch) -> Prediction:
        found = network(batch["left"])
        rig = batch["rig"].resized(size_of(batch["left"]), found.size)
        found = found.on("cpu").seen_by(rig).to(Kind.FRACTION)
        fraction = found.values.float()
        if not fraction.isfinite().all():
            raise DataError(
                f"frame {batch['key'][0]}: the network's disparity is not finite; "
                "its checkpoint is broken, evaluate an earlier one"
            )
        return Prediction(fraction, error=None if found.error is None else found.error.float())

    return predict
