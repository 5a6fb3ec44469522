"""Zooming into pictures, as if the scene were nearer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from m3depth.data.augmentation import Augmentation
from m3depth.errors import ConfigError
from m3depth.types import StereoBatch, StereoRig
from m3depth.validation import require_number

PICTURES = "left", "right"
MASKS = "ignore", "tool", "tool_right"
TRUTH = "depth_mm", "occluded", "mask", "camera_to_world"  # not at the size of the pictures


@dataclass(frozen=True)
class Zoom(Augmentation):
    """`Augmentation`, and before it a zoom into the middle of each picture, or of both views alike.

    What is seen k times as large by the same camera is k times as near: each label's depth is
    divided by the zoom, as Metric3D transforms labels (Yin et al. 2023, arXiv 2307.10984, section
    3.1). So labels at a few distances teach others, too, by how large things look. It is not exact:
    a nearer scene would be seen in another perspective, and lit otherwise. In both views of a pair
    the disparity is k times as large, too: so a few pairs at a few distances teach others.

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
            ConfigError: a batch of clips, or of pairs with labels.
        """
        if batch["left"].ndim > 4 or ("right" in batch and "depth_label" in batch):
            raise ConfigError(
                "augmentation=zoom: is for pairs without labels, system=stereo, or for one view "
                "with labels, system=supervised"
            )
        low, high = torch.tensor(self.zoom, device=batch["left"].device).log()
        drawn = torch.rand(len(batch["left"]), device=batch["left"].device)
        return super().__call__(zoomed(batch, (low + (high - low) * drawn).exp()))


def zoomed(batch: StereoBatch, zoom: Float[Tensor, " b"]) -> StereoBatch:
    """Each sample's views, their masks and its label, zoomed in by its own factor from 1 on.

    The cameras keep their focal length, and depth is divided by the zoom. Truth is dropped, which
    has a resolution of its own.
    """
    across = 1 / zoom
    found: dict[str, Any] = {name: one for name, one in batch.items() if name not in TRUTH}
    for name, value in batch.items():
        if name in PICTURES:  # rounding leaves 1
            found[name] = middle(cast(Tensor, value), across, "bilinear").clamp(0, 1)
        elif name in MASKS:
            found[name] = middle(cast(Tensor, value).to(zoom), across, "nearest") > 0.5
    if "rig" in batch:
        found["rig"] = _rig(batch["rig"], zoom, batch["left"].shape)
    if "depth_label" in batch:
        label = batch["depth_label"]
        label = label._replace(inverse_depth=label.inverse_depth * zoom[:, None, None, None])
        found["depth_label"] = label.changed(lambda maps: middle(maps, across, "nearest"))
    return cast(StereoBatch, found)


def _rig(rig: StereoRig, zoom: Float[Tensor, " b"], shape: Sequence[int]) -> StereoRig:
    """Its principal points move away from the pictures' middle; no ray gets steeper."""
    column, row = (shape[-1] - 1) / 2, (shape[-2] - 1) / 2
    return rig._replace(
        cx=column + zoom * (rig.cx - column),
        cy=row + zoom * (rig.cy - row),
        cx_right=column + zoom * (rig.cx_right - column),
    )


def middle(
    maps: Float[Tensor, "b c h w"], across: Float[Tensor, " b"], mode: str
) -> Float[Tensor, "b c h w"]:
    """A share of each map's width and height about its middle, at the whole's size."""
    share = torch.zeros(len(maps), 2, 3, device=maps.device, dtype=maps.dtype)
    share[:, 0, 0] = share[:, 1, 1] = across.to(maps)
    grid = functional.affine_grid(share, list(maps.shape), align_corners=True)
    return functional.grid_sample(maps, grid, mode, "border", align_corners=True)
