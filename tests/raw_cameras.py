"""Two cameras as they come: distorted, turned against each other, with principal points apart.

They look at the built-in scenes: pictures are resampled from a wider rendering, points and true
depths are cast as rays on the scene itself, so that nothing here depends on what is tested.
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from scipy.spatial.transform import Rotation

from m3depth.data.synthetic.draw import seeded, stacked
from m3depth.data.synthetic.march import Rays, height_grid, march, refine
from m3depth.data.synthetic.rendering import render
from m3depth.data.synthetic.styles import PELVIS
from m3depth.data.synthetic.tissue_scene import Scene, draw_scene
from m3depth.data.synthetic.tools import meet
from m3depth.geometry.rectification import StereoCalibration
from m3depth.types.camera import StereoRig

WIDE = 0.74  # the focal length, over the width, of the rendering that pictures are taken from
DETAIL = 1.5  # its width over the raw pictures'
Vectors = np.ndarray


@dataclass(frozen=True)
class RawCameras:
    """K, distortion, and the turn from the ideal (rectified) left camera's axes, of both."""

    matrices: tuple[np.ndarray, np.ndarray]
    distortions: tuple[np.ndarray, np.ndarray]
    turns: tuple[np.ndarray, np.ndarray]  # X_raw = turn · (X_ideal - centre)
    baseline_mm: float
    size: tuple[int, int]

    @property
    def rotation(self) -> np.ndarray:
        """R of stereoCalibrate."""
        return self.turns[1] @ self.turns[0].T

    @property
    def translation_mm(self) -> np.ndarray:
        """T of stereoCalibrate."""
        return self.turns[1] @ np.array([-self.baseline_mm, 0.0, 0.0])

    def calibration(self) -> StereoCalibration:
        return StereoCalibration.of(
            self.matrices, self.distortions, self.rotation, self.translation_mm, self.size
        )

    def rays(self, view: int) -> Vectors:
        """(h·w, 3): where each raw pixel looks, z = 1, in the raw camera's axes."""
        height, width = self.size
        pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 1, 2)
        criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 50, 1e-10)
        flat = cv2.undistortPoints(
            pixels.astype(np.float64),
            self.matrices[view],
            self.distortions[view],
            criteria=criteria,
        )
        return np.concatenate([flat[:, 0], np.ones((height * width, 1))], axis=1)

    def photograph(self, picture: np.ndarray, ideal: StereoRig, view: int) -> np.ndarray:
        """What this view sees of a picture that an ideal pinhole camera in its place took."""
        looking = self.rays(view) @ self.turns[view]  # row vectors: the turn's transpose
        cx = ideal.cx_right if view else ideal.cx
        x = looking[:, 0] / looking[:, 2] * ideal.fx.item() + cx.item()
        y = looking[:, 1] / looking[:, 2] * ideal.fy.item() + ideal.cy.item()
        maps = [values.reshape(self.size).astype(np.float32) for values in (x, y)]
        assert min(m.min() for m in maps) >= 0, "the ideal picture is not wide enough"
        assert maps[0].max() < picture.shape[1]
        assert maps[1].max() < picture.shape[0]
        return cv2.remap(picture, *maps, cv2.INTER_CUBIC)


class RawFrame(NamedTuple):
    """What both raw cameras see of one moment."""

    pictures: tuple[np.ndarray, np.ndarray]  # uint8 h w 3, RGB
    points_mm: tuple[np.ndarray, np.ndarray]  # float32 h w 3, each in its raw camera's axes
    camera_to_world: np.ndarray  # 4 4, of the raw left camera


