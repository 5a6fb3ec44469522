"""A network as it is used after training."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.types import Disparity


class Finest(nn.Module):
    """Images to the disparities at the finest scale, on the network's device."""

    def __init__(self, network: nn.Module, flip: bool = False) -> None:
        """Wrap a trained network; it is put into evaluation mode.

        Args:
            network: images to disparities, finest scale first.
            flip: average the left disparity with that of the mirrored image (Godard et al. 2017,
                section 3.3, without their ramps at the borders). A mirrored left image is the
                right image of a mirrored scene: its distance is the same, its right view is not.
        """
        super().__init__()
        self.network, self.flip = network.eval(), flip

    @torch.inference_mode()
    def forward(self, left: Float[Tensor, "b 3 h w"]) -> Disparity:
        """RGB in [0, 1], on any device."""
        left = left.to(next(self.network.parameters()).device)
        finest: Disparity = self.network(left)[0]
        if not self.flip:
            return finest
        mirrored: Disparity = self.network(left.flip(-1))[0]
        finest = finest._replace(left=_mean(finest.left, mirrored.left.flip(-1)))
        if finest.error is None or mirrored.error is None:
            return finest
        return finest._replace(error=_mean(finest.error, mirrored.error.flip(-1)))


def _mean(one: Tensor, other: Tensor) -> Tensor:
    return (one + other) / 2
