"""A folder of frames or a video of one camera, with or without its calibration, to learn from."""

from collections.abc import Sequence
from pathlib import Path

import torch

from m3depth.data.own_size import ListedFrames
from m3depth.data.readers.single_views import open_views
from m3depth.io.images import colour_tensor, read_image, resize_image
from m3depth.io.rig_file import RigFile, read_rig
from m3depth.io.video import Video
from m3depth.io.video_times import frame_times_s
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig


class OneCamera(ListedFrames[int]):
    """Frames in natural order of their names, or in a video's own, as one sequence.

    A frame's key is ``ROOT's name/NAME``. Without a calibration the rig is a stand-in
    (`StereoRig.uncalibrated`): for training that finds K itself. A video's frames have their time.
    """

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        rig: str | Path | None = None,
        first: int = 0,
        count: int | None = None,
        repeat: int = 1,
    ) -> None:
        """List the frames.

        Args:
            root: A folder of images, or a video.
            size: (height, width) of the images given out and of the rig; None keeps their own.
            rig: The camera's ``rig.yaml`` (`read_rig`), of any resolution of the frames' shape;
                None is the one in the folder, or beside the video, if there is one.
            first: Number of the first frame to use.
            count: How many frames from there; None is all.
            repeat: How often each frame comes up in one epoch.

        Raises:
            DataError: no such folder or video, no image in it, or a wrong calibration.
        """
        self.root = Path(root)
        self.names, self._views = open_views(self.root)
        last = len(self.names) if count is None else min(first + count, len(self.names))
        super().__init__(range(first, last), size, repeat)
        self.calibration = self._calibration(rig)
        self._times = frame_times_s(self._views) if isinstance(self._views, Video) else None

    def _read(self, frame: int) -> StereoBatch:
        where = f"{self.root}, frame {self.names[frame]}"
        if isinstance(self._views, Video):
            left = colour_tensor(self._views[frame], where)
        else:
            left = read_image(self._views[frame])
        native = (left.shape[-2], left.shape[-1])
        size = self.size or native
        sample = StereoBatch(
            left=resize_image(left, size),
            rig=self._rig(native, where).resized(native, size),
            key=f"{self.root.resolve().stem}/{self.names[frame]}",
        )
        if self._times is not None:
            sample["time_s"] = torch.tensor(float(self._times[frame]))
        return sample

    def _place(self, frame: int) -> str:
        if isinstance(self._views, Video):
            return f"{self.root.resolve()}/{frame}"
        return str(self._views[frame].resolve())

    def _rig(self, native: tuple[int, int], where: str) -> StereoRig:
        if self.calibration is None:
            return StereoRig.uncalibrated(native[1], native[0])
        return self.calibration.at(native, where)

    def _calibration(self, rig: str | Path | None) -> RigFile | None:
        if rig is not None:
            return read_rig(Path(rig))
        beside = (self.root if self.root.is_dir() else self.root.parent) / "rig.yaml"
        return read_rig(beside) if beside.exists() else None
