"""Learning from stereo pairs: one batch, from images to log, read straight down."""

from torch import Tensor, nn

from m3depth.data.augmentation import Augmentation
from m3depth.data.ignore import Ignore
from m3depth.data.resolution import CoarseToFine
from m3depth.geometry.synthesis import both_views, synthesise
from m3depth.losses.objective import LossBreakdown, Objective
from m3depth.networks.contract import require_depth_maps, right_from_mirror
from m3depth.systems.base import MakeOptimizer, MakeScheduler, System
from m3depth.types import Disparity, StereoBatch
from m3depth.types.disparity import depth_from_disparity


class StereoDepth(System):
    """Learns both disparities from the left image, by rebuilding each view from the other.

    Args:
        network: see `DepthNetwork`. Of one that gives no right view, that is predicted from
            the mirrored right image.
        objective: pyramid of views to a loss.
        ignore: batch to the batch with what misleads the photometric terms marked.
        resolution: (batch, progress of the run) to the batch at the size to train at.
        augmentation: batch to (clean batch, what the network sees).
        optimizer, scheduler: see `System`.
    """

    needs = frozenset({"left", "right"})

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        ignore: Ignore,
        resolution: CoarseToFine,
        augmentation: Augmentation,
        optimizer: MakeOptimizer,
        scheduler: MakeScheduler,
    ) -> None:
        super().__init__(optimizer, scheduler)
        self.network, self.objective = network, objective
        self.ignore, self.resolution, self.augmentation = ignore, resolution, augmentation

    def training_step(self, batch: StereoBatch, _: int) -> Tensor:
        """Mark what misleads, resize, augment, predict, rebuild, compare."""
        full = batch["left"].shape[-1]
        batch = self.resolution(self.ignore(batch), self.global_step / self.steps)
        if self.resolution.shrink:  # the report marks where it changes
            self.log("shrink", float(full // batch["left"].shape[-1]))
        clean, seen = self.augmentation(batch)
        losses = self._losses(self._disparities(seen, clean), clean, batch)
        self.log_losses("train", losses, batch)
        return losses.total

    def validation_step(self, batch: StereoBatch, _: int) -> None:
        """The same on clean images; and millimetres, where there is something to compare with."""
        batch = self.ignore(batch)
        pyramid = self._disparities(batch["left"], batch)
        self.log_losses("val", self._losses(pyramid, batch, batch), batch)
        finest_px = batch["left"].shape[-1] * pyramid[0].left
        self.log_depth(depth_from_disparity(finest_px, batch["rig"]), batch)

    def _losses(
        self, pyramid: list[Disparity], clean: StereoBatch, batch: StereoBatch
    ) -> LossBreakdown:
        """By ``clean``, the batch as it was mirrored; ``batch`` is the one before, with labels."""
        return self.objective([synthesise(clean, disparity) for disparity in pyramid])

    def _disparities(self, seen: Tensor, batch: StereoBatch) -> list[Disparity]:
        """Both views' disparities, finest scale first, by the left image as the network sees it."""
        pyramid = self.network(seen)
        require_depth_maps(pyramid, seen)
        if pyramid[0].right is None:
            pyramid = right_from_mirror(self.network, pyramid, batch["right"])
        return [both_views(depth, batch) for depth in pyramid]
