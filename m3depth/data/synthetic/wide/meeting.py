"""What the rays of both views met: tissue, whatever covers it, or metal."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.data.synthetic.height_field import material, slopes
from m3depth.data.synthetic.march import HeightGrid, height_grid, march, refine
from m3depth.data.synthetic.shading import Met
from m3depth.data.synthetic.texture import FEWEST_COSINE, tissue
from m3depth.data.synthetic.tools import ToolHit, meet, metal
from m3depth.data.synthetic.vectors import dot, length, unit
from m3depth.data.synthetic.views import ViewPixels
from m3depth.data.synthetic.wide.coverings import covered
from m3depth.data.synthetic.wide.scene import WideScene
from m3depth.types.camera import StereoRig

METAL_GLOSS = 0.6


class Meeting(NamedTuple):
    """The first thing on each ray, left view's pixels first."""

    met: Met
    depth_mm: Float[Tensor, "1 n2"]
    is_tool: Bool[Tensor, "1 n2"]
    grid: HeightGrid  # to march on again


def meeting(scene: WideScene, views: ViewPixels, rig: StereoRig) -> Meeting:
    """Cast the rays of both views."""
    surface, tools, now = scene.tissue.surface, scene.tissue.tools, torch.zeros(1)
    grid = height_grid(surface, views.rays, now)
    tissue_depth = refine(surface, views.rays, march(grid, views.rays)[0], now)
    hit = meet(tools, views.rays)
    depth = torch.minimum(tissue_depth, hit.depth_mm)
    is_tool = hit.depth_mm < tissue_depth
    met = _tissue(scene, views, depth, depth / rig.fx)
    if is_tool.any():
        met = _with_metal(scene, met, hit, is_tool, depth / rig.fx)
    return Meeting(met, depth, is_tool, grid)


def _tissue(
    scene: WideScene,
    views: ViewPixels,
    depth: Float[Tensor, "1 n2"],
    pixel_mm: Float[Tensor, "1 n2"],
) -> Met:
    point, now = views.rays.at(depth), torch.zeros(1)
    x, y = point[:, 0], point[:, 1]
    slope = slopes(scene.tissue.surface, x, y, now)
    facing, direction = unit(slope), views.rays.direction
    cosine = (dot(facing, direction).abs() / length(direction))[:, 0]
    at = material(scene.tissue.surface, x, y, now)
    pixel_mm = pixel_mm / cosine.clamp_min(FEWEST_COSINE)
    look = tissue(scene.tissue.texture, *at, pixel_mm)
    look = covered(scene.blood, scene.gauze, look, *at, pixel_mm)
    flat = torch.cat([look.relief, torch.zeros_like(x)[:, None]], 1)
    wet = unit(facing + flat * facing[:, 2:].abs())
    return Met(point, facing, wet, look.albedo, look.wetness)


def _with_metal(
    scene: WideScene,
    met: Met,
    hit: ToolHit,
    is_tool: Bool[Tensor, "1 n2"],
    pixel_mm: Float[Tensor, "1 n2"],
) -> Met:
    """Metal where the rays met a tool."""
    at = is_tool[0].nonzero()[:, 0]
    some = ToolHit(hit.depth_mm[:, at], hit.part[:, at])
    look = metal(scene.tissue.tools, some, met.point[:, :, at], pixel_mm[:, at])
    return met._replace(
        normal=met.normal.index_copy(2, at, look.normal),
        wet_normal=met.wet_normal.index_copy(2, at, look.normal),
        albedo=met.albedo.index_copy(2, at, look.albedo),
        gloss=met.gloss.masked_fill(is_tool, METAL_GLOSS),
    )
