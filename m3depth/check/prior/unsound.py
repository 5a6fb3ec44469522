"""What no prior may hold, by the one description in `m3depth.priors.sound`."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from m3depth.check.finding import Finding, Severity
from m3depth.check.prior.scene import PriorFrame, PriorScene
from m3depth.data.numpy_files import read_npy
from m3depth.files import Array
from m3depth.priors.edits import edited_files, few
from m3depth.priors.sound import Fault, camera_faults, confidence_faults, depth_faults

EXACT = "depth_float"  # our own depth before rounding, beside the layout's


@dataclass(frozen=True)
class Unsound:
    """Depth, confidence or cameras that cannot be, in the layout's files or our own beside them."""

    def __call__(self, scene: PriorScene) -> Iterator[Finding]:
        """At most one finding of each kind."""
        found: dict[str, list[tuple[str, Fault]]] = defaultdict(list)
        for frame in scene.frames:
            for name, fault in _faults(scene, frame):
                found[fault.code].append((name, fault))
        for code, named in found.items():
            first = named[0][1]
            yield Finding(
                code,
                Severity.ERROR if first.sure else Severity.WARNING,
                f"{few([name for name, _ in named])}: {first.said}",
                first.mend,
                {"frames": float(len(named))},
                tuple(name for name, _ in named),
            )


@dataclass(frozen=True)
class Edited:
    """Files of our own export that were changed since."""

    def __call__(self, scene: PriorScene) -> Iterator[Finding]:
        """At most one finding."""
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
    for fault in depth_faults(_tensor(frame.stored_depth)):
        yield frame.name, fault
    if frame.confidence is not None:
        for fault in confidence_faults(_tensor(frame.confidence)):
            yield frame.name, fault
    if frame.camera is not None:
        K, size = frame.camera
        for fault in (*camera_faults(_tensor(K), size), *_size_faults(size, frame.image.shape)):
            yield frame.name, fault
    exact = scene.folder / EXACT / f"{Path(frame.name).stem}.npy"
    if EXACT not in scene.files and exact.is_file():
        for fault in depth_faults(_tensor(read_npy(exact))):
            yield f"{EXACT}/{exact.name}", fault


def _size_faults(due: tuple[int, int], size: tuple[int, ...]) -> Iterator[Fault]:
    if due != size:
        yield Fault(
            "camera_size",
            f"the camera is one of {due[1]}x{due[0]} images, and the image is {size[1]}x{size[0]}",
            "scale K with the images, and say their size beside it",
        )


def _tensor(values: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float64))
