"""What a rendered frame is compared by."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.splatting.depth_losses import DepthLoss
from m3depth.splatting.masked import inverse
from m3depth.splatting.rasteriser.rasterize import Rendered
from m3depth.splatting.scene.clip import Frame

Term = Callable[[Rendered, Frame], Float[Tensor, ""]]
Map = Float[Tensor, "c h w"]


def colour_l1(rendered: Rendered, frame: Frame) -> Float[Tensor, ""]:
    """``mean |C - C*|`` over the tissue: what a tool covers has no say."""
    difference = (rendered.colour - frame.image).abs()
    return torch.where(frame.use, difference, 0.0).sum() / (3 * frame.use.sum()).clamp_min(1)


@dataclass(frozen=True)
class DepthPriorTerm:
    """The rendered depth against the prior's.

    Attributes:
        loss: One of `m3depth.splatting.depth_losses`.
    """

    loss: DepthLoss

    def __call__(self, rendered: Rendered, frame: Frame) -> Float[Tensor, ""]:
        """Over the tissue whose depth is known."""
        return self.loss(rendered.depth_mm, frame.depth_mm, frame.known)[0]


def everywhere(frame: Frame) -> Bool[Tensor, "1 h w"]:
    """The whole picture."""
    return torch.ones_like(frame.use)


def under_tools(frame: Frame) -> Bool[Tensor, "1 h w"]:
    """What no other term sees."""
    return ~frame.use


Where = Callable[[Frame], Bool[Tensor, "1 h w"]]


def colour_variation(
    rendered: Rendered, frame: Frame, where: Where = everywhere
) -> Float[Tensor, ""]:
    """Total variation of the rendered colours."""
    return total_variation(rendered.colour, where(frame))


def depth_variation(
    rendered: Rendered, frame: Frame, where: Where = everywhere
) -> Float[Tensor, ""]:
    """Total variation of the rendered depth, in mm."""
    return total_variation(rendered.depth_mm, where(frame))


def inverse_depth_variation(
    rendered: Rendered, frame: Frame, where: Where = everywhere
) -> Float[Tensor, ""]:
    """Total variation of the rendered inverse depth, per mm."""
    return total_variation(inverse(rendered.depth_mm), where(frame))


def edgeless_roughness(
    rendered: Rendered, frame: Frame, thresholds: tuple[float, float] = (50.0, 150.0)
) -> Float[Tensor, ""]:
    """Mean squared step of the rendered depth, mm², where Canny sees no edge in the image.

    SurgicalGS 62f6d5f utils/loss_utils.py:100-154; the thresholds (of 8-bit grey) are ours.
    """
    import cv2
    import numpy as np

    pixels = (frame.image.movedim(0, -1) * 255).round().byte().cpu().numpy()
    edges = cv2.Canny(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), *thresholds)
    smooth = torch.from_numpy(edges == 0)[None].to(frame.use.device) & frame.use
    return _mean_of_steps(rendered.depth_mm, smooth, torch.square)


def total_variation(values: Map, where: Bool[Tensor, "1 h w"]) -> Float[Tensor, ""]:
    """``mean |v - v'|`` over neighbours across and down that are both in ``where``."""
    return _mean_of_steps(values, where, torch.abs)


def _mean_of_steps(
    values: Map, where: Bool[Tensor, "1 h w"], cost: Callable[[Tensor], Tensor]
) -> Float[Tensor, ""]:
    total, count = values.new_zeros(()), values.new_zeros(())
    for axis in (-1, -2):
        both = where.narrow(axis, 1, where.shape[axis] - 1) & where.narrow(
            axis, 0, where.shape[axis] - 1
        )
        total = total + torch.where(both, cost(values.diff(dim=axis)), 0.0).sum()
        count = count + both.sum() * len(values)
    return total / count.clamp_min(1)
