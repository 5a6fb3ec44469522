"""A disparity network as one of inverse depth, for a camera that may have no second one."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from m3depth.errors import ConfigError
from m3depth.types import DepthMap, Kind, Scale
from m3depth.validation import require_number


class InverseDepth(nn.Module):
    """Takes a network's disparity, a fraction of the width, for inverse depth.

    A disparity is that of a rig whose focal length is known; where the focal length is learned, or
    changes, inverse depth is what a network can say.
    """

    def __init__(
        self,
        network: nn.Module,
        typical_disparity: float = 0.065,
        typical_depth: float = 60.0,
        scales: int = 1,
        metric: bool = False,
        shrink: int = 1,
    ) -> None:
        """Wrap a network.

        Args:
            network: see `DepthNetwork`; its maps are `Kind.FRACTION`.
            typical_disparity: what it begins with.
            typical_depth: what that becomes: near the scenes' in mm where something tells the
                scale, such as a right view, and anything elsewhere.
            scales: how many of its maps are kept, finest first.
            metric: whether something in the training tells millimetres.
            shrink: it sees images, and gives maps, of a size so many times smaller. The depth of
                tissue is smooth, and the losses still look at whole images.

        Raises:
            ConfigError: an option is out of range.
        """
        super().__init__()
        require_number("network.typical_disparity", typical_disparity, 1e-6)
        require_number("network.typical_depth", typical_depth, 1e-6)
        require_number("network.scales", scales, 1, whole=True)
        require_number("network.shrink", shrink, 1, whole=True)
        self.network, self.scales, self.shrink = network, scales, shrink
        self.per_fraction = 1 / (typical_disparity * typical_depth)
        self.scale = Scale.METRIC if metric else Scale.UP_TO_SCALE

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[DepthMap, ...]:
        """RGB in [0, 1] to maps of inverse depth, finest first.

        Raises:
            ConfigError: the network gives something else than a disparity.
        """
        small = image
        if self.shrink > 1:
            size = (-(-image.shape[-2] // self.shrink), -(-image.shape[-1] // self.shrink))
            small = functional.interpolate(image, size, mode="area")
        finest, *coarser = (self._inverse(one) for one in self.network(small)[: self.scales])
        return (finest.resized((image.shape[-2], image.shape[-1])), *coarser)

    def _inverse(self, depth: DepthMap) -> DepthMap:
        if depth.kind is not Kind.FRACTION:
            raise ConfigError(
                f"network: InverseDepth is for networks of disparity; this one gives {depth.kind}"
            )
        error = None if depth.error is None else depth.error * self.per_fraction
        values = depth.values * self.per_fraction
        return DepthMap(values, Kind.INVERSE_DEPTH, self.scale, error=error)
