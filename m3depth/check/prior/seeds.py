"""Initial points that a reader wants and cannot draw."""

from collections.abc import Iterator

import numpy as np

from m3depth.check.finding import Finding, Severity
from m3depth.priors.layouts.habits import SeedCounts
from m3depth.priors.layouts.scene import Map, PriorFrame, PriorScene

PERCENT = (3.0, 99.8)  # of the depths that are not 0, which the reader clips to


def too_few_seeds(scene: PriorScene) -> Iterator[Finding]:
    """Too few pixels for a reader that draws a number of points, from the first frame and others.

    Of the others it takes what the first one's mask leaves out, and where the depth has changed.
    """
    seeds, frames = scene.habits.seeds, scene.frames
    if seeds is None or len(frames) < 2 or not all((f.depth > 0).any() for f in frames):
        return
    first, *others = frames
    if not seeds.stops and not _without_tools(first):  # the program's own target counts them
        return
    wanted, counts = seeds.others // scene.count, [_fresh(f, first, seeds) for f in others]
    lacking = [f.name for f, count in zip(others, counts, strict=True) if count < wanted]
    few = int(first.used.sum()) if first.used.sum() < seeds.first else None
    if lacking or few is not None:
        where = f"{min(counts)} of {wanted} needed in {lacking[0]}" if lacking else ""
        start = f"{few} of {seeds.first} needed in {first.name}" if few is not None else ""
        yield Finding(
            "too_few_seeds",
            Severity.ERROR if seeds.stops else Severity.WARNING,
            f"SurgicalGS draws initial points from the first frame ({seeds.first} of them), "
            "and from the others where its mask leaves something out or the depth changes by "
            f"more than {seeds.change:g} mm; usable pixels: "
            f"{', '.join(one for one in (start, where) if one)}; it stops (ValueError)",
            "give masks of the tools with the data, of larger images, or take another reader: "
            "Deform3DGS and EndoGaussian take such scenes",
            {"fewest_px": float(min(counts)), "due_px": float(wanted)},
            tuple(lacking),
        )


def _fresh(frame: PriorFrame, first: PriorFrame, seeds: SeedCounts) -> int:
    changed = np.abs(_clipped(frame.depth) - _clipped(first.depth)) > seeds.change
    return int((frame.used & (~first.used | changed)).sum())


def _without_tools(frame: PriorFrame) -> bool:
    """Whether the mask leaves out what has no depth, and nothing else."""
    return bool((frame.used == (frame.stored_depth > 0)).all())


def _clipped(depth: Map) -> Map:
    near, far = np.percentile(depth[depth > 0], PERCENT)
    return np.clip(depth, near, far)
