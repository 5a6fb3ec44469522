"""Level 3: self-supervised steps on pairs, stopped early; minutes."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint

from m3depth.adaptation.frames import Frames
from m3depth.adaptation.level import Level, Tried
from m3depth.adaptation.model import Model
from m3depth.data.augmentation import Augmentation
from m3depth.data.ignore import Ignore
from m3depth.data.resolution import CoarseToFine
from m3depth.losses.objective import Objective
from m3depth.networks.strangeness import batch_statistics
from m3depth.systems.callbacks import SeedEachStep
from m3depth.systems.schedules import cosine
from m3depth.systems.stereo import StereoDepth
from m3depth.systems.stopping import CheckpointWhenStopped
from m3depth.validation import require_number

WARM_UP = 0.1  # of the steps: Adam's first ones know no scale of the gradients
LOOKED_AT = "val/loss"

logger = logging.getLogger(__name__)


class StereoSteps(Level):
    """Trains on the pairs as ``m3depth train`` does (`StereoDepth`), from where the network is.

    The weights are kept from where the re-synthesis error of the frames to stop by was least. What
    layers normalise by stays as it is: a batch's own statistics differ from those of all frames by
    as much as a few steps change.

    Args:
        objective: See `StereoDepth`.
        ignore: See `StereoDepth`.
        augmentation: See `StereoDepth`.
        steps: At most.
        lr: Adam's, at its highest: it rises at first and ends near 0.
        batch_size: Pairs in a step.
        every: Steps between two looks at the error.
        patience: Looks without a lower error that end it.
        seed: Of the order of the pairs, and of all draws.

    Raises:
        ConfigError: an option is no such number.
    """

    stereo, metric = True, True

    def __init__(
        self,
        objective: Objective,
        ignore: Ignore,
        augmentation: Augmentation,
        steps: int = 150,
        lr: float = 3e-4,
        batch_size: int = 8,
        every: int = 25,
        patience: int = 4,
        seed: int = 0,
    ) -> None:
        whole = {"steps": steps, "batch_size": batch_size, "every": every, "patience": patience}
        for name, value in whole.items():
            require_number(f"levels.steps.{name}", value, 1, whole=True)
        require_number("levels.steps.lr", lr, 1e-9)
        self.parts = {"objective": objective, "ignore": ignore, "augmentation": augmentation}
        self.steps, self.lr, self.batch_size = steps, lr, batch_size
        self.every, self.patience, self.seed = every, patience, seed

    def __call__(self, model: Model, frames: Frames, folder: Path) -> Tried:
        """See `Level`; an interrupted run goes on from its last look, or from where it stopped."""
        model = model.copied()
        model.network.train()
        for layer in batch_statistics(model.network):
            layer.eval()
        system = StereoDepth(
            network=model.network,
            resolution=CoarseToFine(),
            optimizer=partial(torch.optim.Adam, lr=self.lr),
            scheduler=partial(cosine, warmup=WARM_UP),
            **self.parts,  # type: ignore[arg-type]
        )
        folder.mkdir(parents=True, exist_ok=True)
        last = folder / "last.ckpt"
        resumed = last if last.is_file() else None
        if resumed:
            logger.info("steps: going on from %s", last)
        stop = CheckpointWhenStopped(last)
        trainer = self._trainer(folder, stop)
        data = frames.data(min(self.batch_size, len(frames.adapt)), self.seed)
        with stop.listening():
            trainer.fit(system, data, ckpt_path=resumed, weights_only=False)
        kept = torch.load(folder / "best.ckpt", map_location="cpu", weights_only=True)
        system.load_state_dict(kept["state_dict"])
        about = {"pairs": len(frames.adapt), "steps": trainer.global_step}
        about |= {"kept_step": int(kept["global_step"]), "batch_size": self.batch_size}
        return Tried(model._replace(network=model.network.cpu().eval()), about)

    def _trainer(self, folder: Path, stop: CheckpointWhenStopped) -> pl.Trainer:
        files: Any = {"dirpath": folder, "enable_version_counter": False}
        return pl.Trainer(
            max_steps=self.steps,
            max_epochs=-1,
            val_check_interval=self.every,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            callbacks=[
                ModelCheckpoint(filename="best", monitor=LOOKED_AT, **files),
                ModelCheckpoint(filename="last", **files),
                EarlyStopping(LOOKED_AT, patience=self.patience, check_finite=False),
                SeedEachStep(self.seed),
                stop,
            ],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )
