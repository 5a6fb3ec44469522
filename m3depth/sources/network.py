"""A network as a source of depth: it sees the left image alone."""

import logging
from collections.abc import Callable, Sequence
from itertools import groupby

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.resizing import size_of
from m3depth.io.images import resize_image
from m3depth.log import warn_once
from m3depth.sources.sensible import Sensible
from m3depth.sources.source import Source
from m3depth.sources.together import batched
from m3depth.sources.trained_rig import TrainedRig
from m3depth.types import DepthMap, Kind, StereoBatch
from m3depth.types.camera import StereoRig, same_shape
from m3depth.validation import require_number

BY_RIG = (Kind.FRACTION, Kind.DISPARITY)  # what f·b makes depth of

logger = logging.getLogger(__name__)


class NetworkSource(Source):
    """Depth of images of any size, by one network.

    Args:
        network: Images (b, 3, h, w) to a `DepthMap` of their size, in evaluation mode: see `Finest`
            and `Tiled`.
        size: (height, width) that the network works at; None: `size_for` says it for each image.
        rig: Of the camera, for images that come without one; None: not known.
        rig_size: (height, width) that ``rig`` belongs to. It is scaled to each image.
        device: Where the network is.
        batch_size: How many images every pass of the network sees. The last pass of a call is
            filled up, because the last bits of a sum depend on how many images share it: a frame
            has the same depth whatever others it is predicted together with.
        trained: The rig that the network was trained with. Where the images' rig is another, a
            warning says so once, with what it does to depth.
        model: Its name, for records.
        checkpoint_sha256: Of its file.
        trained_on: Marks of its training frames.
    """

    def __init__(
        self,
        network: Callable[[Float[Tensor, "b 3 h w"]], DepthMap],
        size: tuple[int, int] | None,
        rig: StereoRig | None = None,
        rig_size: tuple[int, int] | None = None,
        device: torch.device | str = "cpu",
        batch_size: int = 1,
        trained: TrainedRig | None = None,
        model: str = "",
        checkpoint_sha256: str = "",
        trained_on: frozenset[str] = frozenset(),
    ) -> None:
        require_number("batch_size", batch_size, 1, whole=True)
        self.network, self.size, self.device = network, size, device
        self.sensible = Sensible()
        self.rig, self.rig_size = rig, rig_size
        self.batch_size, self.trained = batch_size, trained
        self.model, self.checkpoint_sha256 = model, checkpoint_sha256
        self.trained_on = trained_on

    def ahead(self, sample: StereoBatch) -> StereoBatch:
        """Resize the image to the network's size; give the sample its rig, if it has none.

        Raises:
            DataError: the image does not have the shape of the source's rig.
        """
        if "small" in sample:
            return sample
        seen: StereoBatch = {**sample, "small": self._small(sample["left"])}
        if "rig" not in seen and self.rig is not None:
            seen["rig"] = self._rig_of(sample, self.rig)
        return seen

    @torch.inference_mode()
    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        """Predict, ``batch_size`` images in one pass; the maps have the network's size and device.

        Raises:
            DataError: one of the images does not have the shape of the source's rig.
            NoDepthError: what the network gives one of them is not finite.
            ConfigError: the network gives no depth map.
        """
        seen = [self.ahead(sample) for sample in samples]
        for sample in seen:
            _warn_if_grey(sample)
        alike = groupby((sample["small"] for sample in seen), size_of)
        passes = (some for _, images in alike for some in batched(images, self.batch_size))
        found = [depth for images in passes for depth in self._pass(images)]
        for depth, sample in zip(found, seen, strict=True):
            if "rig" in sample and depth.kind in BY_RIG:
                self._compare(sample["rig"], size_of(sample["left"]))
        return [self._of_frame(*pair) for pair in zip(found, seen, strict=True)]

    def size_for(self, image: tuple[int, int]) -> tuple[int, int]:
        """What the network sees of an image of this (height, width)."""
        return self.size or image

    def _small(self, image: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 _ _"]:
        return resize_image(image, self.size_for(size_of(image)))

    def _pass(self, images: list[Float[Tensor, "3 h w"]]) -> list[DepthMap]:
        """The map of each image."""
        filled = images + images[-1:] * (self.batch_size - len(images))
        found = self.network(torch.stack(filled).to(self.device))
        if found.error is None:
            warn_once("no confidence: the network gives no expected error")
        return [found.one(i) for i in range(len(images))]

    def _of_frame(self, found: DepthMap, sample: StereoBatch) -> DepthMap:
        return _with_camera(self.sensible(found, str(sample["key"])), sample)

    def _compare(self, rig: StereoRig, size: tuple[int, int]) -> None:
        if self.trained is not None and (line := self.trained.difference(rig, size)):
            logger.warning("%s", line)
            self.trained = None  # once

    def _rig_of(self, sample: StereoBatch, rig: StereoRig) -> StereoRig:
        size = height, width = size_of(sample["left"])
        old = old_height, old_width = self.rig_size or size
        if not same_shape(size, old):
            raise DataError(
                f"{sample['key']}: the image is {width}x{height}, the rig is for "
                f"{old_width}x{old_height}: not the same shape, so one of them was cropped; pass "
                "rig=PATH for these images"
            )
        return rig.resized(old, size)


def _with_camera(found: DepthMap, sample: StereoBatch) -> DepthMap:
    if "rig" not in sample:
        return found
    return found.seen_by(sample["rig"].resized(size_of(sample["left"]), found.size))


def _warn_if_grey(sample: StereoBatch) -> None:
    """Red, green and blue are equal in each pixel, and not all are black."""
    image = sample["small"]
    if image.any() and (image == image[:1]).all():
        warn_once(
            f"{sample['key']}: a grey picture: a network that was trained on colours can be far "
            "off in depth; give the picture in its colours"
        )
