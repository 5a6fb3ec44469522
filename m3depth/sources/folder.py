"""Depth maps in the files of a folder as a source."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import torch
from torch import Tensor

from m3depth.errors import ConfigError, DataError
from m3depth.geometry.resizing import size_of
from m3depth.io.depth_files import read_depth_map
from m3depth.io.depth_meaning import KINDS, meaning_of
from m3depth.io.input_frames import PREDICTIONS, SHEET
from m3depth.sources.source import NoDepthError, Source
from m3depth.types import DepthMap, Kind, Scale, StereoBatch, StereoRig, same_shape
from m3depth.types.disparity import NEAREST_PARALLAX_PX
from m3depth.validation import require_number

SUFFIXES = (".npz", ".npy", ".tiff", ".tif", ".pfm", ".png")  # of two files of one name the first
DISPARITIES = (Kind.DISPARITY, Kind.FRACTION)

logger = logging.getLogger(__name__)


class FolderSource(Source):
    """Finds and reads the depth map of each frame.

    A frame's file is ``ROOT/KEY.npz`` (or .npy .tiff .pfm .png, 16 bits), or ``NAME.npz`` anywhere
    in ROOT with NAME the key's last part, if there is only one. A map may have any resolution of
    the frame's shape; disparity is in pixels of the map's own width. What the numbers are, and
    which are holes: see `read_depth_map`. A warning names the first file with each kind of fault.

    Args:
        predictions: The folder.
        kind: What the numbers are: one of `KINDS`. None: what the first file says of itself, else
            depth in mm.
        scale: What they are multiplied by to be that: 1000 turns metres into millimetres.

    Raises:
        DataError: No such folder, or no prediction in it.
        ConfigError: No such kind, or a scale that is no number above 0.
    """

    def __init__(
        self, predictions: str | Path, kind: str | None = None, scale: float = 1.0
    ) -> None:
        if not predictions:
            raise ConfigError("source=folder needs predictions=DIR, a folder of depth maps")
        if kind is not None and kind not in KINDS:
            raise ConfigError(f"kind={kind}: choose {', '.join(KINDS)}")
        require_number("scale", scale, 1e-9, 1e9)
        self.root, self.scale = Path(predictions), scale
        self._files = files_by_stem(self.root)
        self.kind = kind or _own_kind(next(iter(self._files.values())))
        self.model = f"{self.kind} in {self.root}" + ("" if scale == 1 else f" times {scale:g}")
        self._stems: dict[str, list[str]] = {}
        for stem in self._files:
            self._stems.setdefault(stem.rpartition("/")[2], []).append(stem)
        self._taken: dict[Path, tuple[str, int]] = {}  # by which frame, and its picture's checksum
        self._warned_of: set[str] = set()

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
        key = str(sample["key"])
        path, (height, width) = self._path(key, sample["left"]), size_of(sample["left"])
        rig = sample.get("rig")
        infinity = 0.0 if rig is None else float(rig.principal_offset) / width
        found = read_depth_map(path, self.kind, self.scale, infinity, self._warn)
        if found.known is not None and not found.known.any():
            raise NoDepthError(f"{path}: not one number above 0, so nothing is predicted")
        if not same_shape(found.size, (height, width)):
            raise DataError(
                f"{path}: {found.size[1]}x{found.size[0]}, but frame {key} is {width}x{height}: "
                "not the same shape, so one of them was cropped; predict the whole frame"
            )
        if rig is None:
            return found
        if found.kind not in DISPARITIES and bool(rig.stands_in(width)):
            raise DataError(
                f"frame {key} has no calibration, so kind={self.kind} cannot be compared; give the "
                "data set its rig or baseline_mm, or kind=disparity_px"
            )
        found = found.seen_by(rig.resized((height, width), found.size))
        return self._within_sight(path, found)

    def _within_sight(self, path: Path, found: DepthMap) -> DepthMap:
        """Without what lies so far away that its parallax says nothing: 1e9 mm is no depth."""
        rig, known = found.camera, found.known
        if found.kind in DISPARITIES or found.scale is not Scale.METRIC or rig is None:
            return found
        if known is None or not bool(rig.calibrated):
            return found
        near = known & (_parallax_px(found, rig) > NEAREST_PARALLAX_PX)
        if not near.any():
            raise NoDepthError(f"{path}: every number is too far to be a depth: kind=? scale=?")
        far = float((known & ~near).double().mean())
        if far:
            self._warn(
                path, "far", f"{far:.0%} of its numbers are too far, taken for not predicted"
            )
        return replace(found, known=near)

    def _warn(self, path: Path, name: str, fault: str) -> None:
        if name not in self._warned_of:
            self._warned_of.add(name)
            logger.warning("%s: %s (the first such file)", path, fault)

    def _path(self, key: str, image: Tensor) -> Path:
        """The frame's own file; one picture may come by two keys, as a frame and as an anchor."""
        last = key.rpartition("/")[2]
        found = [key] if key in self._files else self._stems.get(last, [])
        if not found:
            raise NoDepthError(f"no {key} and no {last} ({' '.join(SUFFIXES)}) in {self.root}")
        path = self._files[found[0]]
        picture = crc32(image.contiguous().numpy().tobytes())
        owner, owned = self._taken.setdefault(path, (key, picture))
        if len(found) > 1 or (owner != key and owned != picture):
            rivals = f"{found[0]} and {found[1]}" if len(found) > 1 else f"{owner} and {key}"
            raise DataError(
                f"{self.root}: {last} is ambiguous ({rivals}); name each file by its frame's whole "
                f"key: {key}{path.suffix}"
            )
        return path


def _own_kind(path: Path) -> str:
    """As the file says it; depth in mm where it says nothing."""
    with suppress(DataError):  # its frame says what is wrong with it
        said = meaning_of(path).kind
        return next(name for name, kind in KINDS.items() if kind is said)
    return "depth_mm"


def _parallax_px(found: DepthMap, rig: StereoRig) -> Tensor:
    """Of metric depth or inverse depth, beyond that of infinity; 0 where it is not known."""
    values = found.values
    if found.kind is Kind.DEPTH:
        values = torch.where(values > 0, 1 / values, 0.0)
    return rig.fx * rig.baseline_mm * values


def files_by_stem(root: Path) -> dict[str, Path]:
    """The depth files below a folder, by their paths in it without suffix.

    Raises:
        DataError: no such folder, or no depth file in it.
    """
    if root.is_file():
        raise DataError(
            f"predictions={root}: a file; depth is read from a folder with a file for each frame, "
            "named as the frame is: write each map of a stack (depth[i] of VGGT, Depth Anything 3) "
            "as DIR/NAME.npy, and say kind= and scale="
        )
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
