"""What a trained network's checkpoint says of how surely it knows an image's scale."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from m3depth.adaptation.evidence import Witness, infinity
from m3depth.adaptation.frames import images, read_some
from m3depth.data.augmentation import Augmentation
from m3depth.data.own_size import single_frames
from m3depth.io.torch_files import write_torch_file
from m3depth.networks.scale_deviation import ScaleDeviation
from m3depth.networks.strangeness import batch_statistics
from m3depth.networks.trained import load_model, read_checkpoint
from m3depth.types import StereoBatch

FRAMES = 32
FEWEST = 8  # of them, to tell anything
LEAST = 1e-3  # of a deviation: nothing is known better
RECOLOURED = 3  # times: else there would be no strange images to find the slope from
COLOUR = (0.6, 1.5)  # factors of each channel: organs differ more than an augmentation makes them

logger = logging.getLogger(__name__)


def tell_scale_deviation(checkpoint: Path, val: Dataset[StereoBatch]) -> None:
    """Find it on validation pairs and write it into the checkpoint, with a line.

    Args:
        checkpoint: Of a training that has come to its end.
        val: Frames that the network has not learned from, at its size.

    Raises:
        UserError: the file cannot be read, or written.
    """
    frames = [one for one in read_some(single_frames(val), FRAMES) if "right" in one]
    found = calibrated(load_model(checkpoint).network, frames)
    if found is None:
        logger.info(
            "no deviation of a frame's scale will be told: it is found by a stereo matcher on "
            "validation pairs of a known rig, for a network of metric depth with batch statistics"
        )
        return
    saved = read_checkpoint(checkpoint)
    saved["m3depth"]["scale_deviation"] = found._asdict()
    write_torch_file(checkpoint, saved)


def calibrated(network: nn.Module, frames: Sequence[StereoBatch]) -> ScaleDeviation | None:
    """From the ratio of the network's depth to a matcher's, on pairs and on recoloured ones.

    The matcher sees the pairs as they are, so no label is needed. The floor is how far the network
    is off on them, and the usual strangeness and nearness are theirs: no image makes it surer.
    None where too few can be matched, where the network's depth is not metric or where it has no
    batch statistics.
    """
    if not frames or not batch_statistics(network):
        return None
    witness = Witness(frames)
    as_they_are = witness(network)
    known = np.isfinite(as_they_are.scale)
    if np.count_nonzero(known) < FEWEST:
        return None
    looks = [as_they_are]
    for seed in range(RECOLOURED):
        witness.frames = _recoloured(frames, seed)
        looks.append(witness(network))
    names = "strange", "near", "scale"
    usual = ScaleDeviation.without_slope(*(getattr(as_they_are, one)[known] for one in names))
    usual = usual._replace(floor=max(LEAST, usual.floor), infinity=infinity(frames[0]))
    every = (np.concatenate([getattr(look, one)[known] for look in looks]) for one in names)
    return usual.fitted(*every)


def _recoloured(frames: Sequence[StereoBatch], seed: int) -> list[StereoBatch]:
    """Each left image in a light and a colour of its own, the same each time."""
    recolour = Augmentation(mirror=0.0, recolour=1.0, colour=COLOUR)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _, left = recolour({"left": images(frames), "key": ""})
    return [{**one, "left": other} for one, other in zip(frames, left, strict=True)]
