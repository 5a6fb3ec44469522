"""A user's system with a second network beside the depth one."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.systems.stereo import StereoDepth
from m3depth.types import StereoBatch


class PoseNetwork(nn.Module):
    """Two images to a motion: rotation vector and translation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(6, width, 3, stride=4), nn.ReLU(), nn.Conv2d(width, 6, 1)
        )

    def forward(
        self, one: Float[Tensor, "b 3 h w"], other: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, "b 6"]:
        return 0.01 * self.layers(torch.cat([one, other], 1)).mean((-2, -1))


class WithPose(StereoDepth):
    """Stereo, and the motion from left to right, which the rig knows, learned beside it."""

    def __init__(self, pose_network: nn.Module, **parts: Any) -> None:
        super().__init__(**parts)
        self.pose_network = pose_network

    def training_step(self, batch: StereoBatch, index: int) -> Tensor:
        motion = self.pose_network(batch["left"], batch["right"])
        known = torch.zeros_like(motion)
        known[:, 3] = batch["rig"].baseline_mm / 100
        return super().training_step(batch, index) + (motion - known).abs().mean()
