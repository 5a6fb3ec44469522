"""A network of depth, made metric for one rig by two numbers."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.types import DepthMap, Kind
from m3depth.validation import require_number, require_switch


class ByRig(nn.Module):
    """``disparity = scale · r + shift`` of a network's r, with both learned.

    Inverse depth up to scale and shift (`DepthMap.relative`) becomes the disparity of a rig by one
    factor and one constant, for as long as both are the same for all of the network's images. They
    are found from pairs: by a fit (``m3depth predict pairs=``), or by the stereo terms.

    So does the disparity of a network that was trained elsewhere (``m3depth adapt``). The right
    view of a network that gives none is left to `right_from_mirror`.
    """

    def __init__(
        self, network: nn.Module, scale: float = 1.0, shift: float = 0.0, frozen: bool = False
    ) -> None:
        """Wrap a network.

        Args:
            network: see `DepthNetwork`; its maps may be of any kind and scale.
            scale: Where the factor starts: fractions of the width to one of r.
            shift: Where the constant starts: fraction of the width.
            frozen: Learn the two numbers alone. The wrapped network's statistics stand still, too.

        Raises:
            ConfigError: a scale that is not above 0, or ``frozen`` is a word.
        """
        super().__init__()
        require_number("network.scale", scale, 1e-9)
        require_number("network.shift", shift, -1, 1)
        require_switch("network.frozen", frozen)
        self.network, self.frozen = network, frozen
        self.log_scale = nn.Parameter(torch.tensor(scale).log())
        self.shift = nn.Parameter(torch.tensor(float(shift)))
        if frozen:  # else what an adapter leaves frozen stays so
            self.network.requires_grad_(False)
        self.train()  # Lightning keeps the mode that it finds

    def train(self, mode: bool = True) -> "ByRig":
        """Frozen, the wrapped network stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.network.eval()
        return self

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[DepthMap, ...]:
        """RGB in [0, 1] to disparity, fraction of the width, finest scale first."""
        return tuple(self._both(depth) for depth in self.network(image))

    def _both(self, depth: DepthMap) -> DepthMap:
        right = None if depth.right is None else self._metric(depth.right.relative())
        return replace(self._metric(depth.relative()), right=right)

    def _metric(self, relative: DepthMap) -> DepthMap:
        scale = self.log_scale.exp()
        error = None if relative.error is None else relative.error * scale.detach()
        disparity = relative.values * scale + self.shift
        return DepthMap(disparity, Kind.FRACTION, error=error, known=relative.known)
