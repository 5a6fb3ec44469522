"""SERV-CT: stereo endoscopy of two porcine torsos with reference depth from CT."""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.data.rectified_files import FrameFiles, RectifiedFiles, of_view
from m3depth.errors import DataError
from m3depth.io.calibration_text import Matrix, as_matrix, read_json, require_rectified
from m3depth.io.images import IMAGE_SUFFIXES, read_image
from m3depth.io.listing import folders_with, matched_files
from m3depth.log import warn_once
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig

OUTSIDE = [(0, 0, 1)]  # blue: no reference surface
NOT_IN_BOTH = [(1, 1, 0), (1, 0, 0), (0, 1, 0)]  # yellow: out of the other view; else hidden


class ServCt(RectifiedFiles):
    """Sixteen rectified pairs, 001 to 008 in one experiment and 009 to 016 in the other.

    On disk (the tree of surgical-vision/servcttk; some copies say ``Reference_CT`` for
    ``Ground_truth_CT``, so that the folder is found by its end)::

        ROOT/Experiment_1/Left_rectified/001.png    720x576
                          Right_rectified/001.png
                          Rectified_calibration/001.json   OpenCV's P1 and P2, in px and mm
                          Ground_truth_CT/DepthL/001.png   uint16, mm·256, 0 = unknown
                                          OcclusionL/001.png   colours: blue no reference,
                                          yellow out of the other view, red and green hidden
        ROOT/Experiment_2/...   also Ground_truth_RGB, from a structured-light scan

    Both principal points and the baseline are each pair's own, from its JSON file. What is blue is
    left out by ``mask``; yellow, red and green make ``occluded``.

    Args:
        root: the folder of the experiments.
        size: (height, width) of the images given out; None keeps 576x720.
        reference: ``CT`` or ``RGB``, the end of the reference folder's name.
        repeat: how often each pair comes up in one epoch.

    Raises:
        DataError: a folder or file is missing, or a calibration has no P1 and P2.
    """

    unit_mm = 1 / 256

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        reference: str = "CT",
        repeat: int = 1,
    ) -> None:
        experiments = folders_with(Path(root), "Left_rectified", "Right_rectified")
        frames = [frame for folder in experiments for frame in _frames(folder, reference)]
        if not frames:
            raise DataError(f"{root}: no experiment has a folder *_{reference} with DepthL in it")
        super().__init__(frames, size, repeat)

    def _complete(
        self, sample: StereoBatch, frame: FrameFiles, left: Float[Tensor, "3 h w"]
    ) -> None:
        super()._complete(sample, frame, left)
        if frame.mask is not None:
            codes = of_view(read_image, frame.mask, left)
            sample["mask"] = ~_coloured(codes, OUTSIDE)
            sample["occluded"] = _coloured(codes, NOT_IN_BOTH)


def _coloured(
    codes: Float[Tensor, "3 h w"], colours: Sequence[tuple[int, int, int]]
) -> Bool[Tensor, "1 h w"]:
    wanted = torch.tensor(colours, dtype=codes.dtype)[:, :, None, None]
    return (codes == wanted).all(dim=1).any(dim=0)[None]


def _frames(folder: Path, reference: str) -> list[FrameFiles]:
    truth = next(
        (p for p in sorted(folder.glob(f"*_{reference}")) if (p / "DepthL").is_dir()), None
    )
    if truth is None:
        warn_once(f"{folder}: no *_{reference}/DepthL; its pairs are left out")
        return []
    views = [folder / "Left_rectified", folder / "Right_rectified", truth / "DepthL"]
    occlusion = truth / "OcclusionL"
    masks = [occlusion] if occlusion.is_dir() else []
    return [
        FrameFiles(
            key=f"{folder.absolute().name}/{left.stem}",
            left=left,
            right=right,
            rig=_read_rig(folder / "Rectified_calibration" / f"{left.stem}.json"),
            truth=depth,
            mask=mask[0] if mask else None,
        )
        for left, right, depth, *mask in matched_files(views + masks, IMAGE_SUFFIXES)
    ]


def _read_rig(path: Path) -> StereoRig:
    left, right = (_projection(path, key) for key in ("P1", "P2"))
    baseline_mm = abs(float(right[0, 3] / right[0, 0])) if right[0, 0] else 0.0
    if left[0, 0] <= 0 or baseline_mm == 0:
        raise DataError(
            f"{path}: focal length {left[0, 0]:g} px, baseline {baseline_mm:g} mm; "
            "both must be positive"
        )
    require_rectified(left, right, f"{path}: P1 and P2")
    if right[0, 3] > 0:
        warn_once(
            f"{path.parent}: P2 puts the right camera to the left of the left one; it is taken to "
            "lie to the right: m3depth check tells whether the views are exchanged"
        )
    return StereoRig.of(left[0, 0], left[1, 1], left[0, 2], left[1, 2], right[0, 2], baseline_mm)


def _projection(path: Path, key: str) -> Matrix:
    entry = read_json(path).get(key)
    if not isinstance(entry, dict) or "data" not in entry:
        raise DataError(f"{path}: no matrix {key} with its 'data'; copy the file again")
    return as_matrix(entry["data"], (3, 4), f"{path}: {key}")
