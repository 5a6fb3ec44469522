"""The tissue: a smooth height field that folds, bulges and breathes."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

SLOPE_STEP_MM = 0.05  # for slopes by differences: float32 still has five digits


class HeightField(NamedTuple):
    """The height field ``z = height(x, y, time)``; the world's z axis points into the tissue."""

    wave_vector: Float[Tensor, "*b waves 2"]  # radian per mm: swell, bumps and fine relief
    wave_phase: Float[Tensor, "*b waves"]
    wave_mm: Float[Tensor, "*b waves"]
    fold_vector: Float[Tensor, "*b folds 2"]  # rounded ridges with narrow creases between
    fold_phase: Float[Tensor, "*b folds"]
    fold_mm: Float[Tensor, "*b folds"]
    fold_crease: Float[Tensor, "*b folds"]  # the creases' width as a share of the fold
    meander_vector: Float[Tensor, "*b folds 2"]  # bends the ridges
    meander: Float[Tensor, "*b folds"]  # radian
    lobe_centre_mm: Float[Tensor, "*b lobes 2"]  # organs: flat-topped, with steep flanks
    lobe_axes: Float[Tensor, "*b lobes 2 2"]  # mm to the lobe's own unit circle
    lobe_mm: Float[Tensor, "*b lobes"]
    breath_mm: Float[Tensor, "*b 3"]  # how far breathing moves the tissue along x, y, z
    breath_rate: Float[Tensor, "*b"]  # radian per s
    peristalsis: Float[Tensor, "*b folds"]  # radian per s: the folds travel


def material(
    surface: HeightField,
    x: Float[Tensor, "b n"],
    y: Float[Tensor, "b n"],
    time_s: Float[Tensor, "b"],
) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]]:
    """The place on the resting tissue that breathing has brought to ``x, y``."""
    breath = torch.sin(surface.breath_rate * time_s)
    return (
        x - (surface.breath_mm[:, 0] * breath)[:, None],
        y - (surface.breath_mm[:, 1] * breath)[:, None],
    )


def height(
    surface: HeightField,
    x: Float[Tensor, "b n"],
    y: Float[Tensor, "b n"],
    time_s: Float[Tensor, "b"],
) -> Float[Tensor, "b n"]:
    """The tissue's ``z`` in millimetres at ``x, y``; smaller is nearer to the endoscope."""
    x, y = material(surface, x, y, time_s)
    breath = torch.sin(surface.breath_rate * time_s)
    z = (surface.breath_mm[:, 2] * breath)[:, None].expand_as(x)
    for wave in range(surface.wave_mm.shape[1]):
        phase = _phase(surface.wave_vector[:, wave], x, y) + surface.wave_phase[:, wave, None]
        z = torch.addcmul(z, surface.wave_mm[:, wave, None], phase.sin_())
    return z - _folds(surface, x, y, time_s) - _lobes(surface, x, y)


def _phase(
    vector: Float[Tensor, "b 2"], x: Float[Tensor, "b n"], y: Float[Tensor, "b n"]
) -> Float[Tensor, "b n"]:
    return torch.addcmul(vector[:, :1] * x, vector[:, 1:], y)


def _folds(
    surface: HeightField,
    x: Float[Tensor, "b n"],
    y: Float[Tensor, "b n"],
    time_s: Float[Tensor, "b"],
) -> Float[Tensor, "b n"]:
    total = torch.zeros_like(x)
    for fold in range(surface.fold_mm.shape[1]):
        travelled = surface.fold_phase[:, fold] + surface.peristalsis[:, fold] * time_s
        bend = torch.sin(_phase(surface.meander_vector[:, fold], x, y) + travelled[:, None])
        phase = _phase(surface.fold_vector[:, fold], x, y) + travelled[:, None]
        ridge = torch.sin(phase + surface.meander[:, fold, None] * bend)
        crease = surface.fold_crease[:, fold, None]
        profile = (ridge * ridge + crease * crease).sqrt()  # |sin|, its creases rounded
        total = total + surface.fold_mm[:, fold, None] * (0.75 + 0.25 * bend) * profile
    return total


def _lobes(
    surface: HeightField, x: Float[Tensor, "b n"], y: Float[Tensor, "b n"]
) -> Float[Tensor, "b n"]:
    total = torch.zeros_like(x)
    for lobe in range(surface.lobe_mm.shape[1]):
        dx = x - surface.lobe_centre_mm[:, lobe, :1]
        dy = y - surface.lobe_centre_mm[:, lobe, 1:]
        across = _phase(surface.lobe_axes[:, lobe, 0], dx, dy)
        along = _phase(surface.lobe_axes[:, lobe, 1], dx, dy)
        inside = torch.sigmoid(4 * (1 - across * across - along * along))
        total = total + surface.lobe_mm[:, lobe, None] * inside
    return total


def slopes(
    surface: HeightField,
    x: Float[Tensor, "b n"],
    y: Float[Tensor, "b n"],
    time_s: Float[Tensor, "b"],
) -> Float[Tensor, "b 3 n"]:
    """``dz/dx, dz/dy, -1``: along the normal that points out of the tissue, of any length."""
    step = SLOPE_STEP_MM
    right, left = height(surface, x + step, y, time_s), height(surface, x - step, y, time_s)
    below, above = height(surface, x, y + step, time_s), height(surface, x, y - step, time_s)
    slope_x, slope_y = (right - left) / (2 * step), (below - above) / (2 * step)
    return torch.stack([slope_x, slope_y, -torch.ones_like(slope_x)], dim=1)


def normal(
    surface: HeightField,
    x: Float[Tensor, "b n"],
    y: Float[Tensor, "b n"],
    time_s: Float[Tensor, "b"],
) -> Float[Tensor, "b 3 n"]:
    """Unit normals that point out of the tissue (towards the endoscope), in the world."""
    return normalize(slopes(surface, x, y, time_s), dim=1)
