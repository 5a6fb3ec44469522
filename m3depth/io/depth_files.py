"""Depth maps in files: the numbers, and beside them what they are."""

from pathlib import Path

import numpy as np
import torch

from m3depth.io.depth_meaning import KINDS, Meaning, array_names, meaning_of, require_fitting
from m3depth.io.files import write_npz
from m3depth.io.images import Array, read_depth_values
from m3depth.io.numpy_files import read_npz_arrays
from m3depth.types import DepthMap, Scale


def write_depth(path: Path, depth: DepthMap, **beside: Array) -> None:
    """Write one image's map as an .npz, in float32, with the arrays ``beside`` it.

    The numbers are called as in `KINDS`; ``error`` and ``known`` are there where the map has them,
    and `Meaning.text` says what the numbers are.
    """
    name = next(name for name, kind in KINDS.items() if kind is depth.kind)
    arrays = {name: depth.values[0, 0].float().cpu().numpy()}
    if depth.error is not None:
        arrays["error"] = depth.error[0, 0].float().cpu().numpy()
    if depth.known is not None:
        arrays["known"] = depth.known[0, 0].cpu().numpy()
    write_npz(path, **arrays, **Meaning(depth.kind, depth.scale).text(), **beside)


def read_depth_map(
    path: Path, kind: str | None = None, factor: float = 1.0, scale: Scale | None = None
) -> DepthMap:
    """One image's map in float64, without a camera.

    0 and not known is what is not finite and, unless a shift is unknown, what is not positive.

    Args:
        path: An .npz as `write_depth` leaves it, or another file of `read_depth_values`.
        kind: What the numbers are, of `KINDS`; None: the file says so.
        factor: What they are multiplied by first: 1000 turns metres into millimetres.
        scale: What is known of their scale where the file does not say it; None: they are metric.

    Raises:
        ConfigError: there is no such kind.
        DataError: see `meaning_of` and `read_depth_values`; or the numbers contradict the kind.
    """
    meaning = meaning_of(path, kind, scale)
    values = read_depth_values(path, array_names(meaning.kind)).astype(np.float64)
    values = values * (meaning.factor * factor)
    known = np.isfinite(values)
    if meaning.scale is not Scale.UP_TO_SCALE_AND_SHIFT:
        known &= values > 0
    beside = read_npz_arrays(path, ("error", "known")) if path.suffix == ".npz" else {}
    known &= beside.get("known", known) > 0
    require_fitting(path, values[known], values.shape[1], meaning)
    tensors = (torch.from_numpy(one)[None, None] for one in (np.where(known, values, 0), known))
    error = beside.get("error")
    return DepthMap(
        next(tensors),
        meaning.kind,
        meaning.scale,
        error=None if error is None else torch.from_numpy(error.astype(np.float64))[None, None],
        known=next(tensors),
    )
