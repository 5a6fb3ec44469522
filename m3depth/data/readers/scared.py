"""SCARED: stereo endoscopy with structured-light depth (MICCAI 2019 challenge)."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from m3depth.data.own_size import ListedFrames
from m3depth.data.readers.scared_sequence import Moment, Still, VideoSequence
from m3depth.errors import DataError
from m3depth.geometry.rectification import Rectification, rectification
from m3depth.io.images import colour_tensor
from m3depth.io.listing import folders_with, natural_order, refuse
from m3depth.log import warn_once
from m3depth.types import StereoBatch

BADLY_CALIBRATED = ("dataset_4/", "dataset_5/")


class Scared(ListedFrames[tuple[int, int]]):
    """Rectified pairs of SCARED's videos or keyframes, from the folder as downloaded.

    On disk::

        ROOT/dataset_N/keyframe_M/
            endoscope_calibration.yaml            OpenCV: M1 D1 M2 D2 R T (mm)
            Left_Image.png  Right_Image.png       1280x1024, as the cameras give them
            left_depth_map.tiff                   float32 h w 3: XYZ in mm, NaN = unknown
            data/rgb.mp4                          only some: 1280x2048, left view on top
            data/frame_data.tar.gz                frame_data%06d.json: calibration and pose
            data/scene_points.tar.gz              scene_points%06d.tiff: 2048x1280x3, left on top,
                                                  0 = unknown

    The archives are read as they are, or from folders beside them (``data/scene_points/``). A
    compressed archive is cheap in the order of its frames only, as tests read it; train without
    ``truth``, or on packed frames. ROOT may lie a level too deep or too shallow, and the folders
    may be called ``dataset3`` or ``test_dataset_8``: a frame's key is always
    ``dataset_3/keyframe_4/000389``, frames from 0; a keyframe's is
    ``dataset_3/keyframe_4/Left_Image``. Where video, poses and points differ in number, the
    smaller counts, and a line says so.

    Pictures are rectified as SCARED's tools do it (`Rectification`), with the frame's own
    calibration where it has one; points, given in the camera as it is, are carried along.
    ``camera-pose`` takes points from the world (of the keyframe) to the camera, as public loaders
    use it; samples have its inverse, for the rectified left camera, if all sequences have poses.

    Args:
        root: The folder.
        size: (height, width) of pictures and rig; None keeps the calibration's. Depth always
            has the calibration's.
        sequences: Names like ``dataset_1/keyframe_2``; when empty, those of ``frames``, or all.
        frames: Of these sequences only these frames, counted from 0.
        keyframes_only: The keyframes' still pictures instead of the videos.
        repeat: How often each frame comes up in one epoch.
        truth: Whether samples carry ``depth_mm``; all 0 where a frame has no points.

    Raises:
        DataError: what can be seen without decoding every frame is wrong: see the messages.
    """

    of_video: ClassVar[type[VideoSequence]] = VideoSequence

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        sequences: Collection[str] = (),
        frames: Mapping[str, Sequence[int]] | None = None,
        keyframes_only: bool = False,
        repeat: int = 1,
        truth: bool = True,
    ) -> None:
        self.root, self.truth = Path(root), truth
        found = _by_name(folders_with(self.root, "endoscope_calibration.yaml"))
        wanted = set(sequences or frames or found)
        refuse(sorted(wanted - found.keys(), key=natural_order), self.root, "no such sequence")
        kept = {name: folder for name, folder in found.items() if name in wanted}
        self.sequences = self._open(kept, keyframes_only)
        if not self.sequences:
            what = "keyframe" if keyframes_only else "video (data/rgb.mp4)"
            raise DataError(f"{self.root}: no {what} in {len(kept)} sequences")
        listed = [
            (place, number)
            for place, sequence in enumerate(self.sequences)
            for number in _numbers(sequence, {} if keyframes_only else frames or {})
        ]
        super().__init__(listed, size, repeat)
        self._posed = self._with_poses()
        _warn_of_bad_ones([sequence.name for sequence in self.sequences])

    def _read(self, frame: tuple[int, int]) -> StereoBatch:
        place, number = frame
        return self._sample(self.sequences[place].moment(number, self.truth))

    def _place(self, frame: tuple[int, int]) -> str:
        place, number = frame
        return f"{self.root.resolve()}/{self.sequences[place].name}/{number}"

    def _open(
        self, folders: Mapping[str, Path], keyframes_only: bool
    ) -> Sequence[Still | VideoSequence]:
        if keyframes_only:
            return [Still(name, folder) for name, folder in folders.items()]
        filmed = {n: f for n, f in folders.items() if (f / "data" / "rgb.mp4").is_file()}
        if bare := sorted(folders.keys() - filmed.keys(), key=natural_order):
            warn_once(f"{len(bare)} sequences have no video and are left out: {', '.join(bare)}")
        return [self.of_video.of(name, folder, self.truth) for name, folder in filmed.items()]

    def _with_poses(self) -> bool:
        """Whether all have poses; where one has none, all are left out, with a warning."""
        without = [sequence.name for sequence in self.sequences if not sequence.has_poses]
        if without and len(without) < len(self.sequences):
            warn_once(
                f"{self.root}: {len(without)} of {len(self.sequences)} sequences have no poses, "
                f"such as {without[0]}: poses are left out of all; choose sequences that have them"
            )
        return not without

    def _sample(self, moment: Moment) -> StereoBatch:
        rectified = rectification(moment.calibration)
        size = self.size or rectified.size
        sample: StereoBatch = {
            "left": colour_tensor(rectified.left(moment.left, size), moment.key),
            "right": colour_tensor(rectified.right(moment.right, size), moment.key),
            "rig": rectified.rig.resized(rectified.size, size),
            "key": moment.key,
        }
        if self.truth:
            sample["depth_mm"] = _depth(moment, rectified)
        if self._posed and moment.world_to_camera is not None:
            pose = torch.linalg.inv(torch.from_numpy(moment.world_to_camera))
            sample["camera_to_world"] = rectified.pose(pose).float()
        return sample


def _depth(moment: Moment, rectified: Rectification) -> Tensor:
    if moment.points_mm is None:
        return torch.zeros(1, *rectified.size)
    height, width = moment.points_mm.shape[:2]
    moment.calibration.check_size((height, width), f"{moment.key}: its points")
    return rectified.depth(torch.from_numpy(moment.points_mm))


def _by_name(folders: Sequence[Path]) -> dict[str, Path]:
    each = dict.fromkeys(folder.resolve() for folder in folders)  # links may lead to one twice
    found = {_name(folder): folder for folder in each}
    twice = [str(folder) for folder in each if folder not in found.values()]
    refuse(twice, folders[0].parent, "several sequences of one name")
    return dict(sorted(found.items(), key=lambda item: natural_order(item[0])))


def _name(folder: Path) -> str:
    """``dataset_N/keyframe_M``, by the last number in each folder's name."""
    digits = [re.findall(r"\d+", part) for part in (folder.parent.name, folder.name)]
    if not all(digits):
        raise DataError(f"{folder}: a sequence lies in dataset_N/keyframe_M; name it so")
    return f"dataset_{int(digits[0][-1])}/keyframe_{int(digits[1][-1])}"


def _numbers(sequence: Still | VideoSequence, frames: Mapping[str, Sequence[int]]) -> list[int]:
    if sequence.name not in frames:
        return list(sequence.numbers)
    wanted = sorted(set(frames[sequence.name]))
    there = set(sequence.numbers)
    kept = [frame for frame in wanted if frame in there]
    if len(kept) < len(wanted):
        warn_once(
            f"{sequence.name}: {len(wanted) - len(kept)} of {len(wanted)} listed frames lie "
            f"beyond the {len(there)} that are there, and are left out"
        )
    return kept


def _warn_of_bad_ones(names: Sequence[str]) -> None:
    if bad := [name for name in names if name.startswith(BADLY_CALIBRATED)]:
        warn_once(
            f"{len(bad)} sequences are of SCARED's datasets 4 and 5, whose calibration is known to "
            "be wrong; leave them out of stereo training and of scores in mm"
        )
