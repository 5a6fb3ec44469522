"""From an image to its depth prior."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from m3depth.data.images import resize_image
from m3depth.errors import ConfigError, DataError
from m3depth.geometry.camera import StereoRig
from m3depth.geometry.disparity import depth_from_disparity
from m3depth.priors.confidence import confidence
from m3depth.priors.prior import DepthPrior
from m3depth.types import Disparity

ASPECT_TOLERANCE = 0.01  # a rounded resize passes, a crop does not


class DepthPredictor:
    """Depth of single images of any size, by one network and one rig.

    Args:
        network: Images (b, 3, h, w) to the finest `Disparity`; already in evaluation mode.
        size: (height, width) that the network works at.
        rig: Of the camera, for images that come without one.
        rig_size: (height, width) that ``rig`` belongs to. It is scaled to each image.
        device: Where the network is.
    """

    def __init__(
        self,
        network: Callable[[Float[Tensor, "b 3 h w"]], Disparity],
        size: tuple[int, int],
        rig: StereoRig,
        rig_size: tuple[int, int],
        device: torch.device | str = "cpu",
    ) -> None:
        self.network, self.size, self.device = network, size, device
        self.rig, self.rig_size = rig, rig_size

    @torch.inference_mode()
    def __call__(
        self, key: str, image: Float[Tensor, "3 h w"], rig: StereoRig | None = None
    ) -> DepthPrior:
        """Predict one frame.

        Args:
            key: Names the frame.
            image: RGB in [0, 1] at its own resolution.
            rig: At the image's resolution; without it, the predictor's own.

        Raises:
            DataError: the image has not the shape of the predictor's rig.
            ConfigError: the network gives no expected error.
        """
        native = (image.shape[-2], image.shape[-1])
        rig = self._rig_at(native, key) if rig is None else rig
        disparity = self.network(resize_image(image, self.size)[None].to(self.device))
        if disparity.error is None:
            raise ConfigError("the network does not tell its expected error: train it anew")
        disparity_px = _resized(disparity.left, native) * native[1]
        error_px = _resized(disparity.error, native) * native[1]
        return DepthPrior(
            key=key,
            image=image,
            disparity_px=disparity_px,
            depth_mm=depth_from_disparity(disparity_px, rig),
            confidence=confidence(disparity_px, error_px, rig),
            rig=rig,
        )

    def _rig_at(self, native: tuple[int, int], key: str) -> StereoRig:
        (old_height, old_width), (height, width) = self.rig_size, native
        if abs(width * old_height / (height * old_width) - 1) > ASPECT_TOLERANCE:
            raise DataError(
                f"{key}: the image is {width}x{height}, the rig is for {old_width}x{old_height}: "
                "not the same shape, so one of them was cropped; pass rig=PATH for these images"
            )
        return self.rig.resized(self.rig_size, native)


def _resized(
    maps: Float[Tensor, "1 1 h w"], size: tuple[int, int]
) -> Float[Tensor, "1 {size[0]} {size[1]}"]:
    grown = functional.interpolate(maps.float(), size, mode="bilinear", align_corners=False)
    return grown[0].cpu()
