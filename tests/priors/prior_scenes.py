"""Priors to be written: random depth with holes, tools, any K, a camera that moves or not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from m3depth.geometry import poses
from m3depth.geometry.points import back_project, pixel_grid
from m3depth.priors.layouts.endonerf.layout import EndoNeRFLayout
from m3depth.priors.layouts.writer import SceneWriter, scene_writer
from m3depth.priors.prior import DepthPrior
from m3depth.types.camera import StereoRig

HEIGHT, WIDTH, FOCAL = 48, 64, 60.0
NEAR_MM, FAR_MM = 40.0, 100.0
LONGEST_RAY = 1.4  # of a pixel's ray per unit of z
HOLE = (slice(0, 5), slice(0, 7))
TOOL = (slice(0, 48), slice(44, 52))


def moved(index: int) -> torch.Tensor:
    """A camera-to-world pose: a rotation about a random axis and a few millimetres."""
    generator = torch.Generator().manual_seed(index)
    x, y, z = (torch.randn(3, generator=generator) * 0.2).tolist()
    cross = torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    pose = torch.eye(4)
    pose[:3, :3] = torch.linalg.matrix_exp(cross)
    pose[:3, 3] = torch.randn(3, generator=generator) * 10
    return pose


def a_prior(
    index: int, moving: bool = True, cx: float = 33.3, cy: float = 22.4, fy: float = FOCAL
) -> DepthPrior:
    generator = torch.Generator().manual_seed(index)
    depth = NEAR_MM + (FAR_MM - NEAR_MM) * torch.rand(1, HEIGHT, WIDTH, generator=generator)
    depth[0][HOLE] = 0
    use = torch.ones(1, HEIGHT, WIDTH, dtype=torch.bool)
    use[0][TOOL] = False
    return DepthPrior(
        key=f"clip/{index:03d}",
        image=torch.randint(0, 256, (3, HEIGHT, WIDTH), generator=generator) / 255,
        disparity_px=depth / 9,
        depth_mm=depth,
        confidence=torch.rand(1, HEIGHT, WIDTH, generator=generator),
        rig=StereoRig.of(FOCAL, fy, cx, cy, cx, 4.5),
        camera_to_world=moved(index) if moving else torch.eye(4),
        use=use,
    )


def some_priors(moving: bool, **camera: float) -> list[DepthPrior]:
    return [a_prior(index, moving, **camera) for index in range(3)]


def world_points(prior: DepthPrior) -> np.ndarray:
    """(h, w, 3) in mm, by the program's own geometry."""
    rig = StereoRig(*(value[None] for value in prior.rig))
    points = back_project(*pixel_grid(prior.depth_mm[None]), rig)[0]
    world = points @ prior.camera_to_world[:3, :3].T + prior.camera_to_world[:3, 3]
    return world.reshape(*prior.size, 3).double().numpy()


def usable(prior: DepthPrior) -> np.ndarray:
    return ((prior.depth_mm > 0) & prior.use)[0].numpy()


def endonerf(
    folder: Path, convention: poses.PoseConvention | None = None, **options: object
) -> SceneWriter:
    return scene_writer(
        folder, EndoNeRFLayout, pose_convention=convention or poses.opengl(), **options
    )


def export(writer: SceneWriter, priors: list[DepthPrior]) -> Path:
    for index, prior in enumerate(priors):
        writer.write(index, prior)
    assert writer.finish(len(priors)) == []
    return writer.folder


def files_of(scene: Path) -> dict[str, bytes]:
    found = (path for path in scene.rglob("*") if path.is_file())
    return {str(path.relative_to(scene)): path.read_bytes() for path in found}


def without_depth(prior: DepthPrior) -> DepthPrior:
    return replace(prior, depth_mm=torch.zeros_like(prior.depth_mm))


def meta_of(scene: Path) -> dict:
    return json.loads((scene / "depth_meta.json").read_text())
