"""Somebody's depth maps, from the files in a folder, as a source."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.errors import ConfigError, DataError
from m3depth.geometry.resizing import size_of
from m3depth.io.images import Array, read_depth_values
from m3depth.io.input_frames import PREDICTIONS, SHEET
from m3depth.sources.source import NoDepthError, Source
from m3depth.types import DepthMap, Kind, StereoBatch, StereoRig, same_shape
from m3depth.types.disparity import NEAREST_PARALLAX_PX
from m3depth.validation import require_number

SUFFIXES = (".npz", ".npy", ".tiff", ".tif", ".pfm", ".png")  # of two files of one name the first

Values = Float[Tensor, "1 1 h w"]

KINDS = {
    "depth_mm": Kind.DEPTH,
    "disparity_px": Kind.DISPARITY,  # of the file's width
    "inverse_depth": Kind.INVERSE_DEPTH,  # in 1/mm or, for a protocol that aligns, in any unit
}

log = logging.getLogger(__name__)


class FolderSource(Source):
    """Finds and reads the depth map of each frame.

    A frame's file is ``ROOT/KEY.npz`` (or .npy .tiff .pfm .png, 16 bits), or ``NAME.npz`` anywhere
    in ROOT with NAME the key's last part, if there is only one. An .npz, as `m3depth predict`
    writes it, has an array called as the kind, or a single one. What is 0, negative or not finite
    is a hole, see `scoring.score_depth`. A map may have any resolution of the frame's shape;
    disparity is in pixels of the map's own width. A warning names the first file with each kind of
    fault (`odd`); a map that is a hole everywhere counts as no prediction.

    Args:
        predictions: The folder.
        kind: What the numbers are: one of `KINDS`.
        scale: What they are multiplied by to be that: 1000 turns metres into millimetres.

    Raises:
        DataError: No such folder, or no prediction in it.
        ConfigError: No such kind, or a scale that is no number above 0.
    """

    def __init__(self, predictions: str | Path, kind: str = "depth_mm", scale: float = 1.0) -> None:
        if not predictions:
            raise ConfigError("source=folder needs predictions=DIR, a folder of depth maps")
        self.root, self.kind, self.scale = Path(predictions), kind, scale
        if kind not in KINDS:
            raise ConfigError(f"kind={kind}: choose {', '.join(KINDS)}")
        require_number("scale", scale, 1e-9, 1e9)
        self.model = f"{kind} in {self.root}" + ("" if scale == 1 else f" times {scale:g}")
        self._files = _files_by_stem(self.root)
        self._stems: dict[str, list[str]] = {}
        for stem in self._files:
            self._stems.setdefault(stem.rpartition("/")[2], []).append(stem)
        self._taken: dict[Path, str] = {}
        self._told: set[str] = set()

    @property
    def unused(self) -> list[str]:
        """The files that no frame asked for, as paths in the folder without suffix."""
        return sorted(stem for stem, path in self._files.items() if path not in self._taken)

    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        """Read the maps.

        Raises:
            NoDepthError: There is no file for a frame, or nothing in it.
            DataError: The file is ambiguous, unreadable or of another shape, or millimetres are
                given for a frame without a calibration.
        """
        return [self._map(sample) for sample in samples]

    def _map(self, sample: StereoBatch) -> DepthMap:
        key, kind = str(sample["key"]), KINDS[self.kind]
        path = self._path(key)
        image = size_of(sample["left"])
        rig = sample.get("rig")
        if rig is not None and kind is not Kind.DISPARITY and bool(rig.stands_in(image[1])):
            raise DataError(
                f"frame {key} has no calibration, so kind={self.kind} cannot be compared; give the "
                "data set its rig or baseline_mm, or kind=disparity_px"
            )
        values = self._read(path, 0.0 if rig is None else float(rig.principal_offset) / image[1])
        size = size_of(values)
        if not same_shape(size, image):
            raise DataError(
                f"{path}: {size[1]}x{size[0]}, but frame {key} is {image[1]}x{image[0]}: not the "
                "same shape, so one of them was cropped; predict the whole frame"
            )
        known = values != 0
        if rig is None:
            return DepthMap(values, kind, known=known)
        rig = rig.resized(image, size)
        if kind is not Kind.DISPARITY and bool(rig.calibrated):
            known = self._within_sight(path, values, rig)
        return DepthMap(values, kind, camera=rig, known=known)

    def _within_sight(self, path: Path, values: Values, rig: StereoRig) -> Bool[Tensor, "1 1 h w"]:
        """Without what lies so far away that its parallax says nothing: 1e9 mm is no depth."""
        given, inverse = values != 0, values
        if KINDS[self.kind] is Kind.DEPTH:
            inverse = torch.where(given, 1 / values, 0.0)
        near = given & (rig.fx * rig.baseline_mm * inverse > NEAREST_PARALLAX_PX)
        if not near.any():
            raise NoDepthError(f"{path}: every number is too far to be a depth: kind=? scale=?")
        far = float((given & ~near).double().mean())
        if far:
            self._tell(
                "far", path, f"{far:.0%} of its numbers are too far, taken for not predicted"
            )
        return near

    def _tell(self, what: str, path: Path, told: str) -> None:
        if what not in self._told:
            self._told.add(what)
            log.warning("%s: %s (told of the first such file)", path, told)

    def _read(self, path: Path, infinity: float) -> Values:
        """0 where nothing is predicted; ``infinity``: its disparity as a fraction of the width."""
        numbers = read_depth_values(path, (self.kind,))
        least = 0.0
        if KINDS[self.kind] is Kind.DISPARITY:  # infinity may lie below 0, as in raw SCARED
            least = min(0.0, infinity * numbers.shape[-1]) / self.scale
        for what, told in odd(numbers, least).items():
            self._tell(what, path, told)
        given = np.isfinite(numbers) & (numbers > least) & (numbers != 0)
        if not given.any():
            raise NoDepthError(f"{path}: not one number above 0, so nothing is predicted")
        kept = np.where(given, numbers, 0).astype(np.float64) * self.scale
        return torch.from_numpy(kept)[None, None]

    def _path(self, key: str) -> Path:
        last = key.rpartition("/")[2]
        found = [key] if key in self._files else self._stems.get(last, [])
        if not found:
            raise NoDepthError(f"no {key} and no {last} ({' '.join(SUFFIXES)}) in {self.root}")
        path = self._files[found[0]]
        owner = self._taken.setdefault(path, key)
        if len(found) > 1 or owner != key:
            rivals = f"{found[0]} and {found[1]}" if len(found) > 1 else f"{owner} and {key}"
            raise DataError(
                f"{self.root}: {last} is ambiguous ({rivals}); name each file by its frame's whole "
                f"key: {key}{path.suffix}"
            )
        return path


def _files_by_stem(root: Path) -> dict[str, Path]:
    """The files below a folder by their paths in it without suffix."""
    if not root.is_dir():
        raise DataError(f"predictions={root}: no such folder")
    found: dict[str, Path] = {}
    for suffix in SUFFIXES:
        for path in sorted(root.rglob(f"*{suffix}")):
            sheet = path.stem == SHEET and (path.parent / PREDICTIONS).exists()  # of `predict`
            if not path.name.startswith(".") and not (sheet and suffix == ".png"):
                found.setdefault(path.relative_to(root).as_posix().removesuffix(suffix), path)
    if not found:
        raise DataError(f"predictions={root}: no prediction there ({' '.join(SUFFIXES)})")
    return found


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
