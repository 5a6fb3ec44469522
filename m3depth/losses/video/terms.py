"""The terms of a video's objective, each for every sample of a batch.

They take the pyramid of `TargetViews`, finest scale first; scales are averaged, as Godard et al.
2019 do, whose terms these are where nothing else is said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.geometry.rebuilding import Rebuilt, TargetViews
from m3depth.losses.photometric import appearance, softened
from m3depth.losses.smoothness import edge_aware
from m3depth.losses.terms import PerSample, mean_where

TIE = 1e-5  # of the error: what does not move at all ties with its own identity
FAR = 1e3  # an error that no minimum takes


@dataclass(frozen=True)
class MinimumPhotometric:
    """SSIM + L1 between the target and the source that shows each pixel best.

    Attributes:
        weight: Factor of this term in the total.
        ssim_share: See `appearance`.
        auto_mask: Leave out pixels that fit a source better without any motion: what moves with
            the camera, or does not move. The light moves with an endoscope: see if it helps.
        softened: How many times both are `softened` first.
    """

    weight: float = 1.0
    ssim_share: float = 0.85
    auto_mask: bool = True
    softened: int = 0

    def __call__(self, pyramid: Sequence[TargetViews]) -> PerSample:
        """The mean over scales of the mean over pixels that some source shows."""
        return _mean_of(self._at_scale(views) for views in pyramid)

    def _at_scale(self, views: TargetViews) -> Float[Tensor, " b"]:
        error = torch.cat([self._unlike(one, one.image) for one in views.rebuilt], 1)
        seen = torch.cat([one.comparable for one in views.rebuilt], 1)
        best = torch.where(seen, error, FAR).amin(1, keepdim=True)
        keep = seen.any(1, keepdim=True)
        if self.auto_mask:
            keep = keep & (best < self._without_motion(views))
        return mean_where(torch.where(keep, best, 0.0), keep)

    @torch.no_grad()
    def _without_motion(self, views: TargetViews) -> Float[Tensor, "b 1 h w"]:
        error = torch.cat([self._unlike(one, one.source.image) for one in views.rebuilt], 1)
        clear = torch.cat([one.identity for one in views.rebuilt], 1)
        least = torch.where(clear, error, FAR).amin(1, keepdim=True)
        return least + TIE * torch.randn_like(least)

    def _unlike(self, one: Rebuilt, found: Tensor) -> Float[Tensor, "b 1 h w"]:
        ours, theirs = softened(one.expected, self.softened), softened(found, self.softened)
        return appearance(ours, theirs, self.ssim_share)


@dataclass(frozen=True)
class Smoothness:
    """Edge-aware smoothness of the inverse depth over its mean, halved at each coarser scale."""

    weight: float = 1e-3

    def __call__(self, pyramid: Sequence[TargetViews]) -> PerSample:
        """The mean over scales of the mean over pixels, divided by 2^scale."""
        return _mean_of(
            edge_aware(_over_mean(views.inverse_depth), views.image).flatten(1).mean(1) / 2**scale
            for scale, views in enumerate(pyramid)
        )


@dataclass(frozen=True)
class FlowAgreement:
    """How far the flow of depth, motion and K is from the optical flow, where that can be trusted.

    Photometric errors have a minimum at every repeated texture, and a slope for a pixel or two; an
    optical flow has found its way from farther off. It is less exact: so it leads first, and fades.

    Attributes:
        weight: Factor of this term in the total.
        knee_px: below it the error counts squared, beyond it in proportion.
        fades: share of the run after which it is ``lasting`` of what it was, along a straight line.
        lasting: that share.
    """

    weight: float = 0.1
    knee_px: float = 0.5
    fades: float = 1.0
    lasting: float = 1.0

    def __call__(self, pyramid: Sequence[TargetViews]) -> PerSample:
        """At the finest scale, in pixels: the mean over sources of the mean over pixels."""
        views = pyramid[0]
        share = min(1.0, views.progress / self.fades) if self.fades else 1.0
        errors = [self._error(one) for one in views.rebuilt if one.source.flow_px is not None]
        if not errors:
            nothing = views.image.new_zeros(len(views.image))
            return PerSample(nothing, nothing > 0)
        value = torch.stack(errors).mean(0) * (1 - share * (1 - self.lasting))
        return PerSample.of_all(value)

    def _error(self, one: Rebuilt) -> Float[Tensor, " b"]:
        flow, trusted = one.source.flow_px, one.source.trusted
        if flow is None or trusted is None:
            raise ValueError("a flow without its trust")
        away = (one.landing.flow_px() - flow.detach()).square().sum(1, keepdim=True)
        error = (away + self.knee_px**2).sqrt() - self.knee_px
        return mean_where(error.clamp_max(FAR), trusted & (one.landing.points[:, 2:] > 0))


@dataclass(frozen=True)
class Registration:
    """For a flow that is learned: SSIM + L1 between the target and the source it registers.

    Attributes:
        weight: Factor of this term in the total.
        ssim_share: See `appearance`.
        smoothness: of the flow, edge-aware, beside the error.
    """

    weight: float = 1.0
    ssim_share: float = 0.85
    smoothness: float = 1e-3

    def __call__(self, pyramid: Sequence[TargetViews]) -> PerSample:
        """At the finest scale; the mean over sources."""
        finest = pyramid[0]
        return _mean_of(self._error(one, finest.image) for one in finest.rebuilt)

    def _error(self, one: Rebuilt, target: Tensor) -> Float[Tensor, " b"]:
        error = appearance(one.expected.detach(), one.registered, self.ssim_share)
        flow = one.source.flow_px
        rough = 0.0 if flow is None else sum(edge_aware(flow[:, i : i + 1], target) for i in (0, 1))
        everywhere = torch.ones_like(one.comparable)
        seen = everywhere if one.source.trusted is None else one.source.trusted
        return mean_where(error, seen) + self.smoothness * mean_where(
            rough + torch.zeros_like(error), everywhere
        )


@dataclass(frozen=True)
class Appearance:
    """Holds an appearance flow (AF-SfMLearner): near what the flow shows, and smooth.

    Attributes:
        weight: Factor of this term in the total.
        smooth: of the change of colour, except where the registered images differ.
    """

    weight: float = 0.01
    smooth: float = 1.0

    def __call__(self, pyramid: Sequence[TargetViews]) -> PerSample:
        """The mean over scales and sources."""
        return _mean_of(self._error(one, v.image) for v in pyramid for one in v.rebuilt)

    def _error(self, one: Rebuilt, target: Tensor) -> Float[Tensor, " b"]:
        registered = one.registered.detach()
        off = (one.expected - registered).abs().mean(1, keepdim=True)
        change = (one.expected - target).mean(1, keepdim=True)
        rough = edge_aware(change, target - registered)
        return mean_where(off + self.smooth * rough, one.comparable)


def _over_mean(values: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    return values / (values.mean((2, 3), keepdim=True) + 1e-12)


def _mean_of(values: Iterator[Float[Tensor, " b"]]) -> PerSample:
    return PerSample.of_all(torch.stack(list(values)).mean(0))


Masks = Bool[Tensor, "b 1 h w"]
