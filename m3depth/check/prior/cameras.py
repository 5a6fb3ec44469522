"""Poses and principal points."""

from collections.abc import Iterator

import numpy as np
import torch

from m3depth.check.finding import Finding, Severity
from m3depth.priors.layouts.needs import travelled
from m3depth.priors.layouts.scene import PriorScene
from m3depth.priors.sound import pose_faults


def no_rotation(scene: PriorScene) -> Iterator[Finding]:
    """Poses that scale, shear or mirror, or are no numbers."""
    if scene.poses is None:
        return
    bad = [i for i, pose in enumerate(scene.poses) if any(pose_faults(torch.from_numpy(pose)))]
    if bad:
        first = np.nan_to_num(scene.poses[bad[0]][:3, :3], nan=0.0, posinf=0.0, neginf=0.0)
        yield Finding(
            "no_rotation",
            Severity.ERROR,
            f"{len(bad)} of {len(scene.poses)} poses are no rotation and translation; the "
            f"first is pose {bad[0]}, of determinant {np.linalg.det(first):.3g}",
            "write camera-to-world [R | t] with orthonormal, right-handed R; scale goes into t",
            {"poses": float(len(bad))},
            tuple(str(index) for index in bad),
        )


def pose_axes(scene: PriorScene) -> Iterator[Finding]:
    """Poses that were written for a reader with other axes, by our own word."""
    written = scene.meta.get("pose_convention", scene.convention)
    if scene.convention and written != scene.convention:
        moves = scene.poses is not None and travelled(scene.poses) > 0
        yield Finding(
            "pose_axes",
            Severity.ERROR if moves else Severity.WARNING,
            f"the poses are written for {written} axes, and this reader takes them for "
            f"{scene.convention}"
            + ("" if moves else "; the camera stands still, so the scene is only turned"),
            "export with this target's writer, "
            f"or writer.pose_convention._target_=m3depth.geometry.poses.{scene.convention}",
        )


def off_centre(
    scene: PriorScene, warning_px: float = 0.51, error_px: float = 2.0
) -> Iterator[Finding]:
    """A principal point that the reader cannot be told.

    Args:
        scene: As the reader has it.
        warning_px: From this distance on.
        error_px: From this one on.
    """
    if scene.principal_px is None or scene.stated_px is None:
        return
    (x, y), (cx, cy) = scene.principal_px, scene.stated_px
    off = max(abs(cx - x), abs(cy - y))
    if off > warning_px:
        yield Finding(
            "off_centre",
            Severity.ERROR if off > error_px else Severity.WARNING,
            f"the principal point is ({cx:.1f}, {cy:.1f}), and this reader takes it to be "
            f"({x:.1f}, {y:.1f})",
            "crop the images until it is there, as `m3depth export` does, or use a layout "
            "that holds it: nerfstudio, colmap, npz",
            {"off_px": off},
        )
