"""The omnidirectional camera of OCamCalib, and the pinhole camera that its pictures become."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.types.camera import StereoRig

Doubles = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

STEPS_PER_PX = 16  # of the table that inverts the polynomial, which then errs by < 1e-3 px
LEAST_FORWARD = 0.01  # of a0; the table ends here, a little before 90 degrees


class FisheyeCamera(NamedTuple):
    """A camera with one viewpoint, as in Scaramuzza, Martinelli and Siegwart (2006).

    A pixel (x, y), integer centres, is first freed from the sensor's misalignment,
    ``(x - cx, y - cy) = [[c, d], [e, 1]] · (u, v)``; it then looks along
    ``(u, v, a0 + a2·rho² + a3·rho³ + a4·rho⁴)`` with ``rho = |(u, v)|``, in axes x right, y down,
    z forward. These are C3VD's axes (``python/exampleDataLoader.py`` of DurrLab/C3VD).
    """

    width: int
    height: int
    cx: float  # pixels
    cy: float  # pixels
    a0: float  # pixels: the focal length in the middle of the image
    a2: float  # 1 / pixels
    a3: float  # 1 / pixels²
    a4: float  # 1 / pixels³
    c: float
    d: float
    e: float

    def project(self, right: Doubles, down: Doubles) -> tuple[Doubles, Doubles]:
        """Slopes x/z and y/z to pixels; NaN where the slope lies beyond what the lens sees."""
        slope = np.hypot(right, down)
        radius = np.interp(slope, *_radius_of_slope(self), right=np.nan)
        # In the middle of the image, 0 / 0, the radius grows by a0 per unit of slope
        scale = np.divide(radius, slope, out=np.full_like(slope, self.a0), where=slope > 0)
        direction = np.stack([right * scale, down * scale]).reshape(2, -1)
        x, y = self.stretch() @ direction + [[self.cx], [self.cy]]
        return x.reshape(right.shape), y.reshape(right.shape)

    def pinhole(self, baseline_mm: float) -> StereoRig:
        """The camera whose picture `undistort_image` makes: the same size and centre, focal a0.

        With this focal length the middle keeps its size and everything else grows, so that
        bilinear sampling cannot alias. It sees ``2·atan(width / 2·a0)`` across, which for C3VD is
        83 by 70 of the lens's 126 by 91 degrees, and leaves no corner black.
        """
        return StereoRig.of(self.a0, self.a0, self.cx, self.cy, self.cx, baseline_mm)

    def stretch(self) -> Doubles:
        """What the sensor does to (u, v), 2 x 2."""
        return np.array([[self.c, self.d], [self.e, 1.0]])

    def forward(self, rho: Doubles) -> Doubles:
        """The z of a ray whose (u, v) is ``rho`` long, in pixels."""
        return self.a0 + rho**2 * (self.a2 + rho * (self.a3 + rho * self.a4))


def undistort_image(image: Float[Tensor, "3 h w"], camera: FisheyeCamera) -> Float[Tensor, "3 h w"]:
    """The picture as ``camera.pinhole`` would have taken it; black where the lens is blind."""
    import cv2

    pixels = image.permute(1, 2, 0).numpy()
    straight = cv2.remap(pixels, *_undistortion(camera), interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(straight).permute(2, 0, 1).contiguous()


def undistort_depth(depth: Float[Tensor, "1 h w"], camera: FisheyeCamera) -> Float[Tensor, "1 h w"]:
    """Depth along z on the pinhole's pixels, each from the nearest fisheye pixel; 0 = unknown.

    Both cameras share viewpoint and axes. A ray therefore keeps its point and its z, what hides
    what does not change, and every pinhole pixel looks one fisheye pixel up: there is nothing
    for a z-buffer to decide. Nearest, because a mean across an edge is the depth of nothing.
    """
    import cv2

    straight = cv2.remap(depth[0].numpy(), *_undistortion(camera), interpolation=cv2.INTER_NEAREST)
    return torch.from_numpy(straight)[None]


@lru_cache(maxsize=2)
def _undistortion(camera: FisheyeCamera) -> tuple[Singles, Singles]:
    """For every pixel of the pinhole, where it looks in the fisheye image."""
    y, x = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    seen = camera.project((x - camera.cx) / camera.a0, (y - camera.cy) / camera.a0)
    # -1 = nowhere: far enough outside for nothing to be blended in
    across, down = (np.nan_to_num(way, nan=-1.0).astype(np.float32) for way in seen)
    return across, down


@lru_cache(maxsize=2)
def _radius_of_slope(camera: FisheyeCamera) -> tuple[Doubles, Doubles]:
    """Slope and radius, from the middle to the farthest corner or to nearly 90 degrees."""
    across = max(camera.cx, camera.width - camera.cx)
    corner = np.hypot(across, max(camera.cy, camera.height - camera.cy))
    rho = np.linspace(0, corner, STEPS_PER_PX * int(np.ceil(corner)))
    forward = camera.forward(rho)
    sideways = np.flatnonzero(forward <= LEAST_FORWARD * camera.a0)
    seen = slice(sideways[0] if len(sideways) else len(rho))
    return rho[seen] / forward[seen], rho[seen]
