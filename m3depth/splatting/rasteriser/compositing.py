"""From front to back: how much of each Gaussian a pixel shows, and the way back to the Gaussians.

With ``a_i = min(o_i exp(-q_i / 2), alpha_max)`` and the light that the Gaussians in front leave,
``T_i = Π (1 - a_j)``, a pixel's value is ``Σ w_i f_i`` with ``w_i = a_i T_i`` (Kerbl et al. 2023,
equation 3). From ``g_i = ∂L/∂w_i`` follows ``∂L/∂a_i = T_i g_i - (Σ_{j behind i} w_j g_j) /
(1 - a_i)``, and from there the chain rule leads to the image-plane Gaussian.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from m3depth.splatting.rasteriser.pixel_pairs import Pairs
from m3depth.splatting.rasteriser.profiles import Profile


class Composite(torch.autograd.Function):
    """``Σ w f`` of every pixel: (pixels, c) from centres, conics, opacities and features (n, c).

    Written by hand because autograd would keep some twenty numbers for each pair; this keeps
    three, and only of the pairs that show.
    """

    @staticmethod
    def forward(
        ctx: Any,
        centres: Float[Tensor, "n 2"],
        conics: Float[Tensor, "n 3"],
        opacities: Float[Tensor, " n"],
        features: Float[Tensor, "n c"],
        pairs: Pairs,
        size: tuple[int, int],
        profile: Profile,
    ) -> Float[Tensor, "p c"]:
        """Composite; ``pairs`` counts Gaussians and pixels in the order of the other arguments."""
        ctx.width, ctx.profile = size[1], profile
        pixels = size[0] * size[1]
        alpha = _alpha(_form(*_offsets(centres, pairs, size[1]), conics, pairs), opacities, pairs)
        alpha = alpha.clamp_(max=profile.alpha_max)
        alpha.masked_fill_(alpha < profile.alpha_min, 0)
        blocked = torch.log1p(-alpha.double())
        through, _ = running_sums(blocked, pairs.pixel, pixels)
        darkest = math.log(profile.stop) if profile.stop else -math.inf
        shown = ((alpha > 0) & (through >= darkest)).nonzero()[:, 0]
        light = (through - blocked).index_select(0, shown).exp_().to(alpha)
        pairs = Pairs(*(one.index_select(0, shown) for one in pairs))
        weight = alpha.index_select(0, shown) * light
        ctx.save_for_backward(centres, conics, opacities, features, light, *pairs)
        columns = (
            _total(weight * feature.index_select(0, pairs.gaussian), pairs.pixel, pixels)
            for feature in features.T.contiguous()
        )
        return torch.stack(list(columns), -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Float[Tensor, "p c"]) -> tuple[Tensor | None, ...]:
        """The gradients of centres, conics, opacities and features."""
        centres, conics, opacities, features, light, *lists = ctx.saved_tensors
        pairs, count = Pairs(*lists), len(opacities)
        across, down = _offsets(centres, pairs, ctx.width)
        raw = _alpha(_form(across, down, conics, pairs), opacities, pairs)
        alpha = raw.clamp(max=ctx.profile.alpha_max)
        weight = alpha * light
        of_weight, of_features = torch.zeros_like(raw), torch.empty_like(features)
        for channel, outer in enumerate(gradient.T.contiguous()):
            outer = outer.index_select(0, pairs.pixel)
            of_features[:, channel] = _total(weight * outer, pairs.gaussian, count)
            inner = features[:, channel].contiguous().index_select(0, pairs.gaussian)
            of_weight.addcmul_(inner, outer)
        worth = (weight * of_weight).double()
        up_to, total = running_sums(worth, pairs.pixel, len(gradient))
        behind = total.index_select(0, pairs.pixel) - up_to
        of_alpha = light * of_weight - behind.to(alpha) / (1 - alpha)
        # ∂L/∂q, and 0 where alpha_max holds
        slope = (-0.5 * raw * of_alpha).masked_fill_(raw > ctx.profile.alpha_max, 0)
        x, y, xx, xy, yy, whole = (
            _total(slope * moment, pairs.gaussian, count) for moment in _moments(across, down)
        )
        a, b, c = conics.unbind(-1)
        of_centres = -2 * torch.stack([a * x + b * y, b * x + c * y], -1)
        of_conics = torch.stack([xx, 2 * xy, yy], -1)
        of_opacities = torch.where(opacities > 0, -2 * whole / opacities, 0.0)
        return of_centres, of_conics, of_opacities, of_features, None, None, None


def running_sums(
    values: Float[Tensor, " m"], pixel: Int[Tensor, " m"], pixels: int
) -> tuple[Float[Tensor, " m"], Float[Tensor, " p"]]:
    """Each pixel's sum up to each of its pairs, that pair included; and each pixel's whole sum.

    One running sum over all pairs. It sheds what a pixel has added where the next one begins, so
    that it stays as small, and its rounding as harmless, as one pixel's.
    """
    total = _total(values, pixel, pixels)
    filled, count = torch.unique_consecutive(pixel, return_counts=True)
    ends = count.cumsum(0)
    shed = values.clone()
    shed[ends[:-1]] -= total.index_select(0, filled[:-1])
    return shed.cumsum_(0), total


def _total(values: Tensor, group: Int[Tensor, " m"], groups: int) -> Tensor:
    return values.new_zeros(groups).index_add_(0, group, values)


def _offsets(centres: Tensor, pairs: Pairs, width: int) -> tuple[Tensor, Tensor]:
    """From the Gaussian's centre to the pixel's, across and down."""
    row = pairs.pixel // width
    x, y = centres.T.contiguous().index_select(1, pairs.gaussian)
    return (pairs.pixel - row * width) - x, row - y


def _form(across: Tensor, down: Tensor, conics: Tensor, pairs: Pairs) -> Tensor:
    """``q = A dx² + 2 B dx dy + C dy²``, which rounding must not make negative."""
    a, b, c = (column.contiguous().index_select(0, pairs.gaussian) for column in conics.T)
    form: Tensor = (a * across + 2 * b * down) * across + c * down * down
    return form.clamp_min_(0)


def _alpha(form: Tensor, opacities: Tensor, pairs: Pairs) -> Tensor:
    return form.mul_(-0.5).exp_().mul_(opacities.index_select(0, pairs.gaussian))


def _moments(across: Tensor, down: Tensor) -> Iterator[Tensor]:
    yield from (across, down, across * across, across * down, down * down, torch.ones_like(down))
