"""What every training system shares: optimizer, schedule, logging, and the labels it needs."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from m3depth.errors import UserError
from m3depth.evaluation.metrics import abs_rel, mae
from m3depth.losses.objective import LossBreakdown
from m3depth.types import StereoBatch

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]
MakeScheduler = Callable[[Optimizer, int], LRScheduler]


class System(pl.LightningModule):
    """A child adds its parts, `training_step` and `validation_step`.

    Attributes:
        needs: The batch fields that it learns from (`m3depth.data.fields`). A label named here
            reaches its training batches; no other label does.
        gives_depth: The name of its part that gives images their depth (`DepthNetwork`), which is
            what a checkpoint is loaded for.
        gives_motion: The name of its part that gives two frames their `PairMotion`, if any
            (`MotionNetwork`), which a checkpoint is loaded for, too.
        doubt: What makes the run's result doubtful, for its report; "" if nothing does.

    Args:
        optimizer: parameters to optimizer.
        scheduler: (optimizer, steps of the whole run) to scheduler, stepped every batch.
    """

    needs: ClassVar[frozenset[str]]
    gives_depth: ClassVar[str] = "network"
    gives_motion: ClassVar[str | None] = None

    def __init__(self, optimizer: MakeOptimizer, scheduler: MakeScheduler) -> None:
        super().__init__()
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self.doubt = ""

    @property
    def monitors(self) -> list[str]:
        """What validation logs, and callbacks may look at; of an objective its terms, too."""
        terms = getattr(getattr(self, "objective", None), "terms", ())
        return [*(f"val/{term}" for term in terms), "val/loss", "val/mae_mm", "val/abs_rel"]

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return int(self.trainer.estimated_stepping_batches)

    def configure_optimizers(self) -> Any:
        """The schedule spans the run and moves every step."""
        optimizer = self.make_optimizer(self._parameter_groups())
        for group in optimizer.param_groups:
            group["lr"] *= group.get("rate", 1.0)
        scheduler = self.make_scheduler(optimizer, self.steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def _parameter_groups(self) -> list[Any]:
        """All parameters; apart, those that a module's method ``own_rates`` gives.

        It gives groups with a key ``rate``, a share of the optimizer's learning rate.
        """
        apart: list[Any] = []
        known: set[int] = set()
        modules: list[Any] = [one for one in self.modules() if hasattr(one, "own_rates")]
        for group in (group for module in modules for group in module.own_rates()):
            # the outermost module comes first: what it says of its parts holds
            params = [one for one in group["params"] if id(one) not in known]
            known.update(map(id, params))
            apart.extend([{**group, "params": params}] if params else [])
        others = [one for one in self.parameters() if id(one) not in known]
        return [{"params": others}, *apart] if apart else others

    def log_losses(self, stage: str, losses: LossBreakdown, batch: StereoBatch) -> None:
        """Log the total and its terms.

        Raises:
            UserError: one of them is not finite; naming it and the frames.
        """
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

    def log_depth(self, depth_mm: Float[Tensor, "b 1 h w"], batch: StereoBatch) -> None:
        """Log the error in mm, where the batch has depth of the images' size to compare with."""
        if "depth_mm" not in batch or batch["depth_mm"].shape != depth_mm.shape:
            return
        known = (batch["depth_mm"] > 0) & (depth_mm > 0)
        if not known.any():
            return
        predicted, true = depth_mm[known], batch["depth_mm"][known]
        values = {"val/mae_mm": mae(predicted, true), "val/abs_rel": abs_rel(predicted, true)}
        # Not synchronised: a process without a known depth does not come here
        self.log_dict(values, batch_size=len(batch["left"]), prog_bar=True)
