"""The programs that read EndoNeRF's layout, each as its own code has it."""

from dataclasses import replace

from m3depth.io.poses_bounds import half
from m3depth.priors.layouts.endonerf.layout import STEREO
from m3depth.priors.layouts.habits import (
    INRIA_CULL,
    UNPADDED,
    Habits,
    SeedCounts,
    whole_half_of_corners,
)


def endonerf(no_ndc: bool = False) -> Habits:
    """EndoNeRF itself (``load_llff.py``, ``run_endonerf.py``): rays (i - W / 2) / f, OpenGL axes.

    Args:
        no_ndc: As its own option says.
    """
    return Habits(
        name="EndoNeRF",
        middle=half,
        revives_unknown=True,
        binary_masks=True,
        counts_time=True,
        needs_a_mask=True,
        ndc=not no_ndc,
    )


def followers() -> Habits:
    """Deform3DGS, SurgicalGS, EndoGaussian (``scene/endo_loader.py`` of each).

    Each takes percentiles of the depths that are not 0, of every frame.
    """
    return Habits(
        name="Deform3DGS, SurgicalGS and EndoGaussian",
        cull=INRIA_CULL,
        size=UNPADDED,
        revives_unknown=True,
        binary_masks=True,
        counts_time=True,
        needs_depth=True,
        seeds=SeedCounts(first=0, others=5_000, change=40.0, stops=False),  # see `surgicalgs`
        path_without=(STEREO,),
    )


def surgicalgs() -> Habits:
    """SurgicalGS: its initial points are of the first frame and of what it did not see."""
    seeds = SeedCounts(first=35_000, others=5_000, change=40.0, stops=True)
    return replace(followers(), name="SurgicalGS", path_without=(), seeds=seeds)


def deform3dgs_stereo() -> Habits:
    """Deform3DGS where the path holds ``stereo_``."""
    return replace(followers(), name="Deform3DGS", seeds=None, path_without=(), path_with=STEREO)


def gsharp() -> Habits:
    """G-SHARP, gsplat's surgical trainer: K has W // 2, and its rasteriser's centres are at + 0.5.

    Its initial points are unprojected with integer centres, half a pixel beside.
    """
    return Habits(
        name="G-SHARP",
        cull=0.01,
        middle=whole_half_of_corners,
        binary_masks=True,
        counts_time=True,
    )
