"""The surface that a depth map stands for: how far its points and how wrong its normals are."""

import math

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from m3depth.evaluation.point_sample import evenly, points_at, some_pixels
from m3depth.types.camera import StereoRig

QUERIES = 5_000  # points of a cloud, at most, whose distance to the other one is measured
FSCORE_MM = (1, 2, 5)

Depth = Float[Tensor, "1 1 h w"]
Mask = Bool[Tensor, "1 1 h w"]


def score_cloud(
    predicted_mm: Depth, true_mm: Depth, given: Mask, counts: Mask, rig: StereoRig
) -> dict[str, float]:
    """Distances between two clouds, in both ways, see `cloud_distances`.

    Of large maps only some pixels make the clouds: thinner clouds are a little farther apart.

    Args:
        predicted_mm: The predicted depth.
        true_mm: The true depth.
        given: The pixels that make the predicted cloud.
        counts: The pixels that make the true cloud.
        rig: At the maps' resolution.
    """
    predicted = points_at(predicted_mm, *some_pixels(given), rig)[0].cpu().numpy()
    true = points_at(true_mm, *some_pixels(counts), rig)[0].cpu().numpy()
    return cloud_distances(predicted, true)


def cloud_distances(
    predicted: Float[NDArray[np.floating], "n 3"], true: Float[NDArray[np.floating], "m 3"]
) -> dict[str, float]:
    """How far two clouds are from each other, by nearest points, in millimetres.

    ``accuracy_mm`` is the mean distance from a predicted point to the nearest true one,
    ``completeness_mm`` the other way round, ``chamfer_mm`` the mean of the two (Seitz et al.,
    2006; Jensen et al., 2014). ``fscore_2mm`` is ``2 P R / (P + R)`` with P and R the shares of
    predicted and of true points that are less than 2 mm from the other cloud (Knapitsch et al.,
    2017). `QUERIES` points are asked at most, evenly spread.

    >>> line = np.array([[0.0, 0.0, 50.0], [10.0, 0.0, 50.0]])
    >>> cloud_distances(line + [0.0, 0.0, 1.5], line)["fscore_2mm"]
    1.0
    """
    from scipy.spatial import cKDTree

    there = cKDTree(true).query(_some(predicted))[0]
    back = cKDTree(predicted).query(_some(true))[0]
    accuracy, completeness = float(there.mean()), float(back.mean())
    found = {"accuracy_mm": accuracy, "completeness_mm": completeness}
    found["chamfer_mm"] = (accuracy + completeness) / 2
    for near in FSCORE_MM:
        precision, recall = float((there < near).mean()), float((back < near).mean())
        both = precision + recall
        found[f"fscore_{near}mm"] = 2 * precision * recall / both if both else 0.0
    return found


def score_normals(
    predicted_mm: Depth, true_mm: Depth, given: Mask, counts: Mask, rig: StereoRig
) -> dict[str, float]:
    """``normal_deg``: the mean angle between predicted and true normals, in degrees.

    Over pixels that count, and have a prediction, together with their four neighbours.
    ``normal_share`` is the share of the true normals that have a predicted one. Read both beside
    `score_frontal`. Absent where there is no normal.
    """
    true_ones, both = _with_neighbours(counts), _with_neighbours(counts & given)
    x, y = some_pixels(both)
    if not true_ones.any():
        return {}
    share = {"normal_share": (both.sum() / true_ones.sum()).item()}
    if not len(x):
        return share
    predicted, true = (normals(depth_mm, x, y, rig) for depth_mm in (predicted_mm, true_mm))
    return {"normal_deg": _mean_angle_deg(predicted, true), **share}


def score_frontal(true_mm: Depth, counts: Mask, rig: StereoRig) -> dict[str, float]:
    """The ``normal_deg`` of a surface that always faces the camera: a baseline."""
    x, y = some_pixels(_with_neighbours(counts))
    if not len(x):
        return {}
    true = normals(true_mm, x, y, rig)
    return {"normal_deg": _mean_angle_deg(true.new_tensor([0.0, 0.0, -1.0]).expand_as(true), true)}


def normals(
    depth_mm: Depth, x: Int[Tensor, " n"], y: Int[Tensor, " n"], rig: StereoRig
) -> Float[Tensor, "n 3"]:
    """Unit normals at inner pixels, towards the camera: the product of central differences.

    >>> rig = StereoRig(*(torch.tensor([v]) for v in (9.0, 9.0, 1.0, 1.0, 1.0, 5.0)))
    >>> middle = torch.tensor([1])
    >>> normals(torch.full((1, 1, 3, 3), 50.0), middle, middle, rig).tolist()
    [[0.0, 0.0, -1.0]]
    """
    right = points_at(depth_mm, x + 1, y, rig) - points_at(depth_mm, x - 1, y, rig)
    down = points_at(depth_mm, x, y + 1, rig) - points_at(depth_mm, x, y - 1, rig)
    return torch.nn.functional.normalize(torch.linalg.cross(down, right)[0], dim=-1)


def _with_neighbours(counts: Mask) -> Mask:
    """The pixels that count together with their four neighbours."""
    whole = torch.zeros_like(counts)
    sides = counts[..., 1:-1, 2:] & counts[..., 1:-1, :-2]
    ends = counts[..., 2:, 1:-1] & counts[..., :-2, 1:-1]
    whole[..., 1:-1, 1:-1] = counts[..., 1:-1, 1:-1] & sides & ends
    return whole


def _mean_angle_deg(one: Float[Tensor, "n 3"], other: Float[Tensor, "n 3"]) -> float:
    # the arc cosine alone would lose half the digits of a small angle
    sine = torch.linalg.cross(one, other).norm(dim=-1)
    angle = torch.atan2(sine, (one * other).sum(dim=-1))
    return math.degrees(angle.mean().item())


def _some(points: NDArray[np.floating]) -> NDArray[np.floating]:
    some: NDArray[np.floating] = points[evenly(len(points), QUERIES).numpy()]
    return some
