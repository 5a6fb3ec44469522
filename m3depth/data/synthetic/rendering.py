"""From scenes to pictures of both views, with everything that is known about every pixel."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.data.synthetic.height_field import material, normal
from m3depth.data.synthetic.march import HeightGrid, Rays, height_grid, march, refine
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
from m3depth.geometry.points import pixel_grid
from m3depth.types import Pair
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import disparity_from_depth

HIDDEN_BY_MM = 0.4  # how far in front something must be to hide a point


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


class ViewPixels(NamedTuple):
    """The pixels of both views side by side: the left view's n, then the right view's n."""

    tangent: Float[Tensor, "b 2 n2"]  # x/z and y/z in the pixel's own camera
    rays: Rays
    other_eye: Float[Tensor, "b 3 n2"]  # where the other camera sits, in the world


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
    views = _views(rig, scene.camera_to_world, size)
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
    depths = _pair(depth[:, None], size)
    return Rendering(
        image=_pair(image, size),
        depth_mm=depths,
        disparity_px=Pair(*(disparity_from_depth(d, rig) for d in depths)),
        normal=_pair(scene.camera_to_world[:, :3, :3].mT @ met.normal, size),
        occluded=_pair(_occluded(views, grid, tools, point, depth, rig, size)[:, None], size),
        tool=_pair(is_tool[:, None], size),
        rig=rig,
        camera_to_world=scene.camera_to_world,
        time_s=time_s,
    )


def _pair(values: Tensor, size: tuple[int, int]) -> Pair:
    """(b, c, 2·n) to a left and a right picture."""
    left, right = values.reshape(*values.shape[:2], 2, *size).unbind(2)
    return Pair(left, right)


def _views(
    rig: StereoRig, camera_to_world: Float[Tensor, "b 4 4"], size: tuple[int, int]
) -> ViewPixels:
    x, y, _ = pixel_grid(rig.fx.new_zeros(len(rig.fx), 1, *size))
    down = (y - rig.cy[:, None]) / rig.fy[:, None]
    across = [(x - cx[:, None]) / rig.fx[:, None] for cx in (rig.cx, rig.cx_right)]
    tangent = torch.stack([torch.cat(across, -1), torch.cat([down, down], -1)], dim=1)
    rotation, left = camera_to_world[:, :3, :3], camera_to_world[:, :3, 3:]
    right = left + rotation[:, :, :1] * rig.baseline_mm[:, None, None]
    eyes = [eye.expand(-1, -1, down.shape[1]) for eye in (left, right)]
    forward = torch.ones_like(tangent[:, :1])
    direction = rotation @ torch.cat([tangent, forward], dim=1)
    return ViewPixels(tangent, Rays(torch.cat(eyes, -1), direction), torch.cat(eyes[::-1], -1))


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


def _occluded(
    views: ViewPixels,
    grid: HeightGrid,
    tools: Tools,
    point: Float[Tensor, "b 3 n2"],
    depth: Float[Tensor, "b n2"],
    rig: StereoRig,
    size: tuple[int, int],
) -> Bool[Tensor, "b n2"]:
    """Cast the other camera's ray to each point: does it leave the picture or meet something?"""
    # Both cameras look the same way, so a point has the same depth in both.
    back = Rays(views.other_eye, (point - views.other_eye) / depth[:, None])
    tissue_depth, met_tissue = march(grid, back)
    hidden = met_tissue & (tissue_depth < depth - HIDDEN_BY_MM)
    hidden |= meet(tools, back).depth_mm < depth - HIDDEN_BY_MM
    n = depth.shape[1] // 2
    shift = (rig.fx * rig.baseline_mm)[:, None] / depth
    offset = rig.principal_offset[:, None]
    x = torch.arange(size[1], device=depth.device, dtype=depth.dtype).repeat(size[0])
    in_other = torch.cat([x - shift[:, :n] - offset, x + shift[:, n:] + offset], dim=-1)
    return hidden | (in_other < 0) | (in_other > size[1] - 1)
