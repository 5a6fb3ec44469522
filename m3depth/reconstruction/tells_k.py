"""Whether a video tells its camera's K at all, which a plausible number does not say."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.evaluation.point_sample import evenly
from m3depth.geometry.identifiability import Uncertainty, View, information, uncertainty
from m3depth.geometry.motion import moved
from m3depth.geometry.points import back_project, pixel_grid, project
from m3depth.imaging.bytes import to_picture
from m3depth.matching.grey import grey
from m3depth.priors.layouts.npz.archive import Archive, read_archive
from m3depth.reconstruction.surface import archives, known
from m3depth.types import StereoRig

TARGETS = 16  # frames that are looked at, each against those
APART = (3, 8)  # so many frames later: neighbours turn by little, and a turn tells K


def told_of_k(folder: Path) -> Uncertainty | None:
    """How sure K is, by the curvature of the reprojection error over a scene's frames.

    At the error that the scene itself has: how far its motion is from an optical flow (OpenCV's
    DIS), in the median. None where no pair of frames has depth.

    Args:
        folder: The scene.
    """
    found: list[Tensor] = []
    errors: list[float] = []
    width = 1
    for target, *sources in _groups(archives(folder)):
        depth = torch.from_numpy(known(target))[None, None].double()
        views = [_view(depth, target, source) for source in sources]
        if not all(view.trusted.any() for view in views):
            continue
        width = depth.shape[-1]
        found.append(information(depth.clamp_min(1e-3), views)[0])
        pairs = zip(views, sources, strict=True)
        errors += [_error_px(depth, view, target, source) for view, source in pairs]
    if not found:
        return None
    return uncertainty(torch.stack(found).sum(0), float(np.median(errors)), width)


def _groups(paths: list[Path]) -> Iterator[list[Archive]]:
    """Targets spread evenly, each with later frames; of a short video with its last."""
    last = len(paths) - 1
    apart = sorted({min(one, last) for one in APART} - {0})
    targets = evenly(len(paths) - apart[-1], TARGETS).tolist() if apart else []
    return ([read_archive(paths[i + k]) for k in (0, *apart)] for i in targets)


def _view(depth: Float[Tensor, "1 1 h w"], target: Archive, source: Archive) -> View:
    """With the pixels that have depth and land in the source's picture."""
    motion = np.linalg.inv(source.camera_to_world) @ target.camera_to_world
    view = View(torch.from_numpy(motion)[None], _rig(target), _rig(source), depth > 0)
    forward, (x, y) = _landing(depth, view)
    height, width = depth.shape[-2:]
    inside = (forward > 0) & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return view._replace(trusted=view.trusted & inside.view(1, 1, height, width))


def _landing(
    depth: Float[Tensor, "1 1 h w"], view: View
) -> tuple[Float[Tensor, " n"], Float[Tensor, "2 n"]]:
    """How far away each pixel's point is from the source, and where it is seen there."""
    there = moved(back_project(*pixel_grid(depth), view.target), view.source_from_target)
    return there[0, :, 2], project(there, view.source)[0].T


def _rig(frame: Archive) -> StereoRig:
    fx, fy, cx, cy = (frame.intrinsics[at] for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return StereoRig(*(torch.tensor([v], dtype=torch.float64) for v in (fx, fy, cx, cy, cx, 0.0)))


def _error_px(
    depth: Float[Tensor, "1 1 h w"], view: View, target: Archive, source: Archive
) -> float:
    """The median over pixels and both axes between the scene's motion and an optical flow."""
    import cv2

    x, y, _ = pixel_grid(depth)
    rigid = _landing(depth, view)[1].T - torch.stack([x[0], y[0]], -1)
    before, after = (
        grey(to_picture(torch.from_numpy(one.image).movedim(-1, 0))) for one in (target, source)
    )
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    seen = flow.calc(before, after, np.zeros((*before.shape, 2), np.float32))
    off = (rigid - torch.from_numpy(np.asarray(seen)).double().flatten(0, 1)).abs()
    return float(off[view.trusted.flatten()].median())