def raw_cameras(
    size: tuple[int, int] = (256, 320),
    baseline_mm: float = 4.4,
    turn_deg: float = 1.0,
    distortion: tuple[float, ...] = (-0.06, 0.03, 0.0008, -0.0006, 0.004),
    offset_px: float | None = None,
) -> RawCameras:
    """A da Vinci-like pair; ``offset_px`` is between the principal points, 7 % of the width."""
    height, width = size
    half = (0.07 * width if offset_px is None else offset_px) / 2
    left = np.array([[0.92 * width, 0, width / 2 + half], [0, 0.93 * width, 0.51 * height]])
    right = np.array([[0.925 * width, 0, width / 2 - half], [0, 0.922 * width, 0.49 * height]])
    angles = np.array([[0.2, -0.3, 0.1], [-0.4, 0.35, -0.3]])  # of each camera about x, y, z
    turns = Rotation.from_euler("xyz", angles * turn_deg, degrees=True).as_matrix()
    bottom = np.array([[0.0, 0.0, 1.0]])
    bent = np.array(distortion)
    return RawCameras(
        (np.concatenate([left, bottom]), np.concatenate([right, bottom])),
        (bent, bent * 1.1),
        (turns[0], turns[1]),
        baseline_mm,
        size,
    )


def scene_for(cameras: RawCameras, index: int = 0, tools: bool = False) -> Scene:
    """A built-in scene (a batch of one) under an endoscope wide enough for these cameras."""
    drawn = draw_scene(seeded("raw", index), seeded("endoscope", 0), PELVIS, tools)
    endoscope = drawn.endoscope._replace(
        focal=torch.tensor(WIDE), baseline_mm=torch.tensor(cameras.baseline_mm)
    )
    return stacked([drawn._replace(endoscope=endoscope)])


def look(scene: Scene, cameras: RawCameras, time_s: float = 0.0) -> RawFrame:
    """Both raw cameras' pictures and points; the scene's pose is the ideal left camera's."""
    moment = torch.tensor([time_s])
    wide = (int(cameras.size[0] * DETAIL), int(cameras.size[1] * DETAIL))
    ideal = render(scene, wide, moment, highlights=False)
    rig = StereoRig(*(value[0] for value in ideal.rig))
    views = [(v[0].permute(1, 2, 0) * 255).round().byte().numpy() for v in ideal.image]
    pose = scene.camera_to_world[0].double().numpy()
    points = []
    for view in (0, 1):
        rays = cameras.rays(view)
        centre = pose[:3, 3] + pose[:3, 0] * cameras.baseline_mm * view
        depth = cast(scene, centre, rays @ cameras.turns[view] @ pose[:3, :3].T, time_s)
        points.append((rays * depth[:, None]).reshape(*cameras.size, 3).astype(np.float32))
    raw_pose = pose.copy()
    raw_pose[:3, :3] = pose[:3, :3] @ cameras.turns[0].T
    left, right = (cameras.photograph(picture, rig, v) for v, picture in enumerate(views))
    return RawFrame((left, right), (points[0], points[1]), raw_pose)


def true_depth(
    scene: Scene,
    rig: StereoRig,
    size: tuple[int, int],
    camera_to_world: np.ndarray,
    time_s: float = 0.0,
) -> np.ndarray:
    """(h, w): the exact depth that a pinhole camera at this pose sees at its pixels' centres."""
    x, y = np.meshgrid(np.arange(size[1], dtype=np.float64), np.arange(size[0], dtype=np.float64))
    rays = np.stack(
        [(x - rig.cx.item()) / rig.fx.item(), (y - rig.cy.item()) / rig.fy.item(), np.ones_like(x)],
        axis=-1,
    ).reshape(-1, 3)
    turned = rays @ camera_to_world[:3, :3].T
    return cast(scene, camera_to_world[:3, 3], turned, time_s).reshape(size)


def cast(scene: Scene, centre: Vectors, directions: Vectors, time_s: float = 0.0) -> np.ndarray:
    """How many of its direction each ray takes to the scene's tissue or tools."""
    direction = torch.from_numpy(directions.T).float()[None]
    origin = torch.from_numpy(centre).float()[None, :, None].expand_as(direction)
    rays, moment = Rays(origin, direction), torch.tensor([time_s])
    grid = height_grid(scene.surface, rays, moment)
    tissue = refine(scene.surface, rays, march(grid, rays)[0], moment)
    return torch.minimum(tissue, meet(scene.tools.at(moment), rays).depth_mm)[0].double().numpy()
