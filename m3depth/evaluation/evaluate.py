"""The run over a test set: every frame scored once, a few predicted again for the pictures."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.evaluation.baselines import (
    DepthMean,
    mean_depth,
    score_constant,
    score_sgbm,
    score_shift,
)
from m3depth.evaluation.frames import Frames
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.result import Evaluation, Frame, Row
from m3depth.evaluation.scoring import Truth, as_batch, score_disparity, score_view, scored_depth
from m3depth.types import Disparity, StereoBatch

Predict = Callable[[Float[Tensor, "b 3 h w"]], Disparity]

CHOSEN = 3  # frames shown in the report: so many evenly spaced, and so many of the worst
WORST = 3


def evaluate(
    predict: Predict,
    test: Dataset[StereoBatch],
    protocol: Protocol,
    train: Dataset[StereoBatch] | None = None,
) -> Evaluation:
    """Score a network, and what costs no learning, on every readable frame of a test set.

    Memory stays bounded: of each frame only its numbers are kept, and the frames that the report
    shows are read and predicted once more.

    Args:
        predict: Left images on the CPU to disparities at the finest scale, on any device.
        test: The test frames, one rectified pair each.
        protocol: Which pixels count, and whether the prediction may be scaled.
        train: The training frames, for the `mean_depth` baseline.

    Raises:
        DataError: Not one frame could be read, or the network's disparity is not finite.
    """
    frames = Frames(test, "evaluate")
    mean = mean_depth(Frames(train, "mean training depth")) if train is not None else None
    rows, baselines = [], []
    with torch.inference_mode():
        for index, sample in frames:
            batch = as_batch(sample)
            rows.append(Row(index, _key(batch), _scores(predict, batch, protocol)))
            baselines.append(_baselines(batch, protocol, mean))
        if not rows:
            raise DataError(_nothing_read(frames))
        return Evaluation(
            protocol=protocol,
            rows=rows,
            baseline_rows=baselines,
            skipped=list(frames.skipped),
            chosen=[_frame(predict, test, row, protocol) for row in _evenly(rows)],
            worst=[_frame(predict, test, row, protocol) for row in _worst(rows)],
        )


def _scores(predict: Predict, batch: StereoBatch, protocol: Protocol) -> dict[str, float]:
    fraction = _predicted(predict, batch)
    truth = _truth(batch, protocol)
    known = score_disparity(truth.disparity_here(fraction), truth, protocol) if truth else {}
    return {**known, **score_view(fraction, batch)}


def _predicted(predict: Predict, batch: StereoBatch) -> Float[Tensor, "1 1 h w"]:
    fraction = predict(batch["left"]).left.float().cpu()
    if not fraction.isfinite().all():
        raise DataError(
            f"frame {_key(batch)}: the network's disparity is not finite; "
            "its checkpoint is broken, evaluate an earlier one"
        )
    return fraction


def _baselines(
    batch: StereoBatch, protocol: Protocol, mean: DepthMean | None
) -> dict[str, dict[str, float]]:
    truth = _truth(batch, protocol)
    if truth is None:  # its search is slow: only where the rebuilt view is all there is to score
        return {"best_shift": score_shift(batch)}
    scores = {
        "sgbm": score_sgbm(batch, truth, protocol),
        "constant_disparity": score_constant(truth, protocol),
    }
    if mean is not None:
        scores["mean_depth"] = mean.score(_key(batch), truth, protocol)
    return scores


def _evenly(rows: list[Row]) -> list[Row]:
    count = min(CHOSEN, len(rows))
    return [rows[(2 * i + 1) * len(rows) // (2 * count)] for i in range(count)]


def _worst(rows: list[Row]) -> list[Row]:
    """By depth where it is known, else by the rebuilt view; none where neither is."""
    return sorted((r for r in rows if r.badness is not None), key=lambda r: -(r.badness or 0.0))[
        :WORST
    ]


def _frame(predict: Predict, test: Dataset[StereoBatch], row: Row, protocol: Protocol) -> Frame:
    batch = as_batch(test[row.position])
    fraction, truth = _predicted(predict, batch), _truth(batch, protocol)
    return Frame(row, batch, fraction, scored_depth(fraction, batch, truth, protocol), truth)


def _truth(batch: StereoBatch, protocol: Protocol) -> Truth | None:
    """What is known of the frame, None if not one pixel of it counts."""
    truth = Truth.of(batch)
    if truth is None:
        return None
    within = truth.within(protocol)
    return within if within.counts.any() else None


def _key(batch: StereoBatch) -> str:
    return batch["key"][0]


def _nothing_read(frames: Frames) -> str:
    if not len(frames):
        return "the test set is empty: there is nothing to evaluate; check data= and its split"
    return (
        f"none of the {len(frames)} test frames could be read; the first one: "
        f"{frames.skipped[0]['why']}"
    )
