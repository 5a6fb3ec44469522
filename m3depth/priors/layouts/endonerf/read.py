"""EndoNeRF's layout read back, as our writer leaves it or as others do."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.poses import convention_named
from m3depth.io.calibration_text import as_matrix, read_json
from m3depth.io.images import IMAGE_SUFFIXES, check_alike, read_image, read_pixels
from m3depth.io.numpy_files import read_npy
from m3depth.io.poses_bounds import POSES
from m3depth.priors.edits import few
from m3depth.priors.layouts.endonerf.foreign import ForeignScene, foreign_cameras, require_size
from m3depth.priors.layouts.frame import ReadFrame
from m3depth.priors.layouts.masks import TOOL_IS_WHITE, polarity_said
from m3depth.priors.records import EXACT, FRAMES, read_record
from m3depth.priors.sound import scale_faults, stop_at

PARTS = ("images", "masks", "depth")
SAME_FOCAL = 1e-4  # of it

Posed = tuple[Float[Tensor, "4 4"], Float[Tensor, "3 3"]]  # camera-to-world and K


def read_endonerf(
    folder: Path, meta: Mapping[str, Any], foreign: ForeignScene, edited: Collection[str]
) -> list[ReadFrame]:
    """The frames of ``images``, ``masks`` and ``depth``, which must have the same names.

    With ``depth_meta.json`` the depth before rounding, each frame's exact K and pose and the masks'
    meaning are taken from our own files; but what somebody edited since, in ``depth`` or
    ``poses_bounds.npy``, is taken as it is now. Without, masks are EndoNeRF's (255 = tool), the
    principal point is (W / 2, H / 2) as EndoNeRF has it, and ``foreign`` says the rest.

    Raises:
        DataError: frames missing in one folder; a mask that is not of one channel and 0 and 255;
            other sizes; a unit or axes that nobody named.
    """
    names = _names(folder)
    if meta:
        depths = [_our_depth(folder, name, edited) for name in names]
        unit_mm, masks = 1.0, polarity_said(meta.get("mask_polarity"))
        cameras = _our_cameras(folder, names, meta, edited)
    else:
        depths = [folder / "depth" / name for name in names]
        told = foreign_cameras(folder, foreign)
        unit_mm, masks = told.unit_mm, TOOL_IS_WHITE
        cameras = [(pose, told.intrinsics) for pose in told.poses]
    if len(cameras) != len(names):
        raise DataError(
            f"{folder}: {len(names)} images, but {len(cameras)} poses; the layout wants one each"
        )
    frames = [
        _frame(folder, name, depth, *camera, used=masks.used, unit_mm=unit_mm)
        for name, depth, camera in zip(names, depths, cameras, strict=True)
    ]
    if meta:
        return [_with_deviation(frame, folder) for frame in frames]
    require_size(folder, told, frames[0].size)
    return frames


def _with_deviation(frame: ReadFrame, folder: Path) -> ReadFrame:
    """As the frame's record says it; earlier versions said none."""
    path = folder / FRAMES / f"{frame.key}.json"
    told = read_record(path).get("scale_deviation")
    deviation = None if told is None else float(told)
    stop_at(str(path), scale_faults(deviation))
    return frame._replace(scale_deviation=deviation)


def _our_depth(folder: Path, name: str, edited: Collection[str]) -> Path:
    """Before rounding, unless the rounded one is another by now and this one is not."""
    exact, rounded = f"{EXACT}/{Path(name).stem}.npy", f"depth/{name}"
    return folder / (rounded if rounded in edited and exact not in edited else exact)


def _our_cameras(
    folder: Path, names: Sequence[str], meta: Mapping[str, Any], edited: Collection[str]
) -> list[Posed]:
    """From the frames' records; poses that were edited since, from where the pipelines read them.

    Raises:
        DataError: a record that cannot be read, or edited poses in axes that nobody knows.
    """
    records = [_our_camera(folder / FRAMES / f"{Path(name).stem}.json") for name in names]
    if POSES not in edited:
        return records
    axes = convention_named(str(meta.get("pose_convention")))
    if axes is None:
        raise DataError(
            f"{folder / POSES}: changed since the export, in axes that depth_meta.json does not "
            "name; export the scene again"
        )
    found, theirs, *_ = foreign_cameras(folder, ForeignScene(1.0, axes))
    if len(found) != len(records):
        raise DataError(f"{folder / POSES}: {len(found)} poses, but {len(records)} frames")
    focal_px, written_px = float(theirs[0, 0]), float(records[0][1].diagonal()[:2].mean())
    if not abs(focal_px - written_px) <= SAME_FOCAL * written_px:  # NaN is not
        raise DataError(
            f"{folder / POSES}: the focal length was changed since the export, from "
            f"{written_px:.6g} to {focal_px:.6g} px; it is the camera's: write it back, "
            "or export with another rig"
        )
    # The file's world is the first camera's, since it says so: back into the data's own
    world = records[0][0] if "world" in meta else torch.eye(4)
    return [(world @ pose, exact) for pose, (_, exact) in zip(found, records, strict=True)]


def _frame(
    folder: Path,
    name: str,
    depth: Path,
    pose: Float[Tensor, "4 4"],
    intrinsics: Float[Tensor, "3 3"],
    *,
    used: int,
    unit_mm: float,
) -> ReadFrame:
    image = read_image(folder / "images" / name)
    use = _mask(folder / "masks" / name) == used
    values = read_npy(depth) if depth.suffix == ".npy" else read_pixels(depth)
    if values.ndim != 2:
        raise DataError(f"{depth}: shape {values.shape}; a depth map has one channel")
    depth_mm = torch.from_numpy(values.astype(np.float32))[None] * unit_mm
    check_alike(folder / "masks" / name, use, "the image", image)
    check_alike(depth, depth_mm, "the image", image)
    return ReadFrame(Path(name).stem, image, depth_mm, use, intrinsics, pose)


def _names(folder: Path) -> list[str]:
    found = {
        part: {p.name for p in (folder / part).glob("*") if p.suffix.lower() in IMAGE_SUFFIXES}
        for part in PARTS
    }
    everywhere = set.union(*found.values())
    for part, names in found.items():
        lacking = sorted(everywhere - names)
        if lacking:
            raise DataError(
                f"{folder / part}: without {few(lacking)}, which another of {', '.join(PARTS)} "
                "has; each frame needs all three"
            )
    return sorted(everywhere)


def _mask(path: Path) -> Tensor:
    values = read_pixels(path)
    if values.ndim != 2:
        raise DataError(f"{path}: {values.shape[2]} channels; save masks in grey, 0 and 255")
    others = set(np.unique(values).tolist()) - {0, 255}
    if others:
        raise DataError(
            f"{path}: the value {min(others)}; masks are 0 and 255: multiply those of 0 and 1"
        )
    return torch.from_numpy(values)[None]


def _our_camera(path: Path) -> Posed:
    """Pose and exact K, from the record of the frame itself."""
    record = read_json(path)
    camera = record.get("camera")
    exact = camera.get("K_exact") if isinstance(camera, dict) else None
    pose = as_matrix(record.get("camera_to_world"), (4, 4), f"{path}: camera_to_world")
    K = as_matrix(exact, (3, 3), f"{path}: camera.K_exact")
    return torch.from_numpy(pose).float(), torch.from_numpy(K).float()
