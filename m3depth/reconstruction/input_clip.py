"""The frames of one camera in order: a video, a folder or a glob, without a calibration."""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.geometry.resizing import size_of
from m3depth.io.images import colour_tensor, resize_image
from m3depth.io.input_frames import ImageFiles, open_frames
from m3depth.io.rig_file import RigFile
from m3depth.io.video import Video
from m3depth.io.video_times import frame_times_s
from m3depth.types import StereoBatch
from m3depth.validation import require_size


class InputClip(Dataset[StereoBatch]):
    """What ``input=`` names, frame by frame; a video's have times.

    Args:
        source: A video, a folder of images or a glob: see `open_frames`.
        size: (height, width) that frames are resized to; None keeps their own.
        rig: Of the camera; None: not known.

    Raises:
        DataError: there is no such thing.
    """

    def __init__(
        self, source: str, size: Sequence[int] | None = None, rig: RigFile | None = None
    ) -> None:
        self.size = None if size is None else require_size("size", size)
        self.rig, self.source = rig, source
        opened = open_frames(source)
        self.video = None if isinstance(opened, ImageFiles) else Video(source)
        self.times_s = None if self.video is None else frame_times_s(self.video)
        self.files = list(opened) if isinstance(opened, ImageFiles) else []
        self.name = Path(source).resolve().stem if self.video or Path(source).is_dir() else "clip"

    def __len__(self) -> int:
        return len(self.files) if self.video is None else len(self.video)

    def __getitem__(self, index: int) -> StereoBatch:
        """One frame; raises DataError where it cannot be read."""
        place = range(len(self))[index]
        name, image = self._read(place)
        key = f"{self.name}/{name}"
        native = size_of(image)
        size = self.size or native
        sample = StereoBatch(left=resize_image(image, size), key=key)
        if self.rig is not None:
            sample["rig"] = self.rig.at(native, key).resized(native, size)
        if self.times_s is not None:
            sample["time_s"] = torch.tensor(float(self.times_s[place]))
        return sample

    def _read(self, place: int) -> tuple[str, Float[Tensor, "3 h w"]]:
        if self.video is None:
            return self.files[place].name, self.files[place].image
        name = f"{place:06d}"
        return name, colour_tensor(self.video[place], f"{self.source}, frame {name}")
