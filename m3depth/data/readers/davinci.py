"""The Hamlyn Centre's da Vinci set of rectified pairs."""

from collections.abc import Sequence
from pathlib import Path

from m3depth.data.rectified_files import FrameFiles, RectifiedFiles
from m3depth.io.images import IMAGE_SUFFIXES
from m3depth.io.listing import folders_with, matched_files
from m3depth.types.camera import StereoRig

SIZE = (192, 384)
RIG = {
    "fx": 373.47833252,
    "fy": 373.47833252,
    "cx": 182.91804504,
    "cy": 113.72999573,
    "cx_right": 182.91804504,
    "baseline_mm": 5.63117313,
}


class DaVinciPairs(RectifiedFiles):
    """Partial nephrectomy seen by a da Vinci's stereo endoscope (Ye et al., arXiv 1705.08260).

    On disk, as ``daVinci.zip`` unpacks::

        ROOT/train/image_0/000001.png   left, 384x192, rectified
        ROOT/train/image_1/000001.png   right
        ROOT/test/image_0 image_1       the same for the test pairs

    There is no depth. The calibration is not among the files: it is that of the authors'
    repository (magnumye/disp_est_net, data/README.md), the same for all pairs and both cameras.

    Args:
        root: the folder that holds ``train`` and ``test``.
        size: (height, width) of the images given out; None keeps 192x384.
        split: ``train`` or ``test``, a folder's name.
        repeat: how often each pair comes up in one epoch.

    Raises:
        DataError: no such folder, or pairs without one view.
    """

    def __init__(
        self, root: str | Path, size: Sequence[int] | None, split: str = "train", repeat: int = 1
    ) -> None:
        views = (f"{split}/image_0", f"{split}/image_1")
        folder = folders_with(Path(root), *views)[0]
        pairs = matched_files([folder / view for view in views], IMAGE_SUFFIXES)
        rig = StereoRig.of(**RIG)
        frames = [
            FrameFiles(f"{split}/{left.stem}", left, right, rig, SIZE) for left, right in pairs
        ]
        super().__init__(frames, size, repeat)
