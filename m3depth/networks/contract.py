"""What depth and motion networks are: all that the rest of the program asks of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from m3depth.errors import ConfigError
from m3depth.types import DepthMap, PairMotion, StereoRig


class DepthNetwork(Protocol):
    """A `torch.nn.Module` that gives images their depth.

    It may say more than the contract asks: the right view's map and the expected error of its
    finest map (see `DepthMap`). What it does not say is absent from what is made of it.
    """

    def __call__(self, image: Float[Tensor, "b 3 h w"]) -> Sequence[DepthMap]:
        """RGB in [0, 1] to depth maps of the left view, finest scale first, of the image's shape.

        A map of another size than the image is a coarser scale of it.
        """


class MotionNetwork(Protocol):
    """A `torch.nn.Module` that gives two frames of a video the camera's motion between them."""

    def __call__(
        self, earlier: Float[Tensor, "b 3 h w"], later: Float[Tensor, "b 3 h w"]
    ) -> PairMotion:
        """RGB in [0, 1], always in the order of time."""


@runtime_checkable
class TakesCameras(Protocol):
    """A motion network that can be told both frames' K, where it learned none."""

    def with_cameras(
        self,
        earlier: Float[Tensor, "b 3 h w"],
        later: Float[Tensor, "b 3 h w"],
        given: tuple[StereoRig, StereoRig],
    ) -> PairMotion:
        """As `MotionNetwork`; ``given``: fields (b,), at the images' size."""


def require_depth_maps(found: object, image: Float[Tensor, "b 3 h w"]) -> None:
    """Stop at a network that keeps not to the contract.

    Raises:
        ConfigError: its output is no pyramid of depth maps, or of other images' shape.
    """
    if not isinstance(found, Sequence) or not found or not isinstance(found[0], DepthMap):
        raise ConfigError(
            f"network: its output is a {type(found).__name__}; it must be a tuple of "
            "m3depth.types.DepthMap, finest scale first"
        )
    expected = (len(image), 1, *image.shape[-2:])
    if tuple(found[0].values.shape) != expected:
        raise ConfigError(
            f"network: its finest map has the shape {tuple(found[0].values.shape)}; for images of "
            f"{tuple(image.shape)} it must be {expected}"
        )


def right_from_mirror(
    network: DepthNetwork, pyramid: Sequence[DepthMap], right: Float[Tensor, "b 3 h w"]
) -> Sequence[DepthMap]:
    """The pyramid with the right view's maps, from a network that knows one view alone.

    The mirrored right image is the left image of a mirrored scene: the network's disparity of it,
    mirrored back, is the right view's.
    """
    return [
        replace(ours, right=theirs.mirrored())
        for ours, theirs in zip(pyramid, network(right.flip(-1)), strict=True)
    ]
