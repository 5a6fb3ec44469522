"""Where an export's depth comes from: a network, a stereo matcher, or the data's own truth."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.resizing import nearest
from m3depth.matching.sgbm import sgbm
from m3depth.priors.load import load
from m3depth.priors.predictor import DepthPredictor, View
from m3depth.priors.prior import DepthPrior, Unfinished
from m3depth.types import Kind, StereoBatch
from m3depth.types.disparity import depth_from_disparity, disparity_from_depth

# Options that change the depth, beside what they are by default: a resumed export with others is
# refused
CHANGES = {"flip": "False", "precision": "32", "tiles": "1"}
ROTATION_OFF = 0.02  # of R Rᵀ - 1: digits that a file left out pass


class Source(Protocol):
    """Gives frames their depth.

    Attributes:
        model: Its name, for the metadata.
        checkpoint_sha256: Of its file, "" without one.
        batch_size: How many samples it is best given at once.
    """

    model: str
    checkpoint_sha256: str
    batch_size: int

    def ahead(self, sample: StereoBatch) -> StereoBatch:
        """The sample with what another thread can do for it before its turn: by default nothing."""
        return sample

    def __call__(self, samples: Sequence[StereoBatch]) -> list[Unfinished]:
        """The priors, without pose and mask; what is left to do needs no more of the source.

        Raises:
            DataError: one of the samples has not what it takes.
        """


class PredictorSource(Source):
    """A predictor, which sees the left image.

    Args:
        predictor: It.
        model: For the metadata.
        checkpoint_sha256: For the metadata.
    """

    def __init__(
        self, predictor: DepthPredictor, model: str = "", checkpoint_sha256: str = ""
    ) -> None:
        self.predictor, self.batch_size = predictor, predictor.batch_size
        self.model, self.checkpoint_sha256 = model, checkpoint_sha256

    def ahead(self, sample: StereoBatch) -> StereoBatch:
        """Resize the image."""
        return {**sample, "small": self.predictor.small(sample["left"])}

    def __call__(self, samples: Sequence[StereoBatch]) -> list[Unfinished]:
        """Predict."""
        return self.predictor.begun(
            [View(str(s["key"]), s["left"], s["rig"], s.get("small")) for s in samples]
        )


def network_source(checkpoint: str | Path, **options: Any) -> PredictorSource:
    """A trained network.

    Args:
        checkpoint: Of ``m3depth train``.
        options: Of `load`; those that are not its defaults are told in the metadata.

    Raises:
        UserError: the checkpoint cannot be read.
        ConfigError: a setting is out of range.
    """
    predictor = load(checkpoint, **options)
    path = Path(checkpoint)
    asked = {  # "32-true" is what Lightning calls 32
        name: str(options.get(name, usual)).removesuffix("-true") for name, usual in CHANGES.items()
    }
    changes = [f"{name}={value}" for name, value in asked.items() if value != CHANGES[name]]
    model = " ".join(["m3depth", path.name, *changes])
    return PredictorSource(predictor, model, hashlib.sha256(path.read_bytes()).hexdigest())


class ExactSource(Source):
    """The depth that the data come with, with confidence 1 where it is known."""

    model = "the data's own depth"
    checkpoint_sha256 = ""
    batch_size = 1

    def __call__(self, samples: Sequence[StereoBatch]) -> list[Unfinished]:
        """Take it, at the image's resolution; the nearest pixel's, not mixed.

        Raises:
            DataError: the data have no depth.
        """
        return [self._prior(sample) for sample in samples]

    def _prior(self, sample: StereoBatch) -> Unfinished:
        if "depth_mm" not in sample:
            raise DataError(
                f"{sample['key']}: the data have no depth of their own: choose source=network or "
                "source=stereo"
            )
        native = (sample["left"].shape[-2], sample["left"].shape[-1])
        depth_mm = torch.nn.functional.interpolate(
            sample["depth_mm"][None], native, mode="nearest-exact"
        )[0]
        disparity_px = disparity_from_depth(depth_mm, sample["rig"])
        return partial(_prior, sample, depth_mm, disparity_px)


class StereoSource(Source):
    """OpenCV's semi-global matcher, which sees both images; where it has no answer, depth is 0."""

    model = "OpenCV SGBM, both images"
    checkpoint_sha256 = ""
    batch_size = 1

    def __call__(self, samples: Sequence[StereoBatch]) -> list[Unfinished]:
        """Match.

        Raises:
            DataError: the data have no right image.
        """
        return [self._prior(sample) for sample in samples]

    def _prior(self, sample: StereoBatch) -> Unfinished:
        if "right" not in sample:
            raise DataError(
                f"{sample['key']}: without a right image there is nothing to match: choose "
                "source=network"
            )
        infinity_px = float(sample["rig"].principal_offset)
        found = sgbm(sample["left"][None], sample["right"][None], infinity_px)
        disparity_px = found.to(Kind.DISPARITY).values[0]
        depth_mm = depth_from_disparity(disparity_px, sample["rig"])
        given = (
            torch.ones_like(depth_mm, dtype=torch.bool) if found.known is None else found.known[0]
        )
        return partial(_prior, sample, torch.where(given, depth_mm, 0.0), disparity_px)


def completed(prior: DepthPrior, sample: StereoBatch) -> DepthPrior:
    """The prior with the sample's pose and with tools, or what else its mask leaves out, unused.

    A sample without a pose is of a camera that stands still.

    Raises:
        DataError: the rig is not calibrated, or the pose is none.
    """
    prior.require_millimetres()
    pose = sample.get("camera_to_world", torch.eye(4))
    _require_rigid(pose, prior.key)
    use = ~sample["tool"] if "tool" in sample else sample.get("mask")
    if use is not None and use.shape[-2:] != prior.size:
        use = nearest(use[None], prior.size)[0]
    return replace(prior, camera_to_world=pose, use=use)


def _require_rigid(pose: Float[Tensor, "4 4"], key: str) -> None:
    turn = pose[:3, :3].double()
    whole = bool(torch.isfinite(pose).all()) and torch.equal(pose[3], torch.eye(4)[3].to(pose))
    off = (turn @ turn.T - torch.eye(3).double()).abs().max() if whole else torch.inf
    if off > ROTATION_OFF or torch.linalg.det(turn) < 0:
        raise DataError(
            f"{key}: its pose is no rotation and translation (R Rᵀ = 1, determinant 1, last row "
            "0 0 0 1, finite): correct it, or take the frame out"
        )


def _prior(
    sample: StereoBatch, depth_mm: Float[Tensor, "1 h w"], disparity_px: Float[Tensor, "1 h w"]
) -> DepthPrior:
    known = (depth_mm > 0).to(depth_mm)
    return DepthPrior(
        key=str(sample["key"]),
        image=sample["left"],
        disparity_px=disparity_px * known,
        depth_mm=depth_mm,
        confidence=known,
        rig=sample["rig"],
    )
