"""How pipelines read COLMAP models and clouds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m3depth.errors import DataError
from m3depth.io.calibration_text import as_matrix, read_json
from m3depth.priors.layouts.colmap.model import require_pycolmap
from m3depth.priors.layouts.files import along_z, frame, listed
from m3depth.priors.layouts.habits import Habits
from m3depth.priors.layouts.poses_bounds.read import full
from m3depth.priors.layouts.scene import (
    Map,
    PriorFrame,
    PriorScene,
    StatedCamera,
    meta_of,
    spread,
)

STEPS = 2**16


@dataclass(frozen=True)
class ColmapModel:
    """A COLMAP model in ``sparse/0``, and our float depth beside it."""

    habits: Habits
    depth: str = "depth_float/*.npy"

    def __call__(self, folder: Path, frames: int) -> PriorScene:
        """See `Target`."""
        model = _model(folder / "sparse" / "0")
        images, depths = listed(folder, "images/*"), listed(folder, self.depth)
        numbered = sorted(model.images.values(), key=lambda image: str(image.name))
        poses = [_camera_to_world(image) for image in numbered]
        camera = model.cameras[numbered[0].camera_id]
        decode = self.decoders(folder)
        cameras = {str(one.name): model.cameras[one.camera_id] for one in numbered}
        masks = {path.name: path for path in folder.glob("masks/*.png")}

        def load(index: int) -> PriorFrame:
            mask = masks.get(f"{images[index].name}.png")
            read = frame(images[index], depths[index], mask, decode(depths[index].stem), full)
            return replace(read, camera=_stated(cameras.get(images[index].name)))

        return PriorScene(
            folder=folder,
            files={
                "images": images,
                self.depth.split("/")[0]: depths,
                "sparse/0": [folder / "images" / str(image.name) for image in numbered],
            },
            load=load,
            sample=spread(min(len(images), len(depths)), frames),
            habits=self.habits,
            poses=np.array(poses),
            unit_mm=float(meta_of(folder).get("unit_mm", 1.0)),
            untracked=[str(i.name) for i in numbered if not i.get_observation_points2D()],
            points=np.array([point.xyz for point in model.points3D.values()]).reshape(-1, 3),
            **self.principal(camera),
        )

    def decoders(self, folder: Path) -> Callable[[str], Callable[[Map], Map]]:
        """For each image's stem how its depth file is read."""
        return lambda stem: along_z

    def principal(self, camera: Any) -> Mapping[str, Any]:
        """Where the principal point is, and where it is taken to be."""
        return {}


@dataclass(frozen=True)
class Graphdeco(ColmapModel):
    """The same with inverse depth in ``depths/`` and its scales beside the model."""

    depth: str = "depths/*.png"

    def decoders(self, folder: Path) -> Callable[[str], Callable[[Map], Map]]:
        """By ``depth_params.json``; a frame whose scale is not positive is left out: depth 0.

        Raises:
            DataError: it is missing, lacks a frame, or has one without two finite numbers.
        """
        path = folder / "sparse" / "0" / "depth_params.json"
        params = read_json(path)

        def decoder(stem: str) -> Callable[[Map], Map]:
            one = params.get(stem)
            if not isinstance(one, dict) or not {"scale", "offset"} <= one.keys():
                raise DataError(f"{path}: no scale and offset for {stem}; export it again")
            numbers = [one["scale"], one["offset"]]
            where = f"{path}: scale, offset of {stem}"
            scale, offset = (float(v) for v in as_matrix(numbers, (1, 2), where)[0])
            return lambda values: _from_inverse(values / STEPS * scale + offset, scale > 0)

        return decoder

    def principal(self, camera: Any) -> Mapping[str, Any]:
        """The reader has the field of view only."""
        return {
            "principal_px": (self.habits.middle(camera.width), self.habits.middle(camera.height)),
            "stated_px": (camera.principal_point_x - 0.5, camera.principal_point_y - 0.5),
        }


@dataclass(frozen=True)
class CloudFile:
    """An initial cloud alone."""

    habits: Habits = field(default_factory=Habits)

    def __call__(self, folder: Path, frames: int) -> PriorScene:
        """See `Target`."""
        import open3d

        path = listed(folder, "points3D.ply")[0]
        points = np.asarray(open3d.io.read_point_cloud(path).points)
        if not len(points):
            raise DataError(f"{path}: not one point; export it again")
        return PriorScene(
            folder=folder,
            files={},
            load=_no_frame,
            sample=(),
            habits=self.habits,
            points=points,
        )


def _no_frame(index: int) -> PriorFrame:
    raise IndexError(index)


def _model(folder: Path) -> Any:
    pycolmap = require_pycolmap()
    if not any((folder / f"images.{kind}").exists() for kind in ("bin", "txt")):
        raise DataError(f"{folder}: no COLMAP model (cameras, images, points3D); export it again")
    try:
        model = pycolmap.Reconstruction(str(folder))
    except (RuntimeError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[-1] if str(error) else type(error).__name__
        raise DataError(f"{folder}: not a COLMAP model ({reason}); export it again") from None
    if not model.num_images():
        raise DataError(f"{folder}: a COLMAP model without images; export it again")
    return model


def _camera_to_world(image: Any) -> NDArray[np.float64]:
    world_to_camera = np.eye(4)
    world_to_camera[:3] = image.cam_from_world().matrix()
    return np.asarray(np.linalg.inv(world_to_camera), np.float64)


def _stated(camera: Any) -> StatedCamera | None:
    """Its pixel centres are at + 0.5; None for an image that the model does not have."""
    if camera is None:
        return None
    K = np.array(camera.calibration_matrix(), np.float64)
    K[:2, 2] -= 0.5
    return StatedCamera(K, (int(camera.height), int(camera.width)))


def _from_inverse(inverse: Map, counts: bool) -> Map:
    return np.where((inverse > 0) & counts, 1 / np.where(inverse > 0, inverse, 1), 0.0)
