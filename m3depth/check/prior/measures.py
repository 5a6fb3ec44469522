"""What was measured on a scene of priors, whether or not anything is wrong with it."""

import numpy as np

from m3depth.check.measuring.set_measures import Measure
from m3depth.priors.layouts.scene import PriorScene


def scene_measures(scene: PriorScene) -> list[Measure]:
    """Depth as the reader has it, how much of it is used, and how the camera moves."""
    found = [_depth(scene), _used(scene), _camera(scene)]
    return [measure for measure in found if measure is not None]


def _depth(scene: PriorScene) -> Measure | None:
    used = [frame.depth[frame.used & (frame.depth > 0)] for frame in scene.frames]
    depth_mm = np.concatenate([*used, np.empty(0)]) * scene.unit_mm
    if not depth_mm.size:
        return None
    low, middle, high = (float(mm) for mm in np.percentile(depth_mm, [1, 50, 99]))
    said = f"depth is read as {low:.4g} to {high:.4g} mm, {middle:.4g} mm in the middle"
    return Measure("unit", said, {"low_mm": low, "median_mm": middle, "high_mm": high})


def _used(scene: PriorScene) -> Measure | None:
    shares = [(float((f.used & (f.depth > 0)).mean()), f.name) for f in scene.frames]
    if not shares:
        return None
    middle, (least, name) = float(np.median([share for share, _ in shares])), min(shares)
    said = f"depth is used at {middle:.1%} of the pixels (median), {least:.1%} at least ({name})"
    return Measure("polarity", said, {"median_share": middle, "min_share": least})


def _camera(scene: PriorScene) -> Measure | None:
    poses = scene.poses_mm
    if poses is None or not len(poses) or not np.isfinite(poses).all():
        return None
    moved = poses[:, :3, 3] - poses[0, :3, 3]
    turned = np.einsum("nij,ij->n", poses[:, :3, :3], poses[0, :3, :3])
    far_mm = float(np.linalg.norm(moved, axis=1).max())
    degrees = float(np.degrees(np.arccos(np.clip((turned - 1) / 2, -1, 1))).max())
    said = f"the camera moves by up to {far_mm:.3g} mm and turns by up to {degrees:.2g} degrees"
    return Measure("pose_axes", f"{said} from the first frame", {"moved_mm": far_mm})
