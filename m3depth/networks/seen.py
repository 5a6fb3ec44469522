"""What an encoder sees of a picture, where that is not its three colours as they are."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.imaging.luma import LUMA

BLACK = 0.02  # added to each colour before a ratio: darker ones are noise
SPREAD = 0.25  # of a logarithm of a ratio, so that it spans about as much as a colour


class Grey(nn.Module):
    """Luma, three times: no colour can be learned from."""

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """RGB in [0, 1] to what the encoder sees."""
        return _luma(image).expand_as(image)


class LogChromaticity(nn.Module):
    """Luma, and the logarithms of red and of blue over green, which no exposure changes."""

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """RGB in [0, 1] to what the encoder sees."""
        logarithms = (image + BLACK).log()
        ratios = logarithms[:, ::2] - logarithms[:, 1:2]
        return torch.cat([_luma(image), 0.5 + SPREAD * ratios], 1)


def _luma(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    return (image * image.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)
