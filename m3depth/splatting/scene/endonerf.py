"""EndoNeRF's layout, as our writer leaves it or as others do."""

import json
from collections.abc import Mapping
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
from m3depth.splatting.scene.clip import Frame
from m3depth.splatting.scene.foreign import ForeignScene, foreign_cameras, unit_mm_of

PARTS = ("images", "masks", "depth")


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
        unit_mm, used = unit_mm_of(folder, foreign), 0
        poses, intrinsics = foreign_cameras(folder, foreign, unit_mm)
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
