"""Rays, and where they first meet the tissue: a march over a grid, then secants on the surface."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import grid_sample

from m3depth.data.synthetic.height_field import HeightField, height

GRID = 256  # samples along one side of the grid on which rays march
NEAREST_MM = 5.0  # no ray starts closer to its camera
MARCH_ROUNDS = 20
STEPS_A_ROUND = 4
SHORTEST_STEP_MM = 0.5  # folds are wider than this
REFINEMENTS = 4
GRID_ERROR_MM = 0.2  # between the grid and the tissue
SLOWEST = 0.1  # mm of approach per mm of depth: a grazing ray


class Rays(NamedTuple):
    """``origin + depth · direction``; directions have z = 1 in the camera, so depth is depth."""

    origin: Float[Tensor, "b 3 n"]
    direction: Float[Tensor, "b 3 n"]

    def at(self, depth_mm: Float[Tensor, "b n"]) -> Float[Tensor, "b 3 n"]:
        """The points at these depths."""
        return self.origin + depth_mm[:, None] * self.direction

    def depth_at_z(self, z: Float[Tensor, "b 1"]) -> Float[Tensor, "b n"]:
        """The depth at which a ray meets the world's plane ``z``, not before `NEAREST_MM`."""
        return ((z - self.origin[:, 2]) / self.direction[:, 2]).clamp_min(NEAREST_MM)


class Paths(NamedTuple):
    """Rays in the coordinates of a grid: each value is ``at depth 0`` or ``per mm of depth``."""

    u: Float[Tensor, "rays"]  # across the grid, -1 to 1
    u_per_mm: Float[Tensor, "rays"]
    v: Float[Tensor, "rays"]  # down the atlas of all grids, -1 to 1
    v_per_mm: Float[Tensor, "rays"]
    z: Float[Tensor, "rays"]
    z_per_mm: Float[Tensor, "rays"]
    fastest: Float[Tensor, "rays"]  # mm of approach per mm of depth, at most
    depth: Float[Tensor, "rays"]  # so far


class HeightGrid(NamedTuple):
    """The tissue sampled over what a set of rays can reach, to march on."""

    height: Float[Tensor, "b g g"]
    corner: Float[Tensor, "b 2"]  # mm
    extent: Float[Tensor, "b 2"]  # mm
    steepest: Float[Tensor, "b 1"]  # the largest slope

    @property
    def top(self) -> Float[Tensor, "b 1"]:
        """No tissue lies nearer than this ``z``."""
        return self.height.flatten(1).amin(1, keepdim=True) - 1

    @property
    def bottom(self) -> Float[Tensor, "b 1"]:
        """Every ray that reaches this ``z`` has met the tissue."""
        return self.height.flatten(1).amax(1, keepdim=True) + 1

    def paths(self, rays: Rays) -> Paths:
        """The rays of all scenes in one list, over an atlas: the scenes' grids below each other.

        One list lets `march` drop rays that have arrived, whichever scene they belong to.
        """
        scenes, side = self.height.shape[:2]
        rows = scenes * side - 1
        first_row = torch.arange(scenes, device=self.corner.device)[:, None] * side
        per_u, per_v = 2 / self.extent[:, :1], 2 * (side - 1) / rows / self.extent[:, 1:]
        (x, y, z), (dx, dy, dz) = rays.origin.unbind(1), rays.direction.unbind(1)
        values = (
            (x - self.corner[:, :1]) * per_u - 1,
            dx * per_u,
            (y - self.corner[:, 1:]) * per_v + first_row * (2 / rows) - 1,
            dy * per_v,
            z,
            dz,
            dz + self.steepest * torch.hypot(dx, dy),
            rays.depth_at_z(self.top),
        )
        return Paths(*(value.flatten() for value in values))

    def advance(self, paths: Paths) -> tuple[Paths, Bool[Tensor, "rays"]]:
        """March a few steps; those that crossed the grid stand at the crossing."""
        before, after = paths.depth, paths.depth
        gap_before = gap = self._gap(paths, after)
        for _ in range(STEPS_A_ROUND):
            open_ = gap > 0
            before, gap_before = (
                torch.where(open_, after, before),
                torch.where(open_, gap, gap_before),
            )
            step = (gap / paths.fastest).clamp_min(SHORTEST_STEP_MM)
            after = torch.where(open_, after + step, after)
            gap = torch.where(open_, self._gap(paths, after), gap)
        arrived = gap <= 0
        share = gap_before / (gap_before - gap).clamp_min(1e-6)
        crossing = before + share * (after - before)
        return paths._replace(depth=torch.where(arrived, crossing, after)), arrived

    def _gap(self, paths: Paths, depth: Float[Tensor, "rays"]) -> Float[Tensor, "rays"]:
        u = torch.addcmul(paths.u, depth, paths.u_per_mm)
        v = torch.addcmul(paths.v, depth, paths.v_per_mm)
        atlas = self.height.flatten(0, 1)[None, None]
        where = torch.stack([u, v], dim=-1)[None, None]
        height = grid_sample(atlas, where, align_corners=True, padding_mode="border")[0, 0, 0]
        return height - torch.addcmul(paths.z, depth, paths.z_per_mm)


