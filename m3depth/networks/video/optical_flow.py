"""Where the optical flow beside depth and motion comes from, by class path."""

from typing import Protocol

from jaxtyping import Float
from torch import Tensor, nn

from m3depth.matching.optical_flow import AGREE_PX, Flows, Remembered, dense_flow
from m3depth.networks.video.pair_maps import PairMaps
from m3depth.validation import require_number


class FlowFinder(Protocol):
    """A `torch.nn.Module` that gives two frames the flow between them."""

    def __call__(self, earlier: Float[Tensor, "b 3 h w"], later: Float[Tensor, "b 3 h w"]) -> Flows:
        """Both ways; trusted where the other way leads back, which it does from no occlusion."""


class DisFlow(nn.Module):
    """OpenCV's DIS: nothing to learn, and no gradient."""

    def __init__(self, agree_px: float = AGREE_PX, remember: int = 0) -> None:
        """Build it.

        Args:
            agree_px: there and back, a pixel may miss itself by this much.
            remember: so many pairs' flows are kept, see `Remembered`.
        """
        super().__init__()
        require_number("flow.agree_px", agree_px, 0)
        require_number("flow.remember", remember, 0, whole=True)
        self.agree_px, self.ways = agree_px, Remembered(remember)

    def forward(self, earlier: Tensor, later: Tensor) -> Flows:
        """See `FlowFinder`."""
        return dense_flow(earlier, later, self.agree_px, self.ways)


class LearnedFlow(nn.Module):
    """A network that learns the flow from the same frames (AF-SfMLearner).

    It needs the terms `m3depth.losses.video.terms.Registration` and `FlowSmoothness`.
    """

    def __init__(
        self,
        encoder: str = "resnet18",
        pretrained: bool | str = False,
        agree_px: float = 1.0,
    ) -> None:
        """``encoder``, ``pretrained``: see `PairMaps`; ``agree_px``: see `DisFlow`."""
        super().__init__()
        require_number("flow.agree_px", agree_px, 0)
        self.maps, self.agree_px = PairMaps(encoder, pretrained, outputs=2), agree_px

    def forward(self, earlier: Tensor, later: Tensor) -> Flows:
        """See `FlowFinder`."""
        there, back = self.maps(earlier, later), self.maps(later, earlier)
        return Flows.checked(there, back, self.agree_px)
