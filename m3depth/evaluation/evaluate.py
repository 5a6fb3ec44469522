"""The run over a test set: every frame scored once, a few predicted again for the pictures."""

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Dataset

from m3depth.data.on_demand import few_of
from m3depth.data.own_size import at_own_size, single_frames
from m3depth.errors import DataError
from m3depth.evaluation.baselines import mean_depth
from m3depth.evaluation.counted import LeftOut
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.readable_frames import ReadableFrames, Skipped
from m3depth.evaluation.result import Evaluation, Result, ShownFrame
from m3depth.evaluation.row import Row
from m3depth.evaluation.scoring import scored_depth
from m3depth.evaluation.truth import Truth, as_batch
from m3depth.evaluation.under_protocol import Run, Shown
from m3depth.evaluation.views import score_view
from m3depth.evaluation.whole_video import settled
from m3depth.geometry.resizing import size_of
from m3depth.io.images import resize_image
from m3depth.matching.sgbm import sgbm
from m3depth.sources.source import NoDepthError, Source
from m3depth.sources.together import batched, one_by_one
from m3depth.types import DepthMap, StereoBatch

CHOSEN = 3  # frames shown in the report: so many evenly spaced, and so many of the worst
WORST = 3


def evaluate(
    source: Source,
    test: Dataset[StereoBatch],
    protocols: Sequence[Protocol],
    train: Dataset[StereoBatch] | None = None,
    skip_missing: bool = False,
    still_camera: bool = False,
) -> Evaluation:
    """Score a source's depth, and what costs no learning, on every readable frame of a test set.

    Each frame is read and predicted once, whatever the number of protocols, and once more before
    where one of them aligns whole videos. Memory stays bounded:
    of each frame only its numbers are kept, and the frames that the report shows are read and
    predicted once more.

    Args:
        source: Gives each frame its depth.
        test: The test frames, one at a time.
        protocols: How to score; the first is the headline's.
        train: The training frames, for the `mean_depth` baseline.
        skip_missing: Whether frames without a prediction are left out and listed as skipped.
        still_camera: Whether flicker is scored without poses, as if the camera did not move.

    Raises:
        DataError: Not one frame could be scored, frames have no prediction, or a predicted map is
            not finite.
    """
    frames, own_size = ReadableFrames(test, "evaluate"), at_own_size(test)
    mean = None
    if train is not None:
        what = "mean training depth"
        mean = mean_depth(ReadableFrames(few_of(single_frames(train), what), what))
    missing: list[Skipped] = []
    with torch.inference_mode():
        protocols = settled(protocols, _given(source, test))
        runs = [Run(protocol, mean, still_camera) for protocol in protocols]
        for index, sample, found in _predicted(source, frames):
            if isinstance(found, NoDepthError):
                missing.append(Skipped(frame=index, why=str(found)))
                continue
            batch, prediction = as_batch(sample), _usable(found, sample, source)
            guesses = _guesses(batch, own_size, index)
            shown = Shown(index, batch, prediction, score_view(prediction, batch), guesses)
            for run in runs:
                run.add(shown)
        _refuse(missing, frames, skip_missing)
        unread = [LeftOut(one["frame"], "", "cannot be read") for one in frames.skipped]
        unread += [LeftOut(one["frame"], "", "no prediction") for one in missing]
        results = [run.result(unread) for run in runs]
        rows, protocol = results[0].rows, protocols[0]
        if not rows:
            raise DataError(_nothing_scored(frames, missing, results))
        return Evaluation(
            results=results,
            skipped=[*frames.skipped, *missing],
            chosen=[_frame(source, test, row, protocol) for row in _evenly(rows)],
            worst=[_frame(source, test, row, protocol) for row in _worst(rows)],
        )


def _predicted(
    source: Source, frames: ReadableFrames
) -> Iterator[tuple[int, StereoBatch, DepthMap | DataError]]:
    """Each frame with its place and its depth, as many together as the source is best given."""
    for some in batched(frames, source.batch_size):
        found = one_by_one(source, [sample for _, sample in some])
        for (index, sample), depth in zip(some, found, strict=True):
            yield index, sample, depth


