"""Base class of the readers of rectified files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, TypeVar

from jaxtyping import Float
from torch import Tensor

from m3depth.data.own_size import ListedFrames
from m3depth.errors import DataError
from m3depth.geometry.plausible import Doubt, require_plausible
from m3depth.io.images import check_alike, read_depth, read_image, resize_image
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig


class FrameFiles(NamedTuple):
    """Where one frame lies, and the rig that saw it: nothing is decoded yet."""

    key: str
    left: Path
    right: Path | None  # None: a monocular set
    rig: StereoRig
    calibrated: tuple[int, int] | None = None  # (h, w) of `rig`; None: that of the images
    truth: Path | None = None  # the left view's depth or disparity, of the left image's size
    mask: Path | None = None  # what goes with it: occlusions, instruments

    def check_size(self, size: tuple[int, int]) -> None:
        """Refuse (`DataError`) another size than the calibration's: a silent error in mm."""
        if self.calibrated not in (None, size):
            height, width = self.calibrated or size
            raise DataError(
                f"{self.left}: {size[1]}x{size[0]}, but its calibration is for {width}x{height}; "
                "use the images as released"
            )


class RectifiedFiles(ListedFrames[FrameFiles]):
    """Frames in files, each with its rig; what else than depth a set has, it adds in `_complete`.

    A rig that no camera has is refused (`DataError`).

    Attributes:
        unit_mm: Millimetres in one unit of the files of depth.
    """

    unit_mm: float = 1.0
    endoscope: ClassVar[bool] = True  # whether the set's baseline must be one of an endoscope
    calibration_hint: ClassVar[str] = ""  # how the user may mend a calibration that no camera has

    def __init__(
        self, frames: Sequence[FrameFiles], size: Sequence[int] | None, repeat: int = 1
    ) -> None:
        super().__init__(frames, size, repeat)
        for frame in {id(frame.rig): frame for frame in frames}.values():
            if frame.calibrated is not None:
                self._require_plausible(frame, frame.calibrated)

    def _read(self, frame: FrameFiles) -> StereoBatch:
        left = read_image(frame.left)
        native = (left.shape[-2], left.shape[-1])
        frame.check_size(native)
        if frame.calibrated is None:  # only the images tell what size the rig is for
            self._require_plausible(frame, native)
        size = self.size or native
        rig = frame.rig.resized(native, size)
        sample: StereoBatch = {"left": resize_image(left, size), "rig": rig, "key": frame.key}
        if frame.right is not None:
            right = read_image(frame.right)
            check_alike(frame.right, right, "the left one", left)
            sample["right"] = resize_image(right, size)
        self._complete(sample, frame, left)
        return sample

    def _require_plausible(self, frame: FrameFiles, size: tuple[int, int]) -> None:
        require_plausible(
            frame.rig,
            size,
            f"{frame.left.parent}, calibration",
            refused=Doubt.UNLIKELY,
            endoscope=self.endoscope,
            hint=self.calibration_hint,
        )

    def _place(self, frame: FrameFiles) -> str:
        return str(frame.left.resolve())

    def _complete(
        self, sample: StereoBatch, frame: FrameFiles, left: Float[Tensor, "3 h w"]
    ) -> None:
        """Add depth, and masks, to the sample; ``left`` is the left image at its own size."""
        if frame.truth is not None:
            sample["depth_mm"] = of_view(read_depth, frame.truth, left) * self.unit_mm


Map = TypeVar("Map", bound=Tensor)


def of_view(
    read: Callable[[Path], Map], path: Path, left: Tensor, view: str = "the left image"
) -> Map:
    """What a file holds of each pixel of a view; a `DataError` where it is of another size."""
    found = read(path)
    check_alike(path, found, view, left)
    return found
