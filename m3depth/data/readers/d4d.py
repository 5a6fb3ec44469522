"""D4D: the Dresden set of deforming porcine tissue, seen by a da Vinci Xi."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import yaml

from m3depth.data.rectified_files import FrameFiles, RectifiedFiles
from m3depth.errors import DataError
from m3depth.io.calibration_text import Matrix, as_matrix, read_text, require_rectified
from m3depth.io.listing import folders_with, matched_files, refuse
from m3depth.log import warn_once
from m3depth.types.camera import StereoRig

MM_PER_M = 1000.0
WIDEST_MM = 100.0  # no endoscope's baseline: a larger one is in another unit
SUFFIXES = (".png", ".npy")


class D4D(RectifiedFiles):
    """Rectified pairs of clips, with depth that was computed by stereo matching.

    On disk (the tree and the loader of reubendocea/d4d)::

        ROOT/specimen_1/2025_03_06-16_49_40/clips/Clip_1/
            left_images_rect/*.png   right_images_rect/*.png
            stereo_depth/*.npy                      left depth along z, metres
            camera_info/left_rect*.yaml  right...   ROS camera_info: P 3x4 (or projection_matrix),
                                                    width, height; left.yaml is taken too, and
                                                    the session's camera_info if the clip has none

    Frames are matched by the numbers in their names. P's translation is read as metres, ROS's
    unit. The structured-light clouds and the instrument masks of the set are not read.

    Args:
        root: the folder of the specimens, or any below it down to a clip.
        clips: names such as ``specimen_1/2025_03_06-16_49_40/Clip_1``; all when empty.
        truth: whether samples carry ``depth_mm``.
        size, repeat: See `ListedFrames`.

    Raises:
        DataError: a folder, a file or a clip is missing, or a calibration is wrong.
    """

    unit_mm = MM_PER_M

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        clips: Collection[str] = (),
        truth: bool = True,
        repeat: int = 1,
    ) -> None:
        folders = folders_with(Path(root), "left_images_rect", "right_images_rect", levels=5)
        found = {_name(folder.absolute()): folder for folder in folders}
        refuse(sorted(set(clips) - set(found)), Path(root), "no such clip")
        parts = ["left_images_rect", "right_images_rect", *(["stereo_depth"] if truth else [])]
        frames: list[FrameFiles] = []
        for name, folder in found.items():
            if name in (clips or found):
                rig, native = _read_rig(folder)
                frames += [
                    FrameFiles(f"{name}/{left.stem}", left, right, rig, native, *depth)
                    for left, right, *depth in matched_files([folder / p for p in parts], SUFFIXES)
                ]
        super().__init__(frames, size, repeat)


def _name(clip: Path) -> str:
    session = clip.parent.parent  # beside the folder `clips`
    return f"{session.parent.name}/{session.name}/{clip.name}"


def _read_rig(clip: Path) -> tuple[StereoRig, tuple[int, int]]:
    (left, size), (right, other) = (_read_camera(clip, side) for side in ("left", "right"))
    shift_mm = (left[0, 3] / left[0, 0] - right[0, 3] / right[0, 0]) * MM_PER_M
    baseline_mm = abs(shift_mm)
    if shift_mm < 0:
        warn_once(
            f"{clip}: P puts the right camera {baseline_mm:g} mm to the left of the left one; it "
            "is taken to lie to the right: m3depth check tells whether the views are exchanged"
        )
    if other != size or not 0 < baseline_mm < WIDEST_MM:
        raise DataError(
            f"{clip}: cameras of {size} and {other} (h, w) with a baseline of {baseline_mm:g} mm; "
            "expected one size, and P in pixels and metres"
        )
    require_rectified(left, right, f"{clip}/camera_info")
    return StereoRig.of(
        left[0, 0], left[1, 1], left[0, 2], left[1, 2], right[0, 2], baseline_mm
    ), size


def _read_camera(clip: Path, side: str) -> tuple[Matrix, tuple[int, int]]:
    places = [(clip, f"{side}_rect*.yaml"), (clip, f"{side}.yaml")]
    places.append((clip.absolute().parent.parent, f"{side}.yaml"))
    found = (path for place, name in places for path in sorted((place / "camera_info").glob(name)))
    path = next(found, None)
    if path is None:
        raise DataError(f"{clip}/camera_info: no {side}_rect*.yaml or {side}.yaml, nor above")
    entries = _read_yaml(path)
    projection = _entry(entries, "P", "projection_matrix", path)
    data = projection.get("data") if isinstance(projection, dict) else projection
    matrix = as_matrix(data, (3, 4), f"{path}: P")
    sides = [_entry(entries, name, f"image_{name}", path) for name in ("height", "width")]
    height, width = as_matrix(sides, (1, 2), f"{path}: height and width")[0]
    if matrix[0, 0] <= 0:
        raise DataError(f"{path}: P has focal length {matrix[0, 0]:g}; it must be positive")
    return matrix, (int(height), int(width))


def _entry(entries: Mapping[str, object], name: str, other: str, path: Path) -> object:
    if name not in entries and other not in entries:
        raise DataError(f"{path}: missing {name} (or {other}); copy the file again")
    return entries.get(name, entries.get(other))


def _read_yaml(path: Path) -> Mapping[str, object]:
    try:
        entries = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise DataError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(entries, dict):
        raise DataError(f"{path}: not a camera_info with keys")
    return entries
