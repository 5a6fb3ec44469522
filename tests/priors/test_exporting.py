"""An export's loop: what is read, predicted and written, and what one bad frame costs."""

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from prior_scenes import a_prior

from m3depth.errors import ConfigError, DataError
from m3depth.io.video import VideoEndError
from m3depth.priors import exporting
from m3depth.priors.exporting import Export
from m3depth.priors.made import prior_of
from m3depth.priors.prior import DepthPrior
from m3depth.priors.smoothing import TemporalMean
from m3depth.sources.source import Source
from m3depth.types import DepthMap, Kind, Scale, StereoBatch
from m3depth.types.camera import StereoRig


class Clips:
    """Two sequences of four frames; ``unreadable`` cannot be read."""

    def __init__(self, *unreadable: int) -> None:
        self.unreadable = unreadable
        self.read: list[int] = []

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> StereoBatch:
        self.read.append(index)
        if index in self.unreadable:
            raise DataError(f"{index}.png: truncated")
        prior = a_prior(index)
        return {
            "left": prior.image,
            "rig": prior.rig,
            "key": f"clip{index // 4}/{index % 4}",
            "depth_mm": torch.full_like(prior.depth_mm, 50.0 + index),
        }


class Plain(Source):
    """The frames' depth; refuses the frames called ``bad``."""

    model, checkpoint_sha256 = "", ""

    def __init__(self, batch_size: int = 1, bad: str = "") -> None:
        self.batch_size, self.bad = batch_size, bad
        self.calls: list[list[str]] = []
        self.prepared: list[tuple[str, str]] = []

    def ahead(self, sample: StereoBatch) -> StereoBatch:
        self.prepared.append((str(sample["key"]), threading.current_thread().name))
        return sample

    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        self.calls.append([str(sample["key"]) for sample in samples])
        for sample in samples:
            if sample["key"] == self.bad:
                raise DataError(f"{self.bad}: of another shape")
        return [DepthMap(sample["depth_mm"][None], Kind.DEPTH) for sample in samples]


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Each frame of which a prior is made, and the thread that makes it."""
    found: list[tuple[str, str]] = []

    def noted(sample: StereoBatch, depth: DepthMap) -> DepthPrior:
        found.append((str(sample["key"]), threading.current_thread().name))
        return prior_of(sample, depth)

    monkeypatch.setattr(exporting, "prior_of", noted)
    return found


class Kept:
    """A writer that keeps what it is given."""

    def __init__(self, *done: int) -> None:
        self.before = done
        self.written: dict[int, DepthPrior] = {}
        self.skipped: dict[int, str] = {}

    def done(self, index: int, key: str, rig: StereoRig) -> bool:
        return index in self.before

    def write(self, index: int, prior: DepthPrior) -> None:
        self.written[index] = prior

    def skip(self, index: int, key: str, reason: str) -> None:
        self.skipped[index] = f"{key}|{reason}"

    def finish(self, frames: int) -> list[int]:
        return []


@pytest.mark.parametrize("batch_size", [1, 3, 20])
def test_every_frame_is_written_in_batches(batch_size: int) -> None:
    source, writer = Plain(batch_size), Kept()
    Export(source, writer)(Clips(), range(8))
    assert [prior.depth_mm.mean().item() for prior in writer.written.values()] == [
        50.0 + index for index in range(8)
    ]
    assert max(map(len, source.calls)) == min(batch_size, 8)
    assert sum(map(len, source.calls)) == 8


def test_bad_frames_fail_alone_with_one_line_each(caplog: pytest.LogCaptureFixture) -> None:
    writer = Kept()
    Export(Plain(4, bad="clip1/0"), writer)(Clips(2), range(8))
    assert sorted(writer.written) == [0, 1, 3, 5, 6, 7]
    assert writer.skipped == {
        2: "frame 2|2.png: truncated",
        4: "clip1/0|clip1/0: of another shape",
    }
    assert sorted(record.getMessage() for record in caplog.records) == [
        "skipped: 2.png: truncated",
        "skipped: clip1/0: of another shape",
    ]


def test_what_is_written_is_not_predicted_again_and_the_rest_fills_the_batches() -> None:
    source, writer = Plain(2), Kept(0, 2, 3)
    Export(source, writer)(Clips(), range(0, 8))
    assert source.calls == [["clip0/1", "clip1/0"], ["clip1/1", "clip1/2"], ["clip1/3"]]


def test_a_share_reads_only_its_own_frames() -> None:
    clips, writer = Clips(), Kept()
    Export(Plain(), writer)(clips, range(1, 8, 3))
    assert clips.read == sorted(writer.written) == [1, 4, 7]


class Cut(Clips):
    """A video that ends after five frames."""

    def __getitem__(self, index: int) -> StereoBatch:
        if index > 4:
            raise VideoEndError(f"frame {index} of 8")
        return super().__getitem__(index)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_video_that_ends_early_leaves_what_it_has_and_no_skipped_frames(batch_size: int) -> None:
    writer = Kept()
    with pytest.raises(VideoEndError, match="frame 5 of 8"):
        Export(Plain(batch_size), writer)(Cut(), range(8))
    assert sorted(writer.written) == [0, 1, 2, 3, 4]
    assert writer.skipped == {}


def smoothed(clips: Clips, batch_size: int, *shares: range, done: tuple[int, ...] = ()) -> Kept:
    writer = Kept(*done)
    for share in shares:
        Export(Plain(batch_size), writer, TemporalMean(1, colour=10))(clips, share)
    return writer


def test_neighbours_are_of_one_sequence_and_readable() -> None:
    written = smoothed(Clips(6), 1, range(8)).written
    near = {0: (0, 1), 1: (0, 1, 2), 2: (1, 2, 3), 3: (2, 3), 4: (4, 5), 5: (4, 5), 7: (7,)}
    assert written.keys() == near.keys()
    for index, prior in written.items():
        depths = torch.stack([torch.tensor(50.0 + i) for i in near[index]])
        expected = 1 / (1 / depths).mean()
        assert prior.depth_mm.median() == pytest.approx(float(expected), abs=0.05)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_smoothing_is_the_same_in_shares_and_after_a_stop(batch_size: int) -> None:
    whole = smoothed(Clips(), batch_size, range(8)).written
    parts = smoothed(Clips(), batch_size, range(1, 8, 3), range(0, 8, 3), range(2, 8, 3)).written
    resumed = smoothed(Clips(), batch_size, range(8), done=(0, 1, 2, 5)).written
    assert sorted(parts) == sorted(whole) == list(range(8))
    assert sorted(resumed) == [3, 4, 6, 7]
    for index, prior in [*parts.items(), *resumed.items()]:
        assert torch.equal(prior.depth_mm, whole[index].depth_mm)


def test_smoothing_predicts_each_frame_once(finished: list[tuple[str, str]]) -> None:
    source = Plain(2)
    Export(source, Kept(), TemporalMean(2))(Clips(), range(8))
    keys = [f"clip{i // 4}/{i % 4}" for i in range(8)]
    assert sorted(key for call in source.calls for key in call) == keys
    assert sorted(key for key, _ in finished) == keys


def test_only_the_prediction_itself_takes_the_source_s_thread(
    finished: list[tuple[str, str]],
) -> None:
    source = Plain(2)
    Export(source, Kept())(Clips(), range(8))
    here = threading.current_thread().name
    for done in (source.prepared, finished):
        assert [key for key, _ in done] == [f"clip{i // 4}/{i % 4}" for i in range(8)]
        assert here not in {thread for _, thread in done}


def test_a_frame_that_cannot_be_finished_is_skipped_alone() -> None:
    class Sheared(Clips):
        def __getitem__(self, index: int) -> StereoBatch:
            pose = torch.eye(4) if index != 2 else torch.ones(4, 4)
            return {**super().__getitem__(index), "camera_to_world": pose}

    writer = Kept()
    Export(Plain(4), writer)(Sheared(), range(8))
    assert sorted(writer.written) == [0, 1, 3, 4, 5, 6, 7]
    assert writer.skipped.keys() == {2}
    assert "clip0/2: its pose is no rotation" in writer.skipped[2]


def test_relative_depth_is_refused_in_one_line() -> None:
    class Relative(Plain):
        def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
            scale = Scale.UP_TO_SCALE_AND_SHIFT
            return [replace(one, scale=scale) for one in super().__call__(samples)]

    writer = Kept()
    with pytest.raises(ConfigError, match="gives depth up to scale and shift, and here"):
        Export(Relative(), writer)(Clips(), range(8))
    assert not writer.written
    assert not writer.skipped


def test_a_window_that_reaches_beyond_a_video_s_early_end_waits_for_the_whole_file() -> None:
    writer = Kept()
    with pytest.raises(VideoEndError):
        Export(Plain(), writer, TemporalMean(2))(Cut(), range(8))
    assert sorted(writer.written) == [0, 1, 2, 3]  # of the first sequence; 4 would see frame 5


def test_still_and_moving_cameras_are_not_mixed(caplog: pytest.LogCaptureFixture) -> None:
    class Mixed(Clips):
        def __getitem__(self, index: int) -> StereoBatch:
            sample = super().__getitem__(index)
            if index < 4:
                sample["camera_to_world"] = torch.eye(4)
            return sample

    kept = Kept()
    Export(Plain(), kept)(Mixed(), range(8))
    assert list(kept.written) == [0, 1, 2, 3]
    assert list(kept.skipped) == [4, 5, 6, 7]
    assert "clip1/0: has no pose, but the frames before have poses; export" in kept.skipped[4]
