"""A network as it is used after training."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.options import require_switch
from m3depth.types import Disparity

# Lightning's names, as `train` takes them
PRECISIONS: Mapping[str, torch.dtype | None] = {
    "32": None,
    "32-true": None,
    "16-mixed": torch.float16,
    "bf16-mixed": torch.bfloat16,
}


class Finest(nn.Module):
    """Images to the disparities at the finest scale, on the network's device."""

    def __init__(self, network: nn.Module, flip: bool = False, precision: str | int = "32") -> None:
        """Wrap a trained network; it is put into evaluation mode.

        Args:
            network: images to disparities, finest scale first.
            flip: average the left disparity with that of the mirrored image (Godard et al. 2017,
                section 3.3, without their ramps at the borders). A mirrored left image is the
                right image of a mirrored scene: its distance is the same, its right view is not.
            precision: 32, 16-mixed or bf16-mixed; what comes out is float32 in any case.

        Raises:
            ConfigError: no such precision, or ``flip`` is a word.
        """
        super().__init__()
        require_switch("flip", flip)
        if str(precision) not in PRECISIONS:
            raise ConfigError(f"precision={precision}: expected one of {', '.join(PRECISIONS)}")
        self.network, self.flip = network.eval(), flip
        self.mixed = PRECISIONS[str(precision)]

    @torch.inference_mode()
    def forward(self, left: Float[Tensor, "b 3 h w"]) -> Disparity:
        """RGB in [0, 1], on any device."""
        left = left.to(next(self.network.parameters()).device)
        finest = self._seen(left)
        if not self.flip:
            return finest
        mirrored = self._seen(left.flip(-1))
        finest = finest._replace(left=_mean(finest.left, mirrored.left.flip(-1)))
        if finest.error is None or mirrored.error is None:
            return finest
        return finest._replace(error=_mean(finest.error, mirrored.error.flip(-1)))

    def _seen(self, left: Float[Tensor, "b 3 h w"]) -> Disparity:
        with torch.autocast(left.device.type, self.mixed, enabled=self.mixed is not None):
            finest: Disparity = self.network(left)[0]
        error = None if finest.error is None else finest.error.float()
        return Disparity(finest.left.float(), finest.right.float(), error)


def _mean(one: Tensor, other: Tensor) -> Tensor:
    return (one + other) / 2
