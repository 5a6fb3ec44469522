"""The predictor that `predict` and `export` share."""

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.cli.scoring import pick_device
from m3depth.geometry.camera import StereoRig
from m3depth.priors.predictor import DepthPredictor
from m3depth.systems.checkpoint import TrainedModel
from m3depth.types import Disparity


def make_predictor(
    model: TrainedModel,
    device: str,
    rig: StereoRig | None = None,
    rig_size: tuple[int, int] | None = None,
) -> DepthPredictor:
    """From a checkpoint; without a rig, for the camera that the checkpoint was trained with."""
    where = torch.device(pick_device(device))
    network = model.network.to(where)

    def finest(left: Float[Tensor, "b 3 h w"]) -> Disparity:
        disparity: Disparity = network(left)[0]
        return disparity

    if rig is None or rig_size is None:
        rig, rig_size = model.rig, model.size
    return DepthPredictor(finest, model.size, rig, rig_size, where)
