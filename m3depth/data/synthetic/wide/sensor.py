"""What a sensor and its coder do to each picture: blur, noise, sharpening, chroma and JPEG."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.draw import Draw
from m3depth.data.synthetic.wide.ranges import Between, Ranges
from m3depth.errors import DataError

SHARPENED_PX = 1.0  # radius of the unsharp mask
CHROMA = (0x111111, 0x211111, 0x221111)  # OpenCV's words for 4:4:4, 4:2:2 and 4:2:0


class Sensor(NamedTuple):
    """The sensor of a scene, the same in both views."""

    blur_px: float  # standard deviation
    noise: float  # standard deviation at mid-grey
    chroma_noise: float  # the share of it that differs between the colours
    sharpening: float
    quality: int | None  # of JPEG; None: not coded
    chroma: int


@dataclass(frozen=True)
class AnySensor(Ranges):
    """From a clean to a poor picture."""

    blur_px: Between = (0.0, 0.7)
    noise: Between = (0.002, 0.018)
    chroma_noise: Between = (0.2, 1.0)
    sharpening: Between = (0.0, 0.8)
    jpeg_chance: float = 0.6
    quality: Between = (70.0, 98.0)

    def drawn(self, draw: Draw) -> Sensor:
        """The sensor of one scene."""
        coded = draw.within((0.0, 1.0)).item() < self.jpeg_chance
        return Sensor(
            blur_px=draw.within(self.blur_px).item(),
            noise=draw.within(self.noise).item(),
            chroma_noise=draw.within(self.chroma_noise).item(),
            sharpening=draw.within(self.sharpening).item(),
            quality=round(draw.within(self.quality).item()) if coded else None,
            chroma=CHROMA[draw.whole(len(CHROMA))],
        )


def recorded(
    sensor: Sensor, image: Float[Tensor, "3 h w"], grain: Float[Tensor, "4 h w"]
) -> Float[Tensor, "3 h w"]:
    """One view as it is stored; ``grain`` is unit normal: one for all colours, then one each."""
    image = blurred(image, sensor.blur_px)
    own = sensor.chroma_noise
    mixed = (1 - own) ** 0.5 * grain[:1] + own**0.5 * grain[1:]
    image = image + sensor.noise * (1.5 - image) * mixed  # stronger in the dark
    image = image + sensor.sharpening * (image - blurred(image, SHARPENED_PX))
    return coded(sensor, image.clamp(0, 1))


def blurred(image: Float[Tensor, "3 h w"], sigma_px: float) -> Float[Tensor, "3 h w"]:
    """A Gaussian blur; what lies beyond the border mirrors what lies within."""
    if sigma_px < 0.2:  # narrower than a pixel sees
        return image
    import cv2  # only where it is used: the verbs load this file

    picture = image.permute(1, 2, 0).contiguous().numpy()
    return torch.from_numpy(cv2.GaussianBlur(picture, (0, 0), sigma_px)).permute(2, 0, 1)


def coded(sensor: Sensor, image: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
    """The picture after JPEG and back, in the sensor's quality and chroma subsampling."""
    if sensor.quality is None:
        return image
    import cv2

    picture = (image * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    how = [
        cv2.IMWRITE_JPEG_QUALITY,
        sensor.quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        sensor.chroma,
    ]
    done, stream = cv2.imencode(".jpg", picture[..., ::-1], how)
    if not done:
        raise DataError("this build of OpenCV has no JPEG; set jpeg_chance to 0")
    back = np.asarray(cv2.imdecode(stream, cv2.IMREAD_COLOR))[..., ::-1].copy()
    return torch.from_numpy(back).permute(2, 0, 1).float() / 255
