"""Level 1: what a network's layers normalise by, estimated anew; seconds, and single images do."""

from pathlib import Path

import torch

from m3depth.adaptation.frames import Frames, images
from m3depth.adaptation.level import Level, Tried, Void
from m3depth.adaptation.model import Model
from m3depth.networks.strangeness import batch_statistics
from m3depth.validation import require_number


class Statistics(Level):
    """Mean and variance of every batch normalisation, of other images than the training's.

    No weight is changed and no gradient taken (Li et al. 2017, AdaBN). The statistics belong to the
    set that they are of: images of the old one are then normalised wrongly.

    Args:
        batch_size: Images in one pass; the passes' statistics are averaged.

    Raises:
        ConfigError: it is no number from 2 on.
    """

    stereo, metric = False, False

    def __init__(self, batch_size: int = 8) -> None:
        require_number("levels.statistics.batch_size", batch_size, 2, whole=True)
        self.batch_size = batch_size

    def __call__(self, model: Model, frames: Frames, folder: Path) -> Tried | Void:
        """See `Level`."""
        model = model.copied()
        layers = batch_statistics(model.network)
        if not layers:
            return Void("the network has no batch statistics: nothing to estimate")
        momenta = [layer.momentum for layer in layers]
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # the mean over all passes
            layer.train()
        whole = images(frames.adapt)
        passes = max(1, len(whole) // self.batch_size)  # none of them smaller
        with torch.no_grad():
            for batch in whole.tensor_split(passes):
                model.network(batch)
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        model.network.eval()
        return Tried(model, {"images": len(whole), "layers": len(layers)})
