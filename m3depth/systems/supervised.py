"""Learning from depth labels, metric or not: one batch, from images to log, read straight down."""

from typing import cast

from torch import Tensor, nn

from m3depth.data.augmentation import Augmentation
from m3depth.losses.labelled import Labelled, LabelObjective
from m3depth.networks.contract import require_depth_maps
from m3depth.systems.base import MakeOptimizer, MakeScheduler, System
from m3depth.types import DepthMap, Kind, Scale, StereoBatch


class SupervisedDepth(System):
    """Learns depth from the left image and its label, each sample by what its label says.

    Args:
        network: see `DepthNetwork`.
        objective: pyramid of predictions beside their labels to a loss.
        augmentation: batch to (clean batch, what the network sees).
        optimizer, scheduler: see `System`.
    """

    needs = frozenset({"left", "depth_label"})

    def __init__(
        self,
        network: nn.Module,
        objective: LabelObjective,
        augmentation: Augmentation,
        optimizer: MakeOptimizer,
        scheduler: MakeScheduler,
    ) -> None:
        super().__init__(optimizer, scheduler)
        self.network, self.objective, self.augmentation = network, objective, augmentation

    def training_step(self, batch: StereoBatch, _: int) -> Tensor:
        """Augment, predict, compare with the labels."""
        batch, seen = self.augmentation(_left_alone(batch))
        losses = self.objective(_labelled(self._depths(seen, batch), batch))
        self.log_losses("train", losses, batch)
        return losses.total

    def validation_step(self, batch: StereoBatch, _: int) -> None:
        """The same on clean images; and millimetres, where both sides have them."""
        pyramid = self._depths(batch["left"], batch)
        self.log_losses("val", self.objective(_labelled(pyramid, batch)), batch)
        if _has_millimetres(pyramid[0]):
            self.log_depth(pyramid[0].depth_mm(), batch)

    def _depths(self, seen: Tensor, batch: StereoBatch) -> list[DepthMap]:
        """The network's maps, finest first, with their cameras."""
        pyramid = self.network(seen)
        require_depth_maps(pyramid, seen)
        full = seen.shape[-2], seen.shape[-1]
        return [depth.seen_by(batch["rig"].resized(full, depth.size)) for depth in pyramid]


def _left_alone(batch: StereoBatch) -> StereoBatch:
    """Without the right view: a mirrored left image keeps its own label, and is not swapped."""
    left = {name: value for name, value in batch.items() if name != "right"}
    return cast(StereoBatch, left)


def _labelled(pyramid: list[DepthMap], batch: StereoBatch) -> list[Labelled]:
    label = batch["depth_label"]
    return [Labelled(depth, label.resized(depth.size)) for depth in pyramid]


def _has_millimetres(depth: DepthMap) -> bool:
    rig = depth.camera
    calibrated = rig is not None and bool(rig.calibrated.any())
    is_depth = depth.kind in (Kind.DEPTH, Kind.INVERSE_DEPTH)
    return depth.scale is Scale.METRIC and (is_depth or calibrated)
