"""From a calibrated stereo camera as it is to a rectified pair: pictures and points."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.plausible import Doubt, require_plausible
from m3depth.geometry.z_buffer import splat_depth
from m3depth.types.camera import StereoRig

Array = npt.NDArray[Any]
Numbers = tuple[float, ...]
Values = Array | Sequence[Any]  # numbers, nested as they come
ROTATION_OFF = 0.01  # a file that left digits out passes
DISTORTION_COUNTS = (4, 5, 8, 12, 14)  # that OpenCV's pinhole model knows


@dataclass(frozen=True)
class StereoCalibration:
    """Two cameras as OpenCV's ``stereoCalibrate`` describes them; make one with `of`.

    Convention: ``X_right = R · X_left + T``, so that a normal rig has ``T[0] < 0``.
    """

    matrices: tuple[Numbers, Numbers]  # K of the left and the right camera, row by row, in pixels
    distortions: tuple[Numbers, Numbers]  # k1 k2 p1 p2 [k3 [k4 k5 k6 ...]]
    rotation: Numbers  # R, row by row
    translation_mm: Numbers
    size: tuple[int, int]  # (height, width) in pixels that all of this holds for
    source: str = field(default="stereo calibration", compare=False)  # what messages call it

    @classmethod
    def of(
        cls,
        matrices: Sequence[Values],
        distortions: Sequence[Values],
        rotation: Values,
        translation_mm: Values,
        size: tuple[int, int],
        source: str = "stereo calibration",
    ) -> Self:
        """One from arrays; pairs are (left, right), distortions and translation of any layout.

        Raises:
            DataError: another count of numbers, a number that is not finite, no K or a
                transposed one, an R that is no rotation, or a right camera that is not to the right
                of the left.
        """

        def numbers(name: str, values: Values, counts: Sequence[int]) -> Numbers:
            flat = np.asarray(values, dtype=np.float64).ravel()
            if flat.size not in counts or not np.isfinite(flat).all():
                wanted = " or ".join(map(str, counts))
                raise DataError(f"{source}: {name} must be {wanted} finite numbers, has {flat}")
            return tuple(flat.tolist())

        left, right = (numbers("K", matrix, (9,)) for matrix in matrices)
        bent_left, bent_right = (
            numbers("the distortion", values, DISTORTION_COUNTS) for values in distortions
        )
        turned, shift = numbers("R", rotation, (9,)), numbers("T", translation_mm, (3,))
        made = cls((left, right), (bent_left, bent_right), turned, shift, size, source)
        made._check()
        return made

    def _check(self) -> None:
        """Refuse numbers from which OpenCV would make some rig all the same."""
        for matrix in self.matrices:
            if min(matrix[0], matrix[4]) <= 0:
                raise DataError(f"{self.source}: a focal length in K is not positive")
            if not np.allclose(matrix[6:], (0, 0, 1)):
                raise DataError(f"{self.source}: K's last row must be 0 0 1; is K transposed?")
        turn, shift = _square(self.rotation), self.translation_mm
        if np.abs(turn @ turn.T - np.eye(3)).max() > ROTATION_OFF or np.linalg.det(turn) < 0:
            raise DataError(f"{self.source}: R is no rotation (R Rᵀ = 1, determinant 1)")
        if shift[0] >= 0 or abs(shift[1]) > -shift[0]:
            shown = ", ".join(f"{value:g}" for value in shift)
            raise DataError(
                f"{self.source}: T is ({shown}) mm, but a camera to the right of the left one has "
                "a negative T[0]; swap left and right, or give T from left to right"
            )
        length = float(np.linalg.norm(shift))
        for (fx, _, cx, _, fy, cy, *_), side in zip(self.matrices, ("left", "right"), strict=True):
            rig = StereoRig.of(fx, fy, cx, cy, cx, length)
            where = f"{self.source}, {side} camera"
            require_plausible(rig, self.size, where, refused=Doubt.UNLIKELY)

    def check_size(self, size: tuple[int, int], where: str) -> None:
        """Refuse (`DataError`) a frame of another (height, width) than the calibration's."""
        if size != self.size:
            (height, width), (h, w) = size, self.size
            raise DataError(
                f"{where}: the frame is {width}x{height}, but {self.source} is for {w}x{h}; "
                "give both at one size"
            )


