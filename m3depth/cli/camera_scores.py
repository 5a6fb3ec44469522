"""What `evaluate` and `train` say of the camera, where a network or a file gives its motion."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from m3depth.networks.trained import read_checkpoint
from m3depth.reconstruction.motion.contract import MotionSource
from m3depth.reconstruction.motion.network import network_motion
from m3depth.reconstruction.videos import ScoredVideo, over_videos, score_videos
from m3depth.report.camera_charts import camera_sections
from m3depth.types import StereoBatch

logger = logging.getLogger(__name__)


def checkpoint_motion(checkpoint: str | Path, device: str) -> MotionSource | None:
    """The motion network beside the depth one; None where the training learned none."""
    if read_checkpoint(Path(checkpoint))["m3depth"].get("gives_motion") is None:
        return None
    return network_motion(checkpoint, device)


def score_camera(
    test: Dataset[StereoBatch], motion: MotionSource | None
) -> tuple[Mapping[str, Any], str]:
    """``trajectory`` and ``intrinsics`` for `metrics.json`, and sections of the report.

    Both are empty without a motion, and where the data have no poses.
    """
    videos = score_videos(test, motion) if motion else []
    found = over_videos(videos)
    if motion and "intrinsics" in found:
        found["intrinsics"]["identifiable"] = not motion.k_doubt
    if motion and not found:
        logger.warning("no trajectory: not one video of the test frames has poses")
    for line in summary(found):
        logger.info(line)
    return found, _section(videos[0], motion.k_doubt) if motion and videos else ""


def summary(scores: Mapping[str, Any]) -> list[str]:
    """The headline of path and K, a line each."""
    lines = []
    if "trajectory" in scores:
        one = scores["trajectory"]
        turned = f"rotation {one['rotation_deg']:.3f} degrees a step"
        if "ate_share" in one:
            error = f"ATE {one['ate_mm']:.3f} mm ({one['ate_share']:.1%} of the path)"
        else:
            error = f"the true camera stands still, this one goes {one['ate_unscaled_mm']:.3f} away"
        lines.append(f"path: {error}, {turned}")
    if "intrinsics" in scores and scores["intrinsics"].get("identifiable", True):
        one = scores["intrinsics"]
        away = f"principal point {one['principal_px']:.2f} px"
        lines.append(f"K: fx {one['fx_share']:.2%}, fy {one['fy_share']:.2%} off, {away}")
    return lines


def _section(video: ScoredVideo, k_doubt: str) -> str:
    poses, true = video.track.camera_to_world.double().numpy(), video.followed.true_poses
    rigs = video.followed.rigs
    cameras = video.track.cameras if "intrinsics" in video.scores else None
    unit = f"unit of {video.name}"
    return camera_sections(video.scores, poses, true, cameras, rigs, unit, k_doubt)
