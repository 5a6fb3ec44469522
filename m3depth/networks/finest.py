"""A network as it is used after training."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.networks.contract import require_depth_maps
from m3depth.networks.scale_deviation import ScaleDeviation, nearness
from m3depth.networks.strangeness import strangeness
from m3depth.types import DepthMap
from m3depth.validation import require_switch

# Lightning's names, as `train` takes them
PRECISIONS: Mapping[str, torch.dtype | None] = {
    "32": None,
    "32-true": None,
    "16-mixed": torch.float16,
    "bf16-mixed": torch.bfloat16,
}


class Finest(nn.Module):
    """Images to the depth maps at the finest scale, of the left view, on the network's device."""

    def __init__(
        self,
        network: nn.Module,
        flip: bool = False,
        precision: str | int = "32",
        deviation: ScaleDeviation | None = None,
    ) -> None:
        """Wrap a trained network; it is put into evaluation mode.

        Args:
            network: see `DepthNetwork`.
            flip: average the left view's map with that of the mirrored image (Godard et al. 2017,
                section 3.3, without their ramps at the borders). A mirrored left image is the
                right image of a mirrored scene: its distance is the same, its right view is not.
            precision: 32, 16-mixed or bf16-mixed; what comes out is float32 in any case.
            deviation: tells how surely the scale is known; None: nothing does.

        Raises:
            ConfigError: no such precision, or ``flip`` is a word.
        """
        super().__init__()
        require_switch("flip", flip)
        if str(precision) not in PRECISIONS:
            raise ConfigError(f"precision={precision}: expected one of {', '.join(PRECISIONS)}")
        self.network, self.flip = network.eval(), flip
        self.mixed, self.deviation = PRECISIONS[str(precision)], deviation

    @torch.inference_mode()
    def forward(self, left: Float[Tensor, "b 3 h w"]) -> DepthMap:
        """RGB in [0, 1], on any device, to a map of the same size.

        Raises:
            ConfigError: the network gives none.
        """
        left = left.to(next(self.network.parameters()).device)
        finest = self._seen(left) if self.deviation is None else self._told(left, self.deviation)
        if not self.flip:
            return finest
        mirrored = self._seen(left.flip(-1)).mirrored()
        if finest.error is None or mirrored.error is None:
            return replace(finest, values=_mean(finest.values, mirrored.values))
        error = _mean(finest.error, mirrored.error)
        return replace(finest, values=_mean(finest.values, mirrored.values), error=error)

    def _told(self, left: Float[Tensor, "b 3 h w"], deviation: ScaleDeviation) -> DepthMap:
        with strangeness(self.network) as strange:
            finest = self._seen(left)
        seen = strange()
        if seen is None:
            return finest
        near = nearness(finest, deviation.infinity)
        return replace(finest, scale_deviation=deviation(seen, near))

    def _seen(self, left: Float[Tensor, "b 3 h w"]) -> DepthMap:
        with torch.autocast(left.device.type, self.mixed, enabled=self.mixed is not None):
            found = self.network(left)
        require_depth_maps(found, left)
        finest: DepthMap = found[0]
        error = None if finest.error is None else finest.error.float()
        return replace(finest, values=finest.values.float(), error=error, right=None)


def _mean(one: Tensor, other: Tensor) -> Tensor:
    return (one + other) / 2
