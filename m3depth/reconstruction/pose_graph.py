"""A path that agrees with its loops: a pose graph, optimised by open3d."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray

from m3depth.geometry.tsdf import require_open3d
from m3depth.reconstruction.loops import Loop
from m3depth.types import Track

STEP_POINTS = 100.0  # a step weighs as much as a loop of so many points
PRUNED = 0.25  # weight below which a loop is taken for a false one
OFF = 0.3  # of the depth: a path that has drifted by more is not drawn to a loop


def closed(track: Track, loops: Sequence[Loop], depth: float) -> Track:
    """The path of the least weighted squares over steps and loops (Choi et al. 2015, section 4).

    A loop that does not fit the others loses its weight.

    Args:
        track: The first camera stays where it is.
        loops: Further motions.
        depth: About how far the camera sees, in the track's unit: so far away a rotation by an
            angle weighs as much as a shift by it.
    """
    if not loops:
        return track
    registration = require_open3d().pipelines.registration
    graph = _graph(track, loops, depth, registration)
    registration.global_optimization(
        graph,
        registration.GlobalOptimizationLevenbergMarquardt(),
        registration.GlobalOptimizationConvergenceCriteria(),
        registration.GlobalOptimizationOption(
            max_correspondence_distance=OFF * depth, edge_prune_threshold=PRUNED, reference_node=0
        ),
    )
    poses = np.array([np.asarray(node.pose) for node in graph.nodes])
    poses = np.linalg.inv(poses[0]) @ poses
    return track._replace(camera_to_world=torch.from_numpy(poses))


def _graph(track: Track, loops: Sequence[Loop], depth: float, registration: Any) -> Any:
    graph = registration.PoseGraph()
    poses = track.camera_to_world.double().numpy()
    for pose in poses:
        graph.nodes.append(registration.PoseGraphNode(pose))
    for later in range(1, len(poses)):
        step = np.linalg.inv(poses[later]) @ poses[later - 1]
        weight = _information(STEP_POINTS, depth)
        edge = registration.PoseGraphEdge(later - 1, later, step, weight, uncertain=False)
        graph.edges.append(edge)
    for loop in loops:
        weight, motion = _information(loop.points, depth), np.array(loop.motion)
        edge = registration.PoseGraphEdge(loop.earlier, loop.later, motion, weight, uncertain=True)
        graph.edges.append(edge)
    return graph


def _information(points: float, depth: float) -> Float64[NDArray[np.float64], "6 6"]:
    """Of rotations, then translations, as so many points at this depth have it."""
    return points * np.diag([depth**2] * 3 + [1.0] * 3)
