"""Learning from stereo pairs and from depth labels beside them, such as a teacher's."""

from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from m3depth.losses.labelled import Labelled, LabelObjective
from m3depth.losses.objective import LossBreakdown
from m3depth.systems.stereo import StereoDepth
from m3depth.types import DepthMap, Disparity, Kind, StereoBatch


class TaughtDepth(StereoDepth):
    """`StereoDepth` with a second objective, on metric labels of the left view.

    Args:
        label_objective: pyramid of disparities beside their labels to a loss, which is added.
        **parts: see `StereoDepth`. The augmentation may mirror images, and not crop them.
    """

    needs = StereoDepth.needs | {"depth_label"}

    def __init__(self, label_objective: LabelObjective, **parts: Any) -> None:
        super().__init__(**parts)
        self.label_objective = label_objective

    @property
    def monitors(self) -> list[str]:
        """The terms on labels, too."""
        return [*(f"val/label_{term}" for term in self.label_objective.terms), *super().monitors]

    def _losses(
        self, pyramid: list[Disparity], clean: StereoBatch, batch: StereoBatch
    ) -> LossBreakdown:
        """Both objectives' sum; ``left_out`` counts a sample twice that both leave out."""
        stereo = super()._losses(pyramid, clean, batch)
        swapped = (clean["left"] != batch["left"]).flatten(1).any(1)
        taught = self.label_objective([_labelled(one, swapped, batch) for one in pyramid])
        terms = stereo.terms | {f"label_{name}": value for name, value in taught.terms.items()}
        left_out = stereo.left_out + taught.left_out
        return LossBreakdown(stereo.total + taught.total, terms, left_out)


def _labelled(disparity: Disparity, swapped: Bool[Tensor, " b"], batch: StereoBatch) -> Labelled:
    """The disparity of the view that has the label: the right one where the views are swapped."""
    of_label = torch.where(swapped[:, None, None, None], disparity.right.flip(-1), disparity.left)
    depth = DepthMap(of_label, Kind.FRACTION)
    full = batch["left"].shape[-2], batch["left"].shape[-1]
    rig = batch["rig"].resized(full, depth.size)
    return Labelled(depth.seen_by(rig), batch["depth_label"].resized(depth.size))
