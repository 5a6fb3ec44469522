"""How EndoNeRF and the other readers of ``poses_bounds.npy`` read their folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from m3depth.geometry.poses import PoseConvention
from m3depth.io.poses_bounds import POSES, PosesBounds, intrinsics
from m3depth.priors.layouts.files import along_z, frame, listed, plane, stored_values
from m3depth.priors.layouts.habits import Habits
from m3depth.priors.layouts.masks import not_white
from m3depth.priors.layouts.scene import Map, PriorFrame, PriorScene, StatedCamera, meta_of, spread
from m3depth.priors.layouts.stated import DEPTH, INVERSE_DEPTH


def poses_bounds_scene(
    folder: Path,
    frames: int,
    *,
    pose_convention: PoseConvention,
    habits: Habits,
    depth: str = "depth/*.png",
    decode: Callable[[Map], Map] = along_z,
    uses: Callable[[Map], NDArray[np.bool_]] = not_white,
    column_is_centre: bool = False,
) -> PriorScene:
    """EndoNeRF's layout and its relatives; see `Target`.

    Args:
        folder: Of the scene.
        frames: Looked at.
        pose_convention: The reader's axes.
        habits: See `Habits`.
        depth: Its files.
        decode: From their numbers to depth in the reader's units.
        uses: From a mask's numbers to what is used.
        column_is_centre: Beside a pose stands (cy, cx, f), not (H, W, f).
    """
    patterns = ("images/*.png", depth, "masks/*.png")
    images, depths, masks = (listed(folder, pattern) for pattern in patterns)
    cameras, meta = PosesBounds.read(folder / POSES), meta_of(folder)
    beside = cameras.columns[0]
    height, width = meta.get("size", beside[:2] if not column_is_centre else (512, 640))
    centre = (float(beside[1]), float(beside[0])) if column_is_centre else None

    def load(index: int) -> PriorFrame:
        read = frame(images[index], depths[index], masks[index], decode, uses)
        return replace(read, camera=_stated(cameras, read.image.shape, column_is_centre))

    return PriorScene(
        folder=folder,
        files={"images": images, depth.split("/")[0]: depths, "masks": masks},
        load=load,
        load_depth=lambda i: decode(plane(depths[i], stored_values(depths[i]))),
        sample=spread(min(len(images), len(depths), len(masks)), frames),
        habits=habits,
        poses=cameras.camera_to_world(pose_convention, unit_mm=1.0).numpy(),
        unit_mm=float(meta.get("unit_mm", 1.0)),
        kind=INVERSE_DEPTH if habits.inverse_bits else DEPTH,
        convention=pose_convention.name,
        principal_px=(habits.middle(float(width)), habits.middle(float(height))),
        stated_px=_exact(meta.get("K_exact")) or centre,
    )


def _stated(cameras: PosesBounds, size: tuple[int, int], column_is_centre: bool) -> StatedCamera:
    """The first row's: readers do not look at the other rows' columns."""
    first, second, focal_px = (float(value) for value in cameras.columns[0])
    if column_is_centre:
        return StatedCamera(intrinsics(focal_px, cx=second, cy=first).numpy(), size)
    known = np.isfinite(cameras.columns[0]).all()
    return StatedCamera(cameras.intrinsics.numpy(), (int(first), int(second)) if known else size)


def _exact(K: object) -> tuple[float, float] | None:
    if not isinstance(K, list):
        return None
    (_, _, cx), (_, _, cy), _ = K
    return float(cx), float(cy)
