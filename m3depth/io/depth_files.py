"""Depth maps in files: the numbers, and beside them what they are."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from m3depth.errors import DataError
from m3depth.io.depth_meaning import (
    KINDS,
    Meaning,
    array_names,
    in_metres,
    meaning_of,
    require_fitting,
)
from m3depth.io.files import write_npz
from m3depth.io.images import read_depth_values
from m3depth.io.numpy_files import Array, read_npz_arrays
from m3depth.io.odd_numbers import odd
from m3depth.types import DepthMap, Kind, Scale

NAMES = ("error", "known", "kind")
Warn = Callable[[Path, str, str], None]  # file, name of the fault, the fault in words

logger = logging.getLogger(__name__)


def write_depth(path: Path, depth: DepthMap, **beside: Array) -> None:
    """Write one image's map as an .npz, in float32, with the arrays ``beside`` it.

    The numbers are called as in `KINDS`; ``error`` and ``known`` are there where the map has them,
    and `Meaning.text` says what the numbers are.
    """
    name = next(name for name, kind in KINDS.items() if kind is depth.kind)
    arrays = {**beside, name: depth.values[0, 0].float().cpu().numpy()}
    if depth.error is not None:
        arrays["error"] = depth.error[0, 0].float().cpu().numpy()
    if depth.known is not None:
        arrays["known"] = depth.known[0, 0].cpu().numpy()
    write_npz(path, **arrays, **Meaning(depth.kind, depth.scale).text())


def read_depth_map(
    path: Path,
    kind: str | None = None,
    factor: float = 1.0,
    infinity: float = 0.0,
    warn: Warn = lambda path, _, fault: logger.warning("%s: %s", path, fault),
) -> DepthMap:
    """One image's map (1, 1, h, w) in float64, without a camera.

    A hole is what is not finite, what the file says is not known and, unless a shift is unknown,
    what is 0 or negative; its value is 0.

    Args:
        path: An .npz as `write_depth` leaves it, or another file of `read_depth_values`.
        kind: What the numbers are, of `KINDS`; None: the file says so.
        factor: What they are multiplied by to be that: 1000 turns metres into millimetres.
        infinity: The disparity of infinity as a fraction of the width; disparities lie above it,
            so that some are negative where it is.
        warn: Called for each fault of the numbers that does not keep them from being read.

    Raises:
        ConfigError: there is no such kind.
        DataError: see `meaning_of` and `read_depth_values`; or the numbers contradict the kind.
    """
    meaning = meaning_of(path, kind)
    numbers, factor = read_depth_values(path, array_names(meaning.kind)), factor * meaning.factor
    beside = _beside(path, meaning.kind, numbers.shape)
    known = np.isfinite(numbers) & (beside.get("known", np.True_) != 0)
    if meaning.scale is not Scale.UP_TO_SCALE_AND_SHIFT:
        width = {Kind.DISPARITY: numbers.shape[1], Kind.FRACTION: 1}.get(meaning.kind, 0)
        least = min(0.0, infinity * width) / factor
        known &= (numbers > least) & (numbers != 0)
        for name, fault in odd(numbers, least).items():
            warn(path, name, fault)
    values = np.where(known, numbers, 0).astype(np.float64) * factor
    require_fitting(path, values[known], values.shape[1], meaning, factor)
    if fault := in_metres(values[known], meaning, factor):
        warn(path, "unit", fault)
    error = beside.get("error")
    return DepthMap(
        torch.from_numpy(values)[None, None],
        meaning.kind,
        meaning.scale,
        error=None if error is None else torch.from_numpy(error * np.float64(factor))[None, None],
        known=torch.from_numpy(known)[None, None],
    )


def _beside(path: Path, kind: Kind, shape: tuple[int, ...]) -> dict[str, Array]:
    """``error`` and ``known`` of an .npz that says that its numbers are of this kind."""
    found = read_npz_arrays(path, NAMES) if path.suffix.lower() == ".npz" else {}
    if str(found.pop("kind", "")) != kind:
        return {}
    for name, array in found.items():
        if array.shape != shape or array.dtype.kind not in "biuf":
            raise DataError(f"{path}: {name} must have the shape of the numbers, {shape}")
    return found
