"""From scenes to pictures of both views, with everything that is known about every pixel."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.data.synthetic.height_field import material, normal
from m3depth.data.synthetic.march import height_grid, march, refine
from m3depth.data.synthetic.shading import (
    Met,
    add_noise,
    automatic_gain,
    expose,
    lit,
    tilted,
    vignette,
)
from m3depth.data.synthetic.texture import FEWEST_COSINE, tissue
from m3depth.data.synthetic.tissue_scene import Scene
from m3depth.data.synthetic.tools import ToolHit, Tools, meet, metal
from m3depth.data.synthetic.views import ViewPixels, as_pair, occluded, view_pixels
from m3depth.types import Pair
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import disparity_from_depth


class Rendering(NamedTuple):
    """Both views and what is known about their pixels; every `Pair` is (left, right).

    Depth is along z of the respective camera, normals are unit vectors in its frame and point
    towards it. ``occluded`` says that the other view does not show the pixel's point: it is out
    of that picture, or something hides it. ``tool`` says that the pixel shows an instrument.
    """

    image: Pair  # Float "b 3 h w" in [0, 1]
    depth_mm: Pair  # Float "b 1 h w"
    disparity_px: Pair  # Float "b 1 h w", x_left - x_right, >= 0
    normal: Pair  # Float "b 3 h w"
    occluded: Pair  # Bool "b 1 h w"
    tool: Pair  # Bool "b 1 h w"
    rig: StereoRig
    camera_to_world: Float[Tensor, "b 4 4"]  # of the left camera
    time_s: Float[Tensor, "b"]


@torch.inference_mode()
def render(
    scene: Scene,
    size: tuple[int, int],
    time_s: Float[Tensor, "b"] | None = None,
    grain: Float[Tensor, "b 2 3 h w"] | None = None,
    highlights: bool = True,
) -> Rendering:
    """Render a batch of scenes at ``size`` (height, width), on the scenes' device.

    Args:
        scene: A batch of scenes.
        size: Height and width in pixels.
        time_s: The moment of each scene; 0 when absent.
        grain: Unit normal noise for the sensors of both views; no noise when absent.
        highlights: Whether wet tissue and metal shine.
    """
    if time_s is None:
        time_s = torch.zeros_like(scene.endoscope.focal)
    rig = scene.endoscope.rig(*size)
    tools = scene.tools.at(time_s)
    views = view_pixels(rig, scene.camera_to_world, size)
    grid = height_grid(scene.surface, views.rays, time_s)
    tissue_depth = refine(scene.surface, views.rays, march(grid, views.rays)[0], time_s)
    hit = meet(tools, views.rays)
    depth = torch.minimum(tissue_depth, hit.depth_mm)
    is_tool = hit.depth_mm < tissue_depth
    point = views.rays.at(depth)
    met = _met(scene, tools, hit, is_tool, point, views, depth / rig.fx[:, None], time_s)
    image = _photograph(scene, met, views, highlights)
    if grain is not None:
        image = add_noise(scene.light, image, grain.transpose(1, 2).flatten(2))
    depths = as_pair(depth[:, None], size)
    return Rendering(
        image=as_pair(image, size),
        depth_mm=depths,
        disparity_px=Pair(*(disparity_from_depth(d, rig) for d in depths)),
        normal=as_pair(scene.camera_to_world[:, :3, :3].mT @ met.normal, size),
        occluded=as_pair(occluded(views, grid, tools, point, depth, rig, size)[:, None], size),
        tool=as_pair(is_tool[:, None], size),
        rig=rig,
        camera_to_world=scene.camera_to_world,
        time_s=time_s,
    )


def _met(
    scene: Scene,
    tools: Tools,
    hit: ToolHit,
    is_tool: Bool[Tensor, "b n"],
    point: Float[Tensor, "b 3 n"],
    views: ViewPixels,
    pixel_mm: Float[Tensor, "b n"],
    time_s: Float[Tensor, "b"],
) -> Met:
    """Tissue or tool at every point: the way it faces, its colour and its gloss."""
    x, y = point[:, 0], point[:, 1]
    facing = normal(scene.surface, x, y, time_s)
    cosine = (facing * views.rays.direction).sum(1).abs() / views.rays.direction.norm(dim=1)
    at = material(scene.surface, x, y, time_s)
    look = tissue(scene.texture, *at, pixel_mm / cosine.clamp_min(FEWEST_COSINE))
    steel = metal(tools, hit, point, pixel_mm)
    either = is_tool[:, None]
    facing = torch.where(either, steel.normal, facing)
    return Met(
        point=point,
        normal=facing,
        wet_normal=tilted(facing, look.relief, ~is_tool),
        albedo=torch.where(either, steel.albedo, look.albedo),
        gloss=torch.where(is_tool, 0.6, look.wetness),
    )


def _photograph(
    scene: Scene, met: Met, views: ViewPixels, highlights: bool
) -> Float[Tensor, "b 3 n2"]:
    """Both views through one exposure."""
    light = lit(scene.light, met, views.rays.origin, scene.camera_to_world)
    gain = automatic_gain(scene.light, light.diffuse)
    corner = views.tangent.norm(dim=1).amax(1, keepdim=True)
    leaving = light.diffuse + light.highlight if highlights else light.diffuse
    return expose(scene.light, leaving * vignette(scene.light, views.tangent, corner), gain)
