"""Frames of one camera, in a folder or a video, whose depth is to be predicted."""

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.errors import ConfigError, DataError
from m3depth.io.images import IMAGE_SUFFIXES, colour_tensor, read_image, resize_image
from m3depth.io.listing import files_by_name
from m3depth.io.rig_file import read_rig
from m3depth.io.video import Video, VideoEndError
from m3depth.types import StereoBatch


class SingleViews(Dataset[StereoBatch]):
    """Left views without right ones: for `export`, and nothing to learn from.

    Frames are in natural order of their names, or in a video's own; a frame's key is ``ROOT's
    name/NAME``, so that they are one sequence.

    Args:
        root: A folder of images, or a video.
        size: (height, width) that the images and the rig are resized to; None keeps their own.
        rig: The ``rig.yaml`` (see `read_rig`) of the camera that took the frames, at their size
            or another of the same shape, which it is scaled from; its ``baseline_mm`` is that of
            the rig that the network was trained with. None is ``rig.yaml`` in the folder, or
            beside the video.
        count: How many frames, from the first; None is all.

    Raises:
        DataError: no such folder or video, no image in it, no calibration.
        ConfigError: more frames are asked for than there are, or a size that no image has.
    """

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None = None,
        rig: str | Path | None = None,
        count: int | None = None,
    ) -> None:
        self.root = Path(root)
        self.size = None if size is None else _size(size)
        self.names, self._frames = open_views(self.root)
        if count is not None and not 1 <= count <= len(self.names):
            raise ConfigError(f"data.test.count={count}: {self.root} has {len(self.names)} frames")
        self.names = self.names[:count]
        self.calibration = read_rig(_calibration(self.root, rig))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> StereoBatch:
        name = self.names[index]
        left = self._image(index)
        native = (left.shape[-2], left.shape[-1])
        rig = self.calibration.at(native, f"{self.root}, frame {name}")
        size = self.size or native
        return {
            "left": resize_image(left, size),
            "rig": rig.resized(native, size),
            "key": f"{self.root.resolve().stem}/{name}",
        }

    def _image(self, index: int) -> Float[Tensor, "3 h w"]:
        if not isinstance(self._frames, Video):
            return read_image(self._frames[index])
        try:
            return colour_tensor(self._frames[index], f"{self.root}, frame {self.names[index]}")
        except VideoEndError as error:
            raise VideoEndError(f"{error}, or set data.test.count to the frames it has") from None


def open_views(root: Path) -> tuple[list[str], list[Path] | Video]:
    """The frames of a folder or a video, and their names, which come first."""
    if root.is_file():
        video = Video(root)
        return [f"{number:06d}" for number in range(len(video))], video
    files = files_by_name(root, IMAGE_SUFFIXES)
    return list(files), list(files.values())


def _size(asked: Sequence[int]) -> tuple[int, int]:
    if len(asked) != 2 or min(asked) < 1:
        raise ConfigError(f"data.size={list(asked)}: expected [height, width] or null")
    return asked[0], asked[1]


def _calibration(root: Path, rig: str | Path | None) -> Path:
    if rig is not None:
        return Path(rig)
    beside = (root if root.is_dir() else root.parent) / "rig.yaml"
    if not beside.exists():
        raise DataError(
            f"{root}: no calibration, and depth in mm needs one: pass data.test.rig=PATH, or write "
            f"{beside} (fx fy cx cy baseline_mm width height)"
        )
    return beside
