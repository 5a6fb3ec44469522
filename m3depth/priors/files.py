"""What `predict` leaves per frame: the numbers and, if wanted, a cloud."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from m3depth.errors import DataError
from m3depth.imaging.bytes import to_picture
from m3depth.io.depth_files import write_depth
from m3depth.io.files import Array, write_bytes
from m3depth.priors.cloud import back_projected, ply
from m3depth.priors.prior import DepthPrior
from m3depth.types import DepthMap, Kind


def write_prediction(prior: DepthPrior, stem: Path, ply: bool = False) -> None:
    """Write ``stem.npz`` and, on ``ply``, ``stem.ply``; pictures are drawn when all are there.

    The .npz holds float32 ``depth_mm``, ``disparity_px``, ``confidence`` (h, w), ``intrinsics``
    (3, 3) and ``scale_deviation`` (). Without a calibration ``depth_mm`` and ``intrinsics`` are
    left out, without a baseline ``disparity_px``, and ``confidence`` and ``scale_deviation`` where
    the source does not say them. ``kind``, ``scale`` and ``unit`` say what the depth, or else the
    disparity, is. The .npz comes last.

    Args:
        prior: The prediction.
        stem: The files' path without suffix.
        ply: Also write the points, in millimetres in the left camera's frame, with their colours.

    Raises:
        UserError: the folder cannot be written to, or ``ply`` without a calibration.
    """
    if ply:
        prior.require_millimetres()
        write_bytes(beside(stem, ".ply"), _ply(prior))
    write_depth(beside(stem, ".npz"), _depth(prior), **arrays(prior))


def write_relative(found: DepthMap, stem: Path) -> None:
    """Write ``stem.npz`` of one image's map without a scale: ``inverse_depth``, and what it is."""
    relative = found.to(Kind.INVERSE_DEPTH) if found.kind is Kind.DEPTH else found.relative()
    write_depth(beside(stem, ".npz"), relative)


def read_numbers(stem: Path) -> Mapping[str, Array]:
    """The maps of ``stem.npz``: confidence, and depth, or else disparity or inverse depth.

    Raises:
        DataError: it is not there any more, or damaged.
    """
    path = beside(stem, ".npz")
    try:
        with np.load(path, allow_pickle=False) as saved:
            maps = ("depth_mm", "disparity_px", "inverse_depth")
            first = next(name for name in maps if name in saved)
            return {name: saved[name] for name in (first, "confidence") if name in saved}
    except (OSError, ValueError, StopIteration, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read any more ({error})") from None


def arrays(prior: DepthPrior) -> dict[str, Array]:
    """The numbers by their names in the .npz."""
    found = {"disparity_px": prior.disparity_px, "confidence": prior.confidence}
    if prior.in_millimetres:
        found["depth_mm"] = prior.depth_mm
    known = {name: maps[0] for name, maps in found.items() if maps is not None}
    if prior.in_millimetres and not prior.rig.stands_in(prior.size[1]):
        known["intrinsics"] = prior.rig.matrix()
    if prior.scale_deviation is not None:
        known["scale_deviation"] = torch.tensor(prior.scale_deviation)
    return {name: values.numpy().astype(np.float32) for name, values in known.items()}


def beside(stem: Path, suffix: str) -> Path:
    """The file of this stem; a name may hold a dot, so it is not `with_suffix`."""
    return stem.with_name(stem.name + suffix)


def _depth(prior: DepthPrior) -> DepthMap:
    if prior.in_millimetres or prior.disparity_px is None:
        return DepthMap(prior.depth_mm[None], Kind.DEPTH)
    return DepthMap(prior.disparity_px[None], Kind.DISPARITY)


def _ply(prior: DepthPrior) -> bytes:
    depth_mm = prior.depth_mm[0].numpy()
    K = prior.rig.matrix().double().numpy()
    return ply(back_projected(depth_mm, to_picture(prior.image), depth_mm > 0, K, np.eye(4)))
