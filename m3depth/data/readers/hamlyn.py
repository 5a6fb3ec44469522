"""The Hamlyn Centre's laparoscopic videos, rectified by the authors of Endo-Depth-and-Motion."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from m3depth.data.rectified_files import FrameFiles, RectifiedFiles
from m3depth.errors import DataError
from m3depth.geometry.resizing import size_of
from m3depth.io.calibration_text import Matrix, as_matrix, read_rows
from m3depth.io.images import IMAGE_SUFFIXES, read_image
from m3depth.io.listing import chosen, folders_with, matched_files
from m3depth.log import warn_once
from m3depth.types.camera import StereoRig


class HamlynRectified(RectifiedFiles):
    """Rectified pairs with depth that was computed by stereo matching (Libelas), not measured.

    On disk (some copies nest ``rectified01/rectified01``, some have ``calibration/01`` beside)::

        ROOT/rectified01/image01/0000000001.jpg   left
                         image02/0000000001.jpg   right
                         depth01/0000000001.png   optional: left depth, uint16 in mm, 0 = unknown
                         intrinsics.txt           3x3 or 3x4, of both views
                         extrinsics.txt           optional: [R|t], 3x4, t in mm

    The baseline is the length of ``t``. Without extrinsics it is ``baseline_mm``.

    Args:
        root: the folder of the sequences.
        sequences: names such as ``rectified01``; all when empty.
        baseline_mm: of the sequences without extrinsics; 0 = not calibrated, said once.
        calibration_size: (height, width) that the intrinsics are for; None: the images' own.
        truth: whether samples carry ``depth_mm``; a sequence without ``depth01`` is refused.
        size, repeat: See `ListedFrames`.

    Raises:
        DataError: a folder, a file or a sequence is missing, or a calibration is wrong.
    """

    calibration_hint: ClassVar[str] = "; is intrinsics.txt for another size? set calibration_size"

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        sequences: Collection[str] = (),
        baseline_mm: float = 0.0,
        calibration_size: Sequence[int] | None = None,
        truth: bool = True,
        repeat: int = 1,
    ) -> None:
        found = folders_with(Path(root), "image01", "image02")
        frames: list[FrameFiles] = []
        for name, folder in chosen(found, sequences, Path(root)).items():
            views = [folder / "image01", folder / "image02", folder / "depth01"]
            files = matched_files(views if truth else views[:2], IMAGE_SUFFIXES)
            native = size_of(read_image(files[0][0]))
            rig = _read_rig(folder, name, baseline_mm)
            if calibration_size is not None:
                rig = rig.resized((calibration_size[0], calibration_size[1]), native)
            frames += [
                FrameFiles(f"{name}/{left.stem}", left, right, rig, native, *depth)
                for left, right, *depth in files
            ]
        super().__init__(frames, size, repeat)


def _read_rig(folder: Path, name: str, baseline_mm: float) -> StereoRig:
    path = _calibration_file(folder, name, "intrinsics.txt")
    rows = read_rows(path)
    k = as_matrix([row[:3] for row in rows[:3]], (3, 3), str(path))
    if min(k[0, 0], k[1, 1]) <= 0:
        raise DataError(f"{path}: focal length {k[0, 0]:g} px; it must be positive")
    extrinsics = _calibration_file(folder, name, "extrinsics.txt")
    if extrinsics.is_file():
        baseline_mm = _baseline(extrinsics)
    elif baseline_mm == 0:
        warn_once(f"{extrinsics}: missing, so depth has no millimetres; set baseline_mm=...")
    return StereoRig.of(k[0, 0], k[1, 1], k[0, 2], k[1, 2], k[0, 2], baseline_mm)


def _baseline(path: Path) -> float:
    pose: Matrix = as_matrix(read_rows(path)[:3], (3, 4), str(path))
    length = float(np.linalg.norm(pose[:, 3]))  # rectifying turns the cameras, it moves neither
    if length == 0:
        raise DataError(f"{path}: the translation is 0; a stereo pair has a baseline")
    return length


def _calibration_file(folder: Path, name: str, file: str) -> Path:
    """The first that is there of the places where copies of the set have it."""
    outer = folder.absolute().parent
    places = [folder, outer] if outer.name == name else [folder]
    beside = outer.parent if outer.name == name else outer
    places.append(beside / "calibration" / name.removeprefix("rectified"))
    return next((place / file for place in places if (place / file).is_file()), folder / file)
