"""StereoMIS: porcine surgery by a da Vinci Xi, with the camera's motion."""

import configparser
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from m3depth.data.recorded_sequences import RecordedSequences, Recording, SplitVideo
from m3depth.errors import DataError
from m3depth.geometry.rectification import Rectification, StereoCalibration
from m3depth.io.calibration_text import as_matrix, read_rows, read_text
from m3depth.io.images import read_mask
from m3depth.io.listing import chosen, folders_with
from m3depth.io.video import Video, stacked
from m3depth.log import warn_once
from m3depth.types import StereoBatch

QUATERNION_OFF = 0.05  # digits that a file left out pass


class StereoMis(RecordedSequences):
    """Stacked stereo video with tool masks and poses by robot kinematics. There is no depth.

    On disk::

        ROOT/P1/*.mp4                    left view above, right view below
                StereoCalibration.ini    [StereoLeft], [StereoRight]: res_*, fc_*, cc_*, kc_0 ...;
                                         R_0 to R_8 and T_0 to T_2 (mm) of StereoRight
                groundtruth.txt          optional: t tx ty tz qx qy qz qw, camera to world, metres
                masks/000001l.png        optional, not of every frame: 255 = tissue, else 0

    Poses are taken for the rectified left view's, as the authors use them; frame n's mask and pose
    for those of number n. One reader of the set measured that the masks of P2_* are numbered one
    higher and that poses lag by about 4 frames: ``mask_shift=1``, ``pose_shift=-4`` follow it.
    Masks of half the video's size are taken to be in the rectified left view, as the authors'
    preprocessing writes them; those of the video's own size are rectified here. A frame without a
    mask shows no tool.

    Args:
        root: the folder of the sequences, or one sequence.
        sequences: names such as ``P2_0``; all when empty.
        mask_shift: the number of a frame's mask, less the frame's.
        pose_shift: the row of a frame's pose, less the frame's number; the first is 0.
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
        mask_shift: int = 0,
        pose_shift: int = 0,
        step: int = 1,
        repeat: int = 1,
    ) -> None:
        self.mask_shift, self.pose_shift = mask_shift, pose_shift
        found = chosen(folders_with(Path(root), "StereoCalibration.ini"), sequences, Path(root))
        self._poses = {name: _read_poses(folder) for name, folder in found.items()}
        recordings = [
            Recording(
                name,
                folder,
                SplitVideo(_only_video(folder), stacked),
                _read_calibration(folder / "StereoCalibration.ini"),
            )
            for name, folder in found.items()
        ]
        super().__init__(recordings, size, step, repeat)
        for recording in recordings:
            self._tell_without_mask(recording)

    def _tell_without_mask(self, recording: Recording) -> None:
        masks = recording.folder / "masks"
        numbers = [number for one, number in self.frames if one is recording]
        bare = [n for n in numbers if not self._mask(masks, n).is_file()] if masks.is_dir() else []
        if bare:
            warn_once(
                f"{masks}: none for {len(bare)} of {len(numbers)} frames, the first "
                f"{self._mask(masks, bare[0]).name}: they are taken to show no tool"
            )

    def _mask(self, masks: Path, number: int) -> Path:
        return masks / f"{number + self.mask_shift:06d}l.png"

    def _usable(self, recording: Recording) -> range:
        poses, count = self._poses[recording.name], len(recording.video)
        if poses is None:
            return range(count)
        usable = range(max(0, -self.pose_shift), min(count, len(poses) - self.pose_shift))
        if len(usable) < count:
            counts = f"{count} frames of video, {len(poses)} poses shifted by {self.pose_shift}"
            warn_once(
                f"{recording.folder}: {counts}; {len(usable)} frames have a pose and are used"
            )
        return usable

    def _complete(
        self, sample: StereoBatch, recording: Recording, number: int, cameras: Rectification
    ) -> None:
        poses = self._poses[recording.name]
        if poses is not None:
            sample["camera_to_world"] = poses[number + self.pose_shift]
        masks = recording.folder / "masks"
        if masks.is_dir():
            shape = sample["left"].shape
            sample["tool"] = _tool(self._mask(masks, number), cameras, (shape[-2], shape[-1]))


def _tool(path: Path, cameras: Rectification, size: tuple[int, int]) -> Bool[Tensor, "1 h w"]:
    if not path.is_file():
        return torch.zeros(1, *size, dtype=torch.bool)
    tool = ~read_mask(path)
    native, half = cameras.size, (cameras.size[0] // 2, cameras.size[1] // 2)
    found = (tool.shape[-2], tool.shape[-1])
    if found == native:
        tool = torch.from_numpy(cameras.left(tool[0].numpy().astype(np.uint8)) > 0)[None]
    elif found != half:
        raise DataError(f"{path}: {found[1]}x{found[0]}; masks are {native[1]}x{native[0]} or half")
    return functional.interpolate(tool[None].float(), size, mode="area")[0] > 0


def _only_video(folder: Path) -> Video:
    videos = sorted(folder.glob("*.mp4"))
    if len(videos) != 1:
        names = ", ".join(path.name for path in videos) or "none"
        raise DataError(f"{folder}: one .mp4 expected, found {names}")
    return Video(videos[0])


def _read_poses(folder: Path) -> Float[Tensor, "n 4 4"] | None:
    from scipy.spatial.transform import Rotation

    path = folder / "groundtruth.txt"
    if not path.is_file():
        return None
    rows = read_rows(path)
    table = as_matrix(rows, (len(rows), 8), str(path))
    lengths = np.linalg.norm(table[:, 4:], axis=1)
    off = lengths[np.abs(lengths - 1) > QUATERNION_OFF]
    if len(off):
        raise DataError(f"{path}: a quaternion of length {off[0]:.3g}, not 1; copy the file again")
    poses = np.tile(np.eye(4), (len(table), 1, 1))
    poses[:, :3, 3] = 1000 * table[:, 1:4]  # metres
    poses[:, :3, :3] = Rotation.from_quat(table[:, 4:]).as_matrix()  # x y z w
    return torch.from_numpy(poses).float()


def _read_calibration(path: Path) -> StereoCalibration:
    entries = configparser.ConfigParser(interpolation=None)
    try:
        entries.read_string(read_text(path))
    except configparser.Error as error:
        raise DataError(f"{path}: not an INI file ({' '.join(str(error).split())})") from None

    def numbers(section: str, keys: Sequence[str]) -> list[float]:
        try:
            return [float(entries[section][key]) for key in keys]
        except KeyError as error:
            raise DataError(f"{path}: [{section}] lacks {error}; copy the file again") from None
        except ValueError as error:
            raise DataError(f"{path}: [{section}]: {error}; a number is expected") from None

    matrices, distortions = [], []
    for section in ("StereoLeft", "StereoRight"):
        fx, fy, cx, cy = numbers(section, ["fc_x", "fc_y", "cc_x", "cc_y"])
        matrices.append([fx, 0, cx, 0, fy, cy, 0, 0, 1])
        given = sum(key.startswith("kc_") for key in entries[section])
        distortions.append(numbers(section, [f"kc_{i}" for i in range(max(5, given))]))
    width, height = numbers("StereoLeft", ["res_x", "res_y"])
    rotation = numbers("StereoRight", [f"R_{i}" for i in range(9)])
    shift_mm = numbers("StereoRight", [f"T_{i}" for i in range(3)])
    size = (int(height), int(width))
    return StereoCalibration.of(matrices, distortions, rotation, shift_mm, size, str(path))
