"""Where the Gaussians start: at the prior's points, or anywhere in view."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import max_pool2d

from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.scene.clip import Clip, ClipFrame
from m3depth.validation import require_number

SCALE = 0.6  # standard deviation over the distance of neighbours: neither gaps nor blur
COVERED = 1  # pixels around a point (in steps of the grid) that need no other
BOUNDS_PERCENT = (1, 99)  # of the known depths: a stereo matcher's strays are beyond
SAMPLED = 1_000_000  # depths, for the bounds


class Points(NamedTuple):
    """Round Gaussians at rest."""

    means_mm: Float[Tensor, "n 3"]
    colours: Float[Tensor, "n 3"]
    scales_mm: Float[Tensor, " n"]


Start = Callable[[Clip, torch.Generator], Points]


def from_prior(clip: Clip, generator: torch.Generator, count: int) -> Points:
    """The prior's points, on a grid of pixels; what tools hide is filled from other frames.

    Each frame adds what no point so far covers in its picture, so that the tissue is there once,
    however many frames see it. Tissue whose depth no frame knows, or only outside
    the range of 98 % of all depths, comes last, at the depth of the nearest pixel that is known.

    Args:
        clip: Of which the fitted frames are used.
        generator: Not used.
        count: How many points one whole picture would have.

    Raises:
        ConfigError: no such count.
    """
    require_number("objective.start.count", count, 1, whole=True)
    frames = _bounded(clip)
    step = max(1.0, math.sqrt(math.prod(frames[0].size) / count))
    points = Points(torch.empty(0, 3), torch.empty(0, 3), torch.empty(0))
    filled = [_filled(frame) for frame in frames if frame.known.any()]
    for frame in [*frames, *filled]:
        new = _lifted(frame, frame.known & ~_covered(points, frame, step), step)
        points = Points(*(torch.cat(both) for both in zip(points, new, strict=True)))
    return points


def at_random(clip: Clip, generator: torch.Generator, count: int) -> Points:
    """Grey points anywhere in view, within the scene's range of depth: the control.

    Args:
        clip: Only its cameras and its nearest and farthest depth are used.
        generator: Draws.
        count: How many.

    Raises:
        ConfigError: no such count.
    """
    require_number("objective.start.count", count, 1, whole=True)
    frames = [clip.frames[index] for index in clip.fitted]
    near_mm, far_mm = _bounds(frames)
    draws = torch.rand(count, 3, generator=generator)
    owner = torch.randint(len(frames), (count,), generator=generator)
    height, width = frames[0].size
    pixels = draws[:, :2] * torch.tensor([width - 1.0, height - 1.0])
    depth_mm = near_mm + (far_mm - near_mm) * draws[:, 2]
    means_mm = torch.empty(count, 3)
    for index, frame in enumerate(frames):
        mine = owner == index
        means_mm[mine] = _in_world(pixels[mine], depth_mm[mine], frame)
    focal = frames[0].intrinsics[0, 0]
    scales_mm = SCALE * math.sqrt(height * width / count) * depth_mm / focal
    return Points(means_mm, torch.full((count, 3), 0.5), scales_mm)


def _bounds(frames: Sequence[ClipFrame]) -> tuple[float, float]:
    known_mm = torch.cat([frame.depth_mm[frame.known] for frame in frames])
    sampled = known_mm[:: max(1, len(known_mm) // SAMPLED)].cpu().numpy()
    near_mm, far_mm = np.percentile(sampled, BOUNDS_PERCENT)
    return float(near_mm), float(far_mm)


def _bounded(clip: Clip) -> list[ClipFrame]:
    """The fitted frames, without depths beyond the bounds."""
    frames = [clip.frames[index] for index in clip.fitted]
    near_mm, far_mm = _bounds(frames)
    return [
        frame._replace(depth_mm=torch.where((d >= near_mm) & (d <= far_mm), d, 0.0))
        for frame, d in ((frame, frame.depth_mm) for frame in frames)
    ]


def _filled(frame: ClipFrame) -> ClipFrame:
    """The frame with the nearest known pixel's depth where there is none."""
    from scipy.ndimage import distance_transform_edt

    known = frame.known[0].numpy()
    row, column = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return frame._replace(depth_mm=frame.depth_mm[:, row, column])


def _lifted(frame: ClipFrame, chosen: Bool[Tensor, "1 h w"], step: float) -> Points:
    """The chosen pixels of a grid, in the world."""
    rows, columns = (torch.arange(step / 2, side, step).long() for side in frame.size)
    on_grid = torch.zeros_like(chosen[0])
    on_grid[rows[:, None], columns] = True
    row, column = (on_grid & chosen[0]).nonzero().unbind(1)
    depth_mm = frame.depth_mm[0, row, column]
    means_mm = _in_world(torch.stack([column, row], 1).float(), depth_mm, frame)
    scales_mm = SCALE * step * depth_mm / frame.intrinsics[0, 0]
    return Points(means_mm, frame.image[:, row, column].T, scales_mm)


def _in_world(
    pixels: Float[Tensor, "n 2"], depth_mm: Float[Tensor, " n"], frame: ClipFrame
) -> Float[Tensor, "n 3"]:
    k, pose = frame.intrinsics, frame.camera_to_world
    rays = (pixels - k[:2, 2]) / k.diagonal()[:2]
    in_camera = torch.cat([rays, torch.ones_like(rays[:, :1])], 1) * depth_mm[:, None]
    return in_camera @ pose[:3, :3].mT + pose[:3, 3]


def _covered(points: Points, frame: ClipFrame, step: float) -> Bool[Tensor, "1 h w"]:
    """Where the points are, and a grid's step around them."""
    column, row = _seen_at(points.means_mm, frame.camera)
    hit = torch.zeros(1, *frame.size)
    hit[0, row, column] = 1
    reach = COVERED * math.ceil(step)
    return max_pool2d(hit, 2 * reach + 1, 1, reach) > 0


def _seen_at(means_mm: Float[Tensor, "n 3"], camera: Camera) -> Sequence[Int[Tensor, " k"]]:
    """Column and row of the points that are in the picture."""
    in_camera = means_mm @ camera.world_to_camera[:3, :3].mT + camera.world_to_camera[:3, 3]
    in_camera = in_camera[in_camera[:, 2] > 0]
    k = camera.intrinsics
    pixels = in_camera[:, :2] / in_camera[:, 2:] * k.diagonal()[:2] + k[:2, 2]
    whole = pixels.round().long()
    inside = ((whole >= 0) & (whole < torch.tensor(camera.size[::-1]))).all(1)
    return whole[inside].unbind(1)
