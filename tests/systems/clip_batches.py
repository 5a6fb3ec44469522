"""Small batches of built-in clips, and systems that learn from them."""

from typing import Any

import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from m3depth.cli.configuration import configuration
from m3depth.data.synthetic.clip import SyntheticClip
from m3depth.data.synthetic.paths import Moving
from m3depth.systems.build import build_system
from m3depth.systems.video import VideoDepth
from m3depth.types import StereoBatch, StereoRig

NETWORK = (
    *("network=video_small", "network.network.encoder=test_resnet", "network.shrink=1"),
    *("network.network.pretrained=false", "network.network.widths=[16,16,8,8,8]"),
)


class Plain:
    """An augmentation that changes nothing."""

    def __call__(self, clips: StereoBatch) -> tuple[StereoBatch, Tensor]:
        return clips, clips["left"]


def clips(right: bool = False, size: tuple[int, int] = (64, 80)) -> StereoBatch:
    """Two clips of three frames, with all that is known about them."""
    plain = {"deforming": False, "tools": False, "highlights": False, "noise": False}
    video = SyntheticClip("train", 0, 9, size, path=Moving(zoom=(0.3, 0.3)), **plain)
    frames = [[video[i] for i in (at - 2, at, at + 2)] for at in (3, 5)]
    names = ["left", "depth_mm", "camera_to_world", "time_s", *(["right"] if right else [])]
    made: dict[str, Any] = {
        name: torch.stack([torch.stack([frame[name] for frame in clip]) for clip in frames])
        for name in names
    }
    rigs = [[torch.stack(list(frame["rig"])) for frame in clip] for clip in frames]
    made["rig"] = StereoRig(*torch.stack([torch.stack(one) for one in rigs]).unbind(-1))
    made["key"] = [clip[1]["key"] for clip in frames]
    return StereoBatch(**made)


def video_system(*overrides: str) -> VideoDepth:
    """As the configuration makes it, small, outside of any trainer."""
    chosen = ("system=video", *NETWORK, "objective=video", "augmentation=none", *overrides)
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        system = build_system(compose("train", [*chosen, "output=somewhere"]))
    system.augmentation = Plain()
    system.log_losses = lambda *_: None
    return system


def loss_of(system: VideoDepth, batch: StereoBatch) -> Tensor:
    """Of one training step, in the middle of a run."""
    return system.objective(system._rebuilt(batch, batch["left"], 0.5)).total
