"""One Middlebury 2014 scene."""

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.own_size import ListedFrames
from m3depth.data.rectified_files import of_view
from m3depth.errors import DataError
from m3depth.geometry.plausible import Doubt, require_plausible
from m3depth.io.images import read_depth, read_image, resize_image
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import depth_from_disparity


class MiddleburyScene(ListedFrames[Path]):
    """A rectified pair with calibration and true disparity, from the folder as released.

    On disk::

        ROOT/im0.png  im1.png     left and right
        ROOT/calib.txt            cam0, cam1 (K of both views), doffs, baseline, width, height
        ROOT/disp0GT.pfm          left disparity in pixels, inf = unknown (or disp0.pfm)
        ROOT/mask0nocc.png        optional: 255 = seen by both cameras

    The views' principal points differ: ``cx_right - cx = doffs``, so that depth is
    ``b·f / (disparity + doffs)``, which `StereoRig` carries. Truth is given at its own resolution.

    Args:
        root: the scene's folder.
        size, repeat: See `ListedFrames`.
        visible_only: leave pixels that only one camera sees out of the scores.

    Raises:
        DataError: a file is missing or says something impossible.
    """

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        repeat: int = 1,
        visible_only: bool = False,
    ) -> None:
        self.root, self.visible_only = Path(root), visible_only
        super().__init__([self.root], size, repeat)
        self.rig, self.native = _read_calibration(self.root / "calib.txt")

    def _read(self, frame: Path) -> StereoBatch:
        left, right = self._image("im0.png"), self._image("im1.png")
        size = self.size or self.native
        sample: StereoBatch = {
            "left": resize_image(left, size),
            "right": resize_image(right, size),
            "rig": self.rig.resized(self.native, size),
            "key": self.root.resolve().name,
        }
        truths = (self.root / name for name in ("disp0GT.pfm", "disp0.pfm"))
        truth = next((path for path in truths if path.is_file()), None)
        if truth is not None:
            disparity_px = of_view(read_depth, truth, left)
            depth_mm = depth_from_disparity(disparity_px, self.rig)
            sample["depth_mm"] = torch.where(disparity_px > 0, depth_mm, 0.0)
            if self.visible_only:
                seen = of_view(read_image, self.root / "mask0nocc.png", left)
                sample["mask"] = seen.amin(0, keepdim=True) == 1  # 128: by one camera only
        return sample

    def _place(self, frame: Path) -> str:
        return str(frame.resolve())

    def _image(self, name: str) -> Float[Tensor, "3 h w"]:
        image = read_image(self.root / name)
        if image.shape[-2:] != self.native:
            (height, width), said = image.shape[-2:], self.native
            raise DataError(
                f"{self.root / name} is {width}x{height}, but calib.txt is for {said[1]}x{said[0]}"
                ": use the calibration of this resolution"
            )
        return image


def _read_calibration(path: Path) -> tuple[StereoRig, tuple[int, int]]:
    try:
        entries = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
        left, right = (
            [float(v) for v in re.findall(r"[-\d.eE+]+", entries[c])] for c in ("cam0", "cam1")
        )
        native = int(float(entries["height"])), int(float(entries["width"]))
        rig = StereoRig.of(
            fx=left[0],
            fy=left[4],
            cx=left[2],
            cy=left[5],
            cx_right=right[2],
            baseline_mm=float(entries["baseline"]),
        )
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); data.root is the scene's folder"
        ) from error
    except (KeyError, ValueError, IndexError) as error:
        raise DataError(f"{path}: not a Middlebury calibration: {error}") from error
    if rig.baseline_mm <= 0 or rig.fx <= 0:
        raise DataError(f"{path}: focal length and baseline must be positive, in px and mm")
    require_plausible(rig, native, str(path), refused=Doubt.UNLIKELY, endoscope=False)
    return rig, native
