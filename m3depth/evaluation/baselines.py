"""What costs no learning, to read the network's numbers against."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from m3depth.evaluation.frames import Frames
from m3depth.evaluation.metrics import epe_px
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.scoring import score_answers
from m3depth.evaluation.truth import Truth, as_batch, resized, size_of
from m3depth.evaluation.views import ssim, view_mask
from m3depth.geometry.warp import warp
from m3depth.log import warn_once
from m3depth.types import DepthMap, Kind, StereoBatch

WIDEST = 0.3  # of the width: the largest disparity that is searched, the network's own bound
SGBM_STEP = 16  # OpenCV wants its number of disparities in such steps
SGBM_SCALE = 16  # and gives sixteenths of a pixel
SGBM_COSTS = 128_000_000  # so many, of 2 bytes and several times over, may all be held at once


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


def mean_depth(train: Frames) -> DepthMean | None:
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


def sgbm(
    left: Float[Tensor, "1 3 h w"], right: Float[Tensor, "1 3 h w"], infinity_px: float = 0.0
) -> DepthMap:
    """Semi-global matching of the pair, with its left-right check and speckle filter.

    Along eight directions, which holds all costs in memory; along five where the pair is too large
    for that (`SGBM_COSTS`: from about 800x600).

    Both images are widened by the search range, since OpenCV answers nothing within that range of
    the edge; a match that would lie in the widening is not taken.

    Args:
        left: The left image.
        right: The right one.
        infinity_px: The rig's `principal_offset`, where the search begins: it may be negative.
    """
    import cv2

    width = left.shape[-1]
    low = int(np.floor(infinity_px))
    search = int(np.ceil((WIDEST * width - min(low, 0)) / SGBM_STEP)) * SGBM_STEP
    before, after = max(0, low + search), max(0, -low)
    grey = [cv2.cvtColor(_bytes(image), cv2.COLOR_RGB2GRAY) for image in (left, right)]
    wide = [cv2.copyMakeBorder(g, 0, 0, before, after, cv2.BORDER_REPLICATE) for g in grey]
    block = 5
    few = grey[0].size * (1 + WIDEST) * search <= SGBM_COSTS
    matcher = cv2.StereoSGBM.create(
        minDisparity=low,
        numDisparities=search,
        blockSize=block,
        P1=8 * block**2,
        P2=32 * block**2,
        disp12MaxDiff=1,
        preFilterCap=31,
        uniquenessRatio=5,
        speckleWindowSize=50,
        speckleRange=2,
        mode=cv2.STEREO_SGBM_MODE_HH if few else cv2.STEREO_SGBM_MODE_SGBM,
    )
    found = matcher.compute(*wide)[:, before : before + width]
    disparity = found.astype(np.float32) / SGBM_SCALE
    there = np.arange(width, dtype=np.float32) - disparity
    given = (disparity >= infinity_px) & (there >= 0) & (there <= width - 1)
    fraction, known = (torch.from_numpy(a)[None, None] for a in (disparity / width, given))
    return DepthMap(fraction, Kind.FRACTION, known=known)


def score_constant(truth: Truth) -> dict[str, float]:
    """The best constant disparity of the frame: the median of the true ones."""
    true_px = truth.disparity_px[truth.counts]
    return {"epe_px": epe_px(true_px.median().expand_as(true_px), true_px).item()}


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


def _bytes(image: Float[Tensor, "1 3 h w"]) -> NDArray[np.uint8]:
    pixels = (image[0].permute(1, 2, 0) * 255).round().clamp(0, 255)
    return pixels.to(torch.uint8).cpu().numpy()
