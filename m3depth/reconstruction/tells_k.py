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

PAIRS = 16  # that are looked at
APART = 3  # frames from one of a pair to the other: neighbours turn by little


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
    for target, source in _pairs(archives(folder)):
        depth = torch.from_numpy(known(target))[None, None].double()
        if not (depth > 0).any():
            continue
        width = depth.shape[-1]
        motion = np.linalg.inv(source.camera_to_world) @ target.camera_to_world
        pose = torch.from_numpy(motion)[None]
        view = View(pose, _rig(target), _rig(source), depth > 0)
        found.append(information(depth.clamp_min(1e-3), [view])[0])
        errors.append(_error_px(depth, view, target, source))
    if not found:
        return None
    return uncertainty(torch.stack(found).sum(0), float(np.median(errors)), width)


def _pairs(paths: list[Path]) -> Iterator[tuple[Archive, Archive]]:
    pairs = [*zip(paths, paths[min(APART, len(paths) - 1) :], strict=False)]
    chosen = (pairs[int(i)] for i in evenly(len(pairs), PAIRS)) if pairs else iter(())
    return ((read_archive(one), read_archive(other)) for one, other in chosen)


def _rig(frame: Archive) -> StereoRig:
    fx, fy, cx, cy = (frame.intrinsics[at] for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return StereoRig(*(torch.tensor([v], dtype=torch.float64) for v in (fx, fy, cx, cy, cx, 0.0)))


def _error_px(
    depth: Float[Tensor, "1 1 h w"], view: View, target: Archive, source: Archive
) -> float:
    """The median over pixels and both axes between the scene's motion and an optical flow."""
    import cv2

    x, y, z = pixel_grid(depth)
    there = moved(back_project(x, y, z, view.target), view.source_from_target)
    rigid = project(there, view.source) - torch.stack([x, y], -1)
    before, after = (
        grey(to_picture(torch.from_numpy(one.image).movedim(-1, 0))) for one in (target, source)
    )
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    seen = flow.calc(before, after, np.zeros((*before.shape, 2), np.float32))
    off = (rigid[0] - torch.from_numpy(np.asarray(seen)).double().flatten(0, 1)).abs()
    return float(off[view.trusted.flatten() & (there[0, :, 2] > 0)].median())
