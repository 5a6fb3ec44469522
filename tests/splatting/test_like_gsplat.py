"""Ours against what gsplat has in plain torch, which runs without its device."""

import numpy as np
import torch
from gsplat import export_splats
from gsplat.cuda import _torch_impl as theirs
from small_scenes import parsed_ply, some_splats
from splat_scenes import cloud

from m3depth.splatting.harmonics import view_colours
from m3depth.splatting.rasteriser.profiles import GSPLAT
from m3depth.splatting.rasteriser.projection import project
from m3depth.splatting.results.gaussian_ply import gaussian_ply


def test_the_projection():
    scene, view = cloud(300, (36, 50))
    k = view.intrinsics.clone()
    k[:2, 2] += 0.5
    covariances, _ = theirs._quat_scale_to_covar_preci(
        scene.quaternions, scene.scales_mm, compute_preci=False
    )
    _, centres, depths, conics, _ = theirs._fully_fused_projection(
        scene.means_mm, covariances, view.world_to_camera[None], k[None], 50, 36
    )
    ours = project(scene, view, GSPLAT)
    seen = ours.in_front
    assert 0 < seen.sum() < len(seen)
    torch.testing.assert_close(ours.centres_px[seen], centres[0, seen] - 0.5)
    torch.testing.assert_close(ours.depth_mm[seen], depths[0, seen])
    torch.testing.assert_close(ours.conics[seen], conics[0, seen], rtol=1e-8, atol=1e-10)


def test_colours_by_direction():
    scene, view = cloud(40, (36, 50))
    coefficients = 0.3 * torch.randn(40, 16, 3, dtype=torch.float64)
    directions = scene.means_mm - view.centre_mm
    expected = theirs._spherical_harmonics(3, directions, coefficients) + 0.5
    torch.testing.assert_close(
        view_colours(coefficients, scene.means_mm, view), expected.clamp_min(0)
    )


def test_the_ply_for_viewers():
    splats = some_splats()
    state = splats.at_rest(0.5)
    expected = parsed_ply(
        export_splats(
            means=state["means_mm"],
            scales=state["log_scales"],
            quats=state["quaternions"],
            opacities=state["logits"],
            sh0=state["harmonics"][:, :1],
            shN=state["harmonics"][:, 1:],
        )
    )
    ours = parsed_ply(gaussian_ply(splats, 0.5))
    assert len(expected) == len(splats)
    for name in expected.dtype.names:
        np.testing.assert_array_equal(ours[name], expected[name], err_msg=name)
