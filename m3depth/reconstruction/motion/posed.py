"""Cameras in others' files: TUM's text, a COLMAP model, an .npz."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from m3depth.errors import DataError
from m3depth.io.numpy_files import read_npz_arrays
from m3depth.io.tum import read_tum
from m3depth.priors.layouts.colmap.read import camera_to_world, read_model, stated_camera
from m3depth.priors.layouts.scene import StatedCamera
from m3depth.priors.sound import RIGID_TOLERANCE

POSES = ("camera_to_world", "extrinsics", "depth", "intrinsics", "names")  # of an .npz
VGGT = {"extrinsic": "extrinsics", "intrinsic": "intrinsics"}  # as it calls them
MODEL = "sparse/0"  # where a COLMAP model is, below its scene


class Posed(NamedTuple):
    """Cameras in order.

    Attributes:
        camera_to_world: OpenCV axes.
        names: Of their frames, without suffix; None: not said.
        time_s: Of their frames; None: not said.
        cameras: K and the (height, width) that it belongs to, where known.
        unit: Of the translations, as the file says it; "" where it does not.
    """

    camera_to_world: Float64[NDArray[np.float64], "n 4 4"]
    names: tuple[str, ...] | None = None
    time_s: Float64[NDArray[np.float64], " n"] | None = None
    cameras: tuple[StatedCamera, ...] | None = None
    unit: str = ""


def read_posed(path: Path) -> Posed:
    """Read a folder with a COLMAP model, an .npz, or else TUM's text.

    An .npz holds ``camera_to_world`` (n, 4, 4), or ``extrinsics`` (n, 3 or 4, 4) from the world to
    the camera, as Depth Anything 3 has them; with ``intrinsics`` (n, 3, 3) at the size of its
    ``depth`` (n, h, w), and ``names``, where they are there. VGGT's ``extrinsic``, ``intrinsic``
    and ``depth`` (n, h, w, 1) are the same.

    Raises:
        DataError: nothing there, or none of these.
    """
    if path.is_dir():
        return _colmap(path)
    if not path.is_file():
        raise DataError(
            f"poses={path}: no such file; a trajectory as TUM's text, an .npz or a COLMAP model"
        )
    if path.suffix == ".npz":
        return _arrays(path)
    timed = read_tum(path)
    return Posed(timed.camera_to_world, time_s=timed.time_s, unit=timed.unit)


def _colmap(folder: Path) -> Posed:
    inner = folder / MODEL
    model = read_model(inner if inner.is_dir() else folder)
    images = sorted(model.images.values(), key=lambda image: str(image.name))
    cameras = [stated_camera(model.cameras[image.camera_id]) for image in images]
    return Posed(
        np.array([camera_to_world(image) for image in images]),
        tuple(str(Path(str(image.name)).with_suffix("")) for image in images),
        cameras=tuple(one for one in cameras if one is not None),
    )


def _arrays(path: Path) -> Posed:
    found = read_npz_arrays(path, (*POSES, *VGGT))
    found = {VGGT.get(name, name): values for name, values in found.items()}
    if "camera_to_world" in found:
        poses = _squared(found["camera_to_world"], path)
    elif "extrinsics" in found:
        poses = np.asarray(np.linalg.inv(_squared(found["extrinsics"], path)), np.float64)
    else:
        raise DataError(f"{path}: neither camera_to_world nor extrinsics in it")
    names = tuple(map(str, found["names"])) if "names" in found else None
    cameras = None
    if {"depth", "intrinsics"} <= found.keys() and found["depth"].ndim >= 3:
        height, width = found["depth"].shape[1:3]
        matrices = found["intrinsics"].astype(np.float64)
        cameras = tuple(StatedCamera(K, (height, width)) for K in matrices)
    if any(one is not None and len(one) != len(poses) for one in (names, cameras)):
        raise DataError(f"{path}: {len(poses)} poses, and another number of names or intrinsics")
    return Posed(poses, names, cameras=cameras)


def _squared(given: NDArray[np.generic], path: Path) -> Float64[NDArray[np.float64], "n 4 4"]:
    if given.ndim != 3 or given.shape[1:] not in ((3, 4), (4, 4)) or not len(given):
        raise DataError(f"{path}: poses of the shape {given.shape}; expected n x 4 x 4")
    poses = np.tile(np.eye(4), (len(given), 1, 1))
    poses[:, :3] = given[:, :3]
    turns = poses[:, :3, :3]
    off = np.abs(turns @ turns.swapaxes(1, 2) - np.eye(3)).max()
    if not off < RIGID_TOLERANCE or (np.linalg.det(turns) < 0).any():  # NaN is not
        raise DataError(f"{path}: poses that are no rotation and translation")
    return poses
