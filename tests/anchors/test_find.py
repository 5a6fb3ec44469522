"""Anchors in files, by the depth of a source, to millimetres."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pairs_folder import write_pairs

from m3depth.anchors.anchored import AnchoredSource
from m3depth.anchors.find import by_file, by_pairs
from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import DataError
from m3depth.sources.source import NoDepthError, Source
from m3depth.types import DepthMap, Kind, Scale, StereoBatch

SCALE, SHIFT = 40.0, -0.2  # of the relative inverse depth: r = SCALE / z + SHIFT
SIZE = (96, 128)


class Relative(Source):
    """The exact inverse depth, scaled and shifted."""

    model = "exact, but relative"

    def __init__(self, frames: Sequence[StereoBatch]) -> None:
        self.depth_mm = {tuple(f["left"].mean((1, 2)).tolist()): f["depth_mm"] for f in frames}

    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        return [self._one(sample) for sample in samples]

    def _one(self, sample: StereoBatch) -> DepthMap:
        mean = sample["left"].mean((1, 2))
        key = min(self.depth_mm, key=lambda one: float((torch.tensor(one) - mean).abs().sum()))
        relative = SCALE / self.depth_mm[key][None] + SHIFT
        return DepthMap(relative, Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT)


@pytest.fixture(scope="module")
def frames() -> list[StereoBatch]:
    pairs = SyntheticPairs("train", 5, SIZE, cache=False)
    return [pairs[i] for i in range(5)]


def error_mm(source: Source, frame: StereoBatch) -> float:
    (found,) = source([frame])
    return float((found.depth_mm()[0] - frame["depth_mm"]).abs().mean())


def points_file(folder: Path, frames: Sequence[StereoBatch], change: str = "") -> Path:
    lines = ["frame,x,y,depth_mm"]
    for frame in frames:
        for x, y in ((10, 10), (100, 20), (60, 80), (30, 50)):
            lines.append(f"{frame['key']},{x},{y},{float(frame['depth_mm'][0, y, x])}")
    path = folder / "anchors.csv"
    path.write_text("\n".join(lines) + "\n" + change)
    return path


@pytest.mark.parametrize("each", [False, True])
def test_known_points_give_millimetres(frames: list[StereoBatch], tmp_path: Path, each: bool):
    relative = Relative(frames)
    path = points_file(tmp_path, frames[:2])
    source = AnchoredSource(relative, by_file(path, relative, frames, each), "points")
    assert error_mm(source, frames[0]) < 1e-3
    if each:
        with pytest.raises(NoDepthError, match="no anchor of its own"):
            source([frames[4]])
    else:
        assert error_mm(source, frames[4]) < 1e-3


def test_pairs_give_millimetres_and_say_how_surely(frames: list[StereoBatch], tmp_path: Path):
    write_pairs(tmp_path, frames[:1])
    relative = Relative(frames)
    fits = by_pairs(tmp_path, relative)
    source = AnchoredSource(relative, fits, "pairs")
    assert error_mm(source, frames[4]) < 2.5  # the matcher's own mean error here
    (fit,) = fits.values()
    low, high = fit.interval
    assert low < 1 / ((fit.middle - SHIFT) / SCALE) < high
    assert high - low < 0.1 * fit.depth_mm
    assert source.record()["from"] == "pairs"
    assert source.record()["all frames"]["interval_95_mm"] == [low, high]


def test_what_a_place_is_worth_is_in_the_expected_error(frames: list[StereoBatch], tmp_path: Path):
    frame = frames[0]
    y, x = 40, 60
    path = tmp_path / "one.csv"
    depth = float(frame["depth_mm"][0, y, x])
    path.write_text(f"frame,x,y,depth_mm,sd_mm\n{frame['key']},{x},{y},{depth},{depth / 10}\n")
    relative = Relative(frames)
    source = AnchoredSource(relative, by_file(path, relative, frames, False), "one point")
    (found,) = source([frame])
    share = found.error / found.values.abs()
    nobody_knows = 1 - found.values[0, 0, y, x] / found.values  # the slope about the one place
    expected = (2 / torch.pi) ** 0.5 * torch.hypot(torch.tensor(0.1), nobody_knows)
    torch.testing.assert_close(share[found.known], expected[found.known].float())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{key},128,10,50\n", "lies outside"),
        ("{key},-1,10,50\n", "lies outside"),
        ("nobody,1,1,50\n", "no frame nobody in the input, whose last one is "),
    ],
)
def test_one_clear_line(frames: list[StereoBatch], tmp_path: Path, line: str, said: str):
    relative = Relative(frames)
    path = points_file(tmp_path, frames[:1], line.format(key=frames[0]["key"]))
    with pytest.raises(DataError, match=said):
        by_file(path, relative, frames, False)


def test_pairs_without_a_baseline(frames: list[StereoBatch], tmp_path: Path):
    write_pairs(tmp_path, frames[:1])
    (tmp_path / "rig.yaml").unlink()
    with pytest.raises(DataError, match="baseline_mm"):
        by_pairs(tmp_path, Relative(frames))


def test_places_without_a_depth_tell_nothing(frames: list[StereoBatch], tmp_path: Path):
    class Blind(Relative):
        def _one(self, sample: StereoBatch) -> DepthMap:
            found = super()._one(sample)
            return replace(found, known=torch.zeros_like(found.values, dtype=torch.bool))

    with pytest.raises(DataError, match="nothing tells the scale"):
        by_file(points_file(tmp_path, frames[:1]), Blind(frames), frames, False)