def _given(source: Source, test: Dataset[StereoBatch]) -> Iterator[tuple[StereoBatch, DepthMap]]:
    """The frames that have a depth; of the others it is told when they are scored."""
    for _, sample, found in _predicted(source, ReadableFrames(test, "align")):
        if isinstance(found, DepthMap):
            yield sample, _usable(found, sample, source)


def _usable(found: DepthMap | DataError, sample: StereoBatch, source: Source) -> DepthMap:
    """The map on the CPU.

    Raises:
        DataError: the source failed, or the map is not finite.
    """
    if isinstance(found, DataError):
        raise found
    found = found.on("cpu")
    if not found.values.isfinite().all():
        raise DataError(
            f"frame {sample['key']}: the {found.kind} is not finite ({source.model}); where a "
            "network gave it, its checkpoint is broken: evaluate an earlier one"
        )
    return found


def _guesses(batch: StereoBatch, own_size: Dataset[StereoBatch], index: int) -> dict[str, DepthMap]:
    """What OpenCV makes of the pair; only worth its time where there is a truth.

    Of the pair at the truth's own size, whatever size the network looks at: a matcher's error is
    in pixels, so it grows as the pictures shrink.
    """
    truth = Truth.of(batch)
    if "right" not in batch or truth is None:
        return {}
    size = size_of(truth.depth_mm)
    if size_of(batch["left"]) != size:
        batch = as_batch(own_size[index])
    left, right = (resize_image(view[0], size)[None] for view in (batch["left"], batch["right"]))
    return {"sgbm": sgbm(left, right, float(truth.rig.principal_offset))}


def _evenly(rows: list[Row]) -> list[Row]:
    count = min(CHOSEN, len(rows))
    return [rows[(2 * i + 1) * len(rows) // (2 * count)] for i in range(count)]


def _worst(rows: list[Row]) -> list[Row]:
    """By depth where it is known, else by the rebuilt view; none where neither is."""
    return sorted((r for r in rows if r.badness is not None), key=lambda r: -(r.badness or 0.0))[
        :WORST
    ]


def _frame(source: Source, test: Dataset[StereoBatch], row: Row, protocol: Protocol) -> ShownFrame:
    sample = test[row.position]
    batch, prediction = as_batch(sample), _usable(source([sample])[0], sample, source)
    truth = _truth(batch, protocol)
    return ShownFrame(
        row, batch, prediction, scored_depth(prediction, batch, truth, protocol), truth
    )


def _truth(batch: StereoBatch, protocol: Protocol) -> Truth | None:
    """What is known of the frame, None if not one pixel of it counts."""
    truth = Truth.of(batch)
    if truth is None:
        return None
    within = protocol.within(truth)
    return within if within.counts.any() else None


def _refuse(missing: list[Skipped], frames: ReadableFrames, skip_missing: bool) -> None:
    if missing and not skip_missing:
        told = "; ".join(one["why"] for one in missing[:3]) + ("; ..." if len(missing) > 3 else "")
        raise DataError(
            f"{len(missing)} of {len(frames)} test frames have no prediction: {told}. Add them, or "
            "leave them out of the scores with missing=skip"
        )


def _nothing_scored(frames: ReadableFrames, missing: list[Skipped], results: list[Result]) -> str:
    if not len(frames):
        return "the test set is empty: there is nothing to evaluate; check data= and its split"
    skipped = [*frames.skipped, *missing]
    if len(skipped) < len(frames):
        first = results[0]
        other = next((r.protocol.name for r in results if r.rows), "")
        mend = f"give {other} first" if other else "choose another protocol= or change its range"
        return (
            f"the protocol {first.protocol.name} counts {first.counted}: nothing to score; {mend}"
        )
    return (
        f"none of the {len(frames)} test frames could be scored; the first one: {skipped[0]['why']}"
    )
