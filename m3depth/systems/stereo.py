"""The training system: one batch, from images to log, read straight down."""

from collections.abc import Callable, Iterable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from m3depth.data.augmentation import Augmentation
from m3depth.data.ignore import Ignore
from m3depth.data.resolution import CoarseToFine
from m3depth.errors import UserError
from m3depth.evaluation.metrics import abs_rel, mae_mm
from m3depth.geometry.disparity import depth_from_disparity
from m3depth.geometry.synthesis import synthesise
from m3depth.losses.objective import LossBreakdown, Objective
from m3depth.types import Disparity, StereoBatch


class StereoDepth(pl.LightningModule):
    """Learns both disparities from the left image, by rebuilding each view from the other."""

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        ignore: Ignore,
        resolution: CoarseToFine,
        augmentation: Augmentation,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        scheduler: Callable[[Optimizer, int], LRScheduler],
    ) -> None:
        """Wire the parts.

        Args:
            network: left image to disparities, finest scale first.
            objective: pyramid of views to a loss.
            ignore: batch to the batch with what misleads the photometric terms marked.
            resolution: (batch, progress of the run) to the batch at the size to train at.
            augmentation: batch to (clean batch, what the network sees).
            optimizer: parameters to optimizer.
            scheduler: (optimizer, steps of the whole run) to scheduler, stepped every batch.
        """
        super().__init__()
        self.network, self.objective = network, objective
        self.ignore, self.resolution, self.augmentation = ignore, resolution, augmentation
        self.make_optimizer, self.make_scheduler = optimizer, scheduler

    def forward(self, left: Tensor) -> Disparity:
        """The finest disparities."""
        finest: Disparity = self.network(left)[0]
        return finest

    def training_step(self, batch: StereoBatch, _: int) -> Tensor:
        """Mark what misleads, resize, augment, predict, rebuild, compare."""
        batch = self.resolution(self.ignore(batch), self.global_step / self.steps)
        batch, seen = self.augmentation(batch)
        pyramid = self.network(seen)
        views = [synthesise(batch, disparity) for disparity in pyramid]
        losses = self.objective(views)
        self._log("train", losses, batch)
        return losses.total

    def validation_step(self, batch: StereoBatch, _: int) -> None:
        """The same on clean images; and millimetres, where there is something to compare with."""
        batch = self.ignore(batch)
        pyramid = self.network(batch["left"])
        views = [synthesise(batch, disparity) for disparity in pyramid]
        self._log("val", self.objective(views), batch)
        if "depth_mm" in batch and batch["depth_mm"].shape[-2:] == batch["left"].shape[-2:]:
            self._log_depth(pyramid[0], batch)

    def configure_optimizers(self) -> Any:
        """The schedule spans the run and moves every step."""
        optimizer = self.make_optimizer(self.network.parameters())
        scheduler = self.make_scheduler(optimizer, self.steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return int(self.trainer.estimated_stepping_batches)

    def _log(self, stage: str, losses: LossBreakdown, batch: StereoBatch) -> None:
        if not torch.isfinite(losses.total):
            broken = [name for name, value in losses.terms.items() if not torch.isfinite(value)]
            raise UserError(
                f"{stage}, step {self.global_step}: objective.terms.{', '.join(broken)} is not "
                f"finite on {', '.join(batch['key'])}; look at these frames, or lower optimizer.lr"
            )
        values = {f"{stage}/loss": losses.total.detach()}
        values |= {f"{stage}/{name}": value for name, value in losses.terms.items()}
        count = len(batch["left"])
        on_bar, sync = stage == "train", stage == "val"
        self.log_dict(values, batch_size=count, prog_bar=on_bar, sync_dist=sync)
        left_out = losses.left_out.float()
        self.log(f"{stage}/left_out", left_out, reduce_fx="sum", batch_size=1, sync_dist=True)

    def _log_depth(self, disparity: Disparity, batch: StereoBatch) -> None:
        width = batch["left"].shape[-1]
        depth = depth_from_disparity(width * disparity.left, batch["rig"])
        known = (batch["depth_mm"] > 0) & (depth > 0)
        if not known.any():
            return
        predicted, true = depth[known], batch["depth_mm"][known]
        values = {"val/mae_mm": mae_mm(predicted, true), "val/abs_rel": abs_rel(predicted, true)}
        # Not synchronised: a process without a known depth does not come here
        self.log_dict(values, batch_size=len(batch["left"]), prog_bar=True)
