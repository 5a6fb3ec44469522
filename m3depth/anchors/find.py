"""Anchors, by the depth that a source gives for their frames."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from m3depth.anchors.anchor_file import Row, read_anchor_file
from m3depth.anchors.anchors import Anchors
from m3depth.anchors.fit import AnchoredFit, fit
from m3depth.anchors.in_frames import from_pair, from_rows
from m3depth.data.readers.folder import FolderPairs
from m3depth.errors import DataError
from m3depth.sources.source import Source
from m3depth.types import DepthMap, Scale, StereoBatch

FEW_PAIRS = 4  # below: how far the parts of a pair disagree tells how sure the fit is
ALL = ""  # the name of the fit for frames without one of their own


def by_file(
    path: Path, source: Source, frames: Iterable[StereoBatch], each: bool
) -> Mapping[str, AnchoredFit]:
    """Fits by known depths and lengths.

    Args:
        path: See `read_anchor_file`.
        source: Gives the depth.
        frames: Of the input, each named by its ``key``; read until all of the file's are found.
        each: Fit every frame by its own anchors, and not all by all of them.

    Raises:
        DataError: see `read_anchor_file` and `fit`; or a frame of the file is not in the input.
    """
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in read_anchor_file(path):
        rows[row.frame].append(row)
    found: dict[str, list[Anchors]] = {}
    last = ""
    for sample in frames:
        last = key = str(sample["key"])
        if key in rows:
            sample, depth = _seen(source, sample)
            found[key] = list(from_rows(rows.pop(key), depth, sample))
            shifted = depth.scale is Scale.UP_TO_SCALE_AND_SHIFT
        if not rows:
            break
    if rows:
        raise DataError(
            f"anchor={path}: no frame {next(iter(rows))} in the input, whose last one is {last}"
        )
    parts = found if each else {ALL: [one for several in found.values() for one in several]}
    return {key: _fitted(several, shifted) for key, several in parts.items() if several or not each}


def by_pairs(folder: Path, source: Source) -> Mapping[str, AnchoredFit]:
    """A fit by rectified pairs of the same rig, matched.

    Args:
        folder: See `FolderPairs`; with a ``rig.yaml``.
        source: Gives the depth.

    Raises:
        DataError: no pairs, no calibration, or nothing of them can be matched.
    """
    if not (folder / "left").is_dir():
        raise DataError(
            f"pairs={folder}: no folder {folder / 'left'}; rectified pairs lie in left/ and "
            "right/, beside the rig.yaml"
        )
    pairs = FolderPairs(folder, None, truth=False)
    found: list[Anchors] = []
    for index in range(len(pairs)):
        sample, depth = _seen(source, pairs[index])
        found += from_pair(depth, sample, alone=len(pairs) < FEW_PAIRS)
    return {ALL: _fitted(found, depth.scale is Scale.UP_TO_SCALE_AND_SHIFT)}


def _seen(source: Source, sample: StereoBatch) -> tuple[StereoBatch, DepthMap]:
    sample = source.ahead(sample)
    return sample, source([sample])[0].on("cpu")


def _fitted(anchors: list[Anchors], with_shift: bool) -> AnchoredFit:
    if not anchors:
        raise DataError("no anchor lies where a depth was found: nothing tells the scale")
    return fit(Anchors.joined(anchors), with_shift)
