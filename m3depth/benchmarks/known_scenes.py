"""Pairs with the true disparities of both views."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.readers.middlebury import MiddleburyScene
from m3depth.data.synthetic import SyntheticPairs
from m3depth.data.synthetic.styles import PELVIS, Style
from m3depth.io.images import read_depth
from m3depth.types import Disparity, StereoBatch

SMOOTH = replace(PELVIS, fold_mm=(0.0, 0.0), bump_mm=(0.0, 0.0), lobe_mm=(0.0, 0.0))


class Known(NamedTuple):
    """A batch and its true disparities, NaN where they are not known."""

    batch: StereoBatch
    true: Disparity

    def repeated(self, count: int) -> "Known":
        """The same scenes over and over, as a batch of ``count``."""
        index = torch.arange(count) % len(self.batch["left"])
        batch = StereoBatch(
            left=self.batch["left"][index],
            right=self.batch["right"][index],
            rig=type(self.batch["rig"])(*(value[index] for value in self.batch["rig"])),
            key=[self.batch["key"][i] for i in index.tolist()],
        )
        return Known(batch, Disparity(*(one[index] for one in self.true.views)))


def builtin(count: int, size: tuple[int, int], style: Style, tools: bool) -> Known:
    """Rendered without what no disparity explains."""
    pairs = SyntheticPairs(
        "test", count, size, style=style, tools=tools, highlights=False, noise=False, cache=False
    )
    view = pairs.render(range(count))
    rig = type(view.rig)(*(value.clone() for value in view.rig))
    left, right = (one.clone() for one in view.image)
    batch = StereoBatch(left=left, right=right, rig=rig, key=[str(i) for i in range(count)])
    return Known(batch, Disparity(*(one.clone() / size[1] for one in view.disparity_px)))


def middlebury(root: Path) -> Known:
    """A Middlebury 2014 scene at its own size, where the right view's disparities came too."""
    sample = MiddleburyScene(root, size=None)[0]
    width = sample["left"].shape[-1]
    found = [read_depth(root / f"disp{view}GT.pfm")[None] / width for view in (0, 1)]
    batch = StereoBatch(
        left=sample["left"][None],
        right=sample["right"][None],
        rig=type(sample["rig"])(*(value[None] for value in sample["rig"])),
        key=[str(sample["key"])],
    )
    return Known(batch, Disparity(*(torch.where(one > 0, one, torch.nan) for one in found)))


def smooth_error(like: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """A field that changes slowly over the image, root mean square 1."""
    sides = (torch.linspace(-1, 1, side) for side in like.shape[-2:])
    y, x = torch.meshgrid(*sides, indexing="ij")
    field = (3 * x + 1).sin() * (2.5 * y).cos() + 0.5 * (2 * y - x).sin()
    return (field / field.square().mean().sqrt()).expand_as(like)
