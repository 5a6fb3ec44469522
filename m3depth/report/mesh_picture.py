"""A picture of a surface and of the path along it, drawn without a graphics card."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from m3depth.geometry.tsdf import Mesh, require_open3d
from m3depth.imaging.figures import Picture

WIDTH, HEIGHT = 640, 480
FOCAL = 560.0  # pixels
ASIDE = np.radians(35.0)  # from which side the surface is seen, about the downward axis
FURTHER = 1.25  # than where the surface just fills the picture
GROUND = 245  # grey, where there is no surface
PATH = (59, 130, 196)  # RGB
AMBIENT = 0.35  # of the light

Matrix4 = Float64[NDArray[np.float64], "4 4"]


class View(NamedTuple):
    """From where the picture is taken."""

    K: Float64[NDArray[np.float64], "3 3"]
    world_to_camera: Matrix4


def draw_mesh(mesh: Mesh, path: Float64[NDArray[np.float64], "n 3"], aside: bool) -> Picture:
    """The surface with the path, from where the cameras were or from aside.

    Args:
        mesh: Its world's y axis points down, as the first camera's does.
        path: Places of the cameras.
        aside: Whether the view is turned by `ASIDE`.
    """
    view = _view(mesh, path, ASIDE if aside else 0.0)
    picture = _shaded(mesh, view)
    places = path @ view.world_to_camera[:3, :3].T + view.world_to_camera[:3, 3]
    ahead = places[places[:, 2] > 0]
    pixels = (ahead @ view.K.T)[:, :2] / ahead[:, 2:]
    line = np.rint(pixels).astype(np.int32)[:, None]
    cv2.polylines(picture, [line], False, PATH, 2, cv2.LINE_AA)
    for place in line[:1, 0].tolist():
        cv2.circle(picture, place, 5, PATH, -1, cv2.LINE_AA)
    return picture


def _view(mesh: Mesh, path: NDArray[np.float64], turn: float) -> View:
    """Towards the middle of the surface, from so far away that surface and path are in view."""
    middle = np.median(mesh.points, axis=0)
    back = path.mean(0) - middle
    distance = max(float(np.linalg.norm(back)), 1e-9)
    turned = cv2.Rodrigues(np.array([0.0, turn, 0.0]))[0]
    forward = -(turned @ back) / distance
    right = np.cross([0.0, 1.0, 0.0], forward)
    right = right / max(float(np.linalg.norm(right)), 1e-9)
    axes = np.stack([right, np.cross(forward, right), forward])
    seen = (np.concatenate([mesh.points, path]) - middle) @ axes.T
    half = np.array([WIDTH, HEIGHT]) / 2 / FOCAL
    needed = np.percentile(np.abs(seen[:, :2]) / half - seen[:, 2:], 99.5)
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3] = axes
    world_to_camera[:3, 3] = -axes @ middle + np.array([0, 0, FURTHER * needed])
    K = np.array([[FOCAL, 0, WIDTH / 2 - 0.5], [0, FOCAL, HEIGHT / 2 - 0.5], [0, 0, 1]])
    return View(K, world_to_camera)


def _shaded(mesh: Mesh, view: View) -> Picture:
    """By rays (open3d's, on Embree): the corner's colours, lit from the viewer."""
    open3d = require_open3d()
    scene = open3d.t.geometry.RaycastingScene()
    points, triangles = mesh.points.astype(np.float32), mesh.triangles.astype(np.uint32)
    scene.add_triangles(open3d.core.Tensor(points), open3d.core.Tensor(triangles))
    cast = scene.create_rays_pinhole(
        open3d.core.Tensor(view.K), open3d.core.Tensor(view.world_to_camera), WIDTH, HEIGHT
    )
    hit = scene.cast_rays(cast)
    met = np.isfinite(hit["t_hit"].numpy())
    corners = mesh.triangles[hit["primitive_ids"].numpy()[met]]
    u, v = hit["primitive_uvs"].numpy()[met].T[..., None]
    first, second, third = (mesh.colours[corners[:, i]] for i in range(3))
    colours = (1 - u - v) * first + u * second + v * third
    normals, rays = hit["primitive_normals"].numpy()[met], cast.numpy()[met][:, 3:]
    cosine = np.abs((normals * rays).sum(1)) / np.linalg.norm(rays, axis=1)
    picture = np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)
    light = AMBIENT + (1 - AMBIENT) * cosine
    picture[met] = np.rint(255 * np.clip(colours * light[:, None], 0, 1)).astype(np.uint8)
    return picture
