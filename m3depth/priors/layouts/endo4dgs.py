"""What Endo-4DGS reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from m3depth.errors import ConfigError
from m3depth.priors.layouts.frame import Frame
from m3depth.priors.layouts.poses_bounds.layout import CentredWriter


@dataclass(eq=False)
class Endo4DGSWriter(CentredWriter):
    """Adds ``depth_dam/000000.npy``: z in millimetres, float32 (1, h, w), 0 = unknown.

    The reader finds these files by replacing ``images`` and ``png`` in the image's whole path, and
    unprojects them as they are (Endo-4DGS, ``scene/endo_loader.py`` and ``scene/pre_train_pc.py``;
    its own script turns a network's inverse depth into depth before it saves).

    Raises:
        ConfigError: the folder's path holds ``images`` or ``png``, which the reader would replace.
    """

    rounds: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for word in ("images", "png"):
            if word in str(self.folder.resolve()):
                raise ConfigError(
                    f"{self.folder}: Endo-4DGS replaces `{word}` in the whole path to find its "
                    "depth; set output=DIR to a path without that word"
                )

    def files(self, frame: Frame) -> Mapping[str, Any]:
        """And the depth, where it may be relied on."""
        depth_mm = np.where(frame.known, frame.depth_mm, 0).astype(np.float32)
        return {**super().files(frame), f"depth_dam/{frame.name}.npy": depth_mm[None]}
