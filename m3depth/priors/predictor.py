"""From images to their depth priors."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar, overload

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.confidence import confidence, confidence_of_depth
from m3depth.io.images import resize_image
from m3depth.io.python_images import Held
from m3depth.log import warn_once
from m3depth.priors.asking import Rig, asked
from m3depth.priors.prior import DepthPrior, Unfinished
from m3depth.priors.trained_rig import TrainedRig
from m3depth.types import DepthMap, Kind
from m3depth.types.camera import StereoRig, same_shape
from m3depth.types.disparity import depth_from_disparity, disparity_from_depth
from m3depth.validation import require_number

DISPARITIES = (Kind.FRACTION, Kind.DISPARITY)
Map = Float[Tensor, "1 h w"]
Item = TypeVar("Item")
Found = TypeVar("Found")

logger = logging.getLogger(__name__)


class View(NamedTuple):
    """An image whose depth is wanted."""

    key: str  # names the frame
    image: Float[Tensor, "3 h w"]  # RGB in [0, 1] at its own resolution
    rig: StereoRig | None = None  # at the image's resolution; None is the predictor's own
    small: Float[Tensor, "3 k l"] | None = None  # of `DepthPredictor.small`; None: not made yet


class DepthPredictor:
    """Depth of single images of any size, by one network and one rig.

    Args:
        network: Images (b, 3, h, w) to a `DepthMap` of their size; already in evaluation mode.
        size: (height, width) that the network works at.
        rig: Of the camera, for images that come without one.
        rig_size: (height, width) that ``rig`` belongs to. It is scaled to each image.
        device: Where the network is.
        batch_size: How many images every pass of the network sees. The last pass of a call is
            filled up, because the last bits of a sum depend on how many images share it: a frame
            has the same depth whatever others it is predicted together with.
        trained: The rig that the network was trained with; where the images' is another, that is
            told once, with what it does to depth.
    """

    def __init__(
        self,
        network: Callable[[Float[Tensor, "b 3 h w"]], DepthMap],
        size: tuple[int, int],
        rig: StereoRig,
        rig_size: tuple[int, int],
        device: torch.device | str = "cpu",
        batch_size: int = 1,
        trained: TrainedRig | None = None,
    ) -> None:
        require_number("batch_size", batch_size, 1, whole=True)
        self.network, self.size, self.device = network, size, device
        self.rig, self.rig_size = rig, rig_size
        self.batch_size, self._trained = batch_size, trained
        self._compare(rig, rig_size)

    # A str is a sequence of str, to mypy
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, image: Held, rig: Rig | None = None, *, key: str | None = None
    ) -> DepthPrior: ...
    @overload
    def __call__(
        self, image: Sequence[Held], rig: Rig | None = None, *, key: Sequence[str] | None = None
    ) -> list[DepthPrior]: ...
    @overload
    def __call__(self, key: str, image: Held, rig: Rig | None = None) -> DepthPrior: ...

    def __call__(self, *given: Any, **named: Any) -> DepthPrior | list[DepthPrior]:
        """Predict one image, or each of a list; ``(key, image, rig)`` is understood, too.

        Args:
            given: ``image`` and ``rig``. An image is a path, PIL's image, a NumPy array or a torch
                tensor, RGB, channels first or last, 8 or 16 bits or floats from 0 to 1: see
                `as_image`. A list or a batch of four dimensions gives a list. A rig is the path of
                a rig.yaml, a dict of its entries (without ``width`` and ``height`` at the image's
                resolution), or a `StereoRig` at the image's resolution; without one it is the
                predictor's own.
            named: The same, and ``key``, which names the image (one each for a list); without it,
                a file's name or the place in the list.

        Raises:
            DataError: no image or rig, or the image has not the shape of its rig.
            ConfigError: keys and images do not match, or the network gives no expected error.
        """
        images, several = asked(*given, **named)
        priors = self.together([View(*one) for one in images])
        return priors if several else priors[0]

    def together(self, views: Sequence[View]) -> list[DepthPrior]:
        """Predict frames, as many and of whatever sizes, ``batch_size`` in one pass.

        Raises:
            DataError: one of the images has not the shape of the predictor's rig.
            ConfigError: the network gives no expected error.
        """
        return [finish() for finish in self.begun(views)]

    def small(self, image: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 k l"]:
        """The image as the network takes it; another thread may make it beforehand."""
        return resize_image(image, self.size)

    @torch.inference_mode()
    def begun(self, views: Sequence[View]) -> list[Unfinished]:
        """The same up to where the network is done; another thread may do the rest.

        Raises:
            DataError: one of the images has not the shape of the predictor's rig.
            ConfigError: the network gives no expected error.
        """
        for view in views:
            if view.rig is not None:
                self._compare(view.rig, (view.image.shape[-2], view.image.shape[-1]))
        rigs = [view.rig or self._rig_at(view) for view in views]
        images = [self.small(v.image) if v.small is None else v.small for v in views]
        _tell_grey(views, images)
        passes = [images[i : i + self.batch_size] for i in range(0, len(images), self.batch_size)]
        found = [depth for images in passes for depth in self._pass(images)]
        return [
            partial(_prior, view, rig, depth)
            for view, rig, depth in zip(views, rigs, found, strict=True)
        ]

    def _pass(self, images: list[Float[Tensor, "3 h w"]]) -> list[DepthMap]:
        """The map of each image."""
        filled = images + images[-1:] * (self.batch_size - len(images))
        found = self.network(torch.stack(filled).to(self.device))
        if found.error is None:
            warn_once("no confidence: the network does not tell its expected error")
        return [found.one(i) for i in range(len(images))]

    def _compare(self, rig: StereoRig, size: tuple[int, int]) -> None:
        if self._trained is not None and (told := self._trained.difference(rig, size)):
            logger.warning("%s", told)
            self._trained = None  # once

    def _rig_at(self, view: View) -> StereoRig:
        (old_height, old_width), (height, width) = self.rig_size, view.image.shape[-2:]
        if not same_shape((height, width), self.rig_size):
            raise DataError(
                f"{view.key}: the image is {width}x{height}, the rig is for "
                f"{old_width}x{old_height}: not the same shape, so one of them was cropped; pass "
                "rig=PATH for these images"
            )
        return self.rig.resized(self.rig_size, (height, width))


def one_by_one(
    predict: Callable[[Sequence[Item]], list[Found]], items: Sequence[Item]
) -> list[Found | DataError]:
    """What is found for all items, with the reason in place of each that cannot be had.

    When several fail together, each is tried alone, so that none suffers for another's fault.
    """
    try:
        return [*predict(items)]
    except DataError as error:
        if len(items) == 1:
            return [error]
    return [found for item in items for found in one_by_one(predict, [item])]


def _tell_grey(views: Sequence[View], images: Sequence[Float[Tensor, "3 k l"]]) -> None:
    """Each pixel of one grey, and not all black."""
    for view, image in zip(views, images, strict=True):
        if image.any() and (image == image[:1]).all():
            warn_once(
                f"{view.key}: a grey picture: a network that was trained on colours can be far off "
                "in depth; give the picture in its colours"
            )


@torch.inference_mode()
def _prior(view: View, rig: StereoRig, found: DepthMap) -> DepthPrior:
    """At the image's resolution, from the network's."""
    height, width = view.image.shape[-2:]
    depth = found.resized((height, width)).on("cpu").seen_by(rig)
    make = _from_disparity if depth.kind in DISPARITIES else _from_depth
    disparity_px, depth_mm, sure = make(depth, rig)
    return DepthPrior(view.key, view.image, disparity_px, depth_mm, sure, rig)


def _from_disparity(depth: DepthMap, rig: StereoRig) -> tuple[Map, Map, Map | None]:
    found = depth.to(Kind.DISPARITY)
    sure = None if found.error is None else confidence(found.values[0], found.error[0], rig)
    return found.values[0], depth_from_disparity(found.values[0], rig), sure


def _from_depth(depth: DepthMap, rig: StereoRig) -> tuple[Map | None, Map, Map | None]:
    """Of a network that gives millimetres itself; disparity is that of the rig, if it is one."""
    depth_mm, error_mm = depth.depth_mm()[0], depth.to(Kind.DEPTH).error
    sure = None if error_mm is None else confidence_of_depth(depth_mm, error_mm[0])
    disparity_px = disparity_from_depth(depth_mm, rig) if rig.calibrated else None
    return disparity_px, depth_mm, sure
