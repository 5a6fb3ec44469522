"""One protocol's way through a test set, frame after frame."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.evaluation.baselines import DepthMean, score_constant, score_guess, score_shift
from m3depth.evaluation.flicker import Seen, flicker_mm
from m3depth.evaluation.protocol import Compared, Protocol
from m3depth.evaluation.reliability import Reliability
from m3depth.evaluation.result import Result, Row
from m3depth.evaluation.scoring import score_depth, scored_depth
from m3depth.evaluation.truth import Prediction, Truth
from m3depth.geometry.camera import StereoRig
from m3depth.types import StereoBatch

Scores = dict[str, float]


@dataclass
class Shown:
    """One frame with what is the same under every protocol."""

    position: int
    batch: StereoBatch
    prediction: Prediction
    view: Scores  # of the rebuilt view
    guesses: dict[str, Prediction]  # of the baselines that see the images

    @property
    def key(self) -> str:
        """The frame's name."""
        return self.batch["key"][0]


@dataclass
class Run:
    """Scores frames under one protocol, and remembers only their numbers.

    Attributes:
        protocol: How.
        mean: The mean training depth, where there is one.
        still_camera: Take it that the camera does not move, whatever the samples say of it.
    """

    protocol: Protocol
    mean: DepthMean | None = None
    still_camera: bool = False
    _rows: list[Row] = field(default_factory=list)
    _sparse: list[str] = field(default_factory=list)
    _reliability: Reliability = field(default_factory=Reliability)
    _before: dict[str, Seen] = field(default_factory=dict)  # the frame before, by whose depth

    def add(self, shown: Shown) -> None:
        """Score one frame, unless too little of it is known."""
        truth = Truth.of(shown.batch)
        truth = None if truth is None else self.protocol.within(truth)
        if truth is not None and self.protocol.too_sparse(truth):
            self._sparse.append(shown.key)
            return
        compared = None if truth is None else self.protocol.compare(shown.prediction, truth)
        if truth is None or compared is None:
            scores, baselines = self._without_truth(shown)
        else:
            scores, baselines = self._with_truth(shown, truth, compared)
        self._rows.append(Row(shown.position, shown.key, {**scores, **shown.view}, baselines))

    def result(self) -> Result:
        """The numbers of all frames so far."""
        return Result(self.protocol, self._rows, self._sparse, self._reliability.record())

    def _without_truth(self, shown: Shown) -> tuple[Scores, dict[str, Scores]]:
        scores: Scores = {}
        if self.protocol.metric:
            depth_mm = scored_depth(shown.prediction, shown.batch, None, self.protocol)
            scores = self._flicker("prediction", shown, depth_mm, shown.batch["rig"])
        # the search for a shift is slow: only where the rebuilt view is all there is to score
        return scores, {"best_shift": score_shift(shown.batch)}

    def _with_truth(
        self, shown: Shown, truth: Truth, compared: Compared
    ) -> tuple[Scores, dict[str, Scores]]:
        rig = compared.truth.rig
        scores = score_depth(compared) | self._flicker("prediction", shown, compared.fitted_mm, rig)
        baselines = {
            name: score_guess(guess, truth, self.protocol) for name, guess in shown.guesses.items()
        }
        if self.protocol.metric:  # what is aligned to the truth is not what a confidence is of
            self._reliability.add(compared)
        baselines["constant_disparity"] = score_constant(truth)
        baselines["truth"] = self._flicker("truth", shown, compared.truth.depth_mm, rig)
        if self.mean is not None:
            baselines["mean_depth"] = self.mean.score(shown.key, truth, self.protocol)
        return scores, baselines

    def _flicker(
        self, whose: str, shown: Shown, depth_mm: Float[Tensor, "1 1 h w"] | None, rig: StereoRig
    ) -> Scores:
        """Against the frame before, where there is one and the camera's motion is known."""
        if depth_mm is None or not (self.still_camera or "camera_to_world" in shown.batch):
            return {}
        still = torch.eye(4, dtype=depth_mm.dtype)[None]
        pose = still if self.still_camera else shown.batch["camera_to_world"]
        now = Seen(shown.position, shown.key.rpartition("/")[0], depth_mm, rig, pose)
        before, self._before[whose] = self._before.get(whose), now
        if before is None or not now.follows(before):
            return {}
        flicker = flicker_mm(before, now)
        return {} if flicker is None else {"flicker_mm": flicker}
