"""How each pipeline reads its folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from m3depth.errors import DataError
from m3depth.geometry.poses import PoseConvention
from m3depth.io.calibration_text import as_matrix, read_json
from m3depth.io.numpy_files import read_npy
from m3depth.priors.layouts.files import along_z, frame, listed, plane, stored_values
from m3depth.priors.layouts.habits import Habits
from m3depth.priors.layouts.scene import Map, PriorFrame, PriorScene, StatedCamera, meta_of, spread

Poses = NDArray[np.float64]


def full(value: Map) -> NDArray[np.bool_]:
    """Readers that keep what is not 0."""
    return value > 0


def empty(value: Map) -> NDArray[np.bool_]:
    """Readers that take 255 for the tool, and anything less for tissue."""
    return value < 255


@dataclass(frozen=True)
class PosesBounds:
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
    uses: Callable[[Map], NDArray[np.bool_]] = empty
    column_is_centre: bool = False

    def __call__(self, folder: Path, frames: int) -> PriorScene:
        """See `Target`."""
        patterns = ("images/*.png", self.depth, "masks/*.png")
        images, depths, masks = (listed(folder, pattern) for pattern in patterns)
        rows = self._rows(folder / "poses_bounds.npy")
        beside, meta = rows[0, :15].reshape(3, 5)[:, 4], meta_of(folder)
        height, width = meta.get("size", beside[:2] if not self.column_is_centre else (512, 640))
        centre = (float(beside[1]), float(beside[0])) if self.column_is_centre else None
        count = min(len(images), len(depths), len(masks))

        def load(index: int) -> PriorFrame:
            parts = images[index], depths[index], masks[index]
            read = frame(*parts, self.decode, self.uses)
            return replace(read, camera=self._camera(beside, read.image.shape))

        return PriorScene(
            folder=folder,
            files={"images": images, self.depth.split("/")[0]: depths, "masks": masks},
            load=load,
            load_depth=lambda i: self.decode(plane(depths[i], stored_values(depths[i]))),
            sample=spread(count, frames),
            habits=self.habits,
            poses=self._poses(rows),
            unit_mm=float(meta.get("unit_mm", 1.0)),
            convention=self.pose_convention.name,
            principal_px=(self.habits.middle(float(width)), self.habits.middle(float(height))),
            stated_px=_exact(meta.get("K_exact")) or centre,
        )

    def _poses(self, rows: Poses) -> Poses:
        poses = torch.from_numpy(rows[:, :15].reshape(-1, 3, 5)[:, :, :4])
        return self.pose_convention.to_opencv(poses).numpy()

    def _camera(self, beside: Poses, size: tuple[int, int]) -> StatedCamera:
        """The first row's, beside which others have theirs for nothing."""
        first, second, focal = (float(value) for value in beside)
        cx, cy = (second, first) if self.column_is_centre else (second // 2, first // 2)
        K = np.array([[focal, 0, cx], [0, focal, cy], [0, 0, 1]])
        of = size if self.column_is_centre or not np.isfinite(beside).all() else (first, second)
        return StatedCamera(K, (int(of[0]), int(of[1])))

    def _rows(self, path: Path) -> Poses:
        rows = read_npy(path)
        if rows.ndim != 2 or rows.shape[1] != 17 or not len(rows):
            raise DataError(f"{path}: shape {rows.shape}; LLFF's poses and bounds are n x 17")
        return rows.astype(np.float64)


@dataclass(frozen=True)
class Transforms:
    """nerfstudio's ``transforms.json``.

    Args:
        habits: See `Habits`.
        unit: ``depth_unit_scale_factor``.
    """

    habits: Habits
    unit: float = 1e-3

    def __call__(self, folder: Path, frames: int) -> PriorScene:
        """See `Target`."""
        path = folder / "transforms.json"
        entries = read_json(path).get("frames")
        if not isinstance(entries, list) or not entries:
            raise DataError(f"{path}: no frames")
        entries.sort(key=lambda entry: str(entry.get("file_path")))
        files = {kind: self._files(path, entries, kind) for kind in _KEYS}
        poses = [as_matrix(e.get("transform_matrix"), (4, 4), str(path)) for e in entries]
        opencv = np.array(poses) * np.array([1, -1, -1, 1])
        images, depths, masks = (files[kind] for kind in _KEYS)
        if not images or not depths:
            raise DataError(f"{path}: no file_path or no depth_file_path in its frames")
        shared = read_json(path)

        def load(index: int) -> PriorFrame:
            mask = masks[index] if masks else None
            read = frame(images[index], depths[index], mask, self._metres, full)
            where = f"{path}: the camera of {entries[index].get('file_path')}"
            return replace(read, camera=_stated({**shared, **entries[index]}, where))

        return PriorScene(
            folder=folder,
            files={kind: found for kind, found in files.items() if found},
            load=load,
            sample=spread(len(depths), frames),
            habits=self.habits,
            poses=opencv,
            unit_mm=1000.0,
        )

    def _metres(self, values: Map) -> Map:
        return values * self.unit

    def _files(self, path: Path, entries: Sequence[dict[str, object]], kind: str) -> list[Path]:
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
    K = np.array([[fx, 0, cx - 0.5], [0, fy, cy - 0.5], [0, 0, 1]])
    return StatedCamera(K, (int(height), int(width)))


_KEYS = ("file_path", "depth_file_path", "mask_path")


def _exact(K: object) -> tuple[float, float] | None:
    if not isinstance(K, list):
        return None
    (_, _, cx), (_, _, cy), _ = K
    return float(cx), float(cy)
