"""Level 2: the scale, and where wanted the shift, of a network's disparity, by matched pairs."""

import logging
from pathlib import Path

import numpy as np

from m3depth.adaptation.evidence import infinity
from m3depth.adaptation.frames import Frames
from m3depth.adaptation.level import Level, Tried, Void
from m3depth.adaptation.model import Model
from m3depth.anchors.anchors import Anchors
from m3depth.anchors.find import FEW_PAIRS
from m3depth.anchors.fit import fit
from m3depth.anchors.in_frames import from_pair
from m3depth.errors import DataError
from m3depth.geometry.resizing import size_of
from m3depth.networks.finest import Finest
from m3depth.types import DepthMap, Kind, Scale, StereoBatch
from m3depth.validation import require_number, require_switch

FEW = (
    "pairs={}: how much frames differ in their scale is not seen from fewer than {}, so that its "
    "deviation is the least that it can be"
)
logger = logging.getLogger(__name__)


class ByMatcher(Level):
    """Two numbers, the same for all images, from a few pairs and a stereo matcher.

    The matcher is left-right checked, and each pair errs as a whole (`anchors.fit`): how much the
    pairs disagree is how sure the scale is.

    Args:
        pairs: How many are matched, spread evenly.
        shift: Find a constant, too. A network of relative depth always needs one.

    Raises:
        ConfigError: an option is no such number or switch.
    """

    stereo, metric = True, True

    def __init__(self, pairs: int = 8, shift: bool = False) -> None:
        require_number("levels.scale.pairs", pairs, 1, whole=True)
        require_switch("levels.scale.shift", shift)
        self.pairs, self.shift = pairs, shift

    def __call__(self, model: Model, frames: Frames, folder: Path) -> Tried | Void:
        """See `Level`."""
        places = np.linspace(0, len(frames.adapt) - 1, min(self.pairs, len(frames.adapt))).round()
        pairs = [frames.adapt[int(place)] for place in places]
        network = Finest(model.network)
        found = [_seen(network(one["left"][None]), one) for one in pairs]
        shifted = self.shift or found[0].scale is Scale.UP_TO_SCALE_AND_SHIFT
        try:
            few = len(pairs) < FEW_PAIRS
            if few:
                logger.warning("levels.scale: %s", FEW.format(len(pairs), FEW_PAIRS))
            parts = [a for d, one in zip(found, pairs, strict=True) for a in from_pair(d, one, few)]
            if not parts:
                return Void("the matcher found nothing in the pairs: are these left and right?")
            fitted = fit(Anchors.joined(parts), shifted)
        except DataError as error:
            return Void(str(error))
        scale, shift = _of_disparity(fitted.line.scale, fitted.line.shift, found[0], pairs[0])
        about = {"pairs": len(pairs), "scale": scale, "shift": shift, **fitted.record()}
        return Tried(model.scaled(scale, shift), about)


def _seen(depth: DepthMap, sample: StereoBatch) -> DepthMap:
    return depth.seen_by(sample["rig"].resized(size_of(sample["left"]), depth.size))


def _of_disparity(
    scale: float, shift: float, depth: DepthMap, sample: StereoBatch
) -> tuple[float, float]:
    """What ``1 / z = scale · r + shift`` is for disparities as fractions of the width (`ByRig`).

    There ``d = f·b/W · 1/z + d∞``, and r of a network of disparity is itself ``(d - d∞) W/(f·b)``.
    """
    rig, width = sample["rig"], sample["left"].shape[-1]
    per_inverse_mm = float(rig.fx * rig.baseline_mm) / width
    far = infinity(sample)
    if depth.kind in (Kind.FRACTION, Kind.DISPARITY):
        return scale, shift * per_inverse_mm + (1 - scale) * far
    return scale * per_inverse_mm, shift * per_inverse_mm + far
