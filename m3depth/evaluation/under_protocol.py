"""One protocol's way through a test set, frame after frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.evaluation.baselines import DepthMean, score_constant, score_guess, score_shift
from m3depth.evaluation.compared import Compared
from m3depth.evaluation.counted import NO_TRUTH, NOT_PREDICTED, LeftOut, pixels, why_left_out
from m3depth.evaluation.flicker import PosedDepth, flicker_mm
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.relative_truth import score_relative
from m3depth.evaluation.reliability import Reliability
from m3depth.evaluation.result import Result
from m3depth.evaluation.row import PixelCounts, Row
from m3depth.evaluation.scoring import VALID, score_depth, scored_depth
from m3depth.evaluation.surface_metrics import score_frontal
from m3depth.evaluation.truth import Truth
from m3depth.types import DepthMap, StereoBatch
from m3depth.types.camera import StereoRig

Scores = dict[str, float]


@dataclass
class Shown:
    """One frame with what is the same under every protocol."""

    position: int
    batch: StereoBatch
    prediction: DepthMap
    view: Scores  # of the rebuilt view
    guesses: dict[str, DepthMap]  # of the baselines that see the images

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
    _left_out: list[LeftOut] = field(default_factory=list)
    _reliability: Reliability = field(default_factory=Reliability)
    _before: dict[str, PosedDepth] = field(default_factory=dict)  # the frame before, by whose depth

    def add(self, shown: Shown) -> None:
        """Score one frame, or remember why it does not count."""
        truth = Truth.of(shown.batch)
        if truth is None or not (truth.depth_mm > 0).any():
            told = {} if truth is None else pixels(truth, self.protocol, None)
            self._rows.append(_row(shown, *self._without_truth(shown), told))
            return
        compared = None
        why = why_left_out(truth, self.protocol)
        if not why:
            within = self.protocol.within(truth)
            compared = self.protocol.compare(shown.prediction, within)
            if compared is None or not compared.answered.any():
                why, compared = NOT_PREDICTED, None
        told = pixels(truth, self.protocol, compared)
        if compared is None:
            self._left_out.append(LeftOut(shown.position, shown.key, why, told))
            return
        row = _row(shown, *self._with_truth(shown, within, compared), told)
        self._rows.append(row._replace(fitted=compared.fit.found))

    def result(self, elsewhere: Sequence[LeftOut] = ()) -> Result:
        """The numbers of all frames so far.

        Where some frames have a true depth, those without any are in no number.

        Args:
            elsewhere: Frames that did not come here, and why.
        """
        rows, left_out = self._rows, [*elsewhere, *self._left_out]
        if self._left_out or any(VALID in row.scores for row in rows):
            bare = [row for row in rows if VALID not in row.scores]
            left_out += [LeftOut(row.position, row.key, NO_TRUTH, row.pixels) for row in bare]
            rows = [row for row in rows if VALID in row.scores]
        left_out.sort(key=lambda one: one.position)
        return Result(self.protocol, rows, left_out, self._reliability)

    def _without_truth(self, shown: Shown) -> tuple[Scores, dict[str, Scores]]:
        scores: Scores = {}
        if self.protocol.metric:
            depth_mm = scored_depth(shown.prediction, shown.batch, None, self.protocol)
            scores = self._flicker("prediction", shown, depth_mm, shown.batch["rig"])
        if self.protocol.align_relative and not self.protocol.whole_video:
            scores |= score_relative(shown.prediction, shown.batch)
        # the search for a shift is slow: only where the rebuilt view is all there is to score
        return scores, {"best_shift": score_shift(shown.batch)}

    def _with_truth(
        self, shown: Shown, truth: Truth, compared: Compared
    ) -> tuple[Scores, dict[str, Scores]]:
        rig = compared.truth.rig
        scores = score_depth(compared) | self._flicker("prediction", shown, compared.fitted_mm, rig)
        own = replace(self.protocol, fits=None)  # the fits are of the prediction's videos
        baselines = {name: score_guess(guess, truth, own) for name, guess in shown.guesses.items()}
        if self.protocol.metric:  # what is aligned to the truth is not what a confidence is of
            self._reliability.add(compared)
        if truth.rig.calibrated.all():
            baselines["constant_disparity"] = score_constant(truth)
        baselines["frontal"] = score_frontal(compared.truth.depth_mm, compared.truth.counts, rig)
        baselines["truth"] = self._flicker("truth", shown, compared.truth.depth_mm, rig)
        if self.mean is not None:
            baselines["mean_depth"] = self.mean.score(shown.key, truth, own)
        return scores, baselines

    def _flicker(
        self, whose: str, shown: Shown, depth_mm: Float[Tensor, "1 1 h w"] | None, rig: StereoRig
    ) -> Scores:
        """Against the frame before, where there is one and the camera's motion is known."""
        if depth_mm is None or not (self.still_camera or "camera_to_world" in shown.batch):
            return {}
        still = torch.eye(4, dtype=depth_mm.dtype)[None]
        pose = still if self.still_camera else shown.batch["camera_to_world"]
        now = PosedDepth(shown.position, shown.key.rpartition("/")[0], depth_mm, rig, pose)
        before, self._before[whose] = self._before.get(whose), now
        if before is None or not now.follows(before):
            return {}
        flicker = flicker_mm(before, now)
        return {} if flicker is None else {"flicker_mm": flicker}


def _row(shown: Shown, scores: Scores, baselines: dict[str, Scores], told: PixelCounts) -> Row:
    return Row(shown.position, shown.key, {**scores, **shown.view}, baselines, told)
