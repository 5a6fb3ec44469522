"""The Hamlyn Centre's laparoscopic videos as recorded."""

from collections.abc import Collection, Sequence
from pathlib import Path

from m3depth.data.recorded_sequences import (
    RecordedSequences,
    Recording,
    SplitVideo,
    StereoVideo,
    TwoVideos,
)
from m3depth.errors import DataError
from m3depth.geometry.rectification import StereoCalibration
from m3depth.io.calibration_text import Matrix, as_matrix, read_rows
from m3depth.io.listing import chosen, folders_with, natural_order
from m3depth.io.video import Video, side_by_side

SIDES = (("left", "right"), ("_l", "_r"))  # how the names of two videos end


class HamlynRaw(RecordedSequences):
    """Stereo videos with distortion, rectified here. There is no depth.

    On disk::

        ROOT/Dataset4/stereo.avi     both views side by side, left first; any name if it is the
                                     only video (or left.avi and right.avi, or *_L.avi and *_R.avi)
                      Left_Camera_Calibration_Intrinsic.txt    3 rows of K, a row of distortion
                      Right_Camera_Calibration_Intrinsic.txt
                      camera_extrinsic.txt                     3 rows of R, a row of T in mm

    ``X_right = R · X_left + T`` is what the set's public loaders take it for. A file that says the
    opposite has ``T[0] > 0`` and is refused; ``inverse_extrinsics`` reads it.

    Args:
        root: the folder of the sequences, or one sequence.
        sequences: names such as ``Dataset4``; all when empty.
        inverse_extrinsics: whether R and T lead from the right to the left camera.
        step: give out every ``step``-th frame.
        size, repeat: See `ListedFrames`.

    Raises:
        DataError: a folder, video or calibration is missing or wrong.
    """

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        sequences: Collection[str] = (),
        inverse_extrinsics: bool = False,
        step: int = 1,
        repeat: int = 1,
    ) -> None:
        found = folders_with(Path(root), "camera_extrinsic.txt")
        recordings = [
            _recording(name, folder, inverse_extrinsics)
            for name, folder in chosen(found, sequences, Path(root)).items()
        ]
        super().__init__(recordings, size, step, repeat)


def _recording(name: str, folder: Path, inverse: bool) -> Recording:
    video = _open(folder)
    height, width = video[0][0].shape[:2]
    k_left, bent_left = _intrinsics(folder / "Left_Camera_Calibration_Intrinsic.txt")
    k_right, bent_right = _intrinsics(folder / "Right_Camera_Calibration_Intrinsic.txt")
    path = folder / "camera_extrinsic.txt"
    rows = read_rows(path)
    rotation = as_matrix(rows[:3], (3, 3), f"{path}: R, rows 1 to 3")
    shift_mm = as_matrix(rows[3:4], (1, 3), f"{path}: T, row 4")[0]
    if inverse:
        rotation, shift_mm = rotation.T, -rotation.T @ shift_mm
    calibration = StereoCalibration.of(
        (k_left, k_right), (bent_left, bent_right), rotation, shift_mm, (height, width), str(path)
    )
    return Recording(name, folder, video, calibration)


def _intrinsics(path: Path) -> tuple[Matrix, list[float]]:
    rows = read_rows(path)
    if len(rows) < 4:
        raise DataError(f"{path}: {len(rows)} rows; expected 3 of K and 1 of distortion")
    return as_matrix(rows[:3], (3, 3), f"{path}: K, rows 1 to 3"), rows[3]


def _open(folder: Path) -> StereoVideo:
    videos = sorted(folder.glob("*.avi"), key=lambda path: natural_order(path.name))
    for side, other in SIDES:
        left, right = (
            [path for path in videos if path.stem.lower().endswith(end)] for end in (side, other)
        )
        if len(left) == len(right) == 1:
            return TwoVideos(Video(left[0]), Video(right[0]))
    stereo = [path for path in videos if path.stem == "stereo"] or videos
    if len(stereo) != 1:
        names = ", ".join(path.name for path in videos) or "none"
        raise DataError(
            f"{folder}: one stereo.avi or left.avi and right.avi expected, found {names}"
        )
    return SplitVideo(Video(stereo[0]), side_by_side)
