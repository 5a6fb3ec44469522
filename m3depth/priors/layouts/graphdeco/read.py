"""How graphdeco's gaussian-splatting reads a scene with ``-d depths``."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from m3depth.errors import DataError
from m3depth.io.calibration_text import as_matrix, read_json
from m3depth.priors.layouts.colmap.model import CORNER
from m3depth.priors.layouts.colmap.read import Decoder, scene_of_model
from m3depth.priors.layouts.graphdeco.layout import PARAMS, STEPS
from m3depth.priors.layouts.habits import (
    ANOTHER_LAYOUT,
    INRIA_CULL,
    NO_EXTENT,
    Habits,
    WhenStill,
    between_centres,
)
from m3depth.priors.layouts.scene import Map, PriorScene
from m3depth.priors.layouts.stated import INVERSE_DEPTH


def graphdeco_scene(folder: Path, frames: int, habits: Habits) -> PriorScene:
    """A COLMAP model, inverse depth in ``depths/`` and its scales beside it; see `Target`.

    The reader takes the field of view alone from a camera.
    """
    scene, camera = scene_of_model(folder, frames, habits, "depths/*.png", _decoder)
    return replace(
        scene,
        kind=INVERSE_DEPTH,
        principal_px=(habits.middle(camera.width), habits.middle(camera.height)),
        stated_px=(camera.principal_point_x - CORNER, camera.principal_point_y - CORNER),
    )


def graphdeco() -> Habits:
    """Of graphdeco's gaussian-splatting (``scene/dataset_readers.py``, ``train.py``)."""
    why = f"{NO_EXTENT}, and all Gaussians are too large for it and are removed"
    still = WhenStill(True, why, f"{ANOTHER_LAYOUT} `radius` in scene/dataset_readers.py")
    return Habits(
        name="gaussian-splatting",
        cull=INRIA_CULL,
        revives_unknown=True,
        compares_masked=True,
        inverse_bits=16,
        middle=between_centres,
        still=still,
    )


def _decoder(folder: Path) -> Decoder:
    """By ``depth_params.json``; a frame whose scale is not positive is left out: depth 0.

    Raises:
        DataError: it is missing, lacks a frame, or has one without two finite numbers.
    """
    path = folder / PARAMS
    params = read_json(path)

    def decoder(stem: str) -> Callable[[Map], Map]:
        one = params.get(stem)
        if not isinstance(one, dict) or not {"scale", "offset"} <= one.keys():
            raise DataError(f"{path}: no scale and offset for {stem}; export it again")
        numbers, where = [one["scale"], one["offset"]], f"{path}: scale, offset of {stem}"
        scale, offset = (float(v) for v in as_matrix(numbers, (1, 2), where)[0])
        return lambda values: _from_inverse(values / STEPS * scale + offset, scale > 0)

    return decoder


def _from_inverse(inverse: Map, counts: bool) -> Map:
    return np.where((inverse > 0) & counts, 1 / np.where(inverse > 0, inverse, 1), 0.0)
