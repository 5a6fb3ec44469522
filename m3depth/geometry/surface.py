"""A view's disparity map as a surface in 3D, and clouds of points on it."""

from typing import NamedTuple, Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from m3depth.geometry.registration import FEWEST, Motion
from m3depth.geometry.warp import look_up
from m3depth.types import Pair
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import NEAREST_PARALLAX_PX

ROUNDING = 1e-3  # of a pixel: a pixel's own ray leads back to it no more exactly in float32
WHOLLY = 1 - ROUNDING  # of a bilinear weight


class Cloud(NamedTuple):
    """Points with what a registration asks of them, all in one frame."""

    points: Float[Tensor, "b n 3"]  # mm
    normals: Float[Tensor, "b n 3"]  # unit, towards the cameras; no gradient
    valid: Bool[Tensor, "b n"]

    def moved(self, motion: Motion) -> Self:
        """The same points elsewhere."""
        turned = self.normals @ motion.rotation.mT
        return self._replace(points=motion.apply(self.points), normals=turned)

    def where(self, keep: Bool[Tensor, "b n"]) -> Self:
        """The same with fewer valid points."""
        return self._replace(valid=self.valid & keep)


class Surface(NamedTuple):
    """The surface that one view's disparities span, in millimetres in the left camera's frame.

    Between pixels it is linear in disparity, so that planes are planes.
    """

    disparity: Float[Tensor, "b 1 h w"]  # fraction of the width
    visible: Bool[Tensor, "b 1 h w"]
    fx: Float[Tensor, "b 1"]
    fy: Float[Tensor, "b 1"]
    cx: Float[Tensor, "b 1"]  # of this view
    cy: Float[Tensor, "b 1"]
    offset_px: Float[Tensor, "b 1"]  # disparity of infinity
    baseline_mm: Float[Tensor, "b 1"]
    camera_x_mm: Float[Tensor, "b 1"]  # where this view's camera stands

    def seen_where(self, seen: Bool[Tensor, "b 1 h w"]) -> Self:
        """The same with less of it visible."""
        return self._replace(visible=self.visible & seen)

    def at(self, x: Float[Tensor, "b n"], y: Float[Tensor, "b n"]) -> Cloud:
        """The surface at real-valued pixels of this view; valid inside the image, where visible.

        The gradient goes to the disparities about the pixel, none to ``x`` and ``y``.
        """
        x, y = x.detach(), y.detach()
        height, width = self.visible.shape[-2:]
        disparity = look_up(self.disparity, x[:, None], y[:, None])[:, 0, 0]
        seen = look_up(self.visible.to(x), x[:, None], y[:, None])[:, 0, 0]
        inside = (x >= -ROUNDING) & (x <= width - 1 + ROUNDING)
        inside &= (y >= -ROUNDING) & (y <= height - 1 + ROUNDING)
        return self._cloud(x, y, disparity, inside & (seen > WHOLLY))

    def lattice(self, every: int = 1, row: int = 0, column: int = 0) -> Cloud:
        """A point for every n-th pixel of every n-th row, from ``row`` and ``column`` on."""
        height, width = self.visible.shape[-2:]
        index = torch.arange(height * width, device=self.fx.device).view(height, width)
        chosen = index[row::every, column::every].reshape(1, -1).expand(len(self.fx), -1)
        return self._at_pixels(chosen, self.visible.flatten(1).gather(1, chosen))

    def drawn(self, samples: int) -> Cloud:
        """Points at random visible pixels, drawn with replacement, each as likely as any other.

        A sample that sees fewer than 3 has no valid one.
        """
        return self._at_pixels(*draw_pixels(self.visible, samples))

    def project(
        self, points: Float[Tensor, "b n 3"]
    ) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]]:
        """Where this view sees points in front of it, as pixels ``x`` and ``y``."""
        forward = points[..., 2].clamp_min(1e-6)
        x = self.fx * (points[..., 0] - self.camera_x_mm) / forward + self.cx
        return x, self.fy * points[..., 1] / forward + self.cy

    def _at_pixels(self, index: Int[Tensor, "b n"], usable: Bool[Tensor, "b n"]) -> Cloud:
        width = self.visible.shape[-1]
        x, y = (index % width).to(self.fx), (index // width).to(self.fx)
        return self._cloud(x, y, self.disparity.flatten(1).gather(1, index), usable)

    def _cloud(self, x: Tensor, y: Tensor, disparity: Tensor, seen: Tensor) -> Cloud:
        parallax = self.disparity.shape[-1] * disparity - self.offset_px
        along, down = self._slopes(x, y)
        flat = along.isfinite() & down.isfinite()  # beside a NaN there is no plane
        valid = seen & flat & (parallax > NEAREST_PARALLAX_PX)
        right, below = (x - self.cx) / self.fx, (y - self.cy) / self.fy
        depth_mm = self.fx * self.baseline_mm / torch.where(valid, parallax, 1.0)
        points = [right * depth_mm + self.camera_x_mm, below * depth_mm, depth_mm]
        # Of the plane about the pixel: on it 1/Z, and so the parallax, is linear in the ray, and
        # the coefficients are the direction of its normal, away from the camera.
        m_x, m_y = along * self.fx, down * self.fy
        away = torch.stack([m_x, m_y, parallax.detach() - m_x * right - m_y * below], dim=-1)
        normals = -normalize(away.where(valid[..., None], 1.0), dim=-1)
        return Cloud(torch.stack(points, dim=-1), normals, valid)

    def _slopes(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Change of parallax per pixel along x and y, at the nearest pixel inside the border.

        The gentler of both sides' differences: across the edge of an object one side's is a step
        and not a slope.
        """
        height, width = self.visible.shape[-2:]
        flat = self.disparity.detach().flatten(1)
        column = x.round().long().clamp(1, width - 2)
        row = y.round().long().clamp(1, height - 2)
        index = row * width + column
        here = flat.gather(1, index)
        slopes = []
        for step in (1, width):
            before, after = (flat.gather(1, index + way) for way in (-step, step))
            before, after = here - before, after - here
            slopes.append(width * torch.where(before.abs() < after.abs(), before, after))
        return slopes[0], slopes[1]


def surfaces(disparity: Pair, visible: Pair, rig: StereoRig) -> tuple[Surface, Surface]:
    """Both views' surfaces, in float32 or better.

    Args:
        disparity: fraction of the width, (b, 1, h, w) each.
        visible: False in the blind region, where there is no surface; nor is there any where the
            depth is not known, of some pixels or, for want of a calibration, of all.
        rig: at the resolution of ``disparity``.
    """
    known = rig.calibrated & torch.stack([*rig]).isfinite().all(0)
    rig = StereoRig(*(value.where(known, 1.0) for value in rig))  # any that keeps points finite
    fx, fy, cx, cy, cx_right, baseline_mm = (value[:, None] for value in rig)
    offset_px = rig.principal_offset[:, None]
    left, right = (
        one.float() if one.dtype in (torch.float16, torch.bfloat16) else one for one in disparity
    )
    # one comparison: these maps are the largest tensors of the whole term
    least = ((offset_px + NEAREST_PARALLAX_PX) / left.shape[-1]).where(known[:, None], torch.inf)
    seen_left = visible.left & (left > least[..., None, None])
    seen_right = visible.right & (right > least[..., None, None])
    shared = {"fx": fx, "fy": fy, "cy": cy, "offset_px": offset_px, "baseline_mm": baseline_mm}
    return (
        Surface(left, seen_left, cx=cx, camera_x_mm=0 * fx, **shared),
        Surface(right, seen_right, cx=cx_right, camera_x_mm=baseline_mm, **shared),
    )


def draw_pixels(
    visible: Bool[Tensor, "b 1 h w"], samples: int
) -> tuple[Int[Tensor, "b n"], Bool[Tensor, "b n"]]:
    """Flat indices of random visible pixels, with replacement, and whether they are usable.

    Every visible pixel of a sample is as likely as any other. One that sees fewer than 3 has none
    that is usable: so few make no cloud, however often they are drawn.
    """
    rank_of_pixel = visible.flatten(1).cumsum(-1, dtype=torch.int32)
    count = rank_of_pixel[:, -1:]
    draw = torch.rand(len(visible), samples, device=visible.device)
    rank = (draw * count).int().clamp_max((count - 1).clamp_min(0)) + 1
    index = torch.searchsorted(rank_of_pixel, rank).clamp_max(rank_of_pixel.shape[-1] - 1)
    return index, (count >= FEWEST).expand_as(index)
