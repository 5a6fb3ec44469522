"""C3VD's lens over smaller pictures, and the built-in scenes seen through it."""

import cv2
import numpy as np
import torch

from m3depth.data.readers.c3vd import CAMERA
from m3depth.data.synthetic import render
from m3depth.data.synthetic.draw import stacked
from m3depth.data.synthetic.population import Population
from m3depth.geometry.fisheye import FisheyeCamera

WIDE = 0.3  # focal length over width of the picture that everything is sampled from: 118 degrees


def smaller(times: int) -> FisheyeCamera:
    """The same lens over a picture with that many times fewer pixels a side."""
    s = 1 / times
    return CAMERA._replace(
        width=CAMERA.width // times,
        height=CAMERA.height // times,
        cx=(CAMERA.cx + 0.5) * s - 0.5,
        cy=(CAMERA.cy + 0.5) * s - 0.5,
        a0=CAMERA.a0 * s,
        a2=CAMERA.a2 / s,
        a3=CAMERA.a3 / s**2,
        a4=CAMERA.a4 / s**3,
    )


class WideView:
    """A scene's picture and depth as smooth functions of the slopes x/z and y/z."""

    def __init__(self, index: int, size: tuple[int, int]) -> None:
        scene = Population.of("test", None, 0, 0, True).scene(index)
        focal = torch.full_like(scene.endoscope.focal, WIDE)
        scene = scene._replace(endoscope=scene.endoscope._replace(focal=focal))
        seen = render(stacked([scene]), size)
        self.rig, self.camera_to_world = seen.rig, seen.camera_to_world[0].double().numpy()
        self._image = seen.image.left[0].permute(1, 2, 0).numpy()
        self._depth = seen.depth_mm.left[0, 0].numpy()

    def at(self, right: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """RGB in [0, 1] and depth in mm; black and 0 beyond the picture."""
        ways = (
            np.nan_to_num(slope * float(focal) + float(centre), nan=-9).astype(np.float32)
            for slope, focal, centre in (
                (right, self.rig.fx, self.rig.cx),
                (down, self.rig.fy, self.rig.cy),
            )
        )
        across, along = ways
        image = cv2.remap(self._image, across, along, cv2.INTER_LINEAR)
        depth = cv2.remap(self._depth, across, along, cv2.INTER_LINEAR)
        height, width = self._depth.shape
        inside = (across >= 0) & (across <= width - 1) & (along >= 0) & (along <= height - 1)
        seen = inside & np.isfinite(depth)
        return np.where(seen[..., None], image, 0), np.where(seen, depth, 0)


def pixels(camera: FisheyeCamera) -> tuple[np.ndarray, np.ndarray]:
    """x and y of every pixel."""
    y, x = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    return x, y


def slopes(camera: FisheyeCamera, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels to slopes x/z and y/z; NaN where a pixel looks sideways or back (z <= 0)."""
    centred = np.stack([x - camera.cx, y - camera.cy]).reshape(2, -1)
    u, v = np.linalg.solve(camera.stretch(), centred)
    forward = camera.forward(np.hypot(u, v))
    forward[forward <= 0] = np.nan
    return (u / forward).reshape(x.shape), (v / forward).reshape(x.shape)
