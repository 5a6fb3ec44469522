"""Instruments: capsules (a shaft, a wrist, two jaws), met by rays in closed form."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from m3depth.data.synthetic.noise import look_up, noise_tile
from m3depth.data.synthetic.surface import NEAREST_MM, Rays

NO_HIT_MM = 1e6
SCRATCH_MM = 3.0  # wavelength of the marks on the metal
RING_MM = 14.0  # between the marks around the shaft


class Tools(NamedTuple):
    """Capsules in the world; an absent one has radius 0."""

    start_mm: Float[Tensor, "*b parts 3"]
    end_mm: Float[Tensor, "*b parts 3"]
    radius_mm: Float[Tensor, "*b parts"]
    metal: Float[Tensor, "*b parts 3"]  # linear RGB
    travel_mm: Float[Tensor, "*b parts 3"]  # how far a part swings to and fro in a clip
    travel_rate: Float[Tensor, "*b parts"]  # radian per s

    def at(self, time_s: Float[Tensor, "b"]) -> "Tools":
        """The instruments where they are at a time."""
        swing = torch.sin(self.travel_rate * time_s[:, None])[..., None] * self.travel_mm
        return self._replace(start_mm=self.start_mm + swing, end_mm=self.end_mm + swing)


class ToolHit(NamedTuple):
    """The first capsule on each ray; `depth_mm` is `NO_HIT_MM` where there is none."""

    depth_mm: Float[Tensor, "b n"]
    part: Int[Tensor, "b n"]


def meet(tools: Tools, rays: Rays) -> ToolHit:
    """Where each ray first meets a tool."""
    nearest = torch.full_like(rays.origin[:, 0], NO_HIT_MM)
    which = torch.zeros_like(nearest, dtype=torch.long)
    for part in range(tools.radius_mm.shape[1]):
        if not bool((tools.radius_mm[:, part] > 0).any()):
            continue
        depth = _capsule(
            rays, tools.start_mm[:, part], tools.end_mm[:, part], tools.radius_mm[:, part, None]
        )
        which = torch.where(depth < nearest, part, which)
        nearest = torch.minimum(nearest, depth)
    return ToolHit(nearest, which)


def _capsule(
    rays: Rays,
    start: Float[Tensor, "b 3"],
    end: Float[Tensor, "b 3"],
    radius: Float[Tensor, "b 1"],
) -> Float[Tensor, "b n"]:
    """Depth of a capsule: its cylinder where the ray meets that between the ends, else a ball."""
    axis = (end - start)[..., None]
    from_start = rays.origin - start[..., None]
    axis_axis = (axis * axis).sum(1)
    axis_ray = (axis * rays.direction).sum(1)
    axis_from = (axis * from_start).sum(1)
    ray_ray = (rays.direction * rays.direction).sum(1)
    across = axis_axis * ray_ray - axis_ray * axis_ray
    half = axis_axis * (rays.direction * from_start).sum(1) - axis_from * axis_ray
    rest = axis_axis * ((from_start * from_start).sum(1) - radius * radius) - axis_from * axis_from
    cylinder = _nearer_root(across.clamp_min(1e-9), half, rest)
    along = axis_from + cylinder * axis_ray
    on_cylinder = (along > 0) & (along < axis_axis) & (cylinder < NO_HIT_MM)
    centre = torch.where((along <= 0)[:, None], start[..., None], end[..., None])
    from_centre = rays.origin - centre
    ball = _nearer_root(
        ray_ray,
        (rays.direction * from_centre).sum(1),
        (from_centre * from_centre).sum(1) - radius * radius,
    )
    depth = torch.where(on_cylinder, cylinder, ball)
    return torch.where((radius > 0) & (depth > NEAREST_MM), depth, NO_HIT_MM)


def _nearer_root(
    a: Float[Tensor, "b n"], half_b: Float[Tensor, "b n"], c: Float[Tensor, "b n"]
) -> Float[Tensor, "b n"]:
    """The smaller root of ``a·t² + 2·half_b·t + c``, `NO_HIT_MM` where there is none."""
    inside = half_b * half_b - a * c
    return torch.where(inside >= 0, (-half_b - inside.clamp_min(0).sqrt()) / a, NO_HIT_MM)


class ToolLook(NamedTuple):
    """What light meets on a tool."""

    normal: Float[Tensor, "b 3 n"]
    albedo: Float[Tensor, "b 3 n"]


def metal(
    tools: Tools, hit: ToolHit, points: Float[Tensor, "b 3 n"], pixel_mm: Float[Tensor, "b n"]
) -> ToolLook:
    """Normals and colour at points on the tools: grey metal with scratches and a few rings."""
    start, end = _of_part(tools.start_mm, hit), _of_part(tools.end_mm, hit)
    axis = end - start
    length = axis.norm(dim=1).clamp_min(1e-6)
    from_start = points - start
    along = ((from_start * axis).sum(1) / length**2).clamp(0, 1)
    outward = from_start - along[:, None] * axis
    normal = outward / outward.norm(dim=1, keepdim=True).clamp_min(1e-6)
    # Marks in millimetres of the tool's own axis and of the camera-free direction around it.
    u, v = along * length / SCRATCH_MM, (normal[:, 0] + normal[:, 2]) * 2
    tile = noise_tile().to(points).expand(points.shape[0], -1, -1, -1)
    clear = (SCRATCH_MM / pixel_mm / 3 - 1).clamp(0, 1)
    scratches = look_up(tile, u / 16, v / 16)[:, 0] * clear
    ring = torch.sigmoid(12 * (torch.cos(2 * torch.pi * along * length / RING_MM) - 0.75))
    shade = (0.16 * scratches - 0.5 * ring).exp()
    return ToolLook(normal, _of_part(tools.metal, hit) * shade[:, None])


def _of_part(value: Float[Tensor, "b parts 3"], hit: ToolHit) -> Float[Tensor, "b 3 n"]:
    index = hit.part[:, None].expand(-1, 3, -1)
    return value.transpose(1, 2).gather(2, index)
