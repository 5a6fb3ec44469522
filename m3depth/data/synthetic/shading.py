"""Light, camera response and noise: from what a pixel meets to the colour that it records."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

ADAPTATION = 0.5  # of automatic exposure: 1 would give every picture the same brightness
TYPICAL_LIGHT = 2.7e-5  # mean diffuse light of a picture, median over scenes
DARKEST = 1e-4  # linear; keeps the response's slope finite


class Light(NamedTuple):
    """The lamp beside the lens and the camera's response to it."""

    offset_mm: Float[Tensor, "*b 3"]  # in the left camera's frame
    cone: Float[Tensor, "*b"]  # exponent of the lamp's fall-off away from its axis
    colour: Float[Tensor, "*b 3"]
    ambient: Float[Tensor, "*b"]  # light that other tissue throws back, as a share
    gloss: Float[Tensor, "*b"]
    shininess: Float[Tensor, "*b"]
    exposure: Float[Tensor, "*b"]  # the mean that automatic exposure aims at, linear
    gamma: Float[Tensor, "*b"]
    vignetting: Float[Tensor, "*b"]  # share of light lost in the image's corners
    noise: Float[Tensor, "*b"]  # standard deviation at mid-grey


class Lit(NamedTuple):
    """Light that leaves each point, linear and before exposure."""

    diffuse: Float[Tensor, "b 3 n"]
    highlight: Float[Tensor, "b 3 n"]


class Met(NamedTuple):
    """What the rays met, in the world."""

    point: Float[Tensor, "b 3 n"]
    normal: Float[Tensor, "b 3 n"]
    wet_normal: Float[Tensor, "b 3 n"]  # with the fine relief that only highlights show
    albedo: Float[Tensor, "b 3 n"]
    gloss: Float[Tensor, "b n"]  # relative to the light's


def lit(
    light: Light, met: Met, eye: Float[Tensor, "b 3 n"], camera_to_world: Float[Tensor, "b 4 4"]
) -> Lit:
    """Lambert's law and Blinn-Phong highlights under one lamp with inverse-square fall-off."""
    rotation, centre = camera_to_world[:, :3, :3], camera_to_world[:, :3, 3:]
    lamp = rotation @ light.offset_mm[..., None] + centre
    to_lamp = lamp - met.point
    distance = to_lamp.norm(dim=1, keepdim=True)
    to_lamp = to_lamp / distance
    in_cone = (-(to_lamp * rotation[:, :, 2:]).sum(1, keepdim=True)).clamp_min(1e-3)
    falloff = in_cone ** light.cone[:, None, None] / distance**2
    colour = falloff * light.colour[..., None]
    facing = _dot(met.normal, to_lamp).clamp_min(0)
    ambient = light.ambient[:, None, None]
    # Light that left the tissue once already is redder: its albedo counts again.
    returned = ambient * met.albedo.sqrt()
    diffuse = met.albedo * colour * ((1 - ambient) * facing + returned)
    to_eye = eye - met.point
    half = normalize(to_lamp + normalize(to_eye, dim=1), dim=1)
    sharp = _dot(met.wet_normal, half).clamp_min(1e-4) ** light.shininess[:, None, None]
    strength = (light.gloss[:, None] * met.gloss)[:, None] * (facing > 0)
    return Lit(diffuse, strength * sharp * colour)


def _dot(a: Float[Tensor, "b 3 n"], b: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b 1 n"]:
    product = a * b
    return product[:, 0:1] + product[:, 1:2] + product[:, 2:3]


def expose(
    light: Light, linear: Float[Tensor, "b 3 n"], gain: Float[Tensor, "b 1 1"]
) -> Float[Tensor, "b 3 n"]:
    """The camera's response: a soft shoulder, then gamma; values in [0, 1]."""
    shoulder = 1 - torch.exp(-gain * linear)
    return shoulder.clamp_min(DARKEST).pow(1 / light.gamma[:, None, None])


def automatic_gain(light: Light, diffuse: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b 1 1"]:
    """One gain for both views; from the diffuse light, so that highlights do not change it.

    The lamp's power is given and the camera makes up for only a part of what reaches it, as a
    share of its logarithm: near tissue stays brighter than far tissue.
    """
    mean = diffuse.mean(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    adapted_to: Tensor = mean**ADAPTATION * TYPICAL_LIGHT ** (1 - ADAPTATION)
    return light.exposure[:, None, None] / adapted_to


def vignette(
    light: Light, tangent: Float[Tensor, "b 2 n"], corner: Float[Tensor, "b 1"]
) -> Float[Tensor, "b 1 n"]:
    """How much light the lens lets through, 1 in the middle.

    Mild on purpose: it is the one part of a tissue's colour that differs between the views. An
    endoscope's dark edges come from the lamp's cone, which both views share.
    """
    radius = (tangent * tangent).sum(1) / corner**2
    return (1 - light.vignetting[:, None] * radius)[:, None]


def add_noise(
    light: Light, image: Float[Tensor, "b 3 n"], grain: Float[Tensor, "b 3 n"]
) -> Float[Tensor, "b 3 n"]:
    """Sensor noise: stronger in the dark, where the response is steep."""
    strength = light.noise[:, None, None] * (1.5 - image)
    return (image + strength * grain).clamp(0, 1)


def tilted(
    normal: Float[Tensor, "b 3 n"], relief: Float[Tensor, "b 2 n"], where: Bool[Tensor, "b n"]
) -> Float[Tensor, "b 3 n"]:
    """Normals of a height field after small slopes were added to it."""
    slope = torch.cat([relief, torch.zeros_like(relief[:, :1])], dim=1) * normal[:, 2:].abs()
    wet = normal + slope * where[:, None]
    return normalize(wet, dim=1)
