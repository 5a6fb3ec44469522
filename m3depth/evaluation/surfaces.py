"""The surface that a depth map stands for: how far its points and how wrong its normals are."""

import math
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from m3depth.geometry.camera import StereoRig
from m3depth.geometry.points import back_project, pixel_grid

if TYPE_CHECKING:
    import numpy as np

TARGETS = 100_000  # points of a cloud, at most: every k-th of the pixels that count
QUERIES = 5_000  # of those, at most: the ones whose distance to the other cloud is measured
WITHIN_MM = (1, 2, 5)

Depth = Float[Tensor, "1 1 h w"]


def score_cloud(
    predicted_mm: Depth, true_mm: Depth, counts: Bool[Tensor, "1 1 h w"], rig: StereoRig
) -> dict[str, float]:
    """Distances between the clouds of the same pixels, in both ways, see `cloud_distances`."""
    kept = counts.flatten().nonzero()[:, 0]
    kept = kept[:: math.ceil(len(kept) / TARGETS)]
    clouds = []
    for depth_mm in (predicted_mm, true_mm):
        x, y, z = (values[:, kept] for values in pixel_grid(depth_mm.double()))
        clouds.append(back_project(x, y, z, rig)[0].cpu().numpy())
    return cloud_distances(clouds[0], clouds[1])


def cloud_distances(
    predicted: "Float[NDArray[np.floating], 'n 3']", true: "Float[NDArray[np.floating], 'm 3']"
) -> dict[str, float]:
    """How far two clouds are from each other, by nearest points, in millimetres.

    ``accuracy_mm`` is the mean distance from a predicted point to the nearest true one,
    ``completeness_mm`` the other way round, ``chamfer_mm`` the mean of the two (Seitz et al.,
    2006; Jensen et al., 2014). ``fscore_2mm`` is ``2 P R / (P + R)`` with P and R the shares of
    predicted and of true points that are less than 2 mm from the other cloud (Knapitsch et al.,
    2017). Every k-th point is asked, `QUERIES` at most.

    >>> import numpy as np
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
    for near in WITHIN_MM:
        precision, recall = float((there < near).mean()), float((back < near).mean())
        both = precision + recall
        found[f"fscore_{near}mm"] = 2 * precision * recall / both if both else 0.0
    return found


def score_normals(
    predicted_mm: Depth, true_mm: Depth, counts: Bool[Tensor, "1 1 h w"], rig: StereoRig
) -> dict[str, float]:
    """``normal_deg``: the mean angle between predicted and true normals, in degrees.

    Over the pixels that count together with their four neighbours; absent where there is none.
    """
    sides = counts[..., 1:-1, 2:] & counts[..., 1:-1, :-2]
    ends = counts[..., 2:, 1:-1] & counts[..., :-2, 1:-1]
    whole = (counts[..., 1:-1, 1:-1] & sides & ends)[0, 0]
    if not whole.any():
        return {}
    predicted, true = (normals(depth_mm, rig)[0][:, whole] for depth_mm in (predicted_mm, true_mm))
    # the arc cosine alone would lose half the digits of a small angle
    sine = torch.linalg.cross(predicted, true, dim=0).norm(dim=0)
    angle = torch.atan2(sine, (predicted * true).sum(dim=0))
    return {"normal_deg": math.degrees(angle.mean().item())}


def normals(depth_mm: Depth, rig: StereoRig) -> Float[Tensor, "1 3 h-2 w-2"]:
    """Unit normals of the inner pixels, towards the camera: the product of central differences.

    >>> rig = StereoRig(*(torch.tensor([v]) for v in (9.0, 9.0, 1.0, 1.0, 1.0, 5.0)))
    >>> normals(torch.full((1, 1, 3, 3), 50.0), rig)[0, :, 0, 0].tolist()
    [0.0, 0.0, -1.0]
    """
    height, width = depth_mm.shape[-2:]
    points = back_project(*pixel_grid(depth_mm.double()), rig)
    grid = points.transpose(1, 2).reshape(1, 3, height, width)
    right = grid[..., 1:-1, 2:] - grid[..., 1:-1, :-2]
    down = grid[..., 2:, 1:-1] - grid[..., :-2, 1:-1]
    return torch.nn.functional.normalize(torch.linalg.cross(down, right, dim=1), dim=1)


def _some(points: "NDArray[np.floating]") -> "NDArray[np.floating]":
    return points[:: math.ceil(len(points) / QUERIES)]
