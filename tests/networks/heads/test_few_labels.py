"""The head of one number a frame in closed form: experiments/relative_to_metric/few_labels.py."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate
from torch.utils.data import Dataset

from m3depth.networks.heads.by_frame import EPS, FrameScale
from m3depth.networks.heads.decoded import Channels, Decoded
from m3depth.types import DepthMap, Kind, StereoBatch

SCRIPT = Path(__file__).parents[3] / "experiments/relative_to_metric/few_labels.py"
CHANNELS = Channels(4, (), 4, relative=1)
LABELS, ZOOMED = 6, 24


@pytest.fixture(scope="module")
def script() -> ModuleType:
    found = importlib.util.spec_from_file_location("few_labels", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


class Frames(Dataset[StereoBatch]):
    """Blots, which are the larger the nearer the frame is."""

    def __len__(self) -> int:
        return ZOOMED

    def __getitem__(self, index: int) -> StereoBatch:
        chance = torch.Generator().manual_seed(index)
        depth_mm = 40 + 40 * torch.rand((), generator=chance)
        grain = torch.randn(1, 3, int(depth_mm / 4), int(depth_mm / 3), generator=chance)
        left = interpolate(grain, (48, 64), mode="bicubic")[0]
        slope = torch.linspace(0.8, 1.2, 64).expand(1, 48, 64)
        return {"left": left, "depth_mm": depth_mm * slope}  # type: ignore[typeddict-item]


class Network(nn.Module):
    """Fixed filters in a decoder's place, and a relative depth that rises to the left."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(9))

    def decoded(self, images: Tensor) -> Decoded:
        maps = conv2d(images, self.kernel - self.kernel.mean((2, 3), keepdim=True))
        slope = torch.linspace(0.8, 1.2, images.shape[-1]).expand(len(images), 1, *images.shape[2:])
        return Decoded(maps, (), maps.square(), 1 / slope)


def labels() -> list[DepthMap]:
    frames = Frames()
    return [DepthMap(1 / frames[i]["depth_mm"][None], Kind.INVERSE_DEPTH) for i in range(LABELS)]


class Fitted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.network, self.head = Network(), FrameScale(CHANNELS)


@pytest.fixture(scope="module")
def fitted(script: ModuleType) -> Fitted:
    network = Fitted().eval()
    with torch.inference_mode():
        script.fit(network, Frames(), labels(), ZOOMED)
    return network


def test_the_weights_are_those_of_ridge_regression(script: ModuleType, fitted: Fitted):
    frames = Frames()
    seen = np.array([script.features(fitted, frames[i])[0].numpy() for i in range(ZOOMED)])
    spread = np.sqrt(seen.var(0, ddof=1) + EPS) * np.sqrt(seen.shape[1])
    rows, wanted = [seen[:LABELS] / spread], []
    rows[0] = rows[0] - rows[0].mean(0)
    true = np.log([float((1 / frames[i]["depth_mm"].double()).mean()) for i in range(LABELS)])
    wanted.append(true - true.mean())
    for zoom in script.ZOOMS:
        near = np.array(
            [script.features(fitted, frames[i], zoom)[0].numpy() for i in range(ZOOMED)]
        )
        rows.append(script.SHARE * (near - seen) / spread)
        wanted.append(np.full(ZOOMED, script.SHARE * np.log(zoom)))
    x, y = np.concatenate(rows), np.concatenate(wanted)
    penalty = np.sqrt(script.RIDGE) * np.eye(x.shape[1])  # as further equations of 0
    told = np.linalg.lstsq(np.r_[x, penalty], np.r_[y, np.zeros(len(penalty))], rcond=None)[0]
    np.testing.assert_allclose(
        fitted.head.to_log_mean.weight[0].detach().numpy(), told, rtol=1e-4, atol=1e-6
    )


def test_what_is_seen_larger_is_told_nearer(script: ModuleType, fitted: Fitted):
    def log_mean(index: int, zoom: float) -> Tensor:
        unit = (
            script.features(fitted, Frames()[index], zoom).float() - fitted.head.usual.running_mean
        )
        unit = unit / (fitted.head.usual.running_var + EPS).sqrt() / unit.shape[1] ** 0.5
        return fitted.head.to_log_mean(unit)[0, 0]

    with torch.inference_mode():
        nearer = [log_mean(i, 1.3) - log_mean(i, 1.0) for i in range(ZOOMED)]
    assert torch.stack(nearer).median() > 0.1  # log 1.3 = 0.26 is the truth


def test_relief_that_is_the_truth_s_keeps_its_contrast(fitted: Fitted):
    assert fitted.head.log_contrast.item() == pytest.approx(0, abs=1e-5)


def test_pixels_that_a_matcher_does_not_know_change_nothing(script: ModuleType, fitted: Fitted):
    """Where the relief is the relative depth's own, contrasted, any part tells the whole."""
    true, holes = [], []
    for index, one in enumerate(labels()):
        r = fitted.network.decoded(Frames()[index]["left"][None]).relative.double()
        contrasted = one.values.double().mean() * (1 + 0.6 * (r / r.mean() - 1))
        known = torch.arange(64).expand_as(r) < 20 + 6 * index
        true.append(DepthMap(contrasted, Kind.INVERSE_DEPTH))
        holes.append(DepthMap(contrasted.where(known, 9.0), Kind.INVERSE_DEPTH, known=known))
    means, contrast = script.told(fitted, Frames(), true)
    assert float(contrast) == pytest.approx(0.6, rel=1e-6)
    found = script.told(fitted, Frames(), holes)
    torch.testing.assert_close(found, (means, contrast), rtol=1e-5, atol=0)
