"""Runs the checks of conf/check.yaml over data sets, and makes small frames."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch.utils.data import Dataset

from m3depth.check.check_set import check
from m3depth.check.finding import Finding, Severity
from m3depth.check.measuring.sampler import Sampler
from m3depth.errors import DataError
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig

CONF = Path(__file__).parents[2] / "conf" / "check.yaml"
SETTINGS = OmegaConf.load(CONF)


def findings(
    pairs: Dataset[StereoBatch] | Mapping[str, Dataset[StereoBatch]], frames: int = 24
) -> list[Finding]:
    splits = pairs if isinstance(pairs, Mapping) else {"input": pairs}
    checks = [instantiate(one) for one in SETTINGS.checks.values()]
    return check(splits, Sampler(frames=frames, seconds=600), checks)[0]


def codes(found: Sequence[Finding], severity: Severity | None = None) -> set[str]:
    return {one.code for one in found if severity in (None, one.severity)}


def errors(found: Sequence[Finding]) -> set[str]:
    return codes(found, Severity.ERROR)


class Samples(Dataset[StereoBatch]):
    """Samples from a list; an error in it is raised."""

    def __init__(self, samples: Sequence[StereoBatch | DataError]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> StereoBatch:
        sample = self.samples[index]
        if isinstance(sample, DataError):
            raise sample
        return sample


def noise(seed: int, size: tuple[int, int] = (60, 80)) -> torch.Tensor:
    """A picture that no other looks like."""
    import cv2

    rough = np.random.default_rng(seed).random((*size, 3), np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), 1.5)
    spread = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return torch.from_numpy(0.1 + 0.8 * spread).permute(2, 0, 1).contiguous()


def mono(seed: int, key: str) -> StereoBatch:
    return {"left": noise(seed), "rig": StereoRig.of(80, 80, 40, 30, 40, 5.0), "key": key}
