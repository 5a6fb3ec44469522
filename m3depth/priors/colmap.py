"""COLMAP models of known cameras, through pycolmap."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from m3depth.errors import ConfigError
from m3depth.priors.cloud import Cloud


class Pinhole(NamedTuple):
    """A camera without distortion; pixel centres are integers here, COLMAP's are at + 0.5."""

    height: int
    width: int
    fx: float
    fy: float
    cx: float
    cy: float


class Picture(NamedTuple):
    """An image that was taken by a camera at a pose."""

    name: str
    camera: Pinhole
    camera_to_world: Float64[NDArray[np.float64], "4 4"]


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


def model_files(pictures: Sequence[Picture], cloud: Cloud, text: bool) -> dict[str, bytes]:
    """Cameras, images and points as the files of ``sparse/0``; points have no tracks.

    Args:
        pictures: In the order of their numbers, which start at 1.
        cloud: In the poses' unit.
        text: As .txt, else as .bin.

    Raises:
        ConfigError: pycolmap is not installed.
    """
    model = _model(pictures, cloud)
    with tempfile.TemporaryDirectory() as scratch:
        (model.write_text if text else model.write_binary)(scratch)
        return {path.name: path.read_bytes() for path in sorted(Path(scratch).iterdir())}


def _model(pictures: Sequence[Picture], cloud: Cloud) -> Any:
    pycolmap = require_pycolmap()
    model = pycolmap.Reconstruction()
    numbers: dict[Pinhole, int] = {}
    for number, picture in enumerate(pictures, start=1):
        if picture.camera not in numbers:
            numbers[picture.camera] = len(numbers) + 1
            model.add_camera_with_trivial_rig(_camera(picture.camera, len(numbers)))
        image = pycolmap.Image(
            name=picture.name, camera_id=numbers[picture.camera], image_id=number
        )
        world_to_camera = np.linalg.inv(picture.camera_to_world)[:3]
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(world_to_camera))
    for point, colour in zip(cloud.points, cloud.colours, strict=True):
        model.add_point3D(point, pycolmap.Track(), colour)
    return model


def _camera(pinhole: Pinhole, number: int) -> Any:
    height, width, fx, fy, cx, cy = pinhole
    return require_pycolmap().Camera(
        model="PINHOLE",
        width=width,
        height=height,
        params=[fx, fy, cx + 0.5, cy + 0.5],
        camera_id=number,
    )
