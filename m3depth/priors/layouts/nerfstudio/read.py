"""How nerfstudio and dn-splatter read their folder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from m3depth.errors import DataError
from m3depth.io.calibration_text import as_matrix, read_json
from m3depth.priors.layouts.files import frame
from m3depth.priors.layouts.habits import Habits, WhenStill
from m3depth.priors.layouts.masks import not_black
from m3depth.priors.layouts.nerfstudio.layout import CORNER, METRE_MM, TRANSFORMS
from m3depth.priors.layouts.scene import PriorFrame, PriorScene, StatedCamera, spread
from m3depth.priors.layouts.stated import DEPTH

KEYS = ("file_path", "depth_file_path", "mask_path")


def nerfstudio_scene(folder: Path, frames: int, habits: Habits, unit: float = 1e-3) -> PriorScene:
    """Nerfstudio's ``transforms.json``; see `Target`.

    Args:
        folder: Of the scene.
        frames: Looked at.
        habits: See `Habits`.
        unit: ``depth_unit_scale_factor``.
    """
    path = folder / TRANSFORMS
    shared = read_json(path)
    entries = shared.get("frames")
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: no frames")
    entries = sorted(entries, key=lambda entry: str(entry.get("file_path")))
    files = {kind: _files(path, entries, kind) for kind in KEYS}
    poses = [as_matrix(e.get("transform_matrix"), (4, 4), str(path)) for e in entries]
    images, depths, masks = files.values()
    if not images or not depths:
        raise DataError(f"{path}: no file_path or no depth_file_path in its frames")

    def load(index: int) -> PriorFrame:
        mask = masks[index] if masks else None
        read = frame(images[index], depths[index], mask, lambda values: values * unit, not_black)
        where = f"{path}: the camera of {entries[index].get('file_path')}"
        return replace(read, camera=_stated({**shared, **entries[index]}, where))

    return PriorScene(
        folder=folder,
        files={kind: found for kind, found in files.items() if found},
        load=load,
        sample=spread(len(depths), frames),
        habits=habits,
        poses=np.array(poses) * np.array([1, -1, -1, 1]),
        kind=DEPTH,
        unit_mm=METRE_MM,
    )


def _files(path: Path, entries: Sequence[dict[str, object]], kind: str) -> list[Path]:
    named = [path.parent / str(entry[kind]) for entry in entries if kind in entry]
    if named and len(named) != len(entries):
        raise DataError(
            f"{path}: {kind} in {len(named)} of {len(entries)} frames; give it for all or none"
        )
    gone = [file for file in named if not file.exists()]
    if gone:
        raise DataError(f"{gone[0]}: missing, but {path.name} names it; export it again")
    return named


def _stated(keys: Mapping[str, object], where: str) -> StatedCamera | None:
    """The camera that a frame or the whole file names; None where neither does."""
    named = ("fl_x", "fl_y", "cx", "cy", "w", "h")
    if any(key not in keys for key in named):
        return None
    (fx, fy, cx, cy, width, height), *_ = as_matrix([keys[key] for key in named], (1, 6), where)
    # Its pixel centres are at + 0.5
    K = np.array([[fx, 0, cx - CORNER], [0, fy, cy - CORNER], [0, 0, 1]])
    return StatedCamera(K, (int(height), int(width)))


def nerfstudio() -> Habits:
    """Of nerfstudio and dn-splatter."""
    still = WhenStill(
        False,
        "it centres the poses and divides them by the largest distance from the centre, which is 0",
        "pass nerfstudio-data --auto-scale-poses False --center-method none "
        "--orientation-method none",
    )
    return Habits(name="nerfstudio", still=still)
