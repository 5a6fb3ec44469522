"""The programs that read our scenes, each as its own code has it."""

from dataclasses import replace

from m3depth.priors.layouts.habits import (
    UNPADDED,
    Habits,
    Seeds,
    Still,
    between_centres,
    half,
    whole_half_of_corners,
)

INRIA_CULL = 0.2  # of every rasteriser that comes from INRIA's
NO_EXTENT = (
    "its extent of the scene, which is the largest distance of a camera from their mean, is 0, and "
    "so is the learning rate of the positions"
)
ANOTHER_LAYOUT = (
    "choose a layout whose readers fit a still camera (endonerf, gsharp, npz for `m3depth splat`), "
    "or give the trainer an extent by hand, such as the median depth:"
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
        seeds=Seeds(first=0, others=5_000, change=40.0, stops=False),  # see `surgicalgs`
        path_without=("stereo_",),
    )


def surgicalgs() -> Habits:
    """SurgicalGS: its initial points are of the first frame and of what it did not see."""
    seeds = Seeds(first=35_000, others=5_000, change=40.0, stops=True)
    return replace(followers(), name="SurgicalGS", path_without=(), seeds=seeds)


def deform3dgs_stereo() -> Habits:
    """Deform3DGS where the path holds ``stereo_``."""
    return replace(followers(), name="Deform3DGS", seeds=None, path_without=(), path_with="stereo_")


def endogaussian_mono() -> Habits:
    """EndoGaussian (CUHK) with ``mode=monocular``."""
    return Habits(
        name="EndoGaussian",
        cull=INRIA_CULL,
        size=UNPADDED,
        revives_unknown=True,
        binary_masks=True,
        counts_time=True,
        inverse_bits=8,
        needs_first_depth=True,
    )


def endo4dgs() -> Habits:
    """Endo-4DGS (``scene/__init__.py``, ``scene/dataset_readers.py``, ``scene/endo_loader.py``).

    Without `endo` in the path it takes the scene for DyNeRF's, with `stereomis` it looks for other
    depth, and `images` and `png` are replaced in the whole path.
    """
    return Habits(
        name="Endo-4DGS",
        cull=INRIA_CULL,
        size=UNPADDED,
        binary_masks=True,
        counts_time=True,
        needs_first_depth=True,
        path_with="endo",
        path_stops=("images", "png", "stereomis"),
    )


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


def nerfstudio() -> Habits:
    """Of nerfstudio and dn-splatter."""
    still = Still(
        False,
        "it centres the poses and divides them by the largest distance from the centre, which is 0",
        "pass nerfstudio-data --auto-scale-poses False --center-method none "
        "--orientation-method none",
    )
    return Habits(name="nerfstudio", still=still)


def gsplat() -> Habits:
    """Of gsplat's examples (``datasets/colmap.py``, ``datasets/normalize.py``)."""
    still = Still(
        True,
        f"it divides the poses by their median distance from the centre and stops (LinAlgError); "
        f"without that, {NO_EXTENT}",
        f"{ANOTHER_LAYOUT} --no-normalize-world-space, and self.scene_scale in simple_trainer.py",
    )
    return Habits(name="gsplat", cull=0.01, needs_tracks=True, still=still)


def graphdeco() -> Habits:
    """Of graphdeco's gaussian-splatting (``scene/dataset_readers.py``, ``train.py``)."""
    why = f"{NO_EXTENT}, and all Gaussians are too large for it and are removed"
    still = Still(True, why, f"{ANOTHER_LAYOUT} `radius` in scene/dataset_readers.py")
    return Habits(
        name="gaussian-splatting",
        cull=INRIA_CULL,
        revives_unknown=True,
        compares_masked=True,
        inverse_bits=16,
        middle=between_centres,
        still=still,
    )


def splat() -> Habits:
    """`m3depth splat`."""
    return Habits(name="m3depth splat")


def cloud() -> Habits:
    """Whoever starts from a cloud."""
    return Habits(cull=INRIA_CULL)
