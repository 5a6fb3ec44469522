import numpy as np
import pytest

from m3depth.evaluation.averaging import (
    FrameMean,
    SetMean,
    blocks,
    intervals,
    means,
)
from m3depth.evaluation.row import Row


def frame(key: str, value: float | None) -> Row:
    return Row(0, key, {} if value is None else {"mae_mm": value})


def mean_of(mean: FrameMean, *frames: Row) -> float:
    return means(frames, ["mae_mm"], mean)["mae_mm"]


def test_frames_count_once_whatever_their_video() -> None:
    assert mean_of(FrameMean(), frame("a/0", 1), frame("a/1", 4), frame("b/0", 4)) == 3


def challenge() -> list[Row]:
    return [
        *(frame(f"dataset_8/keyframe_0/{i}", v) for i, v in enumerate([1.0, 2.0, 3.0])),
        frame("dataset_8/keyframe_1/0", 6.0),
        *(frame(f"dataset_9/keyframe_0/{i}", 10.0) for i in range(7)),
    ]


def test_the_challenge_averages_videos_then_sets() -> None:
    """By hand: set 8 is ((1+2+3)/3 + 6)/2 = 4, set 9 is 10, the result is 7."""
    assert mean_of(SetMean(), *challenge()) == pytest.approx(7)
    eight = [f for f in challenge() if SetMean().part(f) == "dataset_8"]
    assert mean_of(SetMean(), *eight) == pytest.approx(4)


def test_a_frame_without_the_metric_is_in_no_mean() -> None:
    for mean in (FrameMean(), SetMean()):
        assert mean_of(mean, frame("s/a/0", 2.0), frame("s/b/0", None)) == 2
    assert means([frame("a/0", None)], ["mae_mm"], FrameMean()) == {}


def test_whole_videos_are_drawn() -> None:
    """Ten videos whose frames are alike: the interval is that of ten numbers, not of 1000."""
    values = np.random.default_rng(1).normal(50, 10, 10)
    frames = [frame(f"v{v}/{i}", value) for v, value in enumerate(values) for i in range(100)]
    assert blocks(frames) == "videos"
    low, high = intervals(frames, ["mae_mm"], FrameMean())["mae_mm"]
    draws = np.random.default_rng(7).choice(values, (4000, 10)).mean(axis=1)
    assert (low, high) == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.7)
    assert high - low > 4  # frames drawn one by one would give about 1.2


def test_with_one_video_frames_are_drawn_and_it_is_said() -> None:
    values = np.random.default_rng(1).normal(50, 10, 200)
    frames = [frame(f"synthetic/test/{i}", value) for i, value in enumerate(values)]
    assert blocks(frames) == "frames"
    low, high = intervals(frames, ["mae_mm"], FrameMean())["mae_mm"]
    error = values.std() / np.sqrt(200)
    assert (low, high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.3
    )


def test_intervals_hold_the_mean_and_are_the_same_each_time() -> None:
    frames = [frame(f"d{v % 2}/k{v}/{i}", v + 0.1 * i) for v in range(6) for i in range(5)]
    for mean in (FrameMean(), SetMean()):
        first = intervals(frames, ["mae_mm"], mean)
        assert first == intervals(frames, ["mae_mm"], mean)
        low, high = first["mae_mm"]
        assert low < mean_of(mean, *frames) < high


def test_what_one_frame_or_one_video_supports_has_no_interval() -> None:
    """It would be as wide as nothing, and say that the number is certain."""
    assert intervals([frame("a/0", 1.0)], ["mae_mm"], FrameMean()) == {}
    rare = [frame("a/0", 1.0), *(frame(f"a/{i}", None) for i in range(1, 9))]
    assert intervals(rare, ["mae_mm"], FrameMean()) == {}
    in_one = [*(frame(f"a/{i}", float(i)) for i in range(4)), frame("b/0", None)]
    assert intervals(in_one, ["mae_mm"], FrameMean()) == {}


def test_a_rare_metric_has_an_interval_without_nan() -> None:
    some = [frame("a/0", 0.0), frame("a/1", 1.0)]
    rare = [*some, *(frame(f"a/{i}", None) for i in range(2, 9))]
    assert intervals(rare, ["mae_mm"], FrameMean()) == {"mae_mm": (0.0, 1.0)}
