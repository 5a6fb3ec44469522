"""One depth map of somebody's file, and what is odd about it."""

from pathlib import Path

import numpy as np
import torch

from m3depth.io.depth_meaning import array_names, meaning_of, require_fitting
from m3depth.io.images import Array, read_depth_values
from m3depth.sources.source import NoDepthError
from m3depth.types import DepthMap, Kind, Scale


def read_map(
    path: Path, kind: str, factor: float = 1.0, infinity: float = 0.0
) -> tuple[DepthMap, dict[str, str]]:
    """The map (1, 1, h, w) in float64, without a camera, and its faults (see `odd`).

    An .npz, as `m3depth predict` writes it, has an array called as the kind, or a single one; it
    may say kind, scale and unit of its numbers (see `meaning_of`). A hole is what is not finite
    and, unless a shift is unknown, what is 0 or negative; its value is 0.

    Args:
        path: The file.
        kind: What the numbers are, of `KINDS`.
        factor: What they are multiplied by to be that.
        infinity: The disparity of infinity as a fraction of the width, which may lie below 0.

    Raises:
        NoDepthError: Every number is a hole.
        DataError: The file is unreadable, or contradicts ``kind``.
    """
    meaning = meaning_of(path, kind)
    numbers = read_depth_values(path, array_names(meaning.kind))
    factor *= meaning.factor
    if meaning.scale is Scale.UP_TO_SCALE_AND_SHIFT:
        faults: dict[str, str] = {}
        known = np.isfinite(numbers)
    else:
        width = {Kind.DISPARITY: numbers.shape[-1], Kind.FRACTION: 1}.get(meaning.kind, 0)
        least = min(0.0, infinity * width) / factor
        faults = odd(numbers, least)
        known = np.isfinite(numbers) & (numbers > least) & (numbers != 0)
    if not known.any():
        raise NoDepthError(f"{path}: not one number above 0, so nothing is predicted")
    values = np.where(known, numbers, 0).astype(np.float64) * factor
    if meaning.kind is not Kind.DEPTH:  # of depth in another unit the scores tell
        require_fitting(path, values[known], values.shape[1], meaning)
    tensors = (torch.from_numpy(one)[None, None] for one in (values, known))
    return DepthMap(next(tensors), meaning.kind, meaning.scale, known=next(tensors)), faults


def odd(numbers: Array, least: float = 0.0) -> dict[str, str]:
    """What a map holds that no prediction should, by a name for each fault.

    Args:
        numbers: The map.
        least: What no number may lie below: infinity, where that is negative.

    >>> odd(np.array([[50.0, -1.0]]))
    {'negative': '50% of its numbers are negative, which is taken for not predicted'}
    """
    found = {}
    number, whole = np.isfinite(numbers), numbers.dtype.kind in "iu"
    share = float((numbers < least).mean())
    if share:
        wrapped = ": int16 ends at 32767, did it wrap?" if numbers.dtype == np.int16 else ""
        found["negative"] = (
            f"{share:.0%} of its numbers are negative, which is taken for not predicted{wrapped}"
        )
    if numbers.dtype == np.float16 and np.isinf(numbers).any():
        found["float16"] = "inf in float16, which ends at 65504, is taken for not predicted"
    if whole and (numbers == np.iinfo(numbers.dtype).max).any():
        found["saturated"] = (
            f"{np.iinfo(numbers.dtype).max}, the largest that {numbers.dtype} can hold, is scored "
            "as it is: write 0 where nothing is predicted"
        )
    if numbers.size > 1 and number.all() and numbers.min() == numbers.max() > 0:
        found["constant"] = f"every number is {float(numbers.flat[0]):g}"
    return found
