"""The terms that compare a rendered frame with the clip's."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.splatting.depth_losses import DepthLoss
from m3depth.splatting.masked import inverse
from m3depth.splatting.rasteriser.rasterize import Rendered
from m3depth.splatting.scene.clip import ClipFrame

Term = Callable[[Rendered, ClipFrame], Float[Tensor, ""]]
Map = Float[Tensor, "c h w"]


def colour_l1(rendered: Rendered, frame: ClipFrame) -> Float[Tensor, ""]:
    """``mean |C - C*|`` over the tissue: pixels under a tool do not count."""
    difference = (rendered.colour - frame.image).abs()
    return torch.where(frame.use, difference, 0.0).sum() / (3 * frame.use.sum()).clamp_min(1)


@dataclass(frozen=True)
class DepthPriorTerm:
    """The rendered depth against the prior's.

    Attributes:
        loss: One of `m3depth.splatting.depth_losses`.
    """

    loss: DepthLoss

    def __call__(self, rendered: Rendered, frame: ClipFrame) -> Float[Tensor, ""]:
        """Over the tissue whose depth is known."""
        return self.loss(rendered.depth_mm, frame.depth_mm, frame.known)[0]


def everywhere(frame: ClipFrame) -> Bool[Tensor, "1 h w"]:
    """The whole picture."""
    return torch.ones_like(frame.use)


def under_tools(frame: ClipFrame) -> Bool[Tensor, "1 h w"]:
    """What no other term sees."""
    return ~frame.use


Where = Callable[[ClipFrame], Bool[Tensor, "1 h w"]]


def colour_variation(
    rendered: Rendered, frame: ClipFrame, where: Where = everywhere
) -> Float[Tensor, ""]:
    """Total variation of the rendered colours, taken for 0 outside ``where``."""
    return total_variation(torch.where(where(frame), rendered.colour, 0.0))


def depth_variation(
    rendered: Rendered, frame: ClipFrame, where: Where = everywhere
) -> Float[Tensor, ""]:
    """Total variation of the rendered depth, in mm, taken for 0 outside ``where``."""
    return total_variation(torch.where(where(frame), rendered.depth_mm, 0.0))


def inverse_depth_variation(
    rendered: Rendered, frame: ClipFrame, where: Where = everywhere
) -> Float[Tensor, ""]:
    """Total variation of the rendered inverse depth, per mm, taken for 0 outside ``where``."""
    return total_variation(torch.where(where(frame), inverse(rendered.depth_mm), 0.0))


def edgeless_roughness(
    rendered: Rendered, frame: ClipFrame, thresholds: tuple[float, float] = (20.0, 200.0)
) -> Float[Tensor, ""]:
    """Squared steps of the rendered depth, mm², over the tissue where Canny sees no edge in it.

    The steps across and down between two such pixels, summed and divided by the number of such
    pixels. Canny looks at the rendered depth itself, in whole mm of eight bits: the steps that are
    there already stay. The released code wraps around from 256 mm on; here depth is clipped at 255.

    Source: SurgicalGS 62f6d5f utils/loss_utils.py:100-154.
    """
    import cv2

    whole_mm = rendered.depth_mm.detach()[0].clamp(0, 255).byte().cpu().numpy()
    edges = torch.from_numpy(cv2.Canny(whole_mm, *thresholds))[None].to(frame.use.device)
    smooth = frame.use & (edges == 0)
    total = rendered.depth_mm.new_zeros(())
    for axis in (-1, -2):
        length = smooth.shape[axis] - 1
        both = smooth.narrow(axis, 0, length) & smooth.narrow(axis, 1, length)
        total = total + torch.where(both, rendered.depth_mm.diff(dim=axis).square(), 0.0).sum()
    return total / smooth.sum().clamp_min(1)


def total_variation(values: Map) -> Float[Tensor, ""]:
    """``Σ |v - v'|`` over neighbours across and down, divided by the number of *values*.

    A mean over pairs would be about half of it: the released weights belong to this.

    Source: CUHK-AIM-Group/EndoGaussian 8d12793 utils/loss_utils.py, SurgicalGS 62f6d5f
    utils/loss_utils.py.
    """
    steps = values.diff(dim=-1).abs().sum() + values.diff(dim=-2).abs().sum()
    return steps / values.numel()
