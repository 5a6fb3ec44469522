"""From images to their depth priors: what ``m3depth.load`` gives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

from m3depth.io.python_images import Held
from m3depth.priors.asking import Rig, asked, rig_file
from m3depth.priors.made import prior_of
from m3depth.priors.prior import DepthPrior
from m3depth.sources.checkpoint import network_source
from m3depth.sources.network import NetworkSource
from m3depth.types import StereoBatch


class DepthPredictor:
    """Depth of single images of any size.

    Args:
        source: Gives the depth; its rig is that of images that come without one.
    """

    def __init__(self, source: NetworkSource) -> None:
        self.source = source

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
            DataError: no image or rig, the image has not the shape of its rig, or the network's
                depth is known up to a scale only.
            ConfigError: keys and images do not match.
        """
        images, several = asked(*given, **named)
        priors = self.together(images)
        return priors if several else priors[0]

    def together(self, samples: Sequence[StereoBatch]) -> list[DepthPrior]:
        """Predict frames, as many and of whatever sizes, ``batch_size`` in one pass.

        Raises:
            DataError: one of the images has not the shape of the predictor's rig.
        """
        seen = [self.source.ahead(sample) for sample in samples]
        return [prior_of(*pair) for pair in zip(seen, self.source(seen), strict=True)]


def load(
    checkpoint: str | Path,
    device: str = "auto",
    rig: Rig | None = None,
    flip: bool = False,
    batch_size: int = 1,
    precision: str | int = "32",
    tiles: object = 1,
) -> DepthPredictor:
    """A predictor for the network in ``checkpoint``.

    Args:
        checkpoint: Of ``m3depth train``.
        device: ``auto`` is the GPU where there is one.
        rig: Of the camera whose images will come, as the path of a rig.yaml, a dict of its entries
            or what `read_rig` gave; without it, the one that was trained with.
        flip: Average over the image and its mirror image: better, and twice the time.
        batch_size: How many images every pass of the network sees.
        precision: 32, 16-mixed or bf16-mixed, of the network's own arithmetic.
        tiles: A side, that the network sees beside the whole image, for large ones; see `Tiled`.

    Raises:
        UserError: the checkpoint or the rig cannot be read.
        ConfigError: a setting is out of range.
    """
    own = rig_file(rig)
    source = network_source(checkpoint, device, own, flip, batch_size, precision, tiles)
    return DepthPredictor(source)
