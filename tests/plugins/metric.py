"""A user's supervised system, on a set whose camera has no baseline."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import Dataset

from m3depth.losses.objective import LossBreakdown
from m3depth.systems.base import System
from m3depth.types import DepthMap, Kind, StereoBatch, StereoRig


class Slopes(Dataset[StereoBatch]):
    """Pictures whose brightness is their depth, by one camera."""

    def __init__(self, count: int, size: tuple[int, int]) -> None:
        self.count, self.size = count, tuple(size)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> StereoBatch:
        height, width = self.size
        light = torch.linspace(0.2 + 0.05 * index, 0.9, height * width).reshape(1, height, width)
        camera = StereoRig.monocular(fx=width, fy=width, cx=width / 2, cy=height / 2)
        left = light.expand(3, -1, -1)
        return StereoBatch(left=left, rig=camera, key=f"slopes/{index}", depth_mm=100 * light)


class MetricNetwork(nn.Module):
    """Depth in mm from each pixel's colour."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 1, 1)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[DepthMap, ...]:
        return (DepthMap(150 * torch.sigmoid(self.layer(image)), Kind.DEPTH),)


class MetricDepth(System):
    """The mean error in mm, where depth is known."""

    needs = frozenset({"left", "depth_mm"})

    def __init__(self, network: nn.Module, **recipe: object) -> None:
        super().__init__(**recipe)
        self.network = network

    def training_step(self, batch: StereoBatch, _: int) -> Tensor:
        return self._loss("train", batch)

    def validation_step(self, batch: StereoBatch, _: int) -> None:
        self._loss("val", batch)

    def _loss(self, stage: str, batch: StereoBatch) -> Tensor:
        depth_mm = self.network(batch["left"])[0].depth_mm()
        error = (depth_mm - batch["depth_mm"]).abs()[batch["depth_mm"] > 0].mean()
        self.log_losses(stage, LossBreakdown.of({"mae": error}), batch)
        return error
