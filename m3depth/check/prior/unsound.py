"""What no prior may hold, by the one description in `m3depth.priors.sound`."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
import torch

from m3depth.check.finding import Finding, Severity
from m3depth.check.prior.unmet import finding
from m3depth.io.files import Array
from m3depth.io.numpy_files import read_npy
from m3depth.priors.edits import edited_files, few
from m3depth.priors.layouts.scene import PriorFrame, PriorScene
from m3depth.priors.records import EXACT
from m3depth.priors.sound import (
    Fault,
    camera_doubts,
    camera_faults,
    confidence_faults,
    depth_faults,
    scale_faults,
)


def unsound(scene: PriorScene) -> Iterator[Finding]:
    """Depth, confidence, cameras or points that cannot be, also in our own files beside theirs."""
    found: dict[str, list[tuple[str, Fault]]] = defaultdict(list)
    for frame in scene.frames:
        for name, fault in _faults(scene, frame):
            found[fault.code].append((name, fault))
    for named in found.values():
        names, (_, first) = tuple(name for name, _ in named), named[0]
        said, numbers = f"{few(names)}: {first.said}", {"frames": float(len(named))}
        yield finding(first._replace(said=said, evidence=numbers, frames=names))
    strange = int((~np.isfinite(scene.cloud)).any(1).sum())
    if strange:
        yield Finding(
            "points_not_finite",
            Severity.ERROR,
            f"{strange} of {len(scene.cloud)} initial points are NaN or infinite",
            "export the scene again",
            {"points": float(strange)},
        )


def all_masked(scene: PriorScene) -> Iterator[Finding]:
    """Frames whose known depth is all masked; `polarity` speaks of masks that leave too little."""
    known = [frame for frame in scene.frames if (frame.depth > 0).any()]
    out = [frame for frame in known if not frame.used[frame.depth > 0].any()]
    everywhere = len(out) == len(scene.frames)
    if out and not (everywhere and out[0].mask is not None):
        yield Finding(
            "all_masked",
            Severity.ERROR if everywhere else Severity.WARNING,
            f"{len(out)} of {len(scene.frames)} frames have depth, all of it masked",
            "take these frames out if a tool covers them, or write their masks again",
            {"frames": float(len(out))},
            tuple(frame.name for frame in out),
        )


def edited(scene: PriorScene) -> Iterator[Finding]:
    """Files of our own export that were changed since."""
    edited = edited_files(scene.folder)
    if edited:
        yield Finding(
            "edited",
            Severity.WARNING,
            f"{len(edited)} files were changed since the export: {few(edited)}",
            "if that is not meant, remove them and give the same export command again",
            {"files": float(len(edited))},
            tuple(edited),
        )


def _faults(scene: PriorScene, frame: PriorFrame) -> Iterator[tuple[str, Fault]]:
    both = (depth_faults(_tensor(depth)) for depth in (frame.stored_depth, frame.depth))
    for fault in islice(chain(*both), 1):  # what is stored, and what the reader makes of it
        yield frame.name, fault
    if frame.confidence is not None:
        for fault in confidence_faults(_tensor(frame.confidence)):
            yield frame.name, fault
    for fault in scale_faults(frame.scale_deviation):
        yield frame.name, fault
    if frame.camera is not None:
        K, size = frame.camera
        of_k, of_size = _tensor(K), list(_size_faults(size, frame.image.shape))
        wrong = [*camera_faults(of_k, size), *of_size]
        for fault in wrong or camera_doubts(of_k, size):
            yield frame.name, fault
    exact = scene.folder / EXACT / f"{Path(frame.name).stem}.npy"
    if EXACT not in scene.files and exact.is_file():
        for fault in depth_faults(_tensor(read_npy(exact))):
            yield f"{EXACT}/{exact.name}", fault


def _size_faults(stated: tuple[int, int], size: tuple[int, ...]) -> Iterator[Fault]:
    if stated != size:
        yield Fault(
            "camera_size",
            f"the camera is one of {stated[1]}x{stated[0]} images, and the image is "
            f"{size[1]}x{size[0]}",
            "scale K with the images, and say their size beside it",
        )


def _tensor(values: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float64))
