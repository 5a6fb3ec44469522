"""What costs no learning, to read the network's numbers against."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import interpolate

from m3depth.evaluation.metrics import mae
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.readable_frames import ReadableFrames
from m3depth.evaluation.scoring import score_answers
from m3depth.evaluation.truth import Truth, as_batch
from m3depth.evaluation.views import ssim, view_mask
from m3depth.geometry.resizing import resized, size_of
from m3depth.geometry.warp import warp
from m3depth.log import warn_once
from m3depth.matching.sgbm import WIDEST
from m3depth.types import DepthMap, Kind, StereoBatch


class DepthMean(NamedTuple):
    """The per-pixel mean of the training depths."""

    depth_mm: Float[Tensor, "1 1 H W"]
    keys: frozenset[str]  # the frames it is made of

    def score(self, key: str, truth: Truth, protocol: Protocol) -> dict[str, float]:
        """The mean as the prediction for one test frame; none for a frame that it is made of."""
        if key in self.keys:
            warn_once("a test frame is a training frame too: mean_depth is no baseline for it")
            return {}
        depth_mm = resized(self.depth_mm, size_of(truth.depth_mm))
        return score_guess(DepthMap(depth_mm, Kind.DEPTH), truth, protocol)


def mean_depth(train: ReadableFrames) -> DepthMean | None:
    """The per-pixel mean of the known training depths, at the first frame's resolution.

    A pixel that no training frame knows gets the mean of the others. None without any depth: where
    the first frame has none, the rest of a training set is not decoded to find out.
    """
    total = seen = None
    keys = set()
    for _, sample in train:
        truth = Truth.of(as_batch(sample))
        if truth is None and total is None:
            return None
        if truth is None:
            continue
        keys.add(str(sample["key"]))
        if total is None or seen is None:
            total = torch.zeros_like(truth.depth_mm, dtype=torch.float64)
            seen = torch.zeros_like(total)
        size = (total.shape[-2], total.shape[-1])
        known = interpolate(truth.counts.double(), size, mode="nearest-exact")
        total += interpolate(truth.depth_mm.double(), size, mode="nearest-exact") * known
        seen += known
    if total is None or seen is None or not seen.any():
        return None
    overall = total.sum() / seen.sum()
    mean = torch.where(seen > 0, total / seen.clamp_min(1), overall)
    return DepthMean(mean.float(), frozenset(keys))


def score_guess(guess: DepthMap, truth: Truth, protocol: Protocol) -> dict[str, float]:
    """A baseline's prediction on the pixels where it gives an answer.

    ``density`` is the share of the pixels that count where it does.
    """
    compared = protocol.compare(guess, truth)
    return {} if compared is None else score_answers(compared)


def score_constant(truth: Truth) -> dict[str, float]:
    """The best constant disparity of the frame: the median of the true ones."""
    true_px = truth.disparity_px[truth.counts]
    return {"epe_px": mae(true_px.median().expand_as(true_px), true_px).item()}


def score_shift(batch: StereoBatch) -> dict[str, float]:
    """The best single whole-pixel shift of the right image, found on the frame itself.

    The shift is chosen on the grey images and scored, as the network is, on the colour ones.
    Nothing without a right image.
    """
    mask = view_mask(batch)
    if "right" not in batch or not mask.any():
        return {}
    left, right = batch["left"], batch["right"]
    grey = [image.mean(dim=1, keepdim=True) for image in (left, right)]
    infinity_px = int(np.floor(float(batch["rig"].principal_offset)))
    most = max(infinity_px, 0) + int(WIDEST * left.shape[-1])
    shifts = range(infinity_px, most + 1)
    similar = [_shifted_ssim(grey[0], grey[1], mask, shift) for shift in shifts]
    best = shifts[int(np.nanargmax(similar))]
    return {"ssim": _shifted_ssim(left, right, mask, best)}


def _shifted_ssim(
    left: Float[Tensor, "1 c h w"],
    right: Float[Tensor, "1 c h w"],
    mask: Bool[Tensor, "1 1 h w"],
    shift: int,
) -> float:
    rebuilt, visible = warp(right, torch.full_like(left[:, :1], -float(shift)))
    return ssim(left, rebuilt, visible & mask).item()
