"""A checkpoint of toy networks for video: a plane, and a camera that moves in the same way."""

import math
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.types import DepthMap, Kind, PairMotion, Scale, StereoRig

SIZE = (48, 64)  # of the networks
STEP = (0.1, 0.0, 0.02)  # of the camera, in its unit, per frame
TURN = math.radians(1.0)  # about y, per frame
FOCAL = (60.0, 62.0)


class PlaneDepth(nn.Module):
    """A wall across the view, 5 units away."""

    def __init__(self, scale: str = "up_to_scale") -> None:
        super().__init__()
        self.far = nn.Parameter(torch.tensor(5.0))
        self.scale = Scale(scale)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[DepthMap, ...]:
        return (DepthMap(self.far * torch.ones_like(image[:, :1]), Kind.DEPTH, self.scale),)


class SteadyMotion(nn.Module):
    """The same motion between any two frames; K at the images' size."""

    def __init__(self, says_k: bool = True) -> None:
        super().__init__()
        self.turn, self.says_k = nn.Parameter(torch.tensor(TURN)), says_k

    def forward(
        self, earlier: Float[Tensor, "b 3 h w"], later: Float[Tensor, "b 3 h w"]
    ) -> PairMotion:
        motion = torch.linalg.inv(later_in_earlier(float(self.turn)))[None].to(later)
        if not self.says_k:
            return PairMotion(motion)
        height, width = later.shape[-2:]
        numbers = (*FOCAL, (width - 1) / 2, (height - 1) / 2, (width - 1) / 2, 0.0)
        return PairMotion(motion, StereoRig(*(torch.full((1, 2), one) for one in numbers)))


def later_in_earlier(turn: float = TURN) -> Float[Tensor, "4 4"]:
    pose = torch.eye(4, dtype=torch.float64)
    cosine, sine = math.cos(turn), math.sin(turn)
    pose[:3, :3] = torch.tensor([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    pose[:3, 3] = torch.tensor(STEP)
    return pose


def write_checkpoint(path: Path, motion: bool = True, **options: object) -> Path:
    """As a training leaves one; ``options`` are ``scale``, ``says_k`` and ``doubt``."""
    depth_options = {"scale": options["scale"]} if "scale" in options else {}
    motion_options = {"says_k": options["says_k"]} if "says_k" in options else {}
    parts = {"network": PlaneDepth(**depth_options), "motion": SteadyMotion(**motion_options)}
    config = {
        "network": {"_target_": "toy_video.PlaneDepth", **depth_options},
        "motion": {"_target_": "toy_video.SteadyMotion", **motion_options},
    }
    rig = StereoRig.monocular(*FOCAL, 31.5, 23.5)
    about = {"config": config, "gives_depth": "network", "size": list(SIZE)}
    about |= {"rig": {name: float(value) for name, value in rig._asdict().items()}}
    about |= {"gives_motion": "motion"} if motion else {}
    about |= {"doubt": options["doubt"]} if "doubt" in options else {}
    state = {f"{n}.{k}": v for n, part in parts.items() for k, v in part.state_dict().items()}
    torch.save({"m3depth": about, "state_dict": state}, path)
    return path
