"""How much of the network's own speed an export keeps."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from m3depth.benchmarks.clock import rates
from m3depth.data.readers.single_views import SingleViews
from m3depth.data.synthetic import SyntheticClip
from m3depth.device import pick_device
from m3depth.imaging.bytes import to_picture
from m3depth.io.files import write_png, write_text
from m3depth.networks.finest import Finest
from m3depth.priors.exporting import Export
from m3depth.priors.layouts.writer import SceneWriter
from m3depth.priors.predictor import DepthPredictor
from m3depth.sources.checkpoint import network_source
from m3depth.sources.network import NetworkSource
from m3depth.sources.together import batched
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig

RENDERED_FRAMES = 8  # shown forwards and backwards until there are enough

Work = Callable[[], int]  # frames done


def measure(
    network: nn.Module,
    writers: Mapping[str, Callable[..., SceneWriter]],
    *,
    checkpoint: str | None,
    size: Sequence[int],
    native: Sequence[int],
    frames: int,
    batch_size: int,
    device: str,
    repeats: int,
) -> dict[str, Any]:
    """Median frames per second, all timed in turn within each of ``repeats`` rounds.

    Args:
        network: With random weights; used where there is no checkpoint.
        writers: By name; each is called with its ``directory``.
        checkpoint: Of ``m3depth train``; its network and size are used then.
        size: (height, width) that the network works at.
        native: (height, width) of the frames.
        frames: How many.
        batch_size: In one pass of the network.
        device: ``auto`` is the GPU where there is one.
        repeats: Rounds; a first one is not counted.

    ``network`` is given tensors of its own size; ``predictor`` images of the frames' size, and
    makes priors of them; each export reads PNG files and writes the writer's scene, to its end.
    """
    with TemporaryDirectory(prefix="m3depth_export_") as folder:
        root = Path(folder)
        write_clip(root / "frames", frames, (native[0], native[1]))
        data = SingleViews(root / "frames")
        source = (
            network_source(checkpoint, device, batch_size=batch_size)
            if checkpoint
            else _untrained(network, (size[0], size[1]), data.calibration.rig, device, batch_size)
        )
        seen = source.size_for((native[0], native[1]))
        images = [data[index]["left"] for index in range(frames)]
        works: dict[str, Work] = {
            "network": partial(network_alone, source, frames, seen),
            "predictor": partial(_predictor, DepthPredictor(source), images, data.calibration.rig),
        }
        for name, make in writers.items():
            works[name] = partial(_export, source, data, make, root / name)
        fps = {name: round(rate, 2) for name, rate in rates(works, repeats).items()}
    network_fps = fps.pop("network")
    return {
        "size": list(seen),
        "native": list(native),
        "frames": frames,
        "batch": batch_size,
        "threads": torch.get_num_threads(),
        "device": str(source.device),
        "fps": {"network": network_fps, **fps},
        "ratio": {name: round(rate / network_fps, 3) for name, rate in fps.items()},
    }


def network_alone(source: NetworkSource, frames: int, size: tuple[int, int]) -> int:
    """As many passes as so many frames need, of tensors of ``size``; returns their number."""
    images = torch.rand(source.batch_size, 3, *size)
    with torch.inference_mode():
        for _ in range(0, frames, source.batch_size):
            source.network(images.to(source.device)).values.cpu()
    return frames


def _predictor(predictor: DepthPredictor, images: Sequence[Tensor], rig: StereoRig) -> int:
    samples: list[StereoBatch] = [{"key": "", "left": image, "rig": rig} for image in images]
    for some in batched(samples, predictor.source.batch_size):
        predictor.together(some)
    return len(images)


def _export(
    source: NetworkSource, data: SingleViews, make: Callable[..., SceneWriter], folder: Path
) -> int:
    with TemporaryDirectory(dir=folder.parent, prefix=folder.name) as scene:
        writer = make(directory=scene)
        Export(source, writer)(data, range(len(data)))
        writer.finish(len(data))
    return len(data)


def write_clip(folder: Path, frames: int, native: tuple[int, int]) -> None:
    """A clip as PNG files, with its calibration."""
    clip = SyntheticClip("test", 0, min(frames, RENDERED_FRAMES), native, zoom=False)
    pictures = [clip[index]["left"] for index in range(len(clip))]
    there_and_back = [*pictures, *pictures[-2:0:-1]]
    for frame in range(frames):
        picture = there_and_back[frame % len(there_and_back)]
        write_png(folder / f"{frame:06d}.png", to_picture(picture))
    rig = {name: float(value) for name, value in clip[0]["rig"]._asdict().items()}
    rig |= {"height": native[0], "width": native[1]}
    lines = "".join(f"{name}: {value}\n" for name, value in rig.items())
    write_text(folder / "rig.yaml", lines)


def _untrained(
    network: nn.Module, size: tuple[int, int], rig: StereoRig, device: str, batch_size: int
) -> NetworkSource:
    where = torch.device(pick_device(device))
    return NetworkSource(Finest(network).to(where), size, rig, size, where, batch_size)
