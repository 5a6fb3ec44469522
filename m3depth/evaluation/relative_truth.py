"""The score of a frame whose truth is relative, as MiDaS has it."""

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.affine_fits import scale_and_shift
from m3depth.geometry.moments import pairs_of
from m3depth.geometry.resizing import at_size, size_of
from m3depth.types import DepthMap, StereoBatch

RMSE_DISPARITY = "rmse_disparity"


def score_relative(prediction: DepthMap, batch: StereoBatch) -> dict[str, float]:
    """``rmse_disparity`` of a batch of one with a label that has no millimetres; else nothing.

    Of inverse depth, whose truth is scaled to 0..1 and to which the prediction is fitted by a
    scale and a shift (Ranftl et al. 2020, section 5). A plane at the mean where no scale above 0
    fits. Nothing for a truth without relief.
    """
    if "depth_label" not in batch or bool(batch["depth_label"].metric.any()):
        return {}
    label = batch["depth_label"]
    found = at_size(prediction, size_of(label.known)).relative()
    known = label.known if found.known is None else label.known & found.known
    relative, true = pairs_of(found.values, label.inverse_depth, known)
    if not len(true) or true.min() == true.max():
        return {}
    true = (true - true.min()) / (true.max() - true.min())
    return {RMSE_DISPARITY: (_fitted(relative, true) - true).square().mean().sqrt().item()}


def _fitted(relative: Float[Tensor, " n"], true: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    try:
        return scale_and_shift(relative, true)(relative)
    except DataError:
        return torch.full_like(true, float(true.mean()))
