"""How much of a network's own speed ``m3depth predict`` keeps."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from m3depth.benchmarks.clock import rates
from m3depth.benchmarks.export_rate import network_alone, write_clip
from m3depth.io.input_frames import InputFrames, open_frames
from m3depth.priors.pictures.draw import draw
from m3depth.priors.predicting import Predictions
from m3depth.sources.network import NetworkSource
from m3depth.sources.pretrained import pretrained_source
from m3depth.validation import require_size


def measure(
    network: Mapping[str, Any], *, size: Sequence[int], frames: int, device: str, repeats: int
) -> dict[str, Any]:
    """Median frames per second, both timed in turn within each of ``repeats`` rounds.

    Args:
        network: Configuration of a pretrained network, see `pretrained_source`.
        size: (height, width) of the frames, and that the network sees.
        frames: How many.
        device: ``auto`` is the GPU where there is one.
        repeats: Rounds; a first one is not counted.

    ``network`` is given tensors; ``predict`` reads PNG files and writes all that the verb leaves of
    them, pictures included. Neither counts the start: imports, and making the network.
    """
    pixels = require_size("size", size)
    source = pretrained_source(network, pixels, device=device)
    with TemporaryDirectory(prefix="m3depth_predict_") as folder:
        write_clip(Path(folder) / "frames", frames, pixels)
        shown = open_frames(Path(folder) / "frames")
        works = {
            "network": partial(network_alone, source, frames, pixels),
            "predict": partial(_predict, source, shown, Path(folder)),
        }
        fps = {name: round(rate, 2) for name, rate in rates(works, repeats).items()}
    return {
        "size": list(pixels),
        "frames": frames,
        "threads": torch.get_num_threads(),
        "device": str(source.device),
        "fps": fps,
        "ratio": {"predict": round(fps["predict"] / fps["network"], 3)},
    }


def _predict(source: NetworkSource, frames: InputFrames, folder: Path) -> int:
    with TemporaryDirectory(dir=folder) as output:
        found = Predictions(Path(output), ply=False)
        found(source, frames, None)
        draw(frames, found.written, found.output, found.colours(), "")
    return len(found.written)
