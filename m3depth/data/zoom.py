"""Zooming into one view and its label, as if the scene were nearer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from m3depth.data.augmentation import Augmentation
from m3depth.errors import ConfigError
from m3depth.types import StereoBatch
from m3depth.validation import require_number


@dataclass(frozen=True)
class Zoom(Augmentation):
    """`Augmentation`, and before it a zoom into the middle of each picture.

    What is seen k times as large by the same camera is k times as near: each label's depth is
    divided by the zoom, as Metric3D transforms labels (Yin et al. 2023, arXiv 2307.10984, section
    3.1). So labels at a few distances teach others, too, by how large things look. It is not exact:
    a nearer scene would be seen in another perspective, and lit otherwise.

    For one view with a label, ``system=supervised``: the right view's parallax would not fit.

    Attributes:
        zoom: Least and most, from 1 on; drawn evenly on a logarithmic scale.

    Raises:
        ConfigError: a probability or a bound that is none.
    """

    zoom: Sequence[float] = (1.0, 1.4)

    def __post_init__(self) -> None:
        super().__post_init__()
        for bound in self.zoom:
            require_number("augmentation.zoom", bound, 1)
        if len(self.zoom) != 2 or self.zoom[0] > self.zoom[1]:
            raise ConfigError(f"augmentation.zoom={list(self.zoom)}: expected [least, most]")

    def __call__(self, batch: StereoBatch) -> tuple[StereoBatch, Float[Tensor, "b 3 h w"]]:
        """The batch to compute losses on, and the left image that the network sees.

        Raises:
            ConfigError: a batch of pairs, or one without labels.
        """
        if "right" in batch or "depth_label" not in batch:
            raise ConfigError("augmentation=zoom: is for one view with labels: system=supervised")
        low, high = torch.tensor(self.zoom, device=batch["left"].device).log()
        drawn = torch.rand(len(batch["left"]), device=batch["left"].device)
        return super().__call__(zoomed(batch, (low + (high - low) * drawn).exp()))


def zoomed(batch: StereoBatch, zoom: Float[Tensor, " b"]) -> StereoBatch:
    """Each left image and its label, zoomed in by its own factor from 1 on."""
    label, across = batch["depth_label"], 1 / zoom
    inverse = label.inverse_depth * zoom[:, None, None, None]
    label = label._replace(inverse_depth=inverse)
    left = middle(batch["left"], across, "bilinear").clamp(0, 1)  # rounding leaves 1
    changed = {"left": left, "depth_label": label.changed(lambda m: middle(m, across, "nearest"))}
    return cast(StereoBatch, {**batch, **changed})


def middle(
    maps: Float[Tensor, "b c h w"], across: Float[Tensor, " b"], mode: str
) -> Float[Tensor, "b c h w"]:
    """A share of each map's width and height about its middle, at the whole's size."""
    share = torch.zeros(len(maps), 2, 3, device=maps.device, dtype=maps.dtype)
    share[:, 0, 0] = share[:, 1, 1] = across.to(maps)
    grid = functional.affine_grid(share, list(maps.shape), align_corners=True)
    return functional.grid_sample(maps, grid, mode, "border", align_corners=True)
