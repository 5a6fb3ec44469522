"""EndoNeRF's layout, as our writer leaves it or as others do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.images import (
    IMAGE_SUFFIXES,
    check_alike,
    read_image,
    read_npy,
    read_pixels,
)
from m3depth.errors import DataError
from m3depth.priors.poses import PoseConvention
from m3depth.splatting.scene.clip import Frame

PARTS = ("images", "masks", "depth")


@dataclass(frozen=True)
class ForeignScene:
    """What a scene of EndoNeRF's layout leaves open when m3depth did not write it.

    Attributes:
        depth_unit_mm: Millimetres in one unit of the depth files and of the translations.
        pose_convention: The axes of its poses; only needed where the camera moves.
    """

    depth_unit_mm: float | None = None
    pose_convention: PoseConvention | None = None


def read_endonerf(folder: Path, meta: Mapping[str, Any], foreign: ForeignScene) -> list[Frame]:
    """The frames of ``images``, ``masks`` and ``depth``, which must have the same names.

    With ``depth_meta.json`` the depth before rounding, the exact K, the poses and the masks'
    meaning are taken from our own files. Without, masks are EndoNeRF's (255 = tool), the principal
    point is (W // 2, H // 2) as in all its readers, and ``foreign`` says the rest.

    Raises:
        DataError: frames missing in one folder; a mask that is not of one channel and 0 and 255;
            other sizes; a unit or axes that nobody named.
    """
    names = _names(folder)
    if meta:
        depths = [folder / "depth_float" / f"{Path(name).stem}.npy" for name in names]
        unit_mm, used = 1.0, 255 if str(meta["mask_polarity"]).startswith("255 = use") else 0
        poses, intrinsics = _our_poses(folder, names), torch.tensor(meta["K_exact"])
    else:
        depths = [folder / "depth" / name for name in names]
        unit_mm, used = _unit(folder, foreign), 0
        poses, intrinsics = _foreign_cameras(folder, foreign, unit_mm)
    if len(poses) != len(names):
        raise DataError(
            f"{folder}: {len(names)} images, but {len(poses)} poses; the layout wants one each"
        )
    parts = zip(names, depths, poses, repeat(intrinsics), strict=False)
    return [_frame(folder, *part, used=used, unit_mm=unit_mm) for part in parts]


def _frame(
    folder: Path,
    name: str,
    depth: Path,
    pose: Float[Tensor, "4 4"],
    intrinsics: Float[Tensor, "3 3"],
    *,
    used: int,
    unit_mm: float,
) -> Frame:
    image = read_image(folder / "images" / name)
    use = _mask(folder / "masks" / name) == used
    values = read_npy(depth) if depth.suffix == ".npy" else read_pixels(depth)
    if values.ndim != 2:
        raise DataError(f"{depth}: shape {values.shape}; a depth map has one channel")
    depth_mm = torch.from_numpy(values.astype(np.float32))[None] * unit_mm
    check_alike(folder / "masks" / name, use, "the image", image)
    check_alike(depth, depth_mm, "the image", image)
    return Frame(Path(name).stem, image, depth_mm, use, intrinsics, pose)


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
                f"{folder / part}: without {', '.join(lacking[:3])}"
                f"{f' and {len(lacking) - 3} more' if len(lacking) > 3 else ''}, which another of "
                f"{', '.join(PARTS)} has; each frame needs all three"
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


def _our_poses(folder: Path, names: list[str]) -> list[Tensor]:
    return [_our_pose(folder / "frames" / f"{Path(name).stem}.json") for name in names]


def _our_pose(path: Path) -> Float[Tensor, "4 4"]:
    try:
        return torch.tensor(json.loads(path.read_text("utf-8"))["camera_to_world"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: not a frame's record ({error}); copy the scene again") from None


def _unit(folder: Path, foreign: ForeignScene) -> float:
    if foreign.depth_unit_mm is None:
        raise DataError(
            f"{folder}: nobody says what one unit of its depth is (no depth_meta.json): set "
            "foreign.depth_unit_mm=MILLIMETRES"
        )
    return foreign.depth_unit_mm


def _foreign_cameras(
    folder: Path, foreign: ForeignScene, unit_mm: float
) -> tuple[list[Tensor], Float[Tensor, "3 3"]]:
    path = folder / "poses_bounds.npy"
    rows = read_npy(path)
    if rows.ndim != 2 or rows.shape[1] != 17:
        raise DataError(f"{path}: shape {rows.shape}; LLFF's poses and bounds are n x 17 numbers")
    matrices = torch.from_numpy(rows[:, :15].reshape(-1, 3, 5).astype(np.float32))
    height, width, focal = matrices[0, :, 4].tolist()
    intrinsics = torch.tensor([[focal, 0, width // 2], [0, focal, height // 2], [0, 0, 1]])
    if bool((matrices == matrices[0]).all()):
        return [torch.eye(4)] * len(matrices), intrinsics
    if foreign.pose_convention is None:
        raise DataError(
            f"{path}: the camera moves, and the same file means three things to its readers: set "
            "foreign.pose_convention._target_=m3depth.priors.poses.opengl (or opencv, llff)"
        )
    return [_opencv(one, foreign.pose_convention, unit_mm) for one in matrices], intrinsics


def _opencv(
    matrix: Float[Tensor, "3 5"], convention: PoseConvention, unit_mm: float
) -> Float[Tensor, "4 4"]:
    pose = torch.eye(4)
    pose[:3] = matrix[:, :4]
    # The columns are the target's axes, R·C with a permutation C: its inverse is its transpose
    pose[:3, :3] = pose[:3, :3] @ torch.tensor(convention.axes, dtype=torch.float32)
    pose[:3, 3] *= unit_mm
    return pose
