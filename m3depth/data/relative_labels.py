"""Metric labels made relative, as training sets for relative depth have them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from m3depth.data.fields import require
from m3depth.data.own_size import ReadAtSize, at_own_size, frames_of
from m3depth.errors import ConfigError
from m3depth.types import DepthLabel, StereoBatch


class RelativeLabels(ReadAtSize):
    """A set whose depth is known up to a scale, and a shift, that are others in every frame.

    A frame's label becomes ``scale · (inverse depth / its mean + shift)``, with both drawn from the
    seed and the frame's index alone. Nothing else of the depth stays in the sample.

    Args:
        pairs: A set with depth.
        scale: Least and most, both above 0; drawn evenly on a logarithmic scale.
        shift: Least and most, in units of the frame's mean inverse depth; None: no shift, as of
            depth up to scale.
        seed: Of the draws.

    Raises:
        ConfigError: Bounds that cannot be.
    """

    def __init__(
        self,
        pairs: Dataset[StereoBatch],
        scale: Sequence[float] = (0.1, 10.0),
        shift: Sequence[float] | None = (-0.5, 0.5),
        seed: int = 0,
    ) -> None:
        self.pairs, self.seed = pairs, seed
        self.scale = _bounds("scale", scale, above=0.0)
        self.shift = None if shift is None else _bounds("shift", shift, above=-np.inf)

    def __len__(self) -> int:
        return len(self.pairs)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> StereoBatch:
        index = range(len(self))[index]
        sample = require(self.pairs[index], {"depth_label"})
        for name in ("depth_mm", "mask"):
            sample.pop(name, None)  # type: ignore[misc]
        sample["depth_label"] = self._relative(sample["depth_label"], index)
        return sample

    def at_own_size(self) -> "RelativeLabels":
        """The same frames in the same order, not resized."""
        return RelativeLabels(at_own_size(self.pairs), self.scale, self.shift, self.seed)

    def places(self) -> list[str]:
        """Those of the set."""
        return frames_of(self.pairs)

    def _relative(self, label: DepthLabel, index: int) -> DepthLabel:
        draw = np.random.default_rng([self.seed, index])
        scale = float(np.exp(draw.uniform(*np.log(self.scale))))
        shift = 0.0 if self.shift is None else float(draw.uniform(*self.shift))
        known = label.inverse_depth[label.known]
        mean = known.mean() if len(known) else known.new_ones(())
        inverse = torch.where(label.known, scale * (label.inverse_depth / mean + shift), 0.0)
        shifted = torch.full_like(label.shifted, self.shift is not None)
        return DepthLabel(inverse, label.known, torch.zeros_like(label.metric), shifted)


def _bounds(name: str, given: Sequence[float], above: float) -> tuple[float, float]:
    if len(given) != 2 or not above < given[0] <= given[1]:
        least = "" if above == -np.inf else f" above {above:g}"
        raise ConfigError(f"RelativeLabels.{name}={list(given)}: expected [least, most]{least}")
    return float(given[0]), float(given[1])
