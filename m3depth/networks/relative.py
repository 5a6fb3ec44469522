"""A network whose depth is relative, whatever it is made of."""

from jaxtyping import Float
from torch import Tensor, nn

from m3depth.types import DepthMap


class Relative(nn.Module):
    """Says of a network's maps that they are inverse depth up to scale and shift.

    For one that learns from relative labels: nothing tells it millimetres, so what it gives must
    not pass for a rig's disparity. `ByRig` begins from its weights by ``network.start=``.
    """

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network.

        Args:
            network: see `DepthNetwork`; its maps may be of any kind and scale.
        """
        super().__init__()
        self.network = network

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[DepthMap, ...]:
        """RGB in [0, 1] to the left view's maps, finest scale first."""
        return tuple(_left_alone(depth.relative()) for depth in self.network(image))


def _left_alone(depth: DepthMap) -> DepthMap:
    return DepthMap(depth.values, depth.kind, depth.scale, error=depth.error, known=depth.known)
