"""One protocol's way through a test set, frame after frame."""

from dataclasses import dataclass, field

from m3depth.evaluation.baselines import DepthMean, score_constant, score_guess, score_shift
from m3depth.evaluation.flicker import Seen, flicker_mm
from m3depth.evaluation.protocol import Compared, Protocol
from m3depth.evaluation.result import Result, Row
from m3depth.evaluation.scoring import score_depth
from m3depth.evaluation.truth import Prediction, Truth
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
    """

    protocol: Protocol
    mean: DepthMean | None
    _rows: list[Row] = field(default_factory=list)
    _sparse: list[str] = field(default_factory=list)
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
            # the search for a shift is slow: only where the rebuilt view is all there is to score
            scores, baselines = shown.view, {"best_shift": score_shift(shown.batch)}
        else:
            scores = {**score_depth(compared), **shown.view}
            baselines = self._baselines(shown, truth)
            self._add_flicker(shown, compared, scores, baselines)
        self._rows.append(Row(shown.position, shown.key, scores, baselines))

    def result(self) -> Result:
        """The numbers of all frames so far."""
        return Result(self.protocol, self._rows, self._sparse)

    def _baselines(self, shown: Shown, truth: Truth) -> dict[str, Scores]:
        scores = {
            name: score_guess(guess, truth, self.protocol) for name, guess in shown.guesses.items()
        }
        scores["constant_disparity"] = score_constant(truth)
        if self.mean is not None:
            scores["mean_depth"] = self.mean.score(shown.key, truth, self.protocol)
        return scores

    def _add_flicker(
        self, shown: Shown, compared: Compared, scores: Scores, baselines: dict[str, Scores]
    ) -> None:
        """Of the prediction and, to read it against, of the true depth; only with known poses."""
        if "camera_to_world" not in shown.batch:
            return
        truth, pose = compared.truth, shown.batch["camera_to_world"]
        depths = {"": compared.fit(compared.raw_mm), "truth": truth.depth_mm}
        owners = {"": scores, "truth": baselines.setdefault("truth", {})}
        video = shown.key.rpartition("/")[0]
        for name, depth_mm in depths.items():
            now = Seen(shown.position, video, depth_mm, truth.rig, pose)
            before, self._before[name] = self._before.get(name), now
            flicker = flicker_mm(before, now) if before and now.follows(before) else None
            if flicker is not None:
                owners[name]["flicker_mm"] = flicker
