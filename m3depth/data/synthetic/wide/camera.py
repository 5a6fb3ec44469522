"""How a camera shows light: exposure, white balance, response and the dark of its corners."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.draw import Draw
from m3depth.data.synthetic.shading import ADAPTATION, TYPICAL_LIGHT, Light
from m3depth.data.synthetic.wide.lamps import sum_of, tint
from m3depth.data.synthetic.wide.ranges import Between, Ranges
from m3depth.imaging.luma import LUMA

DARKEST = 1e-4  # linear; keeps the response's slope finite


class Camera(NamedTuple):
    """One camera's processing, the same for both of its views but for ``mismatch``."""

    exposure: Tensor  # the mean that automatic exposure aims at, linear
    adaptation: Tensor  # of automatic exposure, a share of the light's logarithm
    balance: Float[Tensor, "3"]  # gains of red, green and blue
    mismatch: Tensor  # logarithm of the right view's gain over the left's
    vignetting: Tensor  # share of light lost in the image's corners
    saturation: Tensor
    gamma: Tensor
    contrast: Tensor  # of an S-curve; below 0 it flattens
    black: Tensor  # what no light shows as


@dataclass(frozen=True)
class AnyCamera(Ranges):
    """Responses of any camera."""

    exposure: Between = (0.11, 0.32)
    adaptation: Between = (0.35, 0.8)
    warmth: Between = (-0.2, 0.4)  # logarithm of red over blue
    green: Between = (-0.1, 0.1)  # logarithm of green over the others
    mismatch: Between = (-0.02, 0.02)
    vignetting: Between = (0.0, 0.3)
    saturation: Between = (0.7, 1.2)
    gamma: Between = (1.8, 2.7)
    contrast: Between = (-0.2, 0.5)
    black: Between = (0.0, 0.05)

    def drawn(self, draw: Draw) -> Camera:
        """The camera of one scene."""
        green = torch.tensor([0.0, 1.0, 0.0]) * draw.within(self.green)
        return Camera(
            exposure=draw.within(self.exposure),
            adaptation=draw.within(self.adaptation),
            balance=tint(draw.within(self.warmth)) * green.exp(),
            mismatch=draw.within(self.mismatch),
            vignetting=draw.within(self.vignetting),
            saturation=draw.within(self.saturation),
            gamma=draw.within(self.gamma),
            contrast=draw.within(self.contrast),
            black=draw.within(self.black),
        )


def own_camera(light: Light) -> Camera:
    """The camera of a built-in endoscope."""
    zero, one = torch.zeros(()), torch.ones(())
    return Camera(
        exposure=light.exposure,
        adaptation=one * ADAPTATION,
        balance=torch.ones(3),
        mismatch=zero,
        vignetting=light.vignetting,
        saturation=one,
        gamma=light.gamma,
        contrast=zero,
        black=zero,
    )


def exposed(
    camera: Camera,
    light: Float[Tensor, "1 3 n2"],
    diffuse: Float[Tensor, "1 3 n2"],
    tangent: Float[Tensor, "1 2 n2"],
) -> Float[Tensor, "1 3 n2"]:
    """What reaches the sensors, in their own units; the left view's n pixels, then the right's.

    `shading.automatic_gain` with this camera's adaptation, from the diffuse light of both views;
    ``tangent`` is each pixel's x/z and y/z, for the lens' vignetting.
    """
    mean = diffuse.mean().clamp_min(1e-12)
    gain = camera.exposure / (mean**camera.adaptation * TYPICAL_LIGHT ** (1 - camera.adaptation))
    radius = (tangent * tangent).sum(1, keepdim=True)
    through = 1 - camera.vignetting * radius / radius.max()
    of_view = torch.stack([torch.zeros(()), camera.mismatch]).exp()
    views = of_view.repeat_interleave(light.shape[-1] // 2)
    return light * gain * through * views * camera.balance[:, None]


def shown(camera: Camera, reached: Float[Tensor, "1 3 *n"]) -> Float[Tensor, "1 3 *n"]:
    """A soft shoulder, saturation, gamma and contrast: values in [0, 1]."""
    shoulder = 1 - torch.exp(-reached)
    grey = sum_of([share * shoulder[:, k : k + 1] for k, share in enumerate(LUMA)])
    coloured = torch.lerp(grey, shoulder, camera.saturation).clamp(DARKEST, 1)
    displayed = coloured ** (1 / camera.gamma)
    curved = displayed * displayed * (3 - 2 * displayed)
    contrasted = torch.lerp(displayed, curved, camera.contrast)
    return camera.black + (1 - camera.black) * contrasted
