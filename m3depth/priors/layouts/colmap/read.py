"""How pipelines read COLMAP models."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m3depth.errors import DataError
from m3depth.priors.layouts.colmap.layout import MODEL
from m3depth.priors.layouts.colmap.model import CORNER, require_pycolmap
from m3depth.priors.layouts.files import along_z, frame, listed
from m3depth.priors.layouts.habits import ANOTHER_LAYOUT, NO_EXTENT, Habits, WhenStill
from m3depth.priors.layouts.masks import not_black
from m3depth.priors.layouts.scene import Map, PriorFrame, PriorScene, StatedCamera, meta_of, spread
from m3depth.priors.records import EXACT

Decoder = Callable[[str], Callable[[Map], Map]]


def colmap_scene(folder: Path, frames: int, habits: Habits) -> PriorScene:
    """A COLMAP model in ``sparse/0``, and our float depth beside it; see `Target`."""
    depth = f"{EXACT}/*.npy"
    return scene_of_model(folder, frames, habits, depth, lambda _: lambda stem: along_z)[0]


def scene_of_model(
    folder: Path,
    frames: int,
    habits: Habits,
    depth: str,
    decoders: Callable[[Path], Decoder],
) -> tuple[PriorScene, Any]:
    """The scene, and the camera of its first image.

    Args:
        folder: Of the scene.
        frames: Looked at.
        habits: See `Habits`.
        depth: The depth's files.
        decoders: Of the folder: for an image's stem how its depth file is read.
    """
    model = read_model(folder / MODEL)
    images, depths = listed(folder, "images/*"), listed(folder, depth)
    numbered = sorted(model.images.values(), key=lambda image: str(image.name))
    cameras = {str(one.name): model.cameras[one.camera_id] for one in numbered}
    masks = {path.name: path for path in folder.glob("masks/*.png")}
    decoder = decoders(folder)

    def load(index: int) -> PriorFrame:
        name = images[index].name
        decode = decoder(depths[index].stem)
        read = frame(images[index], depths[index], masks.get(f"{name}.png"), decode, not_black)
        return replace(read, camera=stated_camera(cameras.get(name)))

    scene = PriorScene(
        folder=folder,
        files={
            "images": images,
            depth.split("/")[0]: depths,
            MODEL: [folder / "images" / str(image.name) for image in numbered],
        },
        load=load,
        sample=spread(min(len(images), len(depths)), frames),
        habits=habits,
        poses=np.array([camera_to_world(image) for image in numbered]),
        unit_mm=float(meta_of(folder).get("unit_mm", 1.0)),
        untracked=[str(i.name) for i in numbered if not i.get_observation_points2D()],
        points=np.array([point.xyz for point in model.points3D.values()]).reshape(-1, 3),
    )
    return scene, next(iter(cameras.values()))


def gsplat() -> Habits:
    """Of gsplat's examples (``datasets/colmap.py``, ``datasets/normalize.py``)."""
    still = WhenStill(
        True,
        f"it divides the poses by their median distance from the centre and stops (LinAlgError); "
        f"without that, {NO_EXTENT}",
        f"{ANOTHER_LAYOUT} --no-normalize-world-space, and self.scene_scale in simple_trainer.py",
    )
    return Habits(name="gsplat", cull=0.01, needs_tracks=True, still=still)


def read_model(folder: Path) -> Any:
    """A model of pycolmap's.

    Raises:
        ConfigError: pycolmap is not installed.
        DataError: there is none in the folder, or it has no images.
    """
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


def camera_to_world(image: Any) -> NDArray[np.float64]:
    """The pose of one of its images."""
    world_to_camera = np.eye(4)
    world_to_camera[:3] = image.cam_from_world().matrix()
    return np.asarray(np.linalg.inv(world_to_camera), np.float64)


def stated_camera(camera: Any) -> StatedCamera | None:
    """Its pixel centres are at + 0.5; None for an image that the model does not have."""
    if camera is None:
        return None
    K = np.array(camera.calibration_matrix(), np.float64)
    K[:2, 2] -= CORNER
    return StatedCamera(K, (int(camera.height), int(camera.width)))