def height_grid(surface: HeightField, rays: Rays, time_s: Float[Tensor, "b"]) -> HeightGrid:
    """Sample the tissue wherever the rays may meet it: coarsely for its range, then finely."""
    folds_and_lobes = surface.fold_mm.abs().sum(1) * 1.1 + surface.lobe_mm.abs().sum(1)
    reach = (surface.wave_mm.abs().sum(1) + folds_and_lobes + 5)[:, None]
    coarse = _sampled(surface, rays, -reach, reach, GRID // 4, time_s)
    return _sampled(surface, rays, coarse.top, coarse.bottom, GRID, time_s)


def _sampled(
    surface: HeightField,
    rays: Rays,
    top: Float[Tensor, "b 1"],
    bottom: Float[Tensor, "b 1"],
    samples: int,
    time_s: Float[Tensor, "b"],
) -> HeightGrid:
    ends = [rays.at(rays.depth_at_z(z))[:, :2] for z in (top, bottom)]
    reached = torch.cat(ends, dim=-1)
    corner = reached.amin(-1) - 1
    extent = reached.amax(-1) + 1 - corner
    share = torch.linspace(0, 1, samples, device=corner.device, dtype=corner.dtype)
    x = (corner[:, :1] + extent[:, :1] * share)[:, None].expand(-1, samples, -1)
    y = (corner[:, 1:] + extent[:, 1:] * share)[:, :, None].expand(-1, -1, samples)
    z = height(surface, x.flatten(1), y.flatten(1), time_s).view(-1, samples, samples)
    cell = (extent / (samples - 1))[..., None, None]
    slope_x = z.diff(dim=2)[:, 1:] / cell[:, 0]
    slope_y = z.diff(dim=1)[:, :, 1:] / cell[:, 1]
    steepest = torch.hypot(slope_x, slope_y).flatten(1).amax(1, keepdim=True)
    return HeightGrid(z, corner, extent, steepest)


def march(grid: HeightGrid, rays: Rays) -> tuple[Float[Tensor, "b n"], Bool[Tensor, "b n"]]:
    """The depth of the first crossing with the grid, and whether there was one.

    A step is as long as the steepest slope allows, so that no ridge is jumped over but those
    thinner than `SHORTEST_STEP_MM`. Rays that have arrived leave the list of those that march.
    """
    paths = grid.paths(rays)
    depth = paths.depth.clone()
    hit = torch.zeros_like(depth, dtype=torch.bool)
    marching = torch.arange(len(depth), device=depth.device)
    for _ in range(MARCH_ROUNDS):
        paths, arrived = grid.advance(paths)
        depth[marching] = paths.depth
        hit[marching] = arrived
        marching, paths = marching[~arrived], Paths(*(value[~arrived] for value in paths))
        if not len(marching):
            break
    shape = rays.origin[:, 0].shape
    return depth.view(shape), hit.view(shape)


def refine(
    surface: HeightField, rays: Rays, depth_mm: Float[Tensor, "b n"], time_s: Float[Tensor, "b"]
) -> Float[Tensor, "b n"]:
    """From a crossing with the grid to the crossing with the tissue itself, by secants."""

    def gap(depth: Float[Tensor, "b n"]) -> Float[Tensor, "b n"]:
        x, y, z = rays.at(depth).unbind(1)
        return height(surface, x, y, time_s) - z

    before, after = depth_mm - GRID_ERROR_MM, depth_mm
    gap_before, gap_after = gap(before), gap(after)
    for _ in range(REFINEMENTS):
        moved = after - before
        moved = torch.where(moved.abs() > 1e-6, moved, 1e-6)
        closing = ((gap_before - gap_after) / moved).clamp_min(SLOWEST)
        before, gap_before = after, gap_after
        after = after + (gap_after / closing).clamp(-GRID_ERROR_MM, GRID_ERROR_MM)
        gap_after = gap(after)
    return after
