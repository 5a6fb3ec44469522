"""Where predictions come from: anything that gives a `Prediction` for a batch of one."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.evaluation.truth import Prediction
from m3depth.types import Disparity, StereoBatch

Predictor = Callable[[StereoBatch], Prediction]


class NoPredictionError(DataError):
    """There is none for this frame."""


def by_network(network: Callable[[Float[Tensor, "b 3 h w"]], Disparity]) -> Predictor:
    """A network's left disparity, found from the left image alone.

    Args:
        network: Left images on the CPU to disparities at the finest scale, on any device.
    """

    def predict(batch: StereoBatch) -> Prediction:
        found = network(batch["left"])
        fraction = found.left.float().cpu()
        if not fraction.isfinite().all():
            raise DataError(
                f"frame {batch['key'][0]}: the network's disparity is not finite; "
                "its checkpoint is broken, evaluate an earlier one"
            )
        return Prediction(
            fraction, error=None if found.error is None else found.error.float().cpu()
        )

    return predict
