"""Instruments: capsules (a shaft, a wrist, two jaws), met by rays in closed form."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from m3depth.data.synthetic.march import NEAREST_MM, Rays
from m3depth.data.synthetic.noise import look_up, noise_tile

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
        shown = tools.radius_mm[:, part].nonzero()[:, 0]
        if not len(shown):
            continue
        some = Rays(rays.origin[shown], rays.direction[shown])
        depth = _capsule(
            some,
            tools.start_mm[shown, part, :, None],
            tools.end_mm[shown, part, :, None],
            tools.radius_mm[shown, part, None],
        )
        which[shown] = torch.where(depth < nearest[shown], part, which[shown])
        nearest[shown] = torch.minimum(nearest[shown], depth)
    return ToolHit(nearest, which)


def _capsule(
    rays: Rays,
    start: Float[Tensor, "b 3 1"],
    end: Float[Tensor, "b 3 1"],
    radius: Float[Tensor, "b 1"],
) -> Float[Tensor, "b n"]:
    """Depth of a capsule: its cylinder where the ray meets that between the ends, else a ball."""
    axis, from_start = end - start, rays.origin - start
    axis_axis, axis_ray, axis_from = (
        _dot(axis, axis),
        _dot(axis, rays.direction),
        _dot(axis, from_start),
    )
    ray_ray, ray_from = _dot(rays.direction, rays.direction), _dot(rays.direction, from_start)
    from_from = _dot(from_start, from_start) - radius * radius
    cylinder = _nearer_root(
        (axis_axis * ray_ray - axis_ray * axis_ray).clamp_min(1e-9),
        axis_axis * ray_from - axis_from * axis_ray,
        axis_axis * from_from - axis_from * axis_from,
    )
    along = axis_from + cylinder * axis_ray
    # The far ball's terms follow from the near one's: its centre is `axis` further on.
    far = along > 0
    ball = _nearer_root(
        ray_ray,
        torch.where(far, ray_from - axis_ray, ray_from),
        torch.where(far, from_from - 2 * axis_from + axis_axis, from_from),
    )
    on_cylinder = far & (along < axis_axis) & (cylinder < NO_HIT_MM)
    depth = torch.where(on_cylinder, cylinder, ball)
    return torch.where(depth > NEAREST_MM, depth, NO_HIT_MM)


def _dot(a: Float[Tensor, "b 3 m"], b: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b k"]:
    """Component by component: a sum over so short a dimension is slow."""
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]


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
    normal = normalize(outward, dim=1)
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
