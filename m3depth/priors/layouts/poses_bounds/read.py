"""How EndoNeRF and the other readers of ``poses_bounds.npy`` read their folder."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from m3depth.geometry.poses import PoseConvention
from m3depth.io.poses_bounds import POSES, PosesBounds, intrinsics
from m3depth.priors.layouts.files import along_z, frame, listed, plane, stored_values
from m3depth.priors.layouts.habits import Habits
from m3depth.priors.layouts.masks import not_white
from m3depth.priors.layouts.scene import (
    Map,
    PriorFrame,
    PriorScene,
    StatedCamera,
    meta_of,
    spread,
)
from m3depth.priors.layouts.stated import DEPTH, INVERSE_DEPTH


@dataclass(frozen=True)
class PosesBoundsTarget:
    """EndoNeRF's layout and its relatives.

    Args:
        pose_convention: The reader's axes.
        habits: See `Habits`.
        depth: Its files.
        decode: From their numbers to depth in the reader's units.
        uses: From a mask's numbers to what is used.
        column_is_centre: Beside a pose stands (cy, cx, f), not (H, W, f).
    """

    pose_convention: PoseConvention
    habits: Habits
    depth: str = "depth/*.png"
    decode: Callable[[Map], Map] = along_z
    uses: Callable[[Map], NDArray[np.bool_]] = not_white
    column_is_centre: bool = False

    def __call__(self, folder: Path, frames: int) -> PriorScene:
        """See `Target`."""
        patterns = ("images/*.png", self.depth, "masks/*.png")
        images, depths, masks = (listed(folder, pattern) for pattern in patterns)
        cameras, meta = PosesBounds.read(folder / POSES), meta_of(folder)
        beside = cameras.columns[0]
        height, width = meta.get("size", beside[:2] if not self.column_is_centre else (512, 640))
        centre = (float(beside[1]), float(beside[0])) if self.column_is_centre else None
        count = min(len(images), len(depths), len(masks))

        def load(index: int) -> PriorFrame:
            parts = images[index], depths[index], masks[index]
            read = frame(*parts, self.decode, self.uses)
            return replace(read, camera=self._camera(cameras, read.image.shape))

        return PriorScene(
            folder=folder,
            files={"images": images, self.depth.split("/")[0]: depths, "masks": masks},
            load=load,
            load_depth=lambda i: self.decode(plane(depths[i], stored_values(depths[i]))),
            sample=spread(count, frames),
            habits=self.habits,
            poses=cameras.camera_to_world(self.pose_convention, unit_mm=1.0).numpy(),
            unit_mm=float(meta.get("unit_mm", 1.0)),
            kind=INVERSE_DEPTH if self.habits.inverse_bits else DEPTH,
            convention=self.pose_convention.name,
            principal_px=(self.habits.middle(float(width)), self.habits.middle(float(height))),
            stated_px=_exact(meta.get("K_exact")) or centre,
        )

    def _camera(self, cameras: PosesBounds, size: tuple[int, int]) -> StatedCamera:
        """The first row's: readers do not look at the other rows' columns."""
        first, second, focal_px = (float(value) for value in cameras.columns[0])
        if self.column_is_centre:
            return StatedCamera(intrinsics(focal_px, cx=second, cy=first).numpy(), size)
        known = np.isfinite(cameras.columns[0]).all()
        of = (int(first), int(second)) if known else size
        return StatedCamera(cameras.intrinsics.numpy(), of)


def _exact(K: object) -> tuple[float, float] | None:
    if not isinstance(K, list):
        return None
    (_, _, cx), (_, _, cy), _ = K
    return float(cx), float(cy)