class Rectification:
    """A rectified pair of pinhole cameras, and how to get there; `rectification` keeps them.

    OpenCV's ``stereoRectify`` with ``alpha=0``: no pixel of either view is without a source. The
    rectified left camera sits where the left camera sits, turned by ``rotation``.
    """

    rig: StereoRig  # at `size`
    size: tuple[int, int]  # (height, width), the calibration's own
    rotation: Float[Tensor, "3 3"]  # X_rectified = rotation · X_left

    def __init__(self, calibration: StereoCalibration) -> None:
        """Compute both cameras, with one principal point, as SCARED's tools have it."""
        import cv2

        self.calibration, self.size = calibration, calibration.size
        matrices = [_square(values) for values in calibration.matrices]
        bent = [np.array(values) for values in calibration.distortions]
        r1, r2, p1, p2, _, _, _ = cv2.stereoRectify(
            *(matrices[0], bent[0], matrices[1], bent[1], self.size[::-1]),
            R=_square(calibration.rotation),
            T=np.array(calibration.translation_mm)[:, None],
            flags=cv2.CALIB_ZERO_DISPARITY,
            alpha=0,
        )
        self.rig = StereoRig.of(
            p1[0, 0], p1[1, 1], p1[0, 2], p1[1, 2], p2[0, 2], -p2[0, 3] / p2[0, 0]
        )
        self._turns, self.rotation = (r1, r2), torch.from_numpy(r1)

    def left(self, pixels: Array, size: tuple[int, int] | None = None) -> Array:
        """The left picture (h w or h w c, any type OpenCV remaps) rectified, at ``size``.

        Rectifying and resizing is one resampling, after the picture has been shrunk by the whole
        factor that fits, so that small pictures are low-pass filtered; ``size=None`` is the
        calibration's own. The rig beside it is ``rig.resized(self.size, size)``.
        """
        return self._moved(0, pixels, size or self.size)

    def right(self, pixels: Array, size: tuple[int, int] | None = None) -> Array:
        """The same for the right picture."""
        return self._moved(1, pixels, size or self.size)

    def depth(self, points_mm: Float[Tensor, "h w 3"]) -> Float[Tensor, "1 {self.size[0]} _"]:
        """Points in the left camera's own frame as a rectified depth map, at `size`.

        Points that are NaN or 0 (both mean unknown) or behind the camera are left out; where
        several meet, the nearest wins. Depth 0 = unknown.
        """
        known = torch.isfinite(points_mm).all(-1) & (points_mm[..., 2] != 0)
        seen = points_mm[known].double() @ self.rotation.T
        return splat_depth(seen[seen[:, 2] > 0], self.rig, self.size)

    def pose(self, camera_to_world: Float[Tensor, "4 4"]) -> Float[Tensor, "4 4"]:
        """The rectified left camera's pose, from that of the left camera as it is."""
        pose = camera_to_world.double().clone()
        pose[:3, :3] = pose[:3, :3] @ self.rotation.T
        return pose.to(camera_to_world.dtype)

    def _moved(self, view: int, pixels: Array, size: tuple[int, int]) -> Array:
        import cv2

        self.calibration.check_size((pixels.shape[0], pixels.shape[1]), "picture to rectify")
        factor = self._shrink(size)
        x, y = _maps(self, view, size, factor)
        shrunk = _shrunk(pixels, factor)
        moved: Array = cv2.remap(shrunk, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return moved

    def _shrink(self, size: tuple[int, int]) -> int:
        """By how much a source picture may be shrunk before its pixels are larger than wanted."""
        wanted = self.rig.resized(self.size, size)
        fx, fy = wanted.fx.item(), wanted.fy.item()
        ratios = [min(k[0] / fx, k[4] / fy) for k in self.calibration.matrices]
        return max(1, int(min(ratios) + 0.25))


@lru_cache(maxsize=64)
def rectification(calibration: StereoCalibration) -> Rectification:
    """The `Rectification` of a calibration, made once in each process."""
    return Rectification(calibration)


@lru_cache(maxsize=32)  # of 1280x1024: 10 MB each
def _maps(of: Rectification, view: int, size: tuple[int, int], factor: int) -> tuple[Array, Array]:
    """Where in the shrunk source picture every pixel of the rectified one lies."""
    import cv2

    wanted = of.rig.resized(of.size, size)
    wanted = wanted._replace(cx=wanted.cx_right) if view else wanted
    x, y = cv2.initUndistortRectifyMap(
        _square(of.calibration.matrices[view]),
        np.array(of.calibration.distortions[view]),
        of._turns[view],
        wanted.matrix().double().numpy(),
        size[::-1],
        cv2.CV_32FC1,
    )
    return (x + 0.5) / factor - 0.5, (y + 0.5) / factor - 0.5


def _shrunk(pixels: Array, factor: int) -> Array:
    """The means of ``factor`` by ``factor`` pixels, those of a cut block at the end left out."""
    import cv2

    while factor > 1:
        step = 2 if factor % 2 == 0 else factor  # OpenCV halves twice in a third of the time
        height, width = pixels.shape[0] // factor, pixels.shape[1] // factor
        whole = pixels[: height * factor, : width * factor]
        factor //= step
        pixels = cv2.resize(whole, (width * factor, height * factor), interpolation=cv2.INTER_AREA)
    return pixels


def _square(values: Numbers) -> Array:
    return np.array(values).reshape(3, 3)
