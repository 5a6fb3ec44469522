"""A reconstruction against what the data know: the path, K and the surface."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch.utils.data import Dataset

from m3depth.evaluation.intrinsics import score_cameras
from m3depth.evaluation.point_sample import evenly
from m3depth.evaluation.surface_metrics import cloud_distances
from m3depth.evaluation.trajectory import Points, score_path, similarity
from m3depth.geometry.resizing import size_of
from m3depth.geometry.tsdf import Mesh, require_open3d
from m3depth.priors.cloud import ColouredPoints, back_projected, joined, thinned
from m3depth.priors.layouts.npz.archive import read_archive
from m3depth.reconstruction.followed import Followed
from m3depth.reconstruction.surface import archives, known
from m3depth.types import StereoBatch, Track

FRAMES = 30  # whose true depth makes the true surface, at most
SPACING = 0.25  # mm, of its points
REGISTERED_MM = 3.0  # pairs of points that are farther apart do not move the surface

logger = logging.getLogger(__name__)


def score_track(followed: Followed, track: Track) -> dict[str, Any]:
    """``trajectory`` and ``intrinsics``, as far as the data know them."""
    found: dict[str, Any] = {}
    true, rigs = followed.true_poses, followed.rigs
    if true is not None:
        found["trajectory"] = score_path(track.camera_to_world.double().numpy(), true)
    if rigs is not None and not torch.equal(rigs.matrix(), track.cameras.matrix()):
        found["intrinsics"] = score_cameras(track.cameras, rigs, followed.steps[0].size[1])
    return found


def score_surface(
    frames: Dataset[StereoBatch], followed: Followed, folder: Path, mesh: Mesh, metric: bool
) -> dict[str, Any]:
    """How far the mesh is from the true surface, in mm: see `cloud_distances`.

    The true surface is what the frames' true depth shows from their true poses. Both are in the
    first camera's world; where the scale of the mesh is open, it is that which makes the frames'
    depths right in the median. ``registered`` is after the similarity that fits the surfaces best
    (ICP), so that it is of their shape alone.

    Args:
        frames: The data.
        followed: The frames that are used.
        folder: The scene.
        mesh: Its surface.
        metric: Whether the scene is in mm.

    Returns:
        Empty where the data have no depth or poses.
    """
    true = _true_points(frames, followed)
    if true is None:
        return {}
    scale = 1.0 if metric else _scale(frames, followed, folder)
    points = scale * mesh.points
    found: dict[str, Any] = {"alignment": "none" if metric else "scale"}
    found |= {"scale": scale, **cloud_distances(points, true)}
    return found | {"registered": cloud_distances(_registered(points, true), true)}


def _true_points(frames: Dataset[StereoBatch], followed: Followed) -> Points | None:
    poses = followed.true_poses
    if poses is None or followed.rigs is None:
        return None
    first = np.linalg.inv(poses[0])
    clouds: list[ColouredPoints] = []
    for index in evenly(len(followed.steps), FRAMES).tolist():
        sample = frames[followed.steps[index].place]
        if "depth_mm" not in sample:
            return None
        depth, use = _true_depth(sample)
        rig = sample["rig"].resized(size_of(sample["left"]), depth.shape)
        shown = np.zeros((*depth.shape, 3), np.uint8)
        K = rig.matrix().double().numpy()
        clouds.append(back_projected(depth, shown, use, K, first @ poses[index]))
        clouds = [thinned(joined(clouds), SPACING)]
    return np.asarray(clouds[0].points, np.float64) if len(clouds[0].points) else None


def _true_depth(
    sample: StereoBatch,
) -> tuple[Float64[NDArray[np.float64], "h w"], NDArray[np.bool_]]:
    """The depth and where it is of tissue."""
    depth = sample["depth_mm"][0].double().numpy()
    use = depth > 0
    tool = sample.get("tool")
    if tool is not None and tool.shape[-2:] == depth.shape:
        use &= ~tool[0].numpy()
    return depth, use


def _scale(frames: Dataset[StereoBatch], followed: Followed, folder: Path) -> float:
    """The true depth over the scene's, the median over frames of the median over pixels."""
    ratios = []
    for path in archives(folder):
        sample = frames[followed.steps[int(path.stem)].place]
        ours, (theirs, use) = known(read_archive(path)), _true_depth(sample)
        if ours.shape != theirs.shape:
            rows, columns = (np.arange(n) for n in theirs.shape)
            rows = (rows + 0.5) * ours.shape[0] / theirs.shape[0]
            columns = (columns + 0.5) * ours.shape[1] / theirs.shape[1]
            ours = ours[rows.astype(int)][:, columns.astype(int)]
        both = use & (ours > 0)
        ratios += [float(np.median(theirs[both] / ours[both]))] if both.any() else []
    return float(np.median(ratios)) if ratios else 1.0


def _registered(points: Points, true: Float64[NDArray[np.float64], "m 3"]) -> Points:
    """By open3d's ICP between points, with a scale; then once more in closed form."""
    open3d = require_open3d()
    source, target = (
        open3d.geometry.PointCloud(open3d.utility.Vector3dVector(one)) for one in (points, true)
    )
    registration = open3d.pipelines.registration
    found = registration.registration_icp(
        source,
        target,
        REGISTERED_MM,
        np.eye(4),
        registration.TransformationEstimationPointToPoint(with_scaling=True),
        registration.ICPConvergenceCriteria(max_iteration=50),
    )
    pairs = np.asarray(found.correspondence_set)
    if len(pairs) < 3:
        return points
    return similarity(points[pairs[:, 0]], true[pairs[:, 1]]).apply(points)
