"""The tissue's colour, defined on the tissue in millimetres, so that its size tells the depth."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.noise import WAVES, look_up, noise_tile
from m3depth.data.synthetic.vessels import BLURS_MM, TILE_MM

FINEST_PX = 3.0  # a wavelength shorter than this is not drawn: the warp is bilinear
CLEAR_PX = 6.0  # and from this on it has its full contrast
FEWEST_COSINE = 0.15  # of a grazing surface, on which texture shrinks
BLUSH = (0.1, -0.3, -0.25)  # more blood takes green and blue away
DARKEST, BRIGHTEST = 0.005, 0.95  # reflectances


class Texture(NamedTuple):
    """Patches of tissue kinds, mottling in octaves, and vessels. Colours are linear RGB."""

    wavelength_mm: Float[Tensor, "*b octaves"]  # coarse to fine; the first two place the patches
    turn: Float[Tensor, "*b octaves 2 2"]  # a rotation and a stretch for each octave
    offset: Float[Tensor, "*b octaves 2"]
    mottle: Float[Tensor, "*b octaves"]  # how much each octave changes the brightness
    relief: Float[Tensor, "*b octaves"]  # and the slope that highlights see
    base: Float[Tensor, "*b 3"]
    other: Float[Tensor, "*b 3"]
    fat: Float[Tensor, "*b 3"]
    film: Float[Tensor, "*b 3"]
    vessel: Float[Tensor, "*b 3"]
    fat_above: Float[Tensor, "*b"]  # the patch noise above which fat begins
    film_above: Float[Tensor, "*b"]
    vessel_tile: Float[Tensor, "*b blurs side side"]
    vessel_turn: Float[Tensor, "*b 2 2"]
    vessel_offset: Float[Tensor, "*b 2"]
    vessel_share: Float[Tensor, "*b"]


class Look(NamedTuple):
    """What light meets."""

    albedo: Float[Tensor, "b 3 n"]
    wetness: Float[Tensor, "b n"]
    relief: Float[Tensor, "b 2 n"]  # small slopes along x and y that the geometry leaves out


def tissue(
    texture: Texture,
    x: Float[Tensor, "b n"],
    y: Float[Tensor, "b n"],
    pixel_mm: Float[Tensor, "b n"],
) -> Look:
    """Colour and relief at ``x, y`` of the resting tissue, as a pixel of ``pixel_mm`` sees them."""
    count = texture.wavelength_mm.shape[1]
    octaves = torch.stack([_octave(texture, k, x, y, pixel_mm) for k in range(count)], dim=1)
    broad, patch, lumps = octaves[:, 0], octaves[:, 1], octaves[:, 3]
    share = torch.sigmoid(1.5 * broad[:, 1] + 0.6 * patch[:, 1])[:, None]
    colour = torch.lerp(texture.base[..., None], texture.other[..., None], share)
    fat = torch.sigmoid(6 * (patch[:, 0] + 0.25 * lumps[:, 1] - texture.fat_above[:, None]))
    film = torch.sigmoid(4 * (broad[:, 0] + 0.3 * patch[:, 1] - texture.film_above[:, None]))
    colour = _blend(_blend(colour, texture.fat, fat), texture.film, 0.75 * film)
    brightness, blush = _summed(texture.mottle, octaves[:, :, :2]).unbind(1)
    tint = torch.stack([brightness + k * blush for k in BLUSH], dim=1)
    vessel = _vessels(texture, x, y, pixel_mm) * texture.vessel_share[:, None] * (1 - 0.6 * fat)
    colour = _blend(colour * tint.exp(), texture.vessel, vessel)
    wetness = torch.sigmoid(3 * patch[:, 1])
    relief = _summed(texture.relief, octaves[:, :, 2:])
    return Look(colour.clamp(DARKEST, BRIGHTEST), wetness, relief)


def _summed(
    weight: Float[Tensor, "b octaves"], octaves: Float[Tensor, "b octaves c n"]
) -> Float[Tensor, "b c n"]:
    return torch.einsum("bk,bkcn->bcn", weight, octaves)


def _octave(
    texture: Texture,
    octave: int,
    x: Float[Tensor, "b n"],
    y: Float[Tensor, "b n"],
    pixel_mm: Float[Tensor, "b n"],
) -> Float[Tensor, "b 4 n"]:
    """One octave of the noise, faded out where its waves come down to a few pixels."""
    wavelength = texture.wavelength_mm[:, octave, None]
    turn = texture.turn[:, octave] / (WAVES * wavelength[..., None])
    offset = texture.offset[:, octave]
    u, v = _turned(turn, offset, x, y)
    tile = noise_tile().to(x).expand(x.shape[0], -1, -1, -1)
    clear = ((wavelength / pixel_mm - FINEST_PX) / (CLEAR_PX - FINEST_PX)).clamp(0, 1)
    return look_up(tile, u, v) * clear[:, None]


def _vessels(
    texture: Texture,
    x: Float[Tensor, "b n"],
    y: Float[Tensor, "b n"],
    pixel_mm: Float[Tensor, "b n"],
) -> Float[Tensor, "b n"]:
    """How much of a pixel is vessel, from the blur that fits the pixel."""
    u, v = _turned(texture.vessel_turn / TILE_MM, texture.vessel_offset, x, y)
    blurs = look_up(texture.vessel_tile, u, v)
    level = torch.log2(pixel_mm / BLURS_MM[0] * 1.2).clamp(0, len(BLURS_MM) - 1)
    steps = torch.arange(len(BLURS_MM), device=x.device, dtype=x.dtype)
    weight = (1 - (level[:, None] - steps[:, None]).abs()).clamp_min(0)
    return (blurs * weight).sum(1).clamp(0, 1)


def _turned(
    turn: Float[Tensor, "b 2 2"],
    offset: Float[Tensor, "b 2"],
    x: Float[Tensor, "b n"],
    y: Float[Tensor, "b n"],
) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]]:
    return (
        turn[:, 0, :1] * x + turn[:, 0, 1:] * y + offset[:, :1],
        turn[:, 1, :1] * x + turn[:, 1, 1:] * y + offset[:, 1:],
    )


def _blend(
    colour: Float[Tensor, "b 3 n"], other: Float[Tensor, "b 3"], share: Float[Tensor, "b n"]
) -> Float[Tensor, "b 3 n"]:
    return torch.lerp(colour, other[..., None].expand_as(colour), share[:, None].expand_as(colour))
