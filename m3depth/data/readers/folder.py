"""A folder of rectified pairs, with or without calibration and ground truth."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.data.held_out import held_out
from m3depth.data.own_size import ListedFrames
from m3depth.errors import ConfigError, DataError
from m3depth.io.images import (
    DEPTH_SUFFIXES,
    IMAGE_SUFFIXES,
    MASK_SUFFIXES,
    check_alike,
    read_depth,
    read_image,
    read_mask,
    resize_image,
)
from m3depth.io.listing import files_by_name, folders_of_data, refuse
from m3depth.io.rig_file import RigFile, read_rig
from m3depth.log import warn_once
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig, same_shape

CALIBRATION = {".yaml", ".yml", ".json", ".txt", ".xml", ".ini", ".npz", ".mat"}
LAYOUT = ("left", "right", "depth", "mask")


class FolderPairs(ListedFrames[str]):
    """Rectified stereo pairs from files.

    Layout::

        ROOT/left/NAME.png   ROOT/right/NAME.png    same names, same sizes; png jpg jpeg tif bmp
        ROOT/rig.yaml                               optional: fx fy cx cy [cx_right] [baseline_mm]
                                                    width height, in pixels and millimetres
        ROOT/depth/NAME.{npy,npz,png,tiff,pfm}      optional: left view, mm along z, 0 = unknown
        ROOT/mask/NAME.{png,npy,npz}                optional: 0 = leave out of scores and priors

    Without ``rig.yaml`` the rig is `StereoRig.uncalibrated`. Frames are in natural order of their
    names, and a frame's key is ``ROOT's name/NAME``. An .npz has one array, or one that is called
    ``depth_mm``, ``depth`` or ``mask``. Files and folders that are not used are
    named in a warning.

    Args:
        root: The folder.
        size: (height, width) that both images and the rig are resized to; None keeps their own.
        only: The names to use; all when empty.
        without: Names to leave out.
        repeat: How often each frame comes up in one epoch.
        truth: Whether samples carry ``depth_mm`` and ``mask``, at the files' own resolution, when
            the folder has them. A frame without a file there is unknown, or used, everywhere.
        hold_out: The share of the pairs that is kept from training (`m3depth.data.held_out`); the
            others are used. 0 or None: all are.
        trained: The folder that is trained on, for a set to validate or test on. Where it is this
            one, the pairs that are held out are used; else all are.

    Raises:
        DataError: what can be seen without decoding every image is wrong: see the messages.
    """

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        only: Collection[str | int] = (),
        without: Collection[str | int] = (),
        repeat: int = 1,
        truth: bool = True,
        hold_out: float | None = None,
        trained: str | Path | None = None,
    ) -> None:
        self.root = Path(root)
        self._left = files_by_name(self.root / "left", IMAGE_SUFFIXES)
        self._right = files_by_name(self.root / "right", IMAGE_SUFFIXES)
        self._depth: dict[str, Path] = {}
        self._mask: dict[str, Path] = {}
        if truth:
            self._depth = files_by_name(self.root / "depth", DEPTH_SUFFIXES, required=False)
            self._mask = files_by_name(self.root / "mask", MASK_SUFFIXES, required=False)
            _tell_other_folders(self.root)
        self.names = self._chosen(_names("only", only), _names("without", without))
        if hold_out and (trained is None or same_folder(trained, root)):
            kept = set(held_out(self.names, hold_out))
            self.names = [name for name in self.names if (name in kept) == (trained is not None)]
            if not self.names:
                raise DataError(f"{root}: a single pair cannot be held out; set data.hold_out=0")
        super().__init__(self.names, size, repeat)
        self.calibration = self._calibration()

    def _read(self, frame: str) -> StereoBatch:
        left, right = read_image(self._left[frame]), read_image(self._right[frame])
        check_alike(self._right[frame], right, "the left one", left)
        native = (left.shape[-2], left.shape[-1])
        if self.calibration is None:
            rig = StereoRig.uncalibrated(native[1], native[0])
        else:
            self.calibration.check_size(native, str(self._left[frame]))
            rig = self.calibration.rig
        size = self.size or native
        sample: StereoBatch = {
            "left": resize_image(left, size),
            "right": resize_image(right, size),
            "rig": rig.resized(native, size),
            "key": f"{self.root.resolve().name}/{frame}",
        }
        if self._depth:
            sample["depth_mm"] = self._depth_mm(frame, native)
        if self._depth or self._mask:
            sample["mask"] = self._used(frame, sample.get("depth_mm", left))
        return sample

    def _place(self, frame: str) -> str:
        return os.path.realpath(self._left[frame])

    def _depth_mm(self, name: str, native: tuple[int, int]) -> Float[Tensor, "1 H W"]:
        if name not in self._depth:
            return torch.zeros(1, *native)
        depth_mm = read_depth(self._depth[name])
        height, width = depth_mm.shape[-2:]
        if not same_shape((height, width), native):
            raise DataError(
                f"{self._depth[name]}: {width}x{height}, but the image is {native[1]}x{native[0]}: "
                "not the same shape, so one of them was cropped; crop both the same way"
            )
        return depth_mm

    def _used(self, name: str, seen: Float[Tensor, "c H W"]) -> Bool[Tensor, "1 H W"]:
        if name not in self._mask:
            return torch.ones_like(seen[:1], dtype=torch.bool)
        mask = read_mask(self._mask[name])
        check_alike(self._mask[name], mask, "the depth map" if self._depth else "the image", seen)
        return mask

    def _calibration(self) -> RigFile | None:
        path = self.root / "rig.yaml"
        if not os.path.lexists(path):
            _tell_other_calibrations(self.root)
            return None
        calibration = read_rig(path)
        first = self._left[self.names[0]]
        height, width = read_image(first).shape[-2:]
        calibration.check_size((height, width), str(first))
        if not bool(calibration.rig.calibrated):
            warn_once(f"{path}: no baseline_mm, so disparity gives no depth in mm; add it if known")
        return calibration

    def _chosen(self, only: set[str], without: set[str]) -> list[str]:
        refuse(sorted(self._left.keys() - self._right.keys()), self.root, "left without right")
        others = {"right": self._right, "depth": self._depth, "mask": self._mask}
        for what, files in others.items():
            refuse(sorted(files.keys() - self._left.keys()), self.root, f"{what} without left")
        refuse(sorted((only | without) - self._left.keys()), self.root, "no such frame")
        names = [name for name in self._left if name in (only or self._left.keys()) - without]
        if not names:
            raise DataError(f"{self.root}: no frame is left after 'only' and 'without'")
        self._tell_bare("depth", self._depth, names, "they are left out of scores in mm")
        self._tell_bare("mask", self._mask, names, "every pixel of them is used")
        return names

    def _tell_bare(
        self, folder: str, there: Mapping[str, Path], names: Sequence[str], so: str
    ) -> None:
        bare = [name for name in names if name not in there]
        if there and bare:
            warn_once(
                f"{self.root / folder}: none for {', '.join(bare[:3])} ({len(bare)} of "
                f"{len(names)}): {so}"
            )


def _names(option: str, given: Collection[str | int]) -> set[str]:
    """The names in a list, in which YAML takes 12 for a number."""
    if isinstance(given, str):
        raise ConfigError(f"{option}={given}: expected a list of names, [{given}]")
    return {str(name) for name in given}


def same_folder(one: str | Path, other: str | Path) -> bool:
    """Whether two paths lead to one folder."""
    return Path(one).resolve() == Path(other).resolve()


def _tell_other_calibrations(root: Path) -> None:
    """Say which files look like the calibration of a set that has none: `calib.json`."""
    texts = sorted(path.name for path in root.iterdir() if path.suffix.lower() in CALIBRATION)
    like = [name for name in texts if any(word in name.lower() for word in ("rig", "cal", "intr"))]
    if like:
        warn_once(
            f"{root}: not used: {', '.join(like)}; the calibration of a set is its rig.yaml, and "
            "without one there are no millimetres"
        )


def _tell_other_folders(root: Path) -> None:
    """Say which folders with pictures or numbers are not of the layout: `masks`, `gt`."""
    unused = [name for name in folders_of_data(root) if name not in LAYOUT]
    if unused:
        warn_once(
            f"{root}: not used: {', '.join(f'{name}/' for name in unused)}; the folders of a set "
            f"are {', '.join(f'{name}/' for name in LAYOUT)}"
        )
