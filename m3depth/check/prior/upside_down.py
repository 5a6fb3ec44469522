"""Inverse depth where depth is expected, or the other way round."""

from collections.abc import Iterator

import numpy as np

from m3depth.check.finding import Finding, Severity
from m3depth.io.files import Array
from m3depth.io.numpy_files import read_npy
from m3depth.priors.layouts.scene import PriorFrame, PriorScene
from m3depth.priors.records import EXACT


def upside_down(
    scene: PriorScene, agreement: float = -0.3, brightness: float = 0.6
) -> Iterator[Finding]:
    """Inverse depth where depth is expected, or the other way round.

    The float depth beside it tells, where there is one; else the light does, as an endoscope's
    falls off with the distance: near is bright.

    Args:
        scene: As the reader has it.
        agreement: Correlation that is wrong enough for an error.
        brightness: Correlation of depth with brightness that is strange enough for a warning.
    """
    mend = "write 1 / value; if the layout wants it so, choose the target that reads inverse"
    truths = [_truth_agreement(scene, frame) for frame in scene.frames]
    known = [value for value in truths if value is not None]
    if known:
        if np.median(known) < agreement:
            yield Finding(
                "inverse",
                Severity.ERROR,
                "what this reader takes for depth falls where depth_float rises "
                f"(correlation {np.median(known):.2f}): inverse depth for depth",
                mend,
                {"correlation": float(np.median(known))},
            )
        return
    light = [_correlation(f.depth, f.image, f.used) for f in scene.frames]
    said = [value for value in light if value is not None]
    if said and np.median(said) > brightness:
        yield Finding(
            "inverse",
            Severity.WARNING,
            "the farther this reader takes a pixel to be, the brighter it is (correlation "
            f"{np.median(said):.2f}): under an endoscope's light it is the other way round",
            mend,
            {"correlation": float(np.median(said))},
        )


def _truth_agreement(scene: PriorScene, frame: PriorFrame) -> float | None:
    path = scene.folder / EXACT / f"{frame.name.split('.')[0]}.npy"
    if not path.exists():
        return None
    truth = read_npy(path)
    if truth.shape != frame.depth.shape:
        return None
    return _correlation(frame.depth, truth, frame.used & (truth > 0))


def _correlation(depth: Array, other: Array, used: Array) -> float | None:
    from scipy.stats import spearmanr

    both = used & (depth > 0)
    if both.sum() < 100 or np.ptp(depth[both]) == 0 or np.ptp(other[both]) == 0:
        return None
    step = max(1, int(both.sum()) // 20_000)
    return float(spearmanr(depth[both][::step], other[both][::step]).statistic)
