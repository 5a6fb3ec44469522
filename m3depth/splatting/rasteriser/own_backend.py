"""The own backend: plain torch on any device, in any precision."""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.compositing import Composite
from m3depth.splatting.rasteriser.drawing import Aux, Drawing
from m3depth.splatting.rasteriser.gaussians import Gaussians
from m3depth.splatting.rasteriser.pairs import Extents, bands, extents, pairs_of
from m3depth.splatting.rasteriser.profiles import Profile
from m3depth.splatting.rasteriser.projection import project

PAIRS_AT_ONCE = 4_000_000


def draw(
    gaussians: Gaussians,
    camera: Camera,
    profile: Profile,
    pairs_at_once: int = PAIRS_AT_ONCE,
) -> Drawing:
    """Draw by a list of Gaussian-pixel pairs, each pixel's from front to back.

    Gradients reach all of the Gaussians' fields, and the camera's two matrices.

    Args:
        gaussians: drawable ones.
        camera: of the picture.
        profile: the constants.
        pairs_at_once: caps the memory, of which a pair takes some 170 bytes in float32. A picture
            with more pairs is drawn in bands of rows, each of them once more for the gradients.
    """
    projected = project(gaussians, camera, profile)
    found = extents(projected, gaussians.opacities, profile, camera.size)
    visible = found.rows > 0
    depth_mm = projected.depth_mm.detach()
    order = torch.where(visible, depth_mm, torch.inf).argsort(stable=True)[: int(visible.sum())]
    features = torch.cat(
        [gaussians.colours, projected.depth_mm[:, None], torch.ones_like(depth_mm)[:, None]], 1
    )
    fields = (projected.centres_px, projected.conics, gaussians.opacities, features)
    sums = _in_bands(
        found.take(order), [one[order] for one in fields], camera.size, profile, pairs_at_once
    )
    radii_px = 3 * projected.covariances.detach()[:, [0, 2]].amax(1).sqrt() * visible
    return Drawing(sums[:-2], sums[-2:-1], sums[-1:], Aux(visible, radii_px, projected.centres_px))


def _in_bands(
    found: Extents,
    fields: list[Tensor],
    size: tuple[int, int],
    profile: Profile,
    pairs_at_once: int,
) -> Float[Tensor, "c {size[0]} {size[1]}"]:
    parts = list(bands(found, size, pairs_at_once))
    drawn = []
    for band in parts:
        work = partial(_band, found=found, band=band, width=size[1], profile=profile)
        if len(parts) > 1:  # only one band's pairs at a time, on the way back as well
            drawn.append(checkpoint(work, *fields, use_reentrant=False, preserve_rng_state=False))
        else:
            drawn.append(work(*fields))
    return torch.cat(drawn).T.reshape(-1, *size)


def _band(
    centres: Tensor,
    conics: Tensor,
    opacities: Tensor,
    features: Tensor,
    found: Extents,
    band: tuple[int, int],
    width: int,
    profile: Profile,
) -> Float[Tensor, "p c"]:
    first, end = band
    pairs = pairs_of(found, width, band)
    pairs = pairs._replace(pixel=pairs.pixel - first * width)
    shifted = torch.stack([centres[:, 0], centres[:, 1] - first], -1)
    picture: Tensor = Composite.apply(
        shifted, conics, opacities, features, pairs, (end - first, width), profile
    )
    return picture
