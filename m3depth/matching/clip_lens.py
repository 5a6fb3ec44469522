"""K of every frame of a stereo clip whose scene keeps still, from its images alone."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from m3depth.errors import DataError
from m3depth.geometry.zoom_bundle import Block, Bundle, Pixels, adjusted, landed, slopes
from m3depth.matching.direct import Look, blurred, brightness_of, compared
from m3depth.matching.optical_flow import dense_flow
from m3depth.matching.sgbm import sgbm
from m3depth.progress import progress

SMOOTH = 0.012  # of the width: the Gaussian that a matcher's disparity is smoothed by
STEP = 0.008  # of the width: where disparity changes by more within 7 px, there is an edge
KNEE_PX = 0.3  # of the flow's residuals
AGREE_PX = 0.3
FEWEST = 50  # pixels of a pair's flow
BLURS_PX = (2.0, 1.0)  # coarse to fine
EAGER = 1.5  # a slope made of noise, too, promises too much of a step: it leaves a third of the way


class ClipViews(NamedTuple):
    """What is seen of a clip."""

    left: Float[Tensor, "n 3 h w"]
    disparity_px: Float[Tensor, "n h w"]  # less that of a point at infinity; > 0
    good: Bool[Tensor, "n h w"]  # disparity is known, nothing misleads


def matched_views(
    left: Float[Tensor, "n 3 h w"],
    right: Float[Tensor, "n 3 h w"],
    infinity_px: Float[Tensor, " n"],
    misleading: Bool[Tensor, "n h w"],
) -> ClipViews:
    """With disparity by `sgbm`, smoothed: K is told by slopes of depth, which its steps are not.

    Args:
        left: RGB in [0, 1].
        right: likewise.
        infinity_px: the rig's `principal_offset`.
        misleading: pixels of the left view that are not to be looked at.
    """
    found = [
        _matched(one[None], other[None], float(infinity))
        for one, other, infinity in zip(left, right, infinity_px, strict=True)
    ]
    disparity_px, known = (torch.cat(parts) for parts in zip(*found, strict=True))
    return ClipViews(left, disparity_px, known & ~misleading)


def lens_of_clip(
    views: ClipViews,
    apart: Sequence[int] = (1, 4, 8),
    every: int = 3,
    rounds: int = 6,
) -> Bundle:
    """First on an optical flow, from a lens as long as the image is wide, then directly.

    Args:
        views: frames in the order of time.
        apart: numbers of frames between two that are compared; wide pairs tell K, near ones find
            each other.
        every: pixels.
        rounds: of each stage.

    Raises:
        DataError: too few frames, or none that overlap.
    """
    frames, pairs = len(views.left), _pairs(len(views.left), apart)
    bundle = lens_of_flow(views, apart, 2 * every, 2 * rounds)
    for blur_px in BLURS_PX:
        bright = brightness_of(views.left, blur_px)
        looks = [Look(*one) for one in zip(bright, *views[1:], strict=True)]
        for _ in progress(range(rounds), f"lens, blurred by {blur_px:g} px", rounds):
            blocks = [compared(bundle, i, j, (looks[i], looks[j]), every) for i, j in pairs]
            bundle = adjusted(bundle, [one for one in blocks if one], EAGER)
    _require_all(frames, [one for one in blocks if one])
    return bundle


def _require_all(frames: int, blocks: list[Block]) -> None:
    """A frame that was never compared still has the K that it began with."""
    alone = set(range(frames)) - {one.i for one in blocks} - {one.j for one in blocks}
    if alone:
        raise DataError(
            f"{len(alone)} of {frames} frames, the first frame {min(alone)} of them, share too "
            "little with the frames near them to tell K: leave them out"
        )


def lens_of_flow(
    views: ClipViews, apart: Sequence[int] = (1, 4, 8), every: int = 6, rounds: int = 12
) -> Bundle:
    """By an optical flow alone, which is biased: a beginning. See `lens_of_clip`."""
    flows = _flows(views, _pairs(len(views.left), apart), every)
    bundle = Bundle.still(len(views.left), (views.left.shape[-2], views.left.shape[-1]))
    for _ in range(rounds):
        bundle = adjusted(bundle, [_flow_block(bundle, *pair, *flows[pair]) for pair in flows])
    return bundle


def _pairs(frames: int, apart: Sequence[int]) -> list[tuple[int, int]]:
    """Each pair once; every other one backwards, so that no way is preferred."""
    ahead = [(i, i + k) for k in apart for i in range(frames - k)]
    if not ahead:
        raise DataError(f"a lens is told by {min(apart) + 1} frames or more, not by {frames}")
    return [(i, j) if i % 2 else (j, i) for i, j in ahead]


def _matched(left: Tensor, right: Tensor, infinity: float) -> tuple[Tensor, Tensor]:
    matched = sgbm(left, right, infinity)
    width = left.shape[-1]
    disparity = matched.values[:, 0] * width - infinity
    share = (matched.values[:, 0] > 0 if matched.known is None else matched.known[:, 0]).float()
    weight = blurred(share, SMOOTH * width)
    smooth = blurred(disparity * share, SMOOTH * width) / weight.clamp_min(1e-3)
    filled = torch.where(share > 0, disparity, smooth)
    steps = functional.max_pool2d(filled, 7, 1, 3) + functional.max_pool2d(-filled, 7, 1, 3)
    known = (share > 0) & (weight > 0.3) & (steps < STEP * width) & (smooth > 0.5)
    return smooth.clamp_min(0.5), known


def _flows(
    views: ClipViews, pairs: list[tuple[int, int]], every: int
) -> dict[tuple[int, int], tuple[Pixels, Tensor]]:
    """Pixels of each pair's first frame, and where the flow has them in the second."""
    found = {}
    y, x = torch.meshgrid(*(torch.arange(n) for n in views.good.shape[1:]), indexing="ij")
    lattice = (x % every == every // 2) & (y % every == every // 2)
    for i, j in pairs:
        there = dense_flow(views.left[i : i + 1], views.left[j : j + 1], AGREE_PX).there
        some = lattice & there.trusted[0, 0] & views.good[i]
        if int(some.sum()) < FEWEST:
            continue
        pixels = Pixels(*(one[some].double() for one in (x, y, views.disparity_px[i])))
        found[i, j] = pixels, torch.stack(pixels[:2], -1) + there.px[0, :, some].mT.double()
    if not found:
        raise DataError("no two of the clip's frames show the same: an optical flow finds nothing")
    return found


def _flow_block(bundle: Bundle, i: int, j: int, pixels: Pixels, place: Tensor) -> Block:
    residual = landed(bundle, i, j, pixels)[:, :2] - place
    weight = 1 / (residual.square().sum(-1) + KNEE_PX**2).sqrt()
    jacobian = slopes(bundle, i, j, pixels)
    weighted = jacobian * weight[:, None, None]
    matrix = torch.einsum("nki,nkj->ij", weighted, jacobian)
    return Block(i, j, matrix, torch.einsum("nki,nk->i", weighted, residual))
