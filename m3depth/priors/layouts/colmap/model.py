"""COLMAP models of known cameras, through pycolmap."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import NDArray

from m3depth.errors import ConfigError
from m3depth.priors.cloud import ColouredPoints, Indices, Points
from m3depth.priors.records import Record

CORNER = 0.5  # of a pixel whose centre is at 0 here, and at 0.5 in COLMAP


class Pinhole(NamedTuple):
    """A camera without distortion; pixel centres are integers here, COLMAP's are at + 0.5."""

    height: int
    width: int
    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def of(cls, camera: Record) -> "Pinhole":
        """Of a frame's record."""
        (fx, _, cx), (_, fy, cy), _ = camera["K_exact" if "K_exact" in camera else "K"]
        height, width = camera["size"]
        return cls(height, width, fx, fy, cx, cy)


def require_pycolmap() -> Any:
    """The library.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import pycolmap
    except ImportError:
        raise ConfigError(
            "COLMAP's files are written by pycolmap, which is not installed: "
            "pip install 'm3depth[colmap]'"
        ) from None
    return pycolmap


def model_files(
    records: Sequence[Record], cloud: ColouredPoints, seen: Sequence[Indices], text: bool
) -> dict[str, bytes]:
    """Cameras, images and points as the files of ``sparse/0``.

    A point's track are the images that it is seen in, each at the place that it projects to.

    Args:
        records: Of the frames, in the order of their numbers, which start at 1.
        cloud: In the poses' unit.
        seen: For each frame the indices of the points that are seen in it.
        text: As .txt, else as .bin.

    Raises:
        ConfigError: pycolmap is not installed.
    """
    model = _model(records, cloud, seen)
    with tempfile.TemporaryDirectory() as scratch:
        (model.write_text if text else model.write_binary)(scratch)
        return {path.name: path.read_bytes() for path in sorted(Path(scratch).iterdir())}


def _model(records: Sequence[Record], cloud: ColouredPoints, seen: Sequence[Indices]) -> Any:
    pycolmap = require_pycolmap()
    model = pycolmap.Reconstruction()
    numbers: dict[Pinhole, int] = {}
    tracks = [pycolmap.Track() for _ in cloud.points]
    for number, (record, points) in enumerate(zip(records, seen, strict=True), start=1):
        camera, name = Pinhole.of(record["camera"]), f"{record['name']}.png"
        if camera not in numbers:
            numbers[camera] = len(numbers) + 1
            model.add_camera_with_trivial_rig(_camera(camera, len(numbers)))
        image = pycolmap.Image(name=name, camera_id=numbers[camera], image_id=number)
        world_to_camera = np.linalg.inv(np.array(record["camera_to_world"]))[:3].astype(np.float64)
        places, inside = _projected(cloud.points[points], world_to_camera, camera)
        image.points2D = pycolmap.Point2DList([pycolmap.Point2D(xy) for xy in places[inside]])
        for place, point in enumerate(points[inside]):
            tracks[point].add_element(number, place)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(world_to_camera))
    for point, track, colour in zip(cloud.points, tracks, cloud.colours, strict=True):
        model.add_point3D(point, track, colour)
    return model


def _projected(
    points: Points, world_to_camera: Float64[NDArray[np.float64], "3 4"], camera: Pinhole
) -> tuple[Float64[NDArray[np.float64], "n 2"], Bool[NDArray[np.bool_], " n"]]:
    """Where the points are in a picture, in COLMAP's pixels, and which are within it.

    A point at the border may be the mean of several, some of which others see.
    """
    x, y, z = world_to_camera[:, :3] @ points.T + world_to_camera[:, 3:]
    ahead = z > 0
    depth = np.where(ahead, z, 1.0)
    across = camera.fx * x / depth + camera.cx + CORNER
    down = camera.fy * y / depth + camera.cy + CORNER
    within = (across >= 0) & (across < camera.width) & (down >= 0) & (down < camera.height)
    return np.stack([across, down], axis=1), ahead & within


def _camera(pinhole: Pinhole, number: int) -> Any:
    height, width, fx, fy, cx, cy = pinhole
    return require_pycolmap().Camera(
        model="PINHOLE",
        width=width,
        height=height,
        params=[fx, fy, cx + CORNER, cy + CORNER],
        camera_id=number,
    )
