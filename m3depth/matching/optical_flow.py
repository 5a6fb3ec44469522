"""Dense optical flow by OpenCV's DIS, checked forward and back."""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple, Self

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from m3depth.geometry.warp import look_up
from m3depth.matching.grey import Grey

AGREE_PX = 0.7  # there and back; more is an occlusion, or no texture
SMALLEST = 32  # px; DIS takes no smaller images


class Flow(NamedTuple):
    """Where the pixels of a frame went in another one."""

    px: Float[Tensor, "b 2 h w"]  # (x, y)
    trusted: Bool[Tensor, "b 1 h w"]  # the way back ends where it began


class Flows(NamedTuple):
    """Both ways between two frames."""

    there: Flow
    back: Flow

    @classmethod
    def checked(cls, there: Tensor, back: Tensor, agree_px: float) -> Self:
        """Each trusted where the other leads back to within ``agree_px``."""
        ways = ((there, back), (back, there))
        return cls(*(Flow(one, agreeing(one, other, agree_px)) for one, other in ways))


Ways = Callable[[Grey, Grey], NDArray[np.float32]]


def dense_flow(
    frames: Float[Tensor, "b 3 h w"],
    others: Float[Tensor, "b 3 h w"],
    agree_px: float = AGREE_PX,
    ways: Ways | None = None,
) -> Flows:
    """The flows between frames and others, without gradient (Kroeger et al. 2016).

    Args:
        frames: RGB in [0, 1].
        others: likewise.
        agree_px: there and back, a pixel may miss itself by this much.
        ways: two pictures to both flows, such as one that remembers; None: `both_ways`.
    """
    found = [(ways or both_ways)(a, b) for a, b in zip(_grey(frames), _grey(others), strict=True)]
    flows = torch.from_numpy(np.array(found)).to(frames.device).permute(1, 0, 4, 2, 3)
    return Flows.checked(flows[0], flows[1], agree_px)


def both_ways(one: Grey, other: Grey) -> NDArray[np.float32]:
    """There and back, (2, h, w, 2), pixels: x, y."""
    finder: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    finder.setFinestScale(0)  # the images are small
    return np.stack([finder.calc(one, other, None), finder.calc(other, one, None)])


class Remembered:
    """`both_ways`, each pair of pictures once: a training on one video sees them again and again.

    Attributes:
        pairs: how many are kept; of 192x256 pixels each is 0.8 MB.
    """

    def __init__(self, pairs: int) -> None:
        """Nothing is known yet."""
        self.pairs = pairs
        self.known: OrderedDict[tuple[bytes, bytes], NDArray[np.float32]] = OrderedDict()

    def __call__(self, one: Grey, other: Grey) -> NDArray[np.float32]:
        """As `both_ways`."""
        key = _digest(one), _digest(other)
        known = self.known.pop(key, None)
        flows = both_ways(one, other) if known is None else known
        self.known[key] = flows
        while len(self.known) > self.pairs:
            self.known.popitem(last=False)
        return flows


def _digest(picture: Grey) -> bytes:
    return blake2b(picture.tobytes(), digest_size=16).digest()


def agreeing(
    there: Float[Tensor, "b 2 h w"], back: Float[Tensor, "b 2 h w"], agree_px: float = AGREE_PX
) -> Bool[Tensor, "b 1 h w"]:
    """Where the way back ends less than this from where the way there began, inside the image."""
    there, back = there.detach(), back.detach()
    height, width = there.shape[-2:]
    x = there[:, 0] + torch.arange(width, device=there.device)
    y = there[:, 1] + torch.arange(height, device=there.device)[:, None]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    missed = (there + look_up(back, x, y)).square().sum(1)
    returns: Tensor = (missed < agree_px**2) & inside
    return returns[:, None]


def _grey(images: Float[Tensor, "b 3 h w"]) -> list[Grey]:
    grey = images.detach().float().mean(1).mul(255).round().clamp(0, 255).byte()
    return list(grey.cpu().numpy())
