"""A tiny calibrated data set whose truth and views are known exactly."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.types import DepthMap, Kind, StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import disparity_from_depth

HEIGHT, WIDTH = 32, 64
RIG = StereoRig.of(60.0, 60.0, 31.5, 15.5, 31.5, 5.0)  # depth 300 mm / disparity in px


def batched(rig: StereoRig) -> StereoRig:
    return StereoRig(*(value[None] for value in rig))


def plane(depth_mm: float, slope: float = 0.0) -> Tensor:
    """(1, H, W): deeper to the right by ``slope`` mm a pixel."""
    return (depth_mm + slope * torch.arange(WIDTH)).expand(1, HEIGHT, WIDTH).clone()


def dots(seed: int, height: int = HEIGHT, width: int = WIDTH) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def sample(depth_mm: Tensor, seed: int = 0, rig: StereoRig = RIG) -> StereoBatch:
    """A pair whose right view holds the left one moved by the depth's rounded median disparity."""
    left = dots(seed)
    own = rig.resized((HEIGHT, WIDTH), depth_mm.shape[-2:])
    disparity = disparity_from_depth(depth_mm[None], batched(own))[depth_mm[None] > 0]
    shift = round(float(disparity.median()) * WIDTH / depth_mm.shape[-1])
    return {
        "left": left,
        "right": torch.roll(left, -shift, dims=-1),
        "rig": rig,
        "key": f"fake/{seed:06d}",
        "depth_mm": depth_mm,
    }


class Frames(Dataset[StereoBatch]):
    """Given samples; where there is an error in place of one, it is raised."""

    def __init__(self, *samples: StereoBatch | DataError) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> StereoBatch:
        found = self.samples[index]
        if isinstance(found, DataError):
            raise found
        return found


def says(*samples: StereoBatch, scale: float = 1.0) -> Callable[[Tensor], DepthMap]:
    """A network that knows the truth of these samples, and gives ``scale`` times its depth."""

    def predict(left: Tensor) -> DepthMap:
        known = next(s for s in samples if torch.equal(s["left"], left[0]))
        depth = known["depth_mm"]
        rig = known["rig"].resized((HEIGHT, WIDTH), depth.shape[-2:])
        filled = torch.where(depth > 0, depth, 50.0) * scale
        fraction = disparity_from_depth(filled[None], batched(rig)) / depth.shape[-1]
        fraction = interpolate(fraction, (HEIGHT, WIDTH), mode="bilinear", align_corners=False)
        return DepthMap(fraction, Kind.FRACTION)

    return predict


def as_map(fraction: Tensor, known: Tensor | None = None) -> DepthMap:
    """A disparity, fraction of the width, as a network or a matcher gives it."""
    return DepthMap(fraction, Kind.FRACTION, known=known)
