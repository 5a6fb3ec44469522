"""Where predictions come from: anything that gives a depth map for a batch of one."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.types import DepthMap, StereoBatch

Predictor = Callable[[StereoBatch], DepthMap]


class NoPredictionError(DataError):
    """There is none for this frame."""


def by_network(network: Callable[[Float[Tensor, "b 3 h w"]], DepthMap]) -> Predictor:
    """A network's depth map, found from the left image alone.

    Args:
        network: Left images on the CPU to depth maps, on any device; see `Finest`.
    """

    def predict(batch: StereoBatch) -> DepthMap:
        found = network(batch["left"]).on("cpu")
        if not found.values.isfinite().all():
            raise DataError(
                f"frame {batch['key'][0]}: the network's {found.kind} is not finite; "
                "its checkpoint is broken, evaluate an earlier one"
            )
        return found

    return predict
