"""Endo-4DGS, which knows EndoNeRF's layout by `endo` in the path."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from m3depth.priors.layouts.frame import SceneFrame
from m3depth.priors.layouts.habits import INRIA_CULL, UNPADDED, Habits
from m3depth.priors.layouts.poses_bounds.layout import PosesBoundsLayout

REPLACED = ("images", "png")  # words of an image's path, to find its depth


@dataclass
class Endo4DGSLayout(PosesBoundsLayout):
    """Adds ``depth_dam/000000.npy``: z in millimetres, float32 (1, h, w), 0 = unknown.

    The reader finds these files by replacing ``images`` and ``png`` in the image's whole path, and
    unprojects them as they are (Endo-4DGS, ``scene/endo_loader.py`` and ``scene/pre_train_pc.py``;
    its own script turns a network's inverse depth into depth before it saves).
    """

    rounds: bool = field(default=False, init=False)

    def misplaced(self, folder: Path) -> str:
        """See `Layout`."""
        path = str(folder.resolve())
        for word in (word for word in REPLACED if word in path):
            return (
                f"Endo-4DGS replaces `{word}` in the whole path to find its depth; set output=DIR "
                "to a path without that word"
            )
        return ""

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """And the depth, where it may be relied on."""
        depth_mm = np.where(frame.known, frame.depth_mm, 0).astype(np.float32)
        return {**super().files(frame), f"depth_dam/{frame.name}.npy": depth_mm[None]}


def endo4dgs() -> Habits:
    """Endo-4DGS (``scene/__init__.py``, ``scene/dataset_readers.py``, ``scene/endo_loader.py``).

    Without `endo` in the path it takes the scene for DyNeRF's, with `stereomis` it looks for other
    depth, and `images` and `png` are replaced in the whole path.
    """
    return Habits(
        name="Endo-4DGS",
        cull=INRIA_CULL,
        size=UNPADDED,
        binary_masks=True,
        counts_time=True,
        needs_first_depth=True,
        path_with="endo",
        path_stops=(*REPLACED, "stereomis"),
    )
