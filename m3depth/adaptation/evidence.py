"""What frames say of a network without labels: one number a frame."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from m3depth.geometry.resizing import size_of
from m3depth.geometry.warp import warp
from m3depth.losses.photometric import appearance
from m3depth.matching.sgbm import sgbm
from m3depth.networks.finest import Finest
from m3depth.networks.scale_deviation import nearness
from m3depth.networks.strangeness import strangeness
from m3depth.types import DepthMap, Kind, Scale, StereoBatch

NONE = np.empty(0)
LEAST_MATCHED = 0.2  # share of a frame's pixels, for the matcher to say anything
Numbers = Float[NDArray[np.float64], " n"]


class Evidence(NamedTuple):
    """Of each frame; NaN where it cannot be said.

    Attributes:
        off_matcher: Mean difference from the matcher's depth, a share of it.
        rebuilt: Re-synthesis error of the left image, `appearance` over the pixels seen.
        scale: Logarithm of the median ratio of depth to the matcher's.
        strange: How far what its layers see is from what they normalise by, see `strangeness`.
        metric: False of a network of relative depth: the first three are then of a plane that faces
            the camera, where it suits the matcher best in all frames.
    """

    off_matcher: Numbers
    rebuilt: Numbers
    scale: Numbers
    strange: Numbers
    metric: bool = True
    near: Numbers = NONE

    def record(self) -> dict[str, float]:
        """Means over the frames, for JSON; what is not known is left out."""
        means = {
            "off_matcher": float(np.nanmean(self.off_matcher)) if self._known else np.nan,
            "rebuilt": float(np.mean(self.rebuilt)),
            "scale": float(np.exp(np.nanmean(self.scale))) if self._known else np.nan,
            "scale_spread": float(np.nanstd(self.scale)) if self._known else np.nan,
            "strange": float(np.mean(self.strange)),
        }
        return {name: value for name, value in means.items() if np.isfinite(value)}

    @property
    def _known(self) -> bool:
        return bool(np.isfinite(self.off_matcher).any())


class Witness:
    """Frames that no level adapts to; matched once, for all networks that they are asked about."""

    def __init__(self, frames: Sequence[StereoBatch]) -> None:
        self.frames = frames
        self.matched = [_matched(one) for one in frames]

    def __call__(self, network: nn.Module) -> Evidence:
        """Look at every frame."""
        finest = Finest(network)
        rows, metric = [], True
        for sample, matched in zip(self.frames, self.matched, strict=True):
            with strangeness(network) as strange:
                found = finest(sample["left"][None])
            if found.scale is not Scale.METRIC:
                found, metric = self._plane(found), False
            seen = strange()
            divergence = np.nan if seen is None else float(seen)
            near = float(nearness(found, infinity(sample)))
            rows.append((*_beside(found, sample, matched), divergence, near))
        off_matcher, rebuilt, scale, strange_all, near_all = np.array(rows, np.float64).T
        return Evidence(off_matcher, rebuilt, scale, strange_all, metric, near_all)

    def _plane(self, found: DepthMap) -> DepthMap:
        known = [one[one > 0] for one in self.matched if one is not None]
        if not known:
            return found
        middle_px = float(torch.cat(known).median())
        return DepthMap(torch.full_like(found.values, middle_px), Kind.DISPARITY)


def infinity(sample: StereoBatch) -> float:
    """Disparity of what is infinitely far, fraction of the width; 0 of an unknown rig."""
    if "rig" not in sample:
        return 0.0
    return float(sample["rig"].principal_offset) / sample["left"].shape[-1]


def _matched(sample: StereoBatch) -> Float[Tensor, "1 1 h w"] | None:
    """The matcher's depth in the unit of the rig's baseline, 0 = not known; None: of too little."""
    if "right" not in sample:
        return None
    found = sgbm(sample["left"][None], sample["right"][None], float(sample["rig"].principal_offset))
    if found.known is None or float(found.known.float().mean()) < LEAST_MATCHED:
        return None
    return torch.where(found.known, found.to(Kind.DISPARITY).values, 0.0)


def _beside(
    found: DepthMap, sample: StereoBatch, matched: Tensor | None
) -> tuple[float, float, float]:
    """(off_matcher, rebuilt, scale), NaN without a right image or where it is not metric."""
    if "right" not in sample or found.scale is not Scale.METRIC:
        return np.nan, np.nan, np.nan
    rig = sample["rig"].resized(size_of(sample["left"]), found.size)
    pixels = found.seen_by(rig).to(Kind.DISPARITY).values
    rebuilt, seen = warp(sample["right"][None], -pixels)
    error = appearance(sample["left"][None], rebuilt)[seen]
    unlike = float(error.mean()) if seen.any() else np.nan
    if matched is None:
        return np.nan, unlike, np.nan
    offset = rig.principal_offset
    both = (matched > offset) & (pixels > offset)
    ratio = ((matched - offset) / (pixels - offset))[both]
    return float((ratio - 1).abs().mean()), unlike, float(ratio.median().log())
