"""A user's network: the left view alone, no expected error, nothing pretrained."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.types import DepthMap, Kind


class OneView(nn.Module):
    """Three convolutions."""

    def __init__(self, width: int, start: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 1, 3, padding=1),
        )
        self.start = start

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[DepthMap, ...]:
        """Disparity of the left view."""
        shift = torch.tanh(self.layers(image - 0.5))
        return (DepthMap(self.start * (1 + 0.5 * shift), Kind.FRACTION),)
