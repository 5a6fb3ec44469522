"""How many rectified training pairs per second come from a stereo video."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from m3depth.benchmarks.clock import rates
from m3depth.data.packed import PackedFrames
from m3depth.data.readers.scared import Scared
from m3depth.data.shuffled_runs import ShuffledRuns
from m3depth.data.synthetic import SyntheticClip
from m3depth.imaging.bytes import to_floats
from m3depth.io.video import Video, stacked

RENDERED = (512, 640)  # enlarged to NATIVE: what is decoded matters, not its finest detail
NATIVE = (1024, 1280)
RENDERED_FRAMES = 12  # shown forwards and backwards until the video is long enough
NOISE = 2.0  # of 255, at full size: costs a codec and PNG most of their time
CODEC = "mp4v"  # MPEG-4 part 2; OpenCV's wheel has no encoder for H.264

Array = npt.NDArray[Any]


def measure(
    size: Sequence[int], frames: int, batch: int, workers: int, run: int, repeats: int
) -> dict[str, Any]:
    """Median pairs per second, all loaders timed in turn within each of ``repeats`` rounds.

    ``ours`` decodes a stacked 1280x1024 video through the SCARED reader, rectifies and resizes, in
    shuffled runs of ``run`` frames; ``in_order`` and ``shuffled`` are the same in other orders;
    ``packed`` reads what was packed from it, shuffled. ``pil`` decodes both views with PIL from
    PNG files of the same frames and resizes them, shuffled, with nothing rectified.
    """
    with TemporaryDirectory(prefix="m3depth_loader_") as folder:
        root = Path(folder)
        _write(root, frames)
        small = (int(size[0]), int(size[1]))
        settings = {"root": str(root), "size": list(small), "truth": False}
        target = f"{Scared.__module__}.{Scared.__name__}"
        film = Scared(root, small, truth=False)
        packed = PackedFrames({"_target_": target, **settings}, root / "packs", workers)
        loaders = {
            "ours": _loader(film, batch, workers, run),
            "in_order": _loader(film, batch, workers, len(film)),
            "shuffled": _loader(film, batch, workers, 1),
            "packed": _loader(packed, batch, workers, 1),
            "pil": _loader(PngPairs(root / "png", small), batch, workers, 1),
        }
        per_s = {name: round(rate, 1) for name, rate in rates(loaders, repeats).items()}
    return {
        "workers": workers,
        "size": list(small),
        "frames": frames,
        "batch": batch,
        "run": run,
        "codec": CODEC,
        "pairs_per_s": per_s,
        "ratio": round(per_s["ours"] / per_s["pil"], 2),
    }


class PngPairs(Dataset[Mapping[str, Tensor]]):
    """What a frame dump costs: both views decoded with PIL and resized."""

    def __init__(self, root: Path, size: tuple[int, int]) -> None:
        self.root, self.size = root, size

    def __len__(self) -> int:
        return len(list((self.root / "left").iterdir()))

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {side: self._read(side, index) for side in ("left", "right")}

    def _read(self, side: str, index: int) -> Tensor:
        with Image.open(self.root / side / f"{index:06d}.png") as picture:
            small = picture.convert("RGB").resize(self.size[::-1], Image.Resampling.BILINEAR)
        return to_floats(torch.from_numpy(np.array(small)).permute(2, 0, 1))


def _loader(pairs: Any, batch: int, workers: int, run: int) -> Callable[[], int]:
    loader = DataLoader(
        pairs,
        batch_size=batch,
        num_workers=workers,
        persistent_workers=workers > 0,
        sampler=ShuffledRuns(pairs, run=run, num_replicas=1, rank=0, shuffle=run < len(pairs)),
    )
    return lambda: sum(len(found["left"]) for found in loader)


def _write(root: Path, frames: int) -> None:
    """A folder of SCARED's with one video, and its frames as PNG files."""
    folder = root / "dataset_1" / "keyframe_1"
    video = folder / "data" / "rgb.mp4"
    video.parent.mkdir(parents=True)
    _write_calibration(folder / "endoscope_calibration.yaml")
    writer = cv2.VideoWriter(
        str(video), cv2.VideoWriter.fourcc(*CODEC), 25.0, (NATIVE[1], 2 * NATIVE[0])
    )
    pictures, noise = _pictures(), np.random.default_rng(0)
    for frame in range(frames):
        place = frame % (2 * len(pictures) - 2)
        picture = pictures[min(place, 2 * len(pictures) - 2 - place)]
        noisy = picture + noise.normal(0, NOISE, picture.shape).astype(np.float32)
        writer.write(noisy.clip(0, 255).astype(np.uint8))
    writer.release()
    for side in ("left", "right"):
        (root / "png" / side).mkdir(parents=True)
    film = Video(video)
    for frame in range(len(film)):
        for side, view in zip(("left", "right"), stacked(film[frame]), strict=True):
            cv2.imwrite(str(root / "png" / side / f"{frame:06d}.png"), view)


def _pictures() -> list[Array]:
    """A moving built-in scene at full size, stacked, in BGR."""
    clip = SyntheticClip("train", 0, RENDERED_FRAMES, RENDERED, noise=False)
    found = []
    for frame in range(len(clip)):
        both = torch.cat([clip[frame]["left"], clip[frame]["right"]], dim=1).permute(1, 2, 0) * 255
        size = (NATIVE[1], 2 * NATIVE[0])
        found.append(cv2.resize(both.numpy(), size, interpolation=cv2.INTER_CUBIC)[..., ::-1])
    return found


def _write_calibration(path: Path) -> None:
    """A distorted, slightly turned pair of cameras; what it shows does not matter here."""
    height, width = NATIVE
    focal = 0.86 * width
    matrix = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for name, values in (
        ("M1", matrix),
        ("M2", matrix),
        ("D1", np.array([[-0.05, 0.02, 0.0005, -0.0005, 0.0]])),
        ("D2", np.array([[-0.06, 0.03, 0.0005, 0.0005, 0.0]])),
        ("R", cv2.Rodrigues(np.array([0.005, -0.01, 0.004]))[0]),
        ("T", np.array([[-4.4], [0.02], [0.05]])),
    ):
        storage.write(name, values)
    storage.release()
