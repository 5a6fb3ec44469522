"""Depth in the wrong unit, of too few bits, or none at all."""

from collections.abc import Iterator

import numpy as np
import torch

from m3depth.check.finding import Finding, Severity
from m3depth.check.prior.unmet import finding
from m3depth.priors.layouts.needs import without_depth
from m3depth.priors.layouts.scene import PriorFrame, PriorScene
from m3depth.priors.sound import PLAUSIBLE_MM, unit_faults


def no_depth(scene: PriorScene) -> Iterator[Finding]:
    """Frames in which every depth is 0."""
    unmet = list(without_depth(scene.habits, scene.without_depth, scene.names))
    if unmet:
        yield from map(finding, unmet)
        return
    frames = scene.frames
    none = [frame.name for frame in frames if not (frame.depth > 0).any()]
    if none:
        yield Finding(
            "no_depth",
            Severity.ERROR if len(none) == len(frames) else Severity.WARNING,
            f"{len(none)} of {len(frames)} frames have not one depth above 0",
            "take these frames out; if the depth was in metres, whole numbers have rounded it "
            "to 0: export it in millimetres",
            {"frames": float(len(none))},
            tuple(none),
        )


def units(
    scene: PriorScene, culled_share: float = 0.01, plausible_mm: tuple[float, float] = PLAUSIBLE_MM
) -> Iterator[Finding]:
    """Depth that is too small to be drawn, that no endoscope sees, or of mixed units.

    Args:
        scene: As the reader has it.
        culled_share: Of the used pixels, from which on it is said.
        plausible_mm: Between which the median depth of a scene may lie.
    """
    used = [frame.depth[frame.used & (frame.depth > 0)] for frame in scene.frames]
    depth = np.concatenate(used) if used else np.linalg.norm(scene.cloud, axis=1)
    if not depth.size:
        return
    middle, culled = float(np.median(depth)), float(np.mean(depth <= scene.habits.cull))
    if culled >= culled_share:
        yield Finding(
            "near_cull",
            Severity.ERROR,
            f"{culled:.0%} of the used depths are nearer than {scene.habits.cull:g} units, "
            f"which this reader never draws (their median is {middle:.3g}): metres where "
            "millimetres are expected",
            "multiply depth, translations and bounds by 1000",
            {"culled_share": culled, "median": middle},
        )
        return
    low, high = plausible_mm
    middle_mm = middle * scene.unit_mm
    if not low <= middle_mm <= high:
        metres = "; metres where millimetres are expected?" if middle_mm < low else ""
        yield Finding(
            "unit",
            Severity.ERROR,
            f"the median depth is {middle_mm:.3g} mm as this reader understands it, which is "
            f"not between {low:g} and {high:g}{metres}",
            "write depth in millimetres, and translations in the reader's unit",
            {"median_mm": middle_mm},
        )
        return
    mixed = [frame.name for frame in scene.frames if _in_metres(scene, frame)]
    if mixed:
        yield Finding(
            "unit",
            Severity.ERROR,
            f"the depth of {len(mixed)} of {len(scene.frames)} frames is in metres, that of "
            "the others is not",
            "write depth in millimetres in all frames",
            {"frames": float(len(mixed))},
            tuple(mixed),
        )


def _in_metres(scene: PriorScene, frame: PriorFrame) -> bool:
    depth_mm = np.where(np.isfinite(frame.depth), frame.depth, 0) * scene.unit_mm
    return any(unit_faults(torch.from_numpy(depth_mm)))


def eight_bits(scene: PriorScene, clipped_share: float = 0.001) -> Iterator[Finding]:
    """Depth in files of eight bits.

    Args:
        scene: As the reader has it.
        clipped_share: Of the pixels at the last value, from which on it has overflown.
    """
    small = [frame for frame in scene.frames if frame.stored.dtype == np.uint8]
    if not small:
        return
    clipped = float(np.mean([np.mean(frame.stored == 255) for frame in small]))
    if clipped >= clipped_share:
        yield Finding(
            "overflow",
            Severity.ERROR,
            f"{clipped:.1%} of the pixels are 255, the largest number of eight bits: what is "
            + ("nearer" if scene.habits.inverse_bits else "deeper")
            + " has been cut off there",
            "export with a smaller writer.near_mm"
            if scene.habits.inverse_bits
            else "export with writer.depth_bits=16",
            {"clipped_share": clipped},
            tuple(frame.name for frame in small if (frame.stored == 255).any()),
        )
    elif not scene.habits.inverse_bits:
        yield Finding(
            "eight_bits",
            Severity.WARNING,
            "depth in files of eight bits: steps of 1 mm, and an end at 255 mm",
            "export with writer.depth_bits=16, which this reader takes as well",
            frames=tuple(frame.name for frame in small),
        )
