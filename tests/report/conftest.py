from pathlib import Path

import pytest
import torch
from fake_sources import by_network
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.evaluation.alignment import median, none
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.result import Evaluation
from m3depth.types import DepthMap, Kind, StereoBatch
from m3depth.types.camera import StereoRig

HEIGHT, WIDTH = 24, 48
SLOPES = (0.2, 0.8, 0.5, 0.1)


class Slopes(Dataset[StereoBatch]):
    """Sloping planes from 40 mm on; the frame after the last cannot be read."""

    def __init__(self, name: str, calibrated: bool, truth: bool) -> None:
        self.name, self.calibrated, self.truth = name, calibrated, truth

    def __len__(self) -> int:
        return len(SLOPES) + 1

    def __getitem__(self, index: int) -> StereoBatch:
        if index == len(SLOPES):
            raise DataError("left/<last>.png cannot be read")
        image = torch.rand(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(index))
        rig = StereoRig.of(45.0, 45.0, 23.5, 11.5, 23.5, 5.0)
        frame: StereoBatch = {
            "left": image,
            "right": torch.roll(image, -4, dims=-1),
            "rig": rig if self.calibrated else StereoRig.uncalibrated(WIDTH, HEIGHT),
            "key": f"{self.name}/<{index}>",
        }
        if self.truth:
            depth = 40 + SLOPES[index] * torch.arange(WIDTH).expand(1, HEIGHT, WIDTH)
            frame["depth_mm"] = depth * (torch.arange(WIDTH) > 5)
        return frame


def four_px(left: Tensor) -> DepthMap:
    fraction = torch.full_like(left[:, :1], 4 / WIDTH)
    return DepthMap(fraction, Kind.FRACTION)


PLAIN = Protocol("plain", 0.0, float("inf"), none)
SCALED = Protocol("<scaled>", 45.0, 70.0, median, min_coverage=0.3)


def run(calibrated: bool = True, truth: bool = True, *more: Protocol) -> Evaluation:
    test, train = Slopes("slopes", calibrated, truth), Slopes("train", calibrated, truth)
    return evaluate(by_network(four_px), test, [PLAIN, *more], train)


@pytest.fixture(scope="session")
def with_truth() -> Evaluation:
    return run()


@pytest.fixture(scope="session")
def without_truth() -> Evaluation:
    return run(truth=False)


@pytest.fixture(scope="session")
def uncalibrated() -> Evaluation:
    return run(calibrated=False, truth=False)


@pytest.fixture(scope="session")
def two_protocols() -> Evaluation:
    return run(True, True, SCALED)


class LeftOnly(Slopes):
    """The same frames without their right images."""

    def __getitem__(self, index: int) -> StereoBatch:
        frame = super().__getitem__(index)
        del frame["right"]
        return frame


@pytest.fixture(scope="session", params=[True, False], ids=["calibrated", "uncalibrated"])
def monocular(request: pytest.FixtureRequest) -> Evaluation:
    test = LeftOnly("mono", request.param, False)
    return evaluate(by_network(four_px), test, [PLAIN])


@pytest.fixture
def curves(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.csv"
    path.write_text(
        "step,epoch,train/loss,train/photometric,val/loss,val/mae_mm,lr-AdamW\n"
        "0,0,0.9,0.8,,,0.001\n10,0,0.2,0.1,,,0.0005\n10,0,,,0.3,7.5,\n20,1,0.1,0.05,0.2,5.5,\n"
    )
    return path
