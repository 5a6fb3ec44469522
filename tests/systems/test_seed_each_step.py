"""What a batch draws depends on the seed and on its place in the run."""

from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from m3depth.systems.callbacks import SeedEachStep


class Draws(pl.LightningModule):
    """Keeps one draw of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.found = nn.Linear(1, 1), []

    def training_step(self, batch: dict[str, Tensor]) -> Tensor:
        self.found.append(float(torch.rand(())))
        return self.layer(batch["left"]).sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


def drawn(folder: Path, seed: int, accumulated: int) -> list[float]:
    module = Draws()
    trainer = pl.Trainer(
        max_epochs=2,
        accelerator="cpu",
        accumulate_grad_batches=accumulated,
        callbacks=[SeedEachStep(seed)],
        default_root_dir=folder,
        **{"logger": False, "enable_checkpointing": False},
        **{"enable_progress_bar": False, "enable_model_summary": False},
    )
    trainer.fit(module, DataLoader([{"left": torch.ones(1)}] * 4))
    return module.found


def test_each_batch_draws_anew_also_where_gradients_are_accumulated(tmp_path: Path):
    found = drawn(tmp_path, seed=1, accumulated=1)
    assert len(set(found)) == 8
    assert drawn(tmp_path, seed=1, accumulated=2) == found
    assert not set(drawn(tmp_path, seed=2, accumulated=1)) & set(found)
