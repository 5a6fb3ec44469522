"""Built-in scenes to write out in other sets' layouts, and what must come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch import Tensor

from m3depth.cli.configuration import configuration
from m3depth.data.module import StereoData
from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import DataError
from m3depth.geometry.warp import warp
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import disparity_from_depth


class Scene(NamedTuple):
    """A rectified pair of which the depth is known."""

    left: Tensor  # Float "3 h w"
    right: Tensor
    depth_mm: Tensor  # Float "1 h w"
    occluded: Tensor  # Bool "1 h w"
    rig: StereoRig

    @property
    def size(self) -> tuple[int, int]:
        return self.left.shape[-2], self.left.shape[-1]


@cache
def _pairs(size: tuple[int, int]) -> SyntheticPairs:
    return SyntheticPairs("val", 3, size, tools=False, highlights=False, noise=False)


def scenes(size: tuple[int, int] = (72, 96), offset_px: int = 0) -> list[Scene]:
    """Three scenes; ``offset_px`` is ``cx - cx_right``, by cutting the views differently."""
    made = []
    for sample in _pairs((size[0], size[1] + offset_px)):
        rig = sample["rig"]._replace(cx_right=sample["rig"].cx_right - offset_px)
        keep = slice(0, size[1])
        right = sample["right"][..., offset_px:]
        left, depth, occluded = (
            sample[name][..., keep] for name in ("left", "depth_mm", "occluded")
        )
        made.append(Scene(left, right, depth, occluded, rig))
    return made


def configured(name: str, root: Path, size: tuple[int, int] = (36, 48)) -> StereoData:
    """What ``data=NAME data.root=ROOT`` builds."""
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("train", [f"data={name}", f"data.root={root}", "output=somewhere"])
    config.data.size = list(size)
    data = instantiate(config.data)
    assert isinstance(data, StereoData)
    for split in (data.train, data.val, data.test):
        assert split[0]["left"].shape == (3, *size)
    return data


def write_image(path: Path, image: Tensor) -> None:
    """RGB in [0, 1] as 8 bits."""
    pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
    _write(path, np.ascontiguousarray(pixels[..., ::-1]))


def write_units(path: Path, values: Tensor, units: float = 1.0) -> None:
    """``values·units`` as 16-bit PNG."""
    _write(path, (values[0] * units).round().numpy().astype(np.uint16))


def write_mask(path: Path, used: Tensor) -> None:
    """True as 255."""
    _write(path, used[0].numpy().astype(np.uint8) * 255)


def _write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


@contextmanager
def one_line(path: Path, message: str) -> Iterator[None]:
    """What is inside must raise a `DataError` of one line, that begins with the path."""
    with pytest.raises(DataError) as raised:
        yield
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def assert_comes_back(
    sample: StereoBatch, scene: Scene, median_mm: float = 0.1, p95_mm: float = 0.5
) -> None:
    """Depth, rig and images agree with the scene, and with each other."""
    error = (sample["depth_mm"] - scene.depth_mm).abs()[sample["depth_mm"] > 0]
    assert len(error) > 0.9 * scene.depth_mm.numel()
    assert float(error.median()) <= median_mm
    assert float(error.quantile(0.95)) <= p95_mm
    assert_same_rig(sample["rig"], scene.rig)
    assert_rebuilds_left(sample)


def assert_same_rig(rig: StereoRig, expected: StereoRig) -> None:
    for name, value in expected._asdict().items():
        torch.testing.assert_close(getattr(rig, name), value, rtol=1e-4, atol=1e-3, msg=name)


def assert_rebuilds_left(sample: StereoBatch) -> None:
    """The right image, fetched by the true depth and the rig, is the left image."""
    disparity_px = disparity_from_depth(sample["depth_mm"], sample["rig"])
    rebuilt, visible = warp(sample["right"][None], -disparity_px[None])
    use = (visible[0] & (sample["depth_mm"] > 0))[0]
    error, without = (
        float((image - sample["left"]).abs().mean(0)[use].mean())
        for image in (rebuilt[0], sample["right"])
    )
    assert error < 0.2 * without
    assert error < 0.011
